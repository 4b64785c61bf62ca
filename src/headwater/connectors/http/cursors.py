"""Cursors as texts: moments as ISO 8601, days, and numbers; one moved back by a lag, the later of two."""

from __future__ import annotations

import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from headwater.connectors.protocol import Unit
from headwater.errors import Misuse

_DAY = 10


def earlier(text: str, lag: int, by: Literal["time_window", "counter"]) -> str:
    """A cursor moved back by seconds, or by units of a number; a day by whole days, rather too many than too few."""
    if not lag:
        return text
    if by == "counter":
        return str(number(text) - lag)
    found = moment(text)
    try:
        if len(text) == _DAY:
            return (found - datetime.timedelta(days=-(-lag // 86400))).date().isoformat()
        return iso(found - datetime.timedelta(seconds=lag), has_zone=text.endswith("Z"))
    except OverflowError:
        return "0001-01-01" if len(text) == _DAY else iso(datetime.datetime.min, has_zone=text.endswith("Z"))  # noqa: DTZ901 - as `found`


def later(one: str | None, other: str, by: Literal["time_window", "counter"]) -> str:
    """The later of two cursors."""
    if one is None:
        return other
    of = number if by == "counter" else moment
    return other if of(other) >= of(one) else one  # type: ignore[operator] # both of one kind


def window_begun(text: str, unit: Unit, *, after: str) -> str | None:
    """First moment of the month, week or day that a time stands in, written as that is; None where it is not later than
    another time, or the calendar does not reach.
    """
    try:
        found, last = moment(text), moment(after)
    except Misuse:
        return None
    is_day, has_zone = len(text) == _DAY, text.endswith("Z")
    days = {"month": found.day - 1, "week": found.weekday(), "day": 0}[unit]
    if days >= found.toordinal():
        return None
    begun = datetime.datetime.combine(found.date() - datetime.timedelta(days=days), datetime.time())
    if begun <= last:
        return None
    return begun.date().isoformat() if is_day else iso(begun, has_zone=has_zone)


def number(text: str) -> Decimal:
    """Raises Misuse for what is none."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Misuse("the cursor is no number", where="since", value=text, valid="a number such as 1200")
    return found


def moment(text: str) -> datetime.datetime:
    """In UTC where it has a zone; without one, as it stands, beside others without. Raises Misuse for what is none."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(
            "the cursor is no time", where="since", value=text, valid="ISO 8601, as 2026-01-31T13:45:00Z or 2026-01-31"
        ) from None
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found


def iso(found: datetime.datetime, *, has_zone: bool) -> str:
    """A moment as locators and cursors have it: no more digits than needed."""
    text = found.isoformat(timespec="microseconds" if found.microsecond else "seconds")
    return (text.rstrip("0") if found.microsecond else text) + ("Z" if has_zone else "")
