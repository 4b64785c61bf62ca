"""An import as whoever acts reaches it: of the organisation, or of a unit in which they have the right.

It belongs to the unit that was said when it was begun, and once it is a run to that of the run's source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import NotFound
from headwater.services.access.within_units import unbound
from headwater.store import import_jobs

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.policy import Right
    from headwater.services.installation import Installation
    from headwater.store.import_jobs import ImportJob


def reached_import(installation: Installation, right: Right, job_id: UUID) -> tuple[Installation, ImportJob]:
    """An import, and the installation to go on with it, in which all is seen. NotFound where it is not theirs."""
    seen, tenant_id = installation.seeing(right, on=f"import/{job_id}"), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        job = import_jobs.get_job(connection, tenant_id, job_id)
        unit_id = import_jobs.units_of(connection, tenant_id, [job_id])[job_id]
    if seen.units is None:
        return installation, job
    if unit_id not in seen.units:
        raise NotFound("there is no such import", where="import", value=job_id)
    return unbound(installation), job
