"""What happened, written down for the channels that want it, in the transaction that made it happen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from headwater.services.notifications.events import URGENT, wants
from headwater.services.notifications.times import Quiet, due
from headwater.store import notifications
from headwater.store.notifications import Notification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.services.notifications.events import Happening
    from headwater.store.database import TenantConnection
    from headwater.store.notifications import Channel, Wanted


def tell(connection: TenantConnection, tenant_id: UUID, happenings: Sequence[Happening]) -> None:
    """Have channels told of what happened, each thing once. Call it before the audit chain is added to."""
    channels = notifications.list_channels(connection, tenant_id) if happenings else []
    wanted = [(each, [channel for channel in channels if wants(channel, each)]) for each in happenings]
    wanted = [(each, to) for each, to in wanted if to]
    if not wanted:
        return
    notifications.one_at_a_time(connection, tenant_id)
    for happening, to in wanted:
        noted = _noted(happening)
        if notifications.add_notification(connection, tenant_id, noted):
            for channel in to:
                _tell_channel(connection, tenant_id, channel, noted)


def quiet_of(wanted: Wanted) -> Quiet | None:
    """The quiet hours of a channel."""
    if wanted.quiet_from is None or wanted.quiet_to is None or wanted.quiet_time_zone is None:
        return None
    return Quiet(
        since=wanted.quiet_from,
        until=wanted.quiet_to,
        time_zone=wanted.quiet_time_zone,
        urgent_passes=wanted.urgent_passes,
    )


def _tell_channel(connection: TenantConnection, tenant_id: UUID, channel: Channel, noted: Notification) -> None:
    if notifications.join_open(connection, tenant_id, channel.channel_id, noted):
        return
    group = timedelta(seconds=channel.group_seconds)
    at = due(noted.happened_at, group, quiet_of(channel), urgent=noted.severity == URGENT)
    held = at > noted.happened_at + group
    notifications.open_delivery(connection, tenant_id, channel.channel_id, noted, due=at, held=held)


def _noted(happening: Happening) -> Notification:
    return Notification(
        notification_id=uuid4(),
        event=happening.event,
        severity=happening.severity,
        resource=happening.resource,
        occurrence=happening.occurrence,
        correlation_id=happening.correlation_id,
        summary=happening.summary,
        data=happening.data,
        happened_at=happening.happened_at,
    )
