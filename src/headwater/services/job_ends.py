"""The end of a job: the next of its organisation comes into the queue, and its schedule goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.services.jobs import AT_ONCE, note
from headwater.services.schedules import job_ended
from headwater.store import jobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.services.installation import Installation
    from headwater.store.jobs import Job


def end_job(
    installation: Installation,
    job: Job,
    state: str,
    error: Mapping[str, Any] | None,
    *,
    without_run: Sequence[tuple[str, str | None]] = (),
) -> None:
    """End a job in one of the states of ended runs, with all that follows from it; nothing where it has ended.

    without_run: its sources that came to no run, and why where they were refused.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        ended = jobs.end(connection, tenant_id, job.job_id, state, error)
        if ended:
            job_ended(connection, installation, job, state, without_run=without_run)
        jobs.let_in(connection, tenant_id, queue=job.queue, at_once=AT_ONCE)
        if ended:
            note(connection, tenant_id, "job.ended", job.job_id, result="failed" if error else "done", state=state)
