"""What runs, jobs and imports have come to, as channels are told of it: names, counts and ids, no value of any record.

A run that a job has planned is told of when the job has ended, since until then it is tried again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater.documents.counted import counted
from headwater.services.notifications.events import Happening
from headwater.store import jobs, notifications, runs, schedules
from headwater.store.chunks import ledger_of
from headwater.telemetry import correlation_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from headwater.errors import HeadwaterError
    from headwater.services.notifications.events import Event
    from headwater.store.chunks import Ledger
    from headwater.store.database import TenantConnection
    from headwater.store.imports import Import
    from headwater.store.jobs import Job
    from headwater.store.notifications import StuckJob
    from headwater.store.runs import Run

LOADED = ("succeeded", "succeeded_with_quarantine")


def run_ended(connection: TenantConnection, tenant_id: UUID, run_id: UUID, why: str | None = None) -> list[Happening]:
    """What is told of a run that has ended in the open transaction; nothing yet of one that a job sees to.

    why: what it failed of, in words without a value.
    """
    if connection.job_id is not None:
        return []
    run = runs.get_run(connection, tenant_id, run_id)
    return list(_of_run(connection, tenant_id, run, run.state, correlation=run.correlation_id or str(run_id), why=why))


def job_ended(
    connection: TenantConnection,
    tenant_id: UUID,
    job: Job,
    state: str,
    without_run: Sequence[tuple[str, str | None]] = (),
) -> list[Happening]:
    """What is told of a job that has ended so in the open transaction: of each of its runs, or of itself without any.

    without_run: its sources that came to no run, and why where they were refused.
    """
    why = None
    ended = jobs.get_job(connection, tenant_id, job.job_id)
    if ended.error is not None:
        why = str(ended.error.get("what") or ended.error.get("kind"))
    found: list[Happening] = []
    of_job = jobs.runs_of_job(connection, tenant_id, job.job_id)
    schedule = schedules.schedule_of_job(connection, tenant_id, job.job_id) if state == "failed" else None
    for run in of_job:
        # An attempt that was killed leaves its run as it was.
        run_state = "failed" if state == "failed" and run.state not in runs.ENDED else run.state
        if schedule is None or run_state != "failed":
            correlation = ended.correlation_id or str(job.job_id)
            found += _of_run(connection, tenant_id, run, run_state, correlation=correlation, why=why)
    if of_job:
        found += [_source_refused(ended, name) for name, refused in without_run if refused]
    if schedule is not None:
        found.append(_schedule_failed(schedule[1], schedule[0], ended, of_job, why))
    elif state == "failed" and not of_job:
        found.append(_job_failed(ended, why))
    return found


def import_refused(import_: Import, error: HeadwaterError) -> Happening:
    """What is told of a file that was sent and came to no run."""
    at = datetime.now(UTC)
    return Happening(
        event="import.failed",
        resource=f"import/{import_.import_id}",
        occurrence=at.isoformat(),
        correlation_id=correlation_id() or str(import_.import_id),
        summary=f"The file {import_.name} was refused: {error.what}",
        data={"import_id": str(import_.import_id), "source": import_.name, "error": error.what},
        happened_at=at,
    )


def stuck(job: StuckJob, now: datetime) -> Happening:
    """What is told of a job that does not get on."""
    return Happening(
        event="job.stuck",
        resource=f"job/{job.job_id}",
        occurrence=job.since.isoformat(),
        correlation_id=str(job.job_id),
        summary=f"The job of {job.label} ({job.kind}) has committed nothing since {job.since:%Y-%m-%d %H:%M} UTC",
        data={"job_id": str(job.job_id), "kind": job.kind, "label": job.label, "since": job.since.isoformat()},
        happened_at=now,
    )


def _of_run(
    connection: TenantConnection, tenant_id: UUID, run: Run, state: str, *, correlation: str, why: str | None
) -> Iterator[Happening]:
    if state not in runs.ENDED or state == "cancelled":
        return
    import_id = notifications.import_of_run(connection, tenant_id, run.run_id)
    ledger = ledger_of(connection, tenant_id, run.run_id)
    at = run.finished_at or datetime.now(UTC)
    told: dict[str, Any] = {
        "resource": f"run/{run.run_id}",
        "occurrence": at.isoformat(),
        "correlation_id": correlation,
        "happened_at": at,
    }
    gaps = run.chunks_planned - ledger.committed
    facts = _facts(run, state, ledger, import_id) | ({"error": why} if why and state == "failed" else {})
    what, event = f"The {'sync' if run.kind == 'sync' else 'run'} of {run.source_name}", _event(run, state, import_id)
    if state == "failed":
        none = f"none of its {counted(run.chunks_planned, 'chunk')} could be loaded"
        summary = f"{what} has failed: {why or none}"
    elif state == "partial_success":
        summary = f"{what} has left {gaps:,} of {counted(run.chunks_planned, 'chunk')} unloaded"
    else:
        summary = f"{what} has completed: {ledger.inserted:,} new, {ledger.updated:,} changed"
        if gone := _deleted(run):
            summary += f", {gone:,} deleted, which the source no longer holds"
    yield Happening(event=event, summary=summary, data=facts, **told)
    refused = ledger.quarantined + ledger.quarantined_raw
    if refused:
        share = 100 * refused / max(ledger.read, refused)
        summary = f"{what} has refused {refused:,} of {counted(ledger.read, 'record')} ({share:.1f} %)"
        share_told = facts | {"refused_percent": round(share, 2)}
        yield Happening(event="quarantine.above", summary=summary, data=share_told, share=share, **told)


def _event(run: Run, state: str, import_id: UUID | None) -> Event:
    if state == "partial_success":
        return "run.partial"
    if state in LOADED:
        return "import.completed" if import_id else "run.completed"
    return "sync.failed" if run.kind == "sync" else "import.failed" if import_id else "run.failed"


def _facts(run: Run, state: str, ledger: Ledger, import_id: UUID | None) -> dict[str, Any]:
    """Of a run: ids, names and counts."""
    return {
        "run_id": str(run.run_id),
        "kind": run.kind,
        "source": run.source_name,
        "state": state,
        "chunks": {"planned": run.chunks_planned, "committed": ledger.committed},
        "read": ledger.read,
        "inserted": ledger.inserted,
        "updated": ledger.updated,
        "unchanged": ledger.unchanged,
        "deleted": _deleted(run),
        "refused": ledger.quarantined + ledger.quarantined_raw,
        **({"import_id": str(import_id)} if import_id else {}),
    }


def _deleted(run: Run) -> int:
    """Records that a full load has deleted."""
    return int((run.reconciliation or {}).get("deleted", {}).get("records", 0))


def _job_failed(job: Job, why: str | None) -> Happening:
    """One that came to no run at all: its source could not be reached, its recipe not be read."""
    is_sync = job.kind in {"sync", "retry_failed"}
    return Happening(
        event="sync.failed" if is_sync else "run.failed",
        summary=f"The {job.kind.replace('_', ' ')} of {job.label} has failed{': ' + why if why else ''}",
        data=_facts_of_job(job, why),
        **_told_of_job(job),
    )


def _source_refused(job: Job, name: str) -> Happening:
    """One of several files that could not be read at all; why, the log of the job says, for that may show a value."""
    told = _told_of_job(job)
    return Happening(
        event="run.failed",
        summary=f"The file {name} was refused as a whole",
        data=_facts_of_job(job, None) | {"source": name},
        **told | {"occurrence": f"{told['occurrence']} {name}"},
    )


def _schedule_failed(name: str, schedule_id: UUID, job: Job, of_job: list[Run], why: str | None) -> Happening:
    failed = [run for run in of_job if run.state not in {*LOADED, "partial_success"}]
    is_sync = job.kind in {"sync", "retry_failed"}
    told = _told_of_job(job) | {"resource": f"schedule/{schedule_id}"}
    return Happening(
        event="schedule.failed",
        also=("sync.failed",) if is_sync else (),
        summary=f"The schedule {name} has failed: {why or 'nothing of it could be loaded'}",
        data=_facts_of_job(job, why)
        | {"schedule": name, "runs": [{"run_id": str(run.run_id), "source": run.source_name} for run in failed]},
        **told,
    )


def _told_of_job(job: Job) -> dict[str, Any]:
    at = job.finished_at or datetime.now(UTC)
    return {
        "resource": f"job/{job.job_id}",
        "occurrence": at.isoformat(),
        "correlation_id": job.correlation_id or str(job.job_id),
        "happened_at": at,
    }


def _facts_of_job(job: Job, why: str | None) -> dict[str, Any]:
    return {"job_id": str(job.job_id), "kind": job.kind, "label": job.label, "attempts": job.attempts, "error": why}
