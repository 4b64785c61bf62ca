"""Runs: what each rests on, its chunks and ledger, what was found, how far it is now, and going on with one."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import StreamingResponse

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, page_of
from headwater.api.live import Seen, stream
from headwater.services import house_lists
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.runs import ChunkListed, RunListed, RunShown
from headwater.services.run_progress import RunProgress, progress
from headwater.services.runs_view import show_run

routes = router("runs")


@routes.get("/runs", **needs(Right.READ, anywhere=True))
def list_runs(here: Here, asked: Asked) -> Page[RunListed]:
    """Runs of imports, syncs and resubmissions, the latest first."""
    return page_of(house_lists.runs(here, asked))


@routes.get("/runs/{run}", **needs(Right.READ, 404, anywhere=True))
def show(here: Here, run: str) -> RunShown:
    """A run with its ledger: read = mapped + skipped + quarantined, produced = the rest. `deleted` is what a full load
    has deleted, since its source no longer holds it.
    """
    return show_run(here, run).as_json()


@routes.get("/runs/{run}/chunks", **needs(Right.READ, 404, anywhere=True))
def list_chunks(here: Here, run: str, asked: Asked) -> Page[ChunkListed]:
    """The chunks of a run with the ledger of each; a failed one is a gap with its reason."""
    return page_of(house_lists.chunks(here, progress(here, run).run_id, asked))


@routes.get("/runs/{run}/progress", **needs(Right.READ, 404, anywhere=True))
def show_progress(here: Here, run: str) -> RunProgress:
    """How far a run is: rows and chunks against the plan, rate, time left."""
    return progress(here, run)


@routes.get(
    "/runs/{run}/events",
    response_class=StreamingResponse,
    **needs(Right.READ, 404, long="events", anywhere=True),
)
async def watch(here: Here, run: str, request: Request) -> StreamingResponse:
    """Live progress as server-sent events: `progress` whenever it changes, `end` when the run has ended."""

    def look() -> Seen:
        now = progress(here, run)
        steps = (now.state, now.chunks_done, now.chunks_failed, now.records_done)
        return Seen(steps=steps, body=now.as_json(), has_ended=now.ended)

    return await stream(look, request)
