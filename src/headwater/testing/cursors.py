"""Checks: what changed since a cursor is read whole and once, at ties, in any time zone, after any chunk, and late."""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from headwater.connectors.protocol import Selection
from headwater.errors import Misuse
from headwater.testing.case import Case, Row
from headwater.testing.checking import Check, require
from headwater.testing.opening import numbered, opened, planned, read_back, require_rows, rows_of, selection

SECOND = datetime.timedelta(seconds=1)


def _last(rows: Sequence[Row]) -> datetime.datetime:
    return max(row.at for row in rows if row.at is not None)


def _at(rows: Sequence[Row], moment: datetime.datetime) -> list[Row]:
    return [row for row in rows if row.at == moment]


def _first_plan(case: Case, rows: Sequence[Row]) -> str:
    """Read everything by the cursor; gives `upto`."""
    plan, found = read_back(case, selection(case, cursor=True))
    require_rows(found, rows, "a whole table by its cursor")
    require(plan.upto is not None or not rows, "the plan of a cursor does not say up to where it reads")
    return plan.upto or ""


def chain(case: Case) -> None:
    """What comes after a plan, at its very end too, is what the next reads; the third finds nothing more."""
    rows = numbered(53)
    case.make(rows)
    upto = _first_plan(case, rows)
    last = _last(rows)
    new = [replace(rows[0], id=1000 + n, at=last + (n + 1) * case.resolution) for n in range(12)]
    tied = replace(rows[0], id=1999, at=last)
    changed = [replace(row, at=last + 20 * SECOND, value="changed") for row in rows[5:9]]
    case.insert([*new, tied])
    case.update(changed)
    plan, found = read_back(case, selection(case, cursor=True, since=upto))
    require_rows(
        found, [*new, tied, *changed], "rows changed since the cursor, itself included", optional=_at(rows, last)
    )
    require(plan.upto is not None, "the plan of what changed does not say up to where it reads")
    _, rest = read_back(case, selection(case, cursor=True, since=plan.upto))
    require_rows(rest, [], "nothing has changed since the cursor", optional=_at(changed, last + 20 * SECOND))


def ties(case: Case) -> None:
    """Rows that share a moment are neither split nor lost, however many more than a chunk they are; nor are any where
    chunks end with the calendar's days, if they can.
    """
    _without_loss(case, numbered(97, tie=32), selection(case, cursor=True))
    for rows in (numbered(97, tie=32), numbered(97)):
        with contextlib.suppress(Misuse):
            _without_loss(case, rows, selection(case, cursor=True, window="day"))


def _without_loss(case: Case, rows: Sequence[Row], asked: Selection) -> None:
    case.make(rows)
    plan = planned(case, asked)
    with opened(case) as connector:
        require_rows(rows_of(case, connector, asked, plan), rows, "rows that share a moment")
        read: list[Row] = []
        for place, chunk in enumerate(plan.chunks):
            read += rows_of(case, connector, asked, replace(plan, chunks=(chunk,)))
            if chunk.cursor_to is None:
                continue
            since = replace(asked, since=chunk.cursor_to)
            after = rows_of(case, connector, since, connector.plan(since))
            missing = set(rows) - set(read) - set(after)
            lost = f"after chunk {place + 1} of {len(plan.chunks)}, a sync from its cursor_to loses {len(missing)} rows"
            require(not missing, lost)
    ends = [chunk.cursor_to for chunk in plan.chunks if chunk.cursor_to is not None]
    require(bool(ends) and ends[-1] == plan.upto, f"the chunks end at {ends[-1:]}, the plan at {plan.upto}")


def late(case: Case) -> None:
    """With a lag, rows that came late are read, those at its very bound's tie included, and none that are older."""
    rows = numbered(53)
    case.make(rows)
    upto = _first_plan(case, rows)
    last = _last(rows)
    tied, seconds = replace(rows[0], id=2000, at=last), 60
    came = [tied, replace(rows[0], id=2001, at=last - 59 * SECOND), replace(rows[0], id=2002, at=last + SECOND)]
    older = replace(rows[0], id=2003, at=last - 61 * SECOND)
    case.insert([*came, older])
    again = [row for row in rows if row.at is not None and row.at > last - seconds * SECOND]
    _, found = read_back(case, selection(case, cursor=True, since=upto, lag=seconds))
    require_rows(found, came + again, "rows that came late, within the lag")


def moved_meanwhile(case: Case) -> None:
    """A row changed between plan and read is read now or next time, and its neighbours are read once."""
    rows = numbered(53)
    case.make(rows)
    asked = selection(case, cursor=True)
    plan = planned(case, asked)
    last = _last(rows)
    changed = [replace(row, at=last + SECOND, value="changed") for row in (rows[0], rows[20], rows[52])]
    case.update(changed)
    _, now = read_back(case, asked, plan)
    ids = {row.id for row in changed}
    still = [row for row in rows if row.id not in ids]
    require_rows(now, still, "rows changed between plan and read", optional=changed)
    _, then = read_back(case, selection(case, cursor=True, since=plan.upto))
    missed = set(changed) - set(now) - set(then)
    require(
        not missed, f"a row changed between plan and read is read neither now nor next time: {sorted(map(str, missed))}"
    )


def without_cursor(case: Case) -> None:
    """Rows without a moment are read with all others by a plan that has read nothing before."""
    rows = numbered(31)
    rows = [replace(row, at=None) if n % 10 == 3 else row for n, row in enumerate(rows)]
    case.make(rows)
    require_rows(read_back(case, selection(case, cursor=True))[1], rows, "rows with NULL in the cursor")


def without_cursor_later(case: Case) -> None:
    """Rows without a moment are read by every plan by the cursor: nothing else tells that one came or was changed."""
    rows = [replace(row, at=None) if n % 10 == 3 else row for n, row in enumerate(numbered(31))]
    case.make(rows)
    upto = _first_plan(case, rows)
    came = [replace(rows[3], id=3000), replace(rows[3], id=3001)]
    case.insert(came)
    _, found = read_back(case, selection(case, cursor=True, since=upto))
    without = [row for row in rows if row.at is None]
    what = "rows with NULL in the cursor, some of which came after the plan before"
    require_rows(found, [*without, *came], what, optional=_at(rows, _last(rows)))


@contextlib.contextmanager
def _time_zone(name: str) -> Iterator[None]:
    """The process's own time zone, as a user's machine may have it."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def time_zones(case: Case) -> None:
    """The process's time zone changes neither bounds nor rows, across a change to summer time neither."""
    rows = numbered(53)
    case.make(rows[:40])
    plan = planned(case, selection(case, cursor=True))
    case.make(rows)
    for zone in ("America/New_York", "Asia/Kolkata", "Europe/Berlin"):
        with _time_zone(zone):
            _, found = read_back(case, selection(case, cursor=True, since=plan.upto))
        require_rows(found, rows[40:], f"rows since a cursor, read in {zone}", optional=_at(rows, _last(rows[:40])))


CHECKS = (
    Check(name="cursor chain", what=chain.__doc__ or "", run=chain, needs=("cursor", "insert", "update")),
    Check(name="cursor ties", what=ties.__doc__ or "", run=ties, needs=("cursor",)),
    Check(name="late rows", what=late.__doc__ or "", run=late, needs=("cursor", "insert")),
    Check(
        name="rows moved meanwhile", what=moved_meanwhile.__doc__ or "", run=moved_meanwhile, needs=("cursor", "update")
    ),
    Check(
        name="null in the cursor",
        what=without_cursor.__doc__ or "",
        run=without_cursor,
        needs=("cursor", "null cursor"),
    ),
    Check(
        name="null in the cursor later",
        what=without_cursor_later.__doc__ or "",
        run=without_cursor_later,
        needs=("cursor", "null cursor", "null cursor alone", "insert"),
    ),
    Check(name="time zones", what=time_zones.__doc__ or "", run=time_zones, needs=("cursor",)),
)
