"""Messages are forgotten when they are old and have come to their end, and with them what they alone told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headwater.services.notifications import channels
from headwater.services.notifications.forgetting import forget_messages
from headwater.services.notifications.wishes import Target
from headwater.services.verification import verify
from headwater.store import notifications
from headwater.telemetry import SilentProgress
from tests import servers
from tests.integration.notifications.conftest import Told
from tests.integration.notifications.test_telling import happening, tell_each
from tests.notified import Answering, Receiver

pytestmark = pytest.mark.server
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=91)


def test_old_messages_are_forgotten_and_what_waits_or_is_told_elsewhere_is_not(
    told: Told, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "FORGOTTEN_AT_ONCE", 1)
    told.add("sent", "webhook", Target(url=f"{receiver.url}/sent"), events=["run.completed", "run.failed"])
    told.add("refused", "webhook", Target(url=f"{receiver.url}/refused"), events=["run.failed"])
    tell_each(told, happening("run.completed", OLD))
    told.deliver()
    receiver.answer(Answering(410))
    tell_each(told, happening("run.failed", OLD))
    told.deliver()
    receiver.answer(Answering(200))
    tell_each(told, happening("run.completed", NOW))
    told.deliver()
    late = told.add("late", "webhook", Target(url=f"{receiver.url}/late"), events=["run.partial"], group_seconds=86400)
    tell_each(told, happening("run.partial", NOW))
    # Of what the others have forgotten one message waits still, as a receiver that was away for long has it.
    waits = "UPDATE notification_deliveries SET opened_at = %(old)s WHERE channel_id = %(late)s"
    told.river.change(waits, old=OLD, late=late.channel.channel_id)

    assert forget_messages(told.installation) == 3
    assert [(row["channel"], row["state"], row["event"]) for row in told.messages()] == [
        ("late", "pending", "run.partial"), ("sent", "sent", "run.completed"),
    ]  # fmt: skip
    kept = told.river.rows("SELECT event, happened_at FROM notifications ORDER BY event")
    assert [(row["event"], row["happened_at"] > OLD) for row in kept] == [
        ("run.completed", True),
        ("run.partial", True),
    ]
    assert forget_messages(told.installation) == 0
    noted = told.river.rows("SELECT payload FROM audit_entries WHERE action = 'notifications.forgotten' ORDER BY seq")
    assert [row["payload"] for row in noted] == ['{"days":90,"messages":1}'] * 3
    assert verify(told.installation, progress=SilentProgress()).differences == ()
    channels.remove(told.installation, "late")
    assert forget_messages(told.installation) == 1, "what is dropped is no more needed than what was sent"


def test_each_organisation_is_seen_to(told: Told, receiver: Receiver, installation: servers.Installation) -> None:
    other = replace(told.installation, tenant_id=installation.add_tenant("other"))
    theirs = replace(told, installation=other)
    for each in (told, theirs):
        each.add("oncall", "webhook", Target(url=f"{receiver.url}/hook"))
        tell_each(each, happening("run.completed", OLD))
    told.river.change("UPDATE notification_deliveries SET state = 'sent'")  # their rows are in the queue, by which
    assert forget_messages(told.installation) == 2  # a worker knows them
    assert told.river.rows("SELECT FROM notifications") == []
