"""When a message goes: grouping and quiet hours, by the clocks of a zone. Nothing here asks what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Hours by the clocks on the wall of a zone, `until` excluded; over midnight where `until` is the earlier.

    urgent_passes: what is critical is not held.
    """

    since: time
    until: time
    time_zone: str
    urgent_passes: bool = False

    def holds(self, at: datetime) -> bool:
        """Whether it is quiet then, which the clocks show there."""
        shown = at.astimezone(ZoneInfo(self.time_zone)).time()
        if self.since < self.until:
            return self.since <= shown < self.until
        return shown >= self.since or shown < self.until

    def end(self, at: datetime) -> datetime:
        """The first moment from `at` on, in UTC, at which it is not quiet; `at` itself where it is not.

        Where the clocks are put forward over the end, it is when they are; an end that they show twice is the first
        of the two, and what of the quiet hours they then show again is quiet again.
        """
        at = at.astimezone(UTC)
        if not self.holds(at):
            return at
        late = next(each for each in self._ends(at) if each > at and not self.holds(each))
        return self._first_loud(at, late)

    def _ends(self, at: datetime) -> list[datetime]:
        """Moments at which the clocks show the end, or would if they had not been put forward, in order."""
        zone = ZoneInfo(self.time_zone)
        days = [at.astimezone(zone).date() + timedelta(days=day) for day in (0, 1, 2)]
        return sorted(
            datetime.combine(day, self.until, zone).replace(fold=fold).astimezone(UTC)
            for day in days
            for fold in (0, 1)
        )

    def _first_loud(self, quiet: datetime, loud: datetime) -> datetime:
        """Between the two it becomes loud once; clocks are set at whole seconds."""
        quiet = quiet.replace(microsecond=0)
        while loud - quiet > SECOND:
            middle = quiet + SECOND * ((loud - quiet) // SECOND // 2)
            if self.holds(middle):
                quiet = middle
            else:
                loud = middle
        return loud


def due(at: datetime, group: timedelta, quiet: Quiet | None, *, urgent: bool) -> datetime:
    """When a message goes that is begun at `at`: once its time of grouping is over, and not in quiet hours."""
    over = at + group
    if quiet is None or (urgent and quiet.urgent_passes):
        return over
    return quiet.end(over)
