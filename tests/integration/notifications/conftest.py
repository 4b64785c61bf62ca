"""An installation that may tell receivers on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from headwater.services.installation import Installation
from headwater.services.notifications import channels
from headwater.services.notifications.channels import ChannelView
from headwater.services.notifications.delivering import deliver
from headwater.services.notifications.wishes import Kind, Target, wishes_of
from tests.notified import Receiver, receiving
from tests.river import River


@dataclass(frozen=True)
class Told:
    """Channels of a fresh installation, and what is waiting for them."""

    river: River
    installation: Installation

    def add(self, name: str, kind: Kind, target: Target, **wishes: Any) -> ChannelView:
        said = {
            "group_seconds": 0,
            "events": ["run.completed", "run.failed", "run.partial", "quarantine.above"],
            **wishes,
        }
        return channels.add(self.installation, name, kind, target, wishes_of(said))

    def deliver(self, now: datetime | None = None) -> list[float | None]:
        """As a worker does with each row in the queue of messages, the first first; what it said of each."""
        rows = self.river.rows(
            "SELECT id, args FROM headwater_queue.procrastinate_jobs WHERE task_name = 'deliver' ORDER BY id"
        )
        said = []
        for row in rows:
            said.append(deliver(self.installation, UUID(row["args"]["id"]), now=now or datetime.now(UTC)))
            if said[-1] is None:
                self.river.change("DELETE FROM headwater_queue.procrastinate_jobs WHERE id = %(id)s", id=row["id"])
        return said

    def messages(self) -> list[dict[str, Any]]:
        return self.river.rows(
            "SELECT d.*, c.name AS channel FROM notification_deliveries d JOIN notification_channels c"
            " USING (channel_id) ORDER BY opened_at, event"
        )


@pytest.fixture
def told(river: River) -> Told:
    settings = river.installation.settings.model_copy(update={"api_networks": "127.0.0.0/8,::1/128"})
    return Told(river, replace(river.installation, settings=settings))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
