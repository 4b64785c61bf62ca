"""Whether the process is alive, whether it can serve, and what it has done: for whoever runs it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess, values

from headwater.api.access import House, problems

routes = APIRouter(tags=["health"])


@routes.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@routes.get("/readyz", responses=problems(503))
def is_ready(request: Request) -> dict[str, str]:
    """The database answers, and is at the schema of this version."""
    house: House = request.app.state.house
    house.ready()
    return {"status": "ready"}


@routes.get("/metrics", response_class=Response)
async def metrics() -> Response:
    """Counts and times for Prometheus; of all processes where there are several."""
    if values.ValueClass.__name__ == "MmapedValue":
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has none
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
