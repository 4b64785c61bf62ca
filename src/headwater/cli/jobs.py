"""`headwater jobs`: what workers were asked to do, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import in_words, print_facts, print_json, print_table, told_of
from headwater.cli.runs import Limit
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import as_told

if TYPE_CHECKING:
    from headwater.store.jobs import Job

app = typer.Typer(no_args_is_help=True, help="Jobs: what workers were asked to do.")

JobId = Annotated[
    str, typer.Argument(metavar="JOB", help="Id of the job, or enough of its beginning.", show_default=False)
]


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="Those of this state only: pending, running, failed …", show_default="all")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List jobs, the latest first.

    \b
    Examples:
      headwater jobs list
      headwater jobs list --state failed --json
    """
    from headwater.services.jobs import job_as_json, list_jobs

    with installation() as opened:
        found, total = list_jobs(opened, state=state, limit=limit)
    if as_json:
        print_json({"jobs": [job_as_json(job) for job in found], "total": total})
        return
    print_table(
        ["job", "asked", "by", "kind", "about", "state", "attempts"],
        [(job.job_id, job.asked_at, _asked_by(job), job.kind, job.label, _state(job), job.attempts) for job in found],
        numbers=["attempts"],
        whole=["job", "asked"],
    )
    typer.echo(told_of(len(found), total, "job"))


@app.command()
def show(job: JobId, as_json: AsJson = False) -> None:
    """Show a job: how far it is, its runs, what it failed of.

    \b
    Examples:
      headwater jobs show 3f2a
      headwater jobs show 3f2a --json
    """
    from headwater.services.jobs import show_job

    with installation() as opened:
        view = show_job(opened, job)
    if as_json:
        print_json(view.as_json())
        return
    found = view.job
    print_facts(
        [
            ("job", found.job_id),
            ("kind", found.kind),
            ("about", found.label),
            ("state", _state(found)),
            ("asked", f"by {_asked_by(found)}"),
            ("when", found.asked_at),
            ("started", found.started_at),
            ("finished", found.finished_at),
            ("done", _sources(found)),
            ("attempts", f"{found.attempts} of {found.most_attempts} at most"),
            ("sign of life", found.heartbeat),
        ]
    )
    if found.error:
        typer.echo(f"error: {as_told(found.error)}")
    for each in (found.result or {}).get("notices", ()):
        typer.echo(f"{each['file']}: {each['notice']}")
    if view.runs:
        print_table(
            ["run", "source", "state"],
            [(run.run_id, run.source_name, in_words(run.state)) for run in view.runs],
            title="Its runs",
            whole=["run"],
        )


@app.command()
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """End a job: one that waits at once, one at work as Ctrl-C ends a run. What is committed stays.

    \b
    Examples:
      headwater jobs cancel 3f2a
    """
    from headwater.services.jobs import cancel_job

    with installation() as opened:
        _tell(cancel_job(opened, job), as_json=as_json)


@app.command()
def retry(job: JobId, as_json: AsJson = False) -> None:
    """Do a job again that failed, was cancelled or left gaps. It goes on where it was broken off.

    \b
    Examples:
      headwater jobs retry 3f2a
    """
    from headwater.services.jobs import retry_job

    with installation() as opened:
        _tell(retry_job(opened, job), as_json=as_json)


def _tell(job: Job, *, as_json: bool) -> None:
    from headwater.services.jobs import job_as_json

    if as_json:
        print_json(job_as_json(job))
    else:
        typer.echo(f"job {job.job_id}: {_state(job)}")


def _sources(job: Job) -> str | None:
    """How many of its sources came to their end; of an import or a sync several are files."""
    if job.sources_planned is None:
        return None
    several = "files" if job.kind in {"import", "sync"} else "sources"
    return f"{job.sources_done:,} of {counted(job.sources_planned, 'source', several)}"


def _asked_by(job: Job) -> str:
    return job.asked_by if job.schedule is None else f"schedule {job.schedule}"


def _state(job: Job) -> str:
    """With what is still to come of it."""
    state = in_words(job.state)
    if job.has_ended:
        return state
    if job.cancel_asked_at is not None:
        return f"{state}, to be cancelled"
    return f"{state}, tried again later" if job.not_before is not None else state
