"""What a job does: the calls that the command line makes. Taken up again, it goes on with the runs it has planned."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, RetryLater
from headwater.jobs.sources import LOADED, ONLY, Sources
from headwater.services.batches import REFUSED, UNCHANGED, import_each
from headwater.services.connectors.keeping import find, is_store, opened
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.retrying import resume_each, unfinished_runs
from headwater.services.connectors.syncing import files_of_store, sync_files
from headwater.services.folders import SourceFile
from headwater.services.imports import carry_out as carry_out_run
from headwater.services.imports import plan_source, source_files, source_name
from headwater.services.inventories.sending import make_asked
from headwater.services.kept_recipes import laid_out
from headwater.services.record_sources import plan_records
from headwater.store import jobs, runs
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from headwater.pipeline.recipe import Recipe
    from headwater.services.batches import Imported
    from headwater.services.installation import Installation
    from headwater.store.jobs import Job
    from headwater.store.runs import Run

QUIET = SilentProgress()


class Parts:
    """How the parts of a job ended: the runs it is made of, and files that came to no run, with why where refused.

    `result` is what a job came to that is no run: of files that were left out, what is to be told of them.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._states: list[str] = []
        self._notices: list[Mapping[str, str]] = []
        self.error: HeadwaterError | None = None
        self.without_run: list[tuple[str, str | None]] = []
        self.result: Mapping[str, Any] | None = None

    def add(
        self, state: str, error: HeadwaterError | None = None, *, source: str | None, is_left: bool = False
    ) -> None:
        """Of several errors one that may pass by itself stands, for then the job is tried again; else the first.

        Of those, one that says that somebody is at work there gives way: where something has failed too, that counts.
        """
        self._states.append("succeeded" if state == UNCHANGED else "failed" if state == REFUSED else state)
        if error is not None and (self.error is None or _weight(error) > _weight(self.error)):
            self.error = error
        if source is not None and not isinstance(error, RetryLater):
            self.sources.ended(source, is_left=is_left)

    def add_each(self, imported: Iterable[Imported], called: Callable[[str], str] = str) -> None:
        """Of a batch, each as it ends; a file that came to no run is a source that is `called` otherwise."""
        for each in imported:
            source = called(each.file) if each.view is None else each.view.run.source_name
            self.add(each.state, each.error, source=source, is_left=each.state == UNCHANGED)
            if each.view is None:
                self.without_run.append((each.file, None if each.error is None else str(each.error)))
            if each.notice is not None:
                self._notices.append({"file": each.file, "notice": each.notice})
                self.result = {"notices": self._notices}

    @property
    def state(self) -> str:
        """That of the job."""
        loaded = [state for state in self._states if state in LOADED]
        if len(loaded) == len(self._states):
            return "succeeded_with_quarantine" if "succeeded_with_quarantine" in loaded else "succeeded"
        return "partial_success" if loaded or "partial_success" in self._states else "failed"


def _weight(error: HeadwaterError) -> int:
    return 0 if not isinstance(error, RetryLater) else 1 if error.is_held else 2


def carry_out(installation: Installation, job: Job) -> Parts:
    """Do a job, or what is left of it; how its parts ended. RetryLater where a later try may help."""
    before = _runs_of(installation, job)
    parts = Parts(Sources(installation, job, before))
    for run in before:
        _go_on(installation, run, parts)
    WORK[job.kind](installation, job, before, parts)
    parts.sources.tell()
    if isinstance(parts.error, RetryLater):
        raise parts.error
    return parts


def _runs_of(installation: Installation, job: Job) -> Sequence[Run]:
    with installation.database.connect(installation.tenant_id) as connection:
        return jobs.runs_of_job(connection, installation.tenant_id, job.job_id)


def _go_on(installation: Installation, run: Run, parts: Parts) -> None:
    """One that came to its end is left; what is committed of another is not done again."""
    if run.state in LOADED:
        parts.add(run.state, source=run.source_name)
        return
    _carry_out(installation, run.run_id, parts)


def _carry_out(installation: Installation, run_id: UUID, parts: Parts, *, source: str | None = None) -> None:
    error = None
    try:
        carry_out_run(installation, run_id, progress=QUIET)
    except HeadwaterError as stopped:
        error = stopped  # the run has noted it
    with installation.database.connect(installation.tenant_id) as connection:
        run = runs.get_run(connection, installation.tenant_id, run_id)
    parts.add(run.state, error, source=source or run.source_name)


def _import(installation: Installation, job: Job, before: Sequence[Run], parts: Parts) -> None:
    with laid_out(installation, job) as (recipe, base):
        if recipe.source.contract is not None:
            _carry_out_one(installation, lambda: plan_records(installation, recipe, base), before, parts)
            return
        done = {run.source_name for run in before}
        files = [file for file in source_files(installation, recipe, base) if source_name(recipe, file) not in done]
        parts.sources.listed(source_name(recipe, file) for file in files)
        # An upload stands for whatever was sent last by its name: it may be as it was.
        if files and files[0].alone and "kept" not in job.arguments:
            _carry_out(installation, plan_source(installation, recipe, base, files[0]), parts)
            return
        again = bool(job.arguments.get("every"))
        named = {file.name: source_name(recipe, file) for file in files}
        parts.add_each(import_each(installation, recipe, base, files, again=again, progress=QUIET), named.__getitem__)


def _sync(installation: Installation, job: Job, before: Sequence[Run], parts: Parts) -> None:
    with laid_out(installation, job) as (recipe, base):
        _sync_by(installation, recipe, base, before, parts, again=bool(job.arguments.get("every")))


def _sync_by(
    installation: Installation, recipe: Recipe, base: Path, before: Sequence[Run], parts: Parts, *, again: bool
) -> None:
    stored = find(installation, str(recipe.source.connector))
    with opened(installation, stored) as source:
        if recipe.source.table is None and is_store(source):
            done = {run.source_name for run in before}
            files = files_of_store(installation, stored, source)
            parts.sources.listed(_called(recipe, f"{stored.name}/{file.name}") for file in files)
            ended = sync_files(
                installation, stored, source, files, recipe=recipe, base=base, progress=QUIET, again=again, done=done,
                opened=lambda file, inside: parts.sources.opened(file, [source_name(recipe, each) for each in inside]),
            )  # fmt: skip
            parts.add_each(ended, partial(_called, recipe))
            return
    _carry_out_one(installation, lambda: plan_sync(installation, recipe, base), before, parts)


def _called(recipe: Recipe, name: str) -> str:
    """What the source is called that is a file of a store, or one in an archive of it."""
    return source_name(recipe, SourceFile(path=Path(), name=name))


def _carry_out_one(installation: Installation, plan: Callable[[], UUID], before: Sequence[Run], parts: Parts) -> None:
    """The run of a job's one source, unless an attempt before has planned it."""
    parts.sources.listed(() if before else (ONLY,))
    if not before:
        _carry_out(installation, plan(), parts, source=ONLY)


def _resume(installation: Installation, job: Job, before: Sequence[Run], parts: Parts) -> None:
    if before:
        parts.sources.listed()
        return
    with installation.database.connect(installation.tenant_id) as connection:
        run = runs.find_run(connection, installation.tenant_id, job.arguments["run_id"])
        runs.note_job(connection, installation.tenant_id, job.job_id, run.run_id)
    parts.sources.listed([run.source_name])
    _go_on(installation, run, parts)


def _retry_failed(installation: Installation, job: Job, before: Sequence[Run], parts: Parts) -> None:
    known = {run.run_id for run in before}
    unfinished = [run for run in unfinished_runs(installation, job.arguments["connector"]) if run.run_id not in known]
    with installation.database.connect(installation.tenant_id) as connection:
        for run in unfinished:
            runs.note_job(connection, installation.tenant_id, job.job_id, run.run_id)
    parts.sources.listed(run.source_name for run in unfinished)
    parts.add_each(resume_each(installation, unfinished, progress=QUIET))


def _inventory(installation: Installation, job: Job, before: Sequence[Run], parts: Parts) -> None:  # noqa: ARG001 - as all
    parts.result = make_asked(installation, job)
    parts.add("succeeded", source=None)


WORK: Mapping[str, Callable[[Any, Job, Sequence[Run], Parts], None]] = {
    "import": _import,
    "sync": _sync,
    "resume": _resume,
    "retry_failed": _retry_failed,
    "inventory": _inventory,
}
