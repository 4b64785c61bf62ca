"""Schedules: when recipes are due, what became of each time, and the update log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from fastapi.encoders import jsonable_encoder

from headwater.api.access import Here, needs, router
from headwater.services import schedules
from headwater.services.access.policy import Right

routes = router("schedules")
Limit = Annotated[int, Query(ge=1, le=1000)]


@routes.get("/schedules", **needs(Right.READ))
def list_schedules(here: Here) -> list[dict[str, Any]]:
    """Schedules by name."""
    return [_plain(each) for each in schedules.list_schedules(here)]


@routes.get("/schedules/{name}", **needs(Right.READ, 404))
def show_schedule(here: Here, name: str) -> dict[str, Any]:
    """One schedule: its recipe, times, those it comes after, and when it is due next."""
    return _plain(schedules.show_schedule(here, name))


@routes.get("/schedules/{name}/history", **needs(Right.READ, 404))
def show_history(here: Here, name: str, limit: Limit = 20) -> list[dict[str, Any]]:
    """Its latest times first: what was done about each, and how its job ended."""
    return [jsonable_encoder(each) for each in schedules.history(here, name, limit=limit)]


@routes.post("/schedules/{name}/pause", **needs(Right.TRANSFORM, 404))
def pause(here: Here, name: str) -> dict[str, Any]:
    """It is due no more until it is resumed."""
    return _plain(schedules.pause(here, name))


@routes.post("/schedules/{name}/resumption", **needs(Right.TRANSFORM, 404))
def resume(here: Here, name: str) -> dict[str, Any]:
    """It is due again from its next time on."""
    return _plain(schedules.resume(here, name, now=datetime.now(UTC)))


@routes.post("/schedules/{name}/jobs", status_code=202, **needs(Right.WRITE, 404))
def run_now(here: Here, name: str) -> dict[str, str]:
    """Ask for its job at once; its times stay."""
    return {"job_id": str(schedules.run_now(here, name, now=datetime.now(UTC)))}


@routes.delete("/schedules/{name}", status_code=204, **needs(Right.TRANSFORM, 404))
def remove(here: Here, name: str) -> None:
    """It is gone, its history stays."""
    schedules.remove(here, name)


@routes.get("/updates", **needs(Right.READ))
def list_updates(here: Here, name: str | None = None, limit: Limit = 50) -> list[dict[str, Any]]:
    """The update log, the latest first: per job and source counts, errors, and what got better."""
    return [jsonable_encoder(each) for each in schedules.updates(here, name=name, limit=limit)]


def _plain(view: schedules.ScheduleView) -> dict[str, Any]:
    shown: dict[str, Any] = jsonable_encoder(view.as_json())
    return shown
