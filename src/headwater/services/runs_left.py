"""The runs that a job leaves when it ends: whoever waits for one hears what became of it. They can be gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.store import audit, jobs, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwater.store.database import TenantConnection
    from headwater.store.jobs import Job
    from headwater.store.runs import Run

PENDING = "pending"


def end_runs(
    connection: TenantConnection, tenant_id: UUID, job: Job, state: str, error: Mapping[str, Any] | None
) -> tuple[list[UUID], dict[str, str]]:
    """End those in the middle, as where a process was killed, and the one that the job was asked for and that nobody
    has begun; which they are, and what is told of them. `note_ended` then writes it down.
    """
    told = _told_by_runs(state, error)
    left = list(_left(connection, tenant_id, job))
    for run in left:
        runs.finish_run(connection, tenant_id, run.run_id, state, error=told)
    return [run.run_id for run in left], {"state": state, **told}


def note_ended(connection: TenantConnection, tenant_id: UUID, ended: tuple[list[UUID], dict[str, str]]) -> None:
    """Add what `end_runs` did to the audit chain, late in the transaction."""
    left, payload = ended
    for run_id in left:
        audit.append(
            connection, tenant_id, action="run.ended", resource=f"run/{run_id}", result="failed", payload=payload
        )


def _left(connection: TenantConnection, tenant_id: UUID, job: Job) -> Iterator[Run]:
    known = jobs.runs_of_job(connection, tenant_id, job.job_id)
    yield from (run for run in known if run.state not in runs.ENDED)
    asked_for = job.arguments.get("run_id") if job.kind == "resume" else None
    if asked_for is not None and asked_for not in {str(run.run_id) for run in known}:
        run = runs.get_run(connection, tenant_id, UUID(asked_for))
        if run.state == PENDING:
            yield run


def _told_by_runs(state: str, error: Mapping[str, Any] | None) -> dict[str, str]:
    """What the error of a job is for its runs, in their form."""
    if error is None:
        return {"message": f"its job ended as {state}"}
    return {"kind": str(error.get("kind")), "message": str(error.get("what"))}
