"""The end of a job, or of an attempt: the next of its organisation comes into the queue, and its schedule goes on.

Whoever calls has the job (its `fence`); where another worker has taken it since, nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.services.jobs import AT_ONCE, note
from headwater.services.notifications.happened import job_ended as happened_to_job
from headwater.services.notifications.telling import tell
from headwater.services.runs_left import end_runs, note_ended
from headwater.services.schedules import job_ended, locked_with_followers
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
    result: Mapping[str, Any] | None = None,
) -> None:
    """End a job in one of the states of ended runs, with all that follows from it; nothing where it has ended.

    without_run: its sources that came to no run, and why where they were refused. `result` is what it came to, where
    that is no run.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        schedule = locked_with_followers(connection, tenant_id, job.job_id)
        jobs.alone(connection, tenant_id)
        ended = jobs.end(connection, tenant_id, job.job_id, state, error, fence=job.fence, result=result)
        left = end_runs(connection, tenant_id, job, state, error) if ended else None
        if ended:
            tell(connection, tenant_id, happened_to_job(connection, tenant_id, job, state, without_run))
        if ended and schedule is not None:
            job_ended(connection, installation, job, state, schedule=schedule, without_run=without_run)
        jobs.let_in(connection, tenant_id, queue=job.queue, at_once=AT_ONCE)
        if left is not None:
            note_ended(connection, tenant_id, left)
        if ended:
            note(connection, tenant_id, "job.ended", job.job_id, result="failed" if error else "done", state=state)


def put_off_job(
    installation: Installation, job: Job, *, seconds: float, error: Mapping[str, Any], counts: bool = True
) -> None:
    """Have a job wait for its next attempt; meanwhile its place in the queue is another's.

    counts: whether the attempt is one of those that the job has; not where nothing was wrong with it.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        jobs.alone(connection, tenant_id)
        jobs.put_off(
            connection, tenant_id, job.job_id, fence=job.fence, seconds=seconds, error=error, counts=counts
        )  # fmt: skip
        jobs.let_in(connection, tenant_id, queue=job.queue, at_once=AT_ONCE)
