"""Reckoning with the texts of cursors: how far back to read again, and which month, week or day a time stands in."""

from __future__ import annotations

import datetime
import re

from headwater.connectors.protocol import Unit
from headwater.connectors.sql.tables import Field
from headwater.errors import Misuse

_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d(?::\d\d)?)(?P<rest>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?)?"
)
_VALID = {
    "zoned": "a moment: 2026-01-31T09:30:00Z",
    "time": "a time without zone: 2026-01-31T09:30:00",
    "date": "a day: 2026-01-31",
    "integer": "a whole number",
}
_DAY_SECONDS = 86_400


def checked(field: Field, since: str, where: str) -> str:
    """A cursor that somebody says, as it is bound. Misuse for what is no value of the column's type."""
    found = _TIME.fullmatch(since)
    if field.family == "integer":
        right = re.fullmatch(r"-?\d{1,38}", since) is not None
    elif field.family == "date":
        right = found is not None and found["time"] is None and _exists(since)
    else:
        zoned = found is not None and found["zone"] is not None
        right = found is not None and _exists(since) and zoned is (field.family == "zoned")
    # Years before the first and beyond the 9999th are written as the source writes them.
    if not right and not (
        field.family != "integer" and re.fullmatch(r"\d{4,}-[\d:T.Z+-]+( BC| \(BC\))?", since) and not found
    ):
        raise Misuse(
            f"this is no value of the cursor {field.name!r}", where=where, value=since, valid=_VALID[field.family]
        )
    return since


def _exists(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def earlier(field: Field, cursor: str, lag: int) -> str | None:
    """The cursor by `lag` seconds (or units of a number) earlier; None where there is no time so early.

    A lag in days of a date is rounded up. Digits beyond the second stay as they are.
    """
    if lag == 0:
        return cursor
    if field.family == "integer" or re.fullmatch(r"-?\d+", cursor):  # the latter: seconds in a column of SQLite's
        return str(int(cursor) - lag)
    found = _TIME.fullmatch(cursor)
    if found is None:  # before year 1 or after 9999: nothing is reckoned, everything is read again
        return None
    try:
        if field.family == "date":
            back = datetime.timedelta(days=-(-lag // _DAY_SECONDS))
            return (datetime.date.fromisoformat(cursor) - back).isoformat()
        moment = datetime.datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00:00'}")
        moment -= datetime.timedelta(seconds=lag)
    except OverflowError:
        return None
    separator = cursor[10:11] or "T"
    return moment.isoformat(separator) + (found["rest"] or "") + (found["zone"] or "")


def window(field: Field, cursor: str, unit: Unit) -> tuple[str, str] | None:
    """First moment of the calendar's month, week (from Monday) or day, and the moment after its last.

    None where the calendar does not reach.
    """
    found = _TIME.fullmatch(cursor)
    if found is None:
        return None
    try:
        day = datetime.date.fromisoformat(found["day"])
        if unit == "month":
            first = day.replace(day=1)
            after = (first + datetime.timedelta(days=31)).replace(day=1)
        elif unit == "week":
            first = day - datetime.timedelta(days=day.weekday())
            after = first + datetime.timedelta(days=7)
        else:
            first, after = day, day + datetime.timedelta(days=1)
    except (OverflowError, ValueError):  # the latter: days that no calendar has, which some databases keep
        return None
    return _moment(field, first), _moment(field, after)


def is_later(text: str, other: str) -> bool:
    """Whether one time of a column stands after another, both without zone or in UTC; no where that isn't known."""
    return (one := _place(text)) is not None and (two := _place(other)) is not None and one > two


def _place(text: str) -> tuple[str, str, str] | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    return found["day"], found["time"] or "00:00:00", (found["rest"] or "").rstrip("0.")


def _moment(field: Field, day: datetime.date) -> str:
    if field.family == "date":
        return day.isoformat()
    return f"{day.isoformat()}T00:00:00" + ("Z" if field.family == "zoned" else "")
