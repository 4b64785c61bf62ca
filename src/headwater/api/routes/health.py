"""Whether the process is alive, whether it can serve, what it has done, and how the installation is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from headwater.api.access import Here, House, needs, problems, router
from headwater.api.commands import told_with_routes
from headwater.api.metrics import exposition, refuse_strangers
from headwater.services.access.policy import Right
from headwater.services.answers.notifications import HealthShown
from headwater.services.watching.report import report

probes = APIRouter(tags=["health"])
routes = router("health")


@probes.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@probes.get("/readyz", responses=problems(503))
def is_ready(request: Request) -> dict[str, str]:
    """The database answers, and is at the schema of this version."""
    house: House = request.app.state.house
    house.ready()
    return {"status": "ready"}


@probes.get("/metrics", response_class=Response, responses=problems(401, 403, 503))
def metrics(request: Request) -> Response:
    """Counts and times for Prometheus, and figures of the installation: from this machine, or by a token of its own."""
    house: House = request.app.state.house
    refuse_strangers(house.installation, request)
    return Response(exposition(house.measurement), media_type=CONTENT_TYPE_LATEST)


@routes.get("/health", **needs(Right.MANAGE_USERS))
def show_health(here: Here) -> HealthShown:
    """Database, disk and memory of the installation in words; queue, runs, quality, schedules of the organisation."""
    shown: HealthShown = told_with_routes(report(here).as_json())
    return shown
