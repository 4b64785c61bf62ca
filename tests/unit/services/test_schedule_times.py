"""Times of schedules around changes of the clocks; what is now is always said."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from headwater.errors import Misuse
from headwater.services.schedule_times import NAMED, next_time, times


def due(cron: str, after: str, count: int, zone: str = "Europe/Berlin") -> list[str]:
    began = datetime.fromisoformat(after).replace(tzinfo=UTC)
    return [f"{at:%m-%d %H:%M}" for at in islice(times(cron, zone, began), count)]


def test_a_time_of_day_keeps_its_hour_on_the_wall_whatever_the_season() -> None:
    assert due("30 6 * * *", "2026-03-28T00:00", 2) == ["03-28 05:30", "03-29 04:30"]
    assert due("30 6 * * *", "2026-10-24T00:00", 2) == ["10-24 04:30", "10-25 05:30"]


def test_a_time_that_the_clocks_skip_is_due_once_they_are_put_forward() -> None:
    assert due("30 2 * * *", "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]


def test_a_time_that_the_clocks_show_twice_is_due_once() -> None:
    assert due("30 2 * * *", "2026-10-24T12:00", 2) == ["10-25 00:30", "10-26 01:30"]


def test_what_comes_every_hour_follows_the_hours_that_pass() -> None:
    assert due("0 * * * *", "2026-10-24T23:30", 3) == ["10-25 00:00", "10-25 01:00", "10-25 02:00"]
    assert due("0 * * * *", "2026-03-29T00:30", 2) == ["03-29 01:00", "03-29 02:00"]


def test_other_zones_and_the_end_of_a_month() -> None:
    assert due("0 0 L * *", "2028-02-01T00:00", 1, "Asia/Kathmandu") == ["02-28 18:15"]
    assert due("0 3 1 1 *", "2026-01-02T00:00", 1, "UTC") == ["01-01 03:00"]


@pytest.mark.parametrize("word", sorted(NAMED))
def test_words_stand_for_fields(word: str) -> None:
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    assert next_time(word, "UTC", now) == next_time(NAMED[word], "UTC", now)


@pytest.mark.parametrize(
    ("cron", "zone", "why"),
    [
        ("0 2 * *", "UTC", "it has not five fields"),
        ("0 25 * * *", "UTC", "Bad hour"),
        ("0 0 2 * * *", "UTC", "it has not five fields"),
        ("0 0 30 2 *", "UTC", "there is no such day|no such|Bad"),
        ("@yearly", "UTC", "it has not five fields"),
        ("0 2 * * *", "Europe/Bonn", "no such time zone"),
        ("0 2 * * *", "../etc/passwd", "no such time zone"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(cron: str, zone: str, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        next_time(cron, zone, datetime(2026, 1, 1, tzinfo=UTC))
