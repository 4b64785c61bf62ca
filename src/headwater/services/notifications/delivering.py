"""Messages sent: by workers when they are due, again where that may help, and by hand to try a channel.

At least once: a worker that dies between the receiver's answer and its note of it leaves a message that is sent again,
under the same id.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from headwater.errors import HeadwaterError, Misuse, NotFound
from headwater.services.access.policy import Right
from headwater.services.notifications import mail, slack, webhook
from headwater.services.notifications.events import TEST, URGENT
from headwater.services.notifications.outcomes import Outcome
from headwater.services.notifications.posting import Reach
from headwater.services.notifications.sealing import addresses_of, secrets_of
from headwater.services.notifications.telling import quiet_of
from headwater.services.notifications.wording import MANY, Message
from headwater.store import audit, notifications
from headwater.store.notifications import Delivery, Notification
from headwater.store.tenants import name_of
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.notifications import Channel

WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0)
"""Seconds after the first attempt, the second …: eight attempts within a day."""
JITTER = 0.2
AT_IT = 5.0
"""Seconds after which a message is looked at again that another worker is sending."""


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """All that is needed to send a message, read before anything is sent."""

    channel: Channel
    message: Message
    attempt: int


def deliver(installation: Installation, delivery_id: UUID, *, now: datetime) -> float | None:
    """Send a message that is due; seconds until it is to be tried again, None where there is nothing more to do.

    A worker asks on behalf of whoever made the channel. Whoever else is at the same message comes again.
    """
    held = installation.database.hold(installation.tenant_id, f"message {installation.tenant_id} {delivery_id}")
    if held is None:
        return AT_IT
    with held:
        return _deliver(installation, delivery_id, now)


def _deliver(installation: Installation, delivery_id: UUID, now: datetime) -> float | None:
    ready = _begin(installation, delivery_id, now)
    if ready is None or isinstance(ready, float):
        return ready
    outcome = _sent(installation, ready, now)
    tried_again = outcome.passes and ready.attempt <= len(WAITS)
    wait = None
    if not outcome.is_sent and tried_again:
        wait = WAITS[ready.attempt - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load
        wait = max(wait, outcome.after or 0.0)
    state = "sent" if outcome.is_sent else "failed" if wait is None else "pending"
    with installation.database.connect(installation.tenant_id) as connection:
        notifications.end_attempt(
            connection, installation.tenant_id, delivery_id, state,
            status=outcome.status, error=outcome.error, seconds=wait,
        )  # fmt: skip
    if state == "failed":
        get_logger(__name__).error(
            "a notification has not got through", channel=ready.channel.name, delivery_id=str(delivery_id),
            error=outcome.error,
        )  # fmt: skip
    return wait


def send_test(installation: Installation, name: str) -> Outcome:
    """Send a test to a channel at once, in quiet hours too, and say what came of it."""
    installation.require(Right.TRANSFORM, on=f"notification-channel/{name}")
    now, tenant_id = datetime.now(UTC), installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        channel = notifications.find_channel(connection, tenant_id, name)
        organisation = name_of(connection, tenant_id)
    told = Notification(
        notification_id=uuid4(), event=TEST, severity="info", resource=f"notification-channel/{channel.channel_id}",
        occurrence=now.isoformat(), correlation_id=str(channel.channel_id),
        summary=f"This is a test of the channel {channel.name}; nothing has happened", data={}, happened_at=now,
    )  # fmt: skip
    message = Message(
        message_id=uuid4(), event=TEST, severity="info", organisation=organisation, told=1, first=[told], opened_at=now
    )
    outcome = _sent(installation, _Ready(channel=channel, message=message, attempt=1), now)
    with installation.database.connect(tenant_id) as connection:
        audit.append(
            connection, tenant_id, action="channel.tested", resource=f"notification-channel/{channel.channel_id}",
            payload={"name": name, "status": outcome.status}, result="done" if outcome.is_sent else "failed",
        )  # fmt: skip
    return outcome


def retry(installation: Installation, delivery: str | UUID) -> Delivery:
    """Have a message that failed be sent again, under its id. Misuse where it has not failed."""
    installation.require(Right.TRANSFORM, on="notifications")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.find_delivery(connection, tenant_id, str(delivery))
        channel = notifications.get_channel(connection, tenant_id, found.channel_id)
        if channel.removed_at is not None:
            raise NotFound(
                "its channel was removed",
                where="channel",
                value=channel.name,
                valid="a message to a channel that is there",
                remedy="Add a channel anew: it is told of what happens from then on.",
            )
        if not notifications.try_again(connection, tenant_id, found.delivery_id):
            raise Misuse(
                "there is nothing to send again", where=f"delivery {found.delivery_id}", value=found.state,
                valid="failed",
            )  # fmt: skip
        audit.append(
            connection, tenant_id, action="notification.asked_again", resource=f"notification/{found.delivery_id}",
            payload={"channel": channel.name},
        )  # fmt: skip
        return notifications.find_delivery(connection, tenant_id, str(found.delivery_id))


def list_deliveries(
    installation: Installation, *, state: str | None = None, limit: int = 20
) -> tuple[list[dict[str, Any]], int]:
    """Messages, the latest first, of one state or of all, each with its channel; and how many there are."""
    installation.require(Right.READ)
    if state is not None and state not in notifications.STATES:
        valid = ", ".join(notifications.STATES)
        raise Misuse("messages have no such state", where="state", value=state, valid=valid)
    with installation.database.connect(installation.tenant_id) as connection:
        return notifications.list_deliveries(connection, installation.tenant_id, state=state, limit=limit)


@dataclass(frozen=True, kw_only=True)
class DeliveryShown(Delivery):
    """A message, and what it tells.

    notifications  the first of them
    """

    notifications: Sequence[Notification]


def show_delivery(installation: Installation, delivery: str | UUID) -> tuple[Delivery, list[Notification]]:
    """A message, and the first of what it tells."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        found = notifications.find_delivery(connection, installation.tenant_id, str(delivery))
        return found, notifications.told_in(connection, installation.tenant_id, found.delivery_id, limit=MANY)


def _begin(installation: Installation, delivery_id: UUID, now: datetime) -> _Ready | float | None:
    """What an attempt needs, noted as begun; or seconds until it may begin, or None where none is to be made."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.lock_delivery(connection, tenant_id, delivery_id)
        if found is None or found.state not in {"pending", "held"}:
            return None
        if found.next_at is not None and found.next_at > now:
            return (found.next_at - now).total_seconds()
        channel = notifications.get_channel(connection, tenant_id, found.channel_id)
        loud_at = _loud_at(channel, found, now)
        if loud_at > now:
            notifications.put_off(connection, tenant_id, delivery_id, loud_at, held=True)
            return (loud_at - now).total_seconds()
        notifications.begin(connection, tenant_id, delivery_id)
        return _Ready(
            channel=channel,
            message=_message(connection, tenant_id, found),
            attempt=found.attempts + 1,
        )


def _loud_at(channel: Channel, found: Delivery, now: datetime) -> datetime:
    """When a message may go; its channel may have other quiet hours by now."""
    quiet = quiet_of(channel)
    if quiet is None or (found.severity == URGENT and quiet.urgent_passes):
        return now
    return quiet.end(now)


def _message(connection: TenantConnection, tenant_id: UUID, found: Delivery) -> Message:
    return Message(
        message_id=found.delivery_id,
        event=found.event,
        severity=found.severity,
        organisation=name_of(connection, tenant_id),
        told=found.told,
        first=notifications.told_in(connection, tenant_id, found.delivery_id, limit=MANY),
        opened_at=found.opened_at,
    )


def _sent(installation: Installation, ready: _Ready, now: datetime) -> Outcome:
    """Send it as its channel is told; whatever is wrong is told as an outcome."""
    reach, channel = Reach.of(installation.settings), ready.channel
    try:
        with installation.database.connect(installation.tenant_id) as connection:
            secrets = secrets_of(installation, connection, channel.channel_id)
        if not secrets:
            return Outcome(error="its channel was removed", passes=False)
        if channel.kind == "email":
            return mail.send(installation, ready.message, addresses_of(secrets[0]), at=now)
        if channel.kind == "slack":
            return slack.send(ready.message, secrets[0], reach=reach)
        return webhook.send(ready.message, channel.config["url"], secrets, at=now, reach=reach)
    except HeadwaterError as error:  # as where the key of its secret is not known
        return Outcome(error=error.what)
    except Exception as unforeseen:  # noqa: BLE001 - it counts as an attempt: else it would be made for ever
        # Without what it says: that may name the address, which of a chat is its secret.
        kind, frame = type(unforeseen).__name__, traceback.extract_tb(unforeseen.__traceback__)[-1]
        get_logger(__name__).error(
            "a message could not be sent for an unforeseen reason", delivery_id=str(ready.message.message_id),
            error=kind, at=f"{frame.filename}:{frame.lineno}",
        )  # fmt: skip
        return Outcome(error=f"it could not be sent: {kind}")
