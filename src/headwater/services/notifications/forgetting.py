"""Messages that were sent, or never will be, forgotten after some days. Done by workers, now and then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from headwater.errors import HeadwaterError
from headwater.store import audit, health, notifications
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from headwater.services.installation import Installation


def forget_messages(installation: Installation) -> int:
    """Forget what is older than `notification_days`, of all organisations that are known here; how many messages."""
    with installation.database.connect(installation.tenant_id) as connection:
        known = health.tenants_in_queue(connection) | installation.blobs.tenants() | {installation.tenant_id}
    forgotten = 0
    for tenant_id in sorted(known):
        try:
            forgotten += _forget_of_organisation(replace(installation, tenant_id=tenant_id))
        except HeadwaterError as error:  # what ails one keeps nobody else's
            get_logger(__name__).warning(
                "messages of an organisation could not be forgotten", tenant_id=str(tenant_id), error=str(error)
            )
    return forgotten


def _forget_of_organisation(installation: Installation) -> int:
    """Some at a time, so that whoever is about to tell something waits for a moment only."""
    tenant_id, days = installation.tenant_id, installation.settings.notification_days
    forgotten, more = 0, True
    while more:
        with installation.database.connect(tenant_id) as connection:
            count = notifications.forget_some(connection, tenant_id, age=timedelta(days=days))
            more = count == notifications.FORGOTTEN_AT_ONCE
            if count:
                audit.append(
                    connection, tenant_id, action="notifications.forgotten", resource="notifications",
                    payload={"messages": count, "days": days},
                )  # fmt: skip
        forgotten += count
    return forgotten
