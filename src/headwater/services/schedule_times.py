"""When a schedule is due: cron in a time zone, with daylight saving as Debian's cron treats it.

A time that the clocks skip is due when they have been put forward; one that they show twice is due once. What comes
every hour or more often follows the hours that pass, skipped and doubled ones alike.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 2 * * *",
    "@weekly": "0 3 * * 1",
    "@monthly": "0 4 1 * *",
    "@annually": "0 5 1 1 *",
}
"""Words in place of the five fields; each kind at an hour of its own, so that what rests on the other comes later."""


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time after `after` (with a zone) at which it is due, in UTC.

    Misuse where the cron expression or the zone cannot be read, or where it is never due.
    """
    return next(times(cron, time_zone, after))


def times(cron: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """All times after `after` at which it is due, in UTC, in order."""
    zone = zone_of(time_zone)
    five = NAMED.get(cron.strip(), cron.strip())
    if len(five.split()) != len(("minute", "hour", "day", "month", "weekday")):
        raise _not_cron(cron, "it has not five fields")
    try:
        yield from (due.astimezone(UTC) for due in CronSim(five.upper(), after.astimezone(zone)))
    except CronSimError as error:
        raise _not_cron(cron, str(error)) from error
    raise _not_cron(cron, "there is no such day within 50 years")


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name; Misuse where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misuse(
            "there is no such time zone", where="time zone", value=name, valid="a name such as UTC or Europe/Berlin"
        ) from error


def _not_cron(said: str, why: str) -> Misuse:
    return Misuse(
        f"this is no cron expression: {why}",
        where="cron",
        value=said,
        valid=f"minute, hour, day, month, weekday, as in '30 2 * * 1-5'; or one of {', '.join(NAMED)}",
    )
