"""Jobs: what workers have done, are doing and will do; cancelled, done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, page_of
from headwater.api.commands import told_with_routes
from headwater.api.live import Seen, stream
from headwater.services import house_lists, jobs
from headwater.services.access.policy import Right
from headwater.services.answers.jobs import JobAsked, JobListed, JobShown
from headwater.services.answers.kinds import Page
from headwater.services.run_progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping

routes = router("jobs")


@routes.get("/jobs", **needs(Right.READ, anywhere=True))
def list_jobs(
    here: Here, asked: Asked, state: Annotated[str | None, Query(description="Those in this state only.")] = None
) -> Page[JobListed]:
    """The latest jobs first, and in any case how many there are."""
    found = house_lists.jobs(here, asked, state=state)
    for each in found.items:
        each["error"] = told_with_routes(each["error"])
    return page_of(found)


@routes.get("/jobs/{job}", **needs(Right.READ, 404, anywhere=True))
def show_job(here: Here, job: str) -> JobShown:
    """A job with its runs."""
    shown: JobShown = _shown(jobs.show_job(here, job).as_json())
    return shown


def _shown(job: Mapping[str, Any]) -> Any:
    """As JSON, with the routes of what its error says to do."""
    shown = jsonable_encoder(job)
    return {**shown, "error": told_with_routes(shown["error"])}


@routes.get(
    "/jobs/{job}/events", response_class=StreamingResponse, **needs(Right.READ, 404, long="events", anywhere=True)
)
async def watch_job(here: Here, job: str, request: Request) -> StreamingResponse:
    """A job as server-sent events, with how many of its files or tables are done (`sources_done` of `sources_planned`)
    and how far each run is that has begun: `progress` whenever it changes, `end` when it has ended. One that is tried
    again later has not.
    """

    def look() -> Seen:
        view = jobs.show_job(here, job)
        runs = [progress(here, run.run_id) for run in view.runs]
        steps = (
            view.job.state,
            view.job.attempts,
            view.job.cancel_asked_at,
            view.job.sources_planned,
            view.job.sources_done,
            *((run.run_id, run.state, run.chunks_done, run.chunks_failed, run.records_done) for run in runs),
        )
        body = _shown({**jobs.job_as_json(view.job), "runs": [run.as_json() for run in runs]})
        return Seen(steps=steps, body=body, has_ended=view.job.has_ended)

    return await stream(look, request)


@routes.post("/jobs/{job}/cancellation", **needs(Right.WRITE, 404, 409, anywhere=True))
def cancel_job(here: Here, job: str) -> JobListed:
    """Ask for a job's end: what is committed stays, and its run can be gone on with."""
    shown: JobListed = _shown(jobs.job_as_json(jobs.cancel_job(here, job)))
    return shown


@routes.post("/jobs/{job}/repetition", **needs(Right.WRITE, 404, 409, anywhere=True))
def retry_job(here: Here, job: str) -> JobListed:
    """Have a job done again that failed, was cancelled or left gaps."""
    shown: JobListed = _shown(jobs.job_as_json(jobs.retry_job(here, job)))
    return shown


@routes.post("/runs/{run}/resumption", status_code=202, **needs(Right.WRITE, 404, 409, anywhere=True))
def resume_run(here: Here, run: str) -> JobAsked:
    """Go on with a run that was broken off or has gaps, by a worker: only what is not committed is done."""
    return {"job_id": str(jobs.ask_resume(here, run))}
