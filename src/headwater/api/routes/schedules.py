"""Schedules: when recipes are due, what became of each time, and the update log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, Change, etag, expected_hash, page_of
from headwater.api.commands import told_with_routes
from headwater.services import house_lists, schedule_changes, schedules
from headwater.services.access.policy import Right
from headwater.services.answers.jobs import JobAsked, ScheduleShown, TimeSeenTo, UpdateListed
from headwater.services.answers.kinds import Page
from headwater.services.jobs import Manner, shown_arguments
from headwater.services.kept_recipes import Said

routes = router("schedules")
Word = Annotated[str, Field(min_length=1, max_length=200)]
IfMatch = Annotated[str | None, Header(description="The ETag of the version that was looked at; else 412.")]


class NewSource(BaseModel):
    """What is read, by what is kept here: one of connector, upload and contract."""

    model_config = ConfigDict(extra="forbid")
    connector: Word | None = Field(default=None, description="A connector; its `table`, or the files of a store.")
    upload: Word | None = Field(default=None, description="The latest file that was sent by this name.")
    contract: Word | None = Field(default=None, description="Records of this contract as they stand: `erp.travel@1`.")
    table: str | None = Field(default=None, min_length=1, max_length=500)
    cursor: Word | None = None
    lag: int = Field(default=0, ge=0, le=31_536_000)
    key: list[Word] = Field(default=[], max_length=20)
    columns: list[Word] = Field(default=[], max_length=1000)
    follow: dict[Word, Word] = Field(default={}, description="With a contract: fields that hold keys of others.")


class NewSchedule(BaseModel):
    """When something that is kept here is read, and by which mapping: the newest of its name at that time."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    source: NewSource
    mapping: Word
    strategy: Literal["delta", "full"] = "delta"
    cron: Word | None = Field(default=None, description="Minute, hour, day, month, weekday; or @daily and the like.")
    time_zone: Word = "UTC"
    after: list[Word] = Field(default=[], max_length=20, description="In place of times: once these have succeeded.")
    missed: Literal["skip", "catch_up"] = Field(default="skip", description="About times at which no worker ran.")
    priority: int = Field(default=0, ge=-100, le=100)
    time_limit: int | None = Field(default=None, ge=1, le=31_536_000, description="Seconds that an attempt may take.")
    attempts: int = Field(default=5, ge=1, le=100)


class ScheduleChange(Change):
    """What is to be another; what is left out stays. To say one of `cron` and `after` takes the other away."""

    may_be_null = frozenset({"time_limit"})
    source: NewSource | None = Field(default=None, description="In place of all that is said of it.")
    mapping: Word | None = None
    strategy: Literal["delta", "full"] | None = None
    cron: Word | None = Field(default=None, description="Minute, hour, day, month, weekday; or @daily and the like.")
    time_zone: Word | None = None
    after: list[Word] | None = Field(default=None, max_length=20, description="All that it comes after from now on.")
    missed: Literal["skip", "catch_up"] | None = None
    priority: int | None = Field(default=None, ge=-100, le=100)
    time_limit: int | None = Field(default=None, ge=1, le=31_536_000, description="Seconds; null: as long as it takes.")
    attempts: int | None = Field(default=None, ge=1, le=100)


@routes.get("/schedules", **needs(Right.READ))
def list_schedules(here: Here) -> list[ScheduleShown]:
    """Schedules by name."""
    return [_plain(each) for each in schedules.list_schedules(here)]


@routes.post("/schedules", status_code=201, **needs(Right.TRANSFORM, 404, 409, long="write"))
def add_schedule(here: Here, schedule: NewSchedule, response: Response) -> ScheduleShown:
    """Have workers read a connector, an upload or records at times, or after others have succeeded. A table that the
    source has not is refused; of a source that cannot be reached nothing is said.
    """
    said = Said(mapping=schedule.mapping, strategy=schedule.strategy, **schedule.source.model_dump())
    when = schedules.When(
        cron=schedule.cron, time_zone=schedule.time_zone, after=schedule.after, missed=schedule.missed
    )
    manner = Manner(priority=schedule.priority, time_limit=schedule.time_limit, most_attempts=schedule.attempts)
    made = schedules.add_kept(here, schedule.name, said, when, manner=manner, now=datetime.now(UTC))
    response.headers["ETag"] = etag(made.version)
    return _plain(made)


@routes.get("/schedules/{name}", **needs(Right.READ, 404))
def show_schedule(here: Here, name: str, response: Response) -> ScheduleShown:
    """One schedule: its recipe, times, those it comes after, and when it is due next."""
    found = schedules.show_schedule(here, name)
    response.headers["ETag"] = etag(found.version)
    return _plain(found)


@routes.patch("/schedules/{name}", **needs(Right.TRANSFORM, 404, 409, 412, long="write"))
def change_schedule(
    here: Here, name: str, change: ScheduleChange, response: Response, if_match: IfMatch = None
) -> ScheduleShown:
    """Another plan, from its next time on; a job that was asked for already stays as it is.

    Of a schedule that was added with a recipe of the server, `source` and `mapping` are changed together.
    """
    said = change.model_dump(exclude_unset=True, exclude={"source", "mapping", "strategy"})
    found = schedule_changes.change_kept(
        here,
        name,
        said,
        source=None if change.source is None else change.source.model_dump(),
        how=change.model_dump(exclude_unset=True, include={"mapping", "strategy"}),
        expected=expected_hash(if_match),
        now=datetime.now(UTC),
    )
    response.headers["ETag"] = etag(found.version)
    return _plain(found)


@routes.get("/schedules/{name}/history", **needs(Right.READ, 404))
def show_history(here: Here, name: str, asked: Asked) -> Page[TimeSeenTo]:
    """Its latest times first: what was done about each, and how its job ended."""
    found = house_lists.schedule_history(here, name, asked)
    for each in found.items:
        each["error"] = told_with_routes(each["error"])
    return page_of(found)


@routes.post("/schedules/{name}/pause", **needs(Right.TRANSFORM, 404, 412))
def pause(here: Here, name: str, response: Response, if_match: IfMatch = None) -> ScheduleShown:
    """It is due no more until it is resumed. Its plan, and with it its version, stays."""
    found = schedules.pause(here, name, expected=expected_hash(if_match))
    response.headers["ETag"] = etag(found.version)
    return _plain(found)


@routes.post("/schedules/{name}/resumption", **needs(Right.TRANSFORM, 404, 412))
def resume(here: Here, name: str, response: Response, if_match: IfMatch = None) -> ScheduleShown:
    """It is due again from its next time on. Its plan, and with it its version, stays."""
    found = schedules.resume(here, name, now=datetime.now(UTC), expected=expected_hash(if_match))
    response.headers["ETag"] = etag(found.version)
    return _plain(found)


@routes.post("/schedules/{name}/jobs", status_code=202, **needs(Right.WRITE, 404))
def run_now(here: Here, name: str) -> JobAsked:
    """Ask for its job at once; its times stay."""
    return {"job_id": str(schedules.run_now(here, name, now=datetime.now(UTC)))}


@routes.delete("/schedules/{name}", status_code=204, **needs(Right.TRANSFORM, 404, 412))
def remove(here: Here, name: str, if_match: IfMatch = None) -> None:
    """It is gone, its history stays."""
    schedules.remove(here, name, expected=expected_hash(if_match))


@routes.get("/updates", **needs(Right.READ))
def list_updates(
    here: Here, asked: Asked, name: Annotated[str | None, Query(description="Of this schedule only.")] = None
) -> Page[UpdateListed]:
    """The update log, the latest first: per job and source counts, errors, and what got better."""
    return page_of(house_lists.updates(here, asked, name=name))


def _plain(view: schedules.ScheduleView) -> ScheduleShown:
    shown = view.as_json()
    return {**shown, "arguments": shown_arguments(shown["arguments"])}
