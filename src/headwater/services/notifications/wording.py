"""A message in words: how many of an event, and the first few of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.services.notifications.events import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from headwater.store.notifications import Notification

FEW = 5
"""So many are told one by one where people read; programs are told more."""
MANY = 100


@dataclass(frozen=True, kw_only=True)
class Message:
    """What goes to a channel as one. `first`: the first of what it tells, at most MANY; `told`: how many there are."""

    message_id: UUID
    event: str
    severity: str
    organisation: str
    told: int
    first: Sequence[Notification]
    opened_at: datetime

    @property
    def subject(self) -> str:
        """One line: what happened, how often, where."""
        one, several = WORDS[self.event]
        what = one[0].upper() + one[1:] if self.told == 1 else f"{self.told:,} {several}"
        return f"{what} ({self.organisation})"

    @property
    def lines(self) -> list[str]:
        """The first few, each with when and by which id it is looked up."""
        return [f"{each.summary} ({each.happened_at:%Y-%m-%d %H:%M} UTC, {each.resource})" for each in self.first[:FEW]]

    @property
    def more(self) -> str | None:
        """What is not told one by one."""
        rest = self.told - len(self.first[:FEW])
        return f"And {rest:,} more: headwater notifications list shows them." if rest else None

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n".join([self.subject, "", *(f"- {line}" for line in self.lines), *filter(None, ["", self.more])])

    def as_json(self) -> dict[str, Any]:
        """As programs are told."""
        return {
            "type": self.event,
            "timestamp": self.opened_at.isoformat(),
            "data": {
                "organisation": self.organisation,
                "severity": self.severity,
                "count": self.told,
                "left_out": self.told - len(self.first),
                "items": [
                    {
                        "id": str(each.notification_id),
                        "event": each.event,
                        "resource": each.resource,
                        "correlation_id": each.correlation_id,
                        "happened_at": each.happened_at.isoformat(),
                        "summary": each.summary,
                        "data": dict(each.data),
                    }
                    for each in self.first
                ],
            },
        }
