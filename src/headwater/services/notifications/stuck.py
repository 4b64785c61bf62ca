"""Jobs that do not get on: looked for by workers while jobs are at work."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from headwater.services.notifications.happened import stuck
from headwater.services.notifications.telling import tell
from headwater.store import notifications

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.services.installation import Installation

STUCK_AFTER = timedelta(minutes=30)
"""Without a chunk that is committed, an attempt or a run that is begun."""


def tell_stuck_jobs(installation: Installation, *, now: datetime) -> int:
    """Have channels told of jobs that do not get on, each standstill once; how many there are."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        found = notifications.stuck_jobs(connection, tenant_id, now - STUCK_AFTER)
        tell(connection, tenant_id, [stuck(job, now) for job in found])
    return len(found)
