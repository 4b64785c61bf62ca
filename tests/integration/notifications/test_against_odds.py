"""What a hostile receiver, another worker or another hand at the channel does to messages: no more than it should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from headwater.services.notifications import channels
from headwater.services.notifications.telling import tell
from headwater.services.notifications.wishes import Target
from tests.integration.notifications.conftest import Told
from tests.integration.notifications.test_telling import happening, tell_each
from tests.notified import Receiver
from tests.workers import Workshop, until

pytestmark = pytest.mark.server


def test_who_changes_a_channel_does_not_undo_what_tells_it_something(told: Told, receiver: Receiver) -> None:
    """A run that ends holds a message that it has joined, and opens another; the change waits for the first."""
    told.add("oncall", "webhook", Target(url=receiver.url), group_seconds=3600)
    tenant_id, now = told.installation.tenant_id, datetime.now(UTC)
    tell_each(told, happening("run.partial", now))
    with ThreadPoolExecutor(1) as another, told.installation.database.connect(tenant_id) as ends:
        tell(ends, tenant_id, [happening("run.partial", now)])
        changing = another.submit(channels.change, told.installation, "oncall", {"least_severity": "warning"})
        until(lambda: changing.done() or Workshop(told.river).someone_waits(), "the change waits for the message")
        tell(ends, tenant_id, [happening("quarantine.above", now)])
        ends.commit()
        changing.result()
    assert sorted((row["event"], row["told"]) for row in told.messages()) == [
        ("quarantine.above", 1), ("run.partial", 2),
    ]  # fmt: skip
