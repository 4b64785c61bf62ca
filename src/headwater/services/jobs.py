"""Jobs as people and programs use them: asked for, listed, looked at, cancelled, done again. Workers carry them out.

A job and its row in the queue are written in one transaction, so that neither is ever there without the other. Of each
organisation only AT_ONCE jobs are in a queue at a time, so that one with many does not keep the others waiting.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from headwater.errors import Conflict, Misuse
from headwater.pipeline.recipe import recipe_of
from headwater.services.access.policy import Right
from headwater.services.access.within_units import reached_run, unbound
from headwater.services.imports import source_files, source_id, source_name
from headwater.services.runs_left import end_runs, note_ended
from headwater.services.runs_view import run_as_json
from headwater.store import audit, connectors, jobs, source_units
from headwater.telemetry import correlation_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from headwater.pipeline.recipe import Recipe
    from headwater.services.answers.jobs import JobListed, JobShown
    from headwater.services.imports import Together
    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.jobs import Job
    from headwater.store.runs import Run

QUEUE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
SCHEDULES = "schedules"
"""The queue of the times of schedules, which are no jobs."""
NOTIFICATIONS = "notifications"
"""The queue of messages that tell channels something, which are none either."""

AT_ONCE = 4
"""Jobs of one organisation that are in a queue or at work at once; its others wait for their turn."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a job is to be done, whatever it is.

    priority        among the organisation's own, from -100 to 100; the higher comes first
    time_limit      seconds of one attempt; None for as long as it takes
    most_attempts   how often it is tried where what failed may pass by itself, or its process is killed
    """

    queue: str = "default"
    priority: int = 0
    time_limit: int | None = None
    most_attempts: int = 5

    def __post_init__(self) -> None:
        """Misuse for a queue that workers could not take anything from."""
        if not QUEUE.fullmatch(self.queue) or self.queue in {SCHEDULES, NOTIFICATIONS}:
            raise Misuse(
                "no queue of jobs is called so",
                where="queue",
                value=self.queue,
                valid=f"small letters, digits and _, a letter first, at most 63; not {SCHEDULES} or {NOTIFICATIONS}",
            )


USUAL = Manner()


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job with the runs it has planned or gone on with."""

    job: Job
    runs: Sequence[Run]
    units: Mapping[bytes, UUID]  # of the sources that belong to some

    def as_json(self) -> JobShown:
        """Plain values."""
        return {
            **job_as_json(self.job),
            "runs": [run_as_json(run, unit_id=self.units.get(run.source_id)) for run in self.runs],
        }


def job_as_json(job: Job) -> JobListed:
    """Plain values, but for times and ids; without its place in the queue, which is nobody's business."""
    told: Any = {name: value for name, value in asdict(job).items() if name not in {"queue_id", "lock"}}
    shown: JobListed = told | {"arguments": shown_arguments(job.arguments)}
    return shown


def shown_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a job is to do, without the folder of the server in which it was asked for: that is nobody's business."""
    return {name: value for name, value in arguments.items() if name != "base"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a job is to do; `lock` is shared by those of which only one may be at work."""

    kind: str  # import, sync, resume, retry_failed, inventory
    label: str
    arguments: Mapping[str, Any]
    lock: str | None


def wanted_by_recipe(installation: Installation, recipe: Recipe, base: Path, *, every: bool) -> Wanted:
    """The import or sync that a recipe describes. Its paths are taken from `base`, by the worker.

    every: of several files also those that are as they were loaded. Misuse where it names what there is not.
    """
    mapping = installation.mapping(recipe.mapping, base)
    files = source_files(installation, recipe, base) if recipe.source.path is not None else ()
    arguments = {"recipe": recipe.model_dump(mode="json"), "base": str(base.absolute()), "every": every}
    if recipe.source.connector is None:
        label = recipe.source.name or recipe.source.path or str(recipe.source.contract)
        lock = (
            _lock_of_source(source_id(installation, recipe, mapping, source_name(recipe, files[0])))
            if len(files) == 1
            else None
        )
        return Wanted(kind="import", label=label, arguments=arguments, lock=lock)
    label = "/".join(filter(None, (recipe.source.connector, recipe.source.table)))
    lock = lock_of_connector(installation, recipe.source.connector)
    return Wanted(kind="sync", label=label, arguments=arguments, lock=lock)


def ask_recipe(installation: Installation, recipe: Recipe, base: Path, *, every: bool, manner: Manner = USUAL) -> UUID:
    """Ask for what a recipe describes; the job's id."""
    installation.require(Right.WRITE)
    return _ask(installation, wanted_by_recipe(installation, recipe, base, every=every), manner)


def ask_resume(installation: Installation, run: str, *, manner: Manner = USUAL) -> UUID:
    """Ask for a run to be begun or gone on with; the job's id."""
    whole, found = reached_run(installation, Right.WRITE, run, on=f"run/{run}")
    return _ask(whole, _wanted_by_run(found), manner)


def asked_with_plan(installation: Installation, job_id: UUID) -> Together:
    """Has a run carried out by a job of this id, asked for in the transaction that plans it: both or neither."""
    installation.require(Right.WRITE)

    def together(connection: TenantConnection, planned: Run) -> None:
        asked_by = installation.actor.name
        ask(installation, connection, _wanted_by_run(planned), manner=USUAL, asked_by=asked_by, job_id=job_id)

    return together


def _wanted_by_run(run: Run) -> Wanted:
    lock = f"connector/{run.connector_id}" if run.connector_id else _lock_of_source(run.source_id)
    return Wanted(kind="resume", label=run.source_name, arguments={"run_id": str(run.run_id)}, lock=lock)


def _lock_of_source(source: bytes) -> str:
    """Runs of a source come one after another: whoever waits in the queue keeps no worker waiting."""
    return f"source/{source.hex()}"


def ask_retry_failed(installation: Installation, connector: str, *, manner: Manner = USUAL) -> UUID:
    """Ask for what the syncs of a connector left to be gone on with; the job's id."""
    lock = lock_of_connector(installation, connector)
    arguments = {"connector": connector}
    return _ask(installation, Wanted(kind="retry_failed", label=connector, arguments=arguments, lock=lock), manner)


def lock_of_connector(installation: Installation, name: str) -> str:
    """What keeps two jobs from asking one source at once. Misuse where there is no such connector."""
    with installation.database.connect(installation.tenant_id) as connection:
        return f"connector/{connectors.find_connector(connection, installation.tenant_id, name).connector_id}"


def _ask(installation: Installation, wanted: Wanted, manner: Manner) -> UUID:
    installation.require(Right.WRITE)
    with installation.database.connect(installation.tenant_id) as connection:
        return ask(installation, connection, wanted, manner=manner, asked_by=installation.actor.name)


def ask(
    installation: Installation,
    connection: TenantConnection,
    wanted: Wanted,
    *,
    manner: Manner,
    asked_by: str,
    job_id: UUID | None = None,
) -> UUID:
    """Write a job in the open transaction; its id. Call it last: it locks the end of the audit chain."""
    job_id, tenant_id = job_id or uuid4(), installation.tenant_id
    new = jobs.NewJob(
        job_id=job_id,
        kind=wanted.kind,
        label=wanted.label,
        arguments=wanted.arguments,
        lock=wanted.lock,
        asked_by=asked_by,
        correlation_id=correlation_id(),
        **asdict(manner),
    )
    jobs.ask(connection, tenant_id, new, at_once=AT_ONCE)
    note(connection, tenant_id, "job.asked", job_id, kind=wanted.kind, label=wanted.label)
    return job_id


def list_jobs(installation: Installation, *, state: str | None = None, limit: int = 20) -> tuple[list[Job], int]:
    """The latest jobs first, of one state or of all, and how many there are.

    To whom reads in single units only, those that go on with a run of these.
    """
    seen = installation.seeing(Right.READ)
    if state is not None and state not in jobs.STATES:
        raise Misuse("jobs have no such state", where="state", value=state, valid=", ".join(jobs.STATES))
    with seen.database.connect(seen.tenant_id) as connection:
        return jobs.list_jobs(connection, seen.tenant_id, state=state, limit=limit)


def show_job(installation: Installation, job: str | UUID) -> JobView:
    """One job, named by its id or enough of its beginning."""
    seen = installation.seeing(Right.READ)
    with seen.database.connect(seen.tenant_id) as connection:
        found = jobs.find_job(connection, seen.tenant_id, str(job))
        return JobView(
            job=found,
            runs=jobs.runs_of_job(connection, seen.tenant_id, found.job_id),
            units=source_units.all_units(connection, seen.tenant_id),
        )


def _reached(installation: Installation, job: str | UUID) -> tuple[Installation, UUID]:
    """A job to which whoever acts may do something; and the installation to do it with, in which all jobs are seen."""
    seen = installation.seeing(Right.WRITE, on=f"job/{job}")
    with seen.database.connect(seen.tenant_id) as connection:
        found = jobs.find_job(connection, seen.tenant_id, str(job))
    if seen.units is None:
        return installation, found.job_id
    reached_run(installation, Right.WRITE, str(found.arguments["run_id"]), on=f"job/{job}")
    return unbound(installation), found.job_id


def cancel_job(installation: Installation, job: str | UUID) -> Job:
    """Ask for a job's end. One that no worker is at has ended with this, and so has the run it was asked for, where
    nobody has begun it; another ends as Ctrl-C ends a run.

    Conflict where it has ended.
    """
    whole, job_id = _reached(installation, job)
    tenant_id = whole.tenant_id
    with whole.database.connect(tenant_id) as connection:
        jobs.alone(connection, tenant_id)
        found = jobs.get_job(connection, tenant_id, job_id)
        if found.has_ended:
            raise Conflict(
                "the job has ended", where=f"job {found.job_id}", value=found.state, valid="pending or running"
            )
        if jobs.ask_cancel(connection, tenant_id, found.job_id, asked_by=installation.actor.name):
            jobs.end(connection, tenant_id, found.job_id, "cancelled", None, fence=None)
            left = end_runs(connection, tenant_id, found, "cancelled", None)
            jobs.let_in(connection, tenant_id, queue=found.queue, at_once=AT_ONCE)
            note_ended(connection, tenant_id, left)
        note(connection, tenant_id, "job.cancel_asked", found.job_id)
        return jobs.get_job(connection, tenant_id, found.job_id)


def retry_job(installation: Installation, job: str | UUID) -> Job:
    """Have a job done again that failed, was cancelled or left gaps: it goes on with the runs it has planned.

    Conflict where it is none of these.
    """
    whole, job_id = _reached(installation, job)
    tenant_id = whole.tenant_id
    with whole.database.connect(tenant_id) as connection:
        jobs.alone(connection, tenant_id)
        found = jobs.get_job(connection, tenant_id, job_id)
        if not jobs.retry(connection, tenant_id, found.job_id):
            raise Conflict(
                "there is nothing to do again",
                where=f"job {found.job_id}",
                value=found.state,
                valid="failed, cancelled or partial_success",
            )
        jobs.let_in(connection, tenant_id, queue=found.queue, at_once=AT_ONCE)
        note(connection, tenant_id, "job.asked", found.job_id, kind=found.kind, label=found.label)
        return jobs.get_job(connection, tenant_id, found.job_id)


def recipe_of_job(job: Job) -> Recipe:
    """The recipe that an import or sync was asked for with."""
    return recipe_of(job.arguments["recipe"], where=f"job {job.job_id}")


def note(
    connection: TenantConnection, tenant_id: UUID, action: str, job_id: UUID, *, result: str = "done", **payload: object
) -> None:
    """Add to the audit chain what was done about a job; last in its transaction."""
    audit.append(connection, tenant_id, action=action, resource=f"job/{job_id}", payload=payload, result=result)
