"""The end of a job, or of an attempt: the next of its organisation comes into the queue, and its schedule goes on.

Whoever calls has the job (its `fence`); where another worker has taken it since, nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.services.jobs import AT_ONCE, note
from headwater.services.notifications.happened import job_ended as happened_to_job
from headwater.services.notifications.telling import tell
from headwater.services.schedules import job_ended, locked_with_followers
from headwater.store import audit, jobs, runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
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
        told = _told_by_runs(state, error)
        left = _end_runs(connection, tenant_id, job, state, told) if ended else []
        if ended:
            tell(connection, tenant_id, happened_to_job(connection, tenant_id, job, state, without_run))
        if ended and schedule is not None:
            job_ended(connection, installation, job, state, schedule=schedule, without_run=without_run)
        jobs.let_in(connection, tenant_id, queue=job.queue, at_once=AT_ONCE)
        for run_id in left:
            payload = {"state": state, **told}
            audit.append(
                connection, tenant_id, action="run.ended", resource=f"run/{run_id}", result="failed", payload=payload
            )  # fmt: skip
        if ended:
            note(connection, tenant_id, "job.ended", job.job_id, result="failed" if error else "done", state=state)


def _end_runs(
    connection: TenantConnection, tenant_id: UUID, job: Job, state: str, told: Mapping[str, str]
) -> list[UUID]:
    """End the runs that a job leaves in the middle, as where its process was killed: whoever waits for one hears why.

    They can be gone on with.
    """
    left = [run for run in jobs.runs_of_job(connection, tenant_id, job.job_id) if run.state not in runs.ENDED]
    for run in left:
        runs.finish_run(connection, tenant_id, run.run_id, state, error=told)
    return [run.run_id for run in left]


def _told_by_runs(state: str, error: Mapping[str, Any] | None) -> dict[str, str]:
    """What the error of a job is for its runs, in their form."""
    if error is None:
        return {"message": f"its job ended as {state}"}
    return {"kind": str(error.get("kind")), "message": str(error.get("what"))}


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
