"""Quiet hours by the clocks of any zone, and what goes together: whatever the hours and whenever things happen."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given
from hypothesis import strategies as st

from headwater.services.notifications.times import Quiet, due
from tests.notified import grouped

# Clocks that are set by an hour, by half of one, at midnight, not at all, and in the other half of the year.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "UTC",
    "Asia/Kathmandu",
    "Pacific/Chatham",
)
hours = st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 59)))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is said


@st.composite
def quiets(draw: st.DrawFn) -> Quiet:
    since, until = draw(hours), draw(hours)
    assume(since != until)
    return Quiet(since=since, until=until, time_zone=draw(st.sampled_from(ZONES)), urgent_passes=draw(st.booleans()))


def around_changes_of_clocks(quiet: Quiet, at: datetime) -> datetime:
    """The moment of the same day at which a zone's clocks are set, where they are; else the moment itself."""
    zone, day = ZoneInfo(quiet.time_zone), at.replace(hour=0, minute=0, second=0, microsecond=0)
    offsets = [(day + timedelta(minutes=15 * n)).astimezone(zone).utcoffset() for n in range(97)]
    set_at = next((n for n, (one, other) in enumerate(pairwise(offsets)) if one != other), None)
    return at if set_at is None else day + timedelta(minutes=15 * set_at)


@given(quiets(), moments, st.booleans())
@example(
    Quiet(since=time(22), until=time(2, 30), time_zone="Europe/Berlin"), datetime(2026, 3, 29, 0, 30, tzinfo=UTC), False
)
@example(
    Quiet(since=time(22), until=time(2, 30), time_zone="Europe/Berlin"),
    datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
    False,
)
def test_quiet_hours_end_at_the_first_moment_that_is_not_quiet(quiet: Quiet, at: datetime, at_change: bool) -> None:
    at = around_changes_of_clocks(quiet, at) if at_change else at
    end = quiet.end(at)
    assert not quiet.holds(end)
    assert quiet.end(end) == end
    if end == at:
        return
    assert quiet.holds(at)
    assert quiet.holds(end - timedelta(seconds=1)) or end - at < timedelta(seconds=1)
    assert end - at < timedelta(hours=26)
    between = [at + (end - at) * n / 12 for n in range(12)]
    assert all(quiet.holds(each) for each in between)


@given(quiets(), moments)
def test_hours_are_quiet_or_their_complement_is(quiet: Quiet, at: datetime) -> None:
    rest = Quiet(since=quiet.until, until=quiet.since, time_zone=quiet.time_zone)
    assert quiet.holds(at) != rest.holds(at)


@given(quiets(), moments, st.integers(0, 86_400), st.booleans())
def test_a_message_goes_after_its_time_of_grouping_and_never_in_quiet_hours(
    quiet: Quiet, at: datetime, seconds: int, urgent: bool
) -> None:
    group = timedelta(seconds=seconds)
    goes = due(at, group, quiet, urgent=urgent)
    assert goes >= at + group
    if urgent and quiet.urgent_passes:
        assert goes == at + group
    else:
        assert not quiet.holds(goes)
    assert due(at, group, None, urgent=urgent) == at + group


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5000)), max_size=40), st.integers(0, 600),
    st.none() | quiets(), moments,
)  # fmt: skip
def test_what_happens_is_told_once_together_and_in_time(
    drawn: list[tuple[str, int]], seconds: int, quiet: Quiet | None, began: datetime
) -> None:
    things = sorted(((event, began + timedelta(seconds=after)) for event, after in drawn), key=lambda each: each[1])

    def goes(at: datetime) -> datetime:
        return due(at, timedelta(seconds=seconds), quiet, urgent=False)

    groups = grouped(things, goes)
    assert sorted(each for group in groups for each in group) == sorted(things)
    for group in groups:
        assert len({event for event, _ in group}) == 1
        assert all(at < goes(group[0][1]) or at == group[0][1] for _, at in group)
    for event in {event for event, _ in things}:
        for one, other in pairwise([group for group in groups if group[0][0] == event]):
            assert other[0][1] >= goes(one[0][1]), "the second would have gone with the first"


def test_over_the_change_of_clocks_as_people_would_say_it() -> None:
    night = Quiet(since=time(22), until=time(7), time_zone="Europe/Berlin")
    assert night.end(datetime(2026, 3, 28, 22, tzinfo=UTC)) == datetime(2026, 3, 29, 5, tzinfo=UTC), "summer time"
    assert night.end(datetime(2026, 10, 24, 22, tzinfo=UTC)) == datetime(2026, 10, 25, 6, tzinfo=UTC), "winter time"
    skipped = Quiet(since=time(22), until=time(2, 30), time_zone="Europe/Berlin")
    assert skipped.end(datetime(2026, 3, 29, 0, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC), "there is no 2:30"
    twice = skipped.end(datetime(2026, 10, 24, 23, tzinfo=UTC))
    assert twice == datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "the first 2:30"
