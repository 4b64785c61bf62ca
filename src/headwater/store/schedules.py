"""Schedules, their next times in the queue, what was done about each time, and the log of updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from headwater.errors import Conflict, Misuse, NotFound
from headwater.store.queries import named_queries
from headwater.store.records import number, select

QUERIES = named_queries("schedules")


@dataclass(frozen=True, kw_only=True)
class NewSchedule:
    """A job that is asked for over and over."""

    schedule_id: UUID
    name: str
    kind: str  # import, sync, retry_failed
    label: str
    arguments: Mapping[str, Any]  # of each job
    lock: str | None
    queue: str
    priority: int
    time_limit: int | None
    most_attempts: int
    cron: str | None  # None where it comes after others
    time_zone: str
    missed: str  # catch_up, skip
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Schedule(NewSchedule):
    """A schedule as it stands."""

    next_at: datetime | None
    queue_id: int | None
    paused_at: datetime | None
    created_at: datetime
    removed_at: datetime | None


def add_schedule(
    connection: psycopg.Connection[Any], tenant_id: UUID, schedule: NewSchedule, *, after: Sequence[UUID]
) -> None:
    """Keep a schedule; Conflict where there is one of that name."""
    values = {**asdict(schedule), "arguments": Jsonb(schedule.arguments), "tenant_id": tenant_id}
    try:
        with connection.transaction():
            connection.execute(QUERIES["add"], values)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "there is a schedule of that name",
            where="schedule",
            value=schedule.name,
            remedy=f"Take another name, or remove that one first: headwater schedules remove {schedule.name}",
        ) from error
    except psycopg.errors.CheckViolation as error:
        raise Misuse(
            "not a valid name",
            where="schedule",
            value=schedule.name,
            valid="1 to 63 of a-z, 0-9, _ and -, a letter first",
        ) from error
    _add_dependencies(connection, tenant_id, schedule.schedule_id, after)


def _add_dependencies(
    connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID, after: Sequence[UUID]
) -> None:
    for after_id in sorted(set(after)):  # as everybody who needs several
        names = {"tenant_id": tenant_id, "schedule_id": schedule_id, "after_id": after_id}
        connection.execute(QUERIES["add_dependency"], names)


def lock_all(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """All schedules of an organisation until the transaction ends, so that nothing comes after what goes meanwhile."""
    connection.execute(QUERIES["lock_all"], {"tenant_id": tenant_id})


def change_schedule(connection: psycopg.Connection[Any], tenant_id: UUID, schedule: NewSchedule) -> None:
    """Another plan under the same id; what it comes after and its next time are changed by themselves."""
    values = {name: value for name, value in asdict(schedule).items() if name not in {"name", "created_by"}}
    connection.execute(
        QUERIES["change"], {**values, "arguments": Jsonb(schedule.arguments), "tenant_id": tenant_id}
    )  # fmt: skip


def set_after(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID, after: Sequence[UUID]) -> None:
    """The schedules that it comes after, in place of those before; once all schedules are locked.

    Misuse where it came after itself, perhaps by way of others.
    """
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id, "after": list(after)}
    if number(connection, QUERIES["would_come_after_itself"], values):
        raise Misuse(
            "it would come after itself", where="after", valid="schedules that do not come after this one themselves"
        )
    connection.execute(QUERIES["remove_dependencies"], values)
    _add_dependencies(connection, tenant_id, schedule_id, after)


def lock_schedule(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> Schedule | None:
    """The schedule, for this transaction only; None where there never was one."""
    found = select(connection, Schedule, QUERIES["get"], {"tenant_id": tenant_id, "schedule_id": schedule_id})
    return found[0] if found else None


def find_schedule(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Schedule:
    """The schedule of a name; NotFound where there is none."""
    found = select(connection, Schedule, QUERIES["named"], {"tenant_id": tenant_id, "name": name})
    if not found:
        raise NotFound(
            "there is no such schedule",
            where="schedule",
            value=name,
            valid=", ".join(each.name for each in list_schedules(connection, tenant_id)) or "there is none yet",
            remedy="`headwater schedules list` shows them.",
        )
    return found[0]


def list_schedules(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Schedule]:
    """All of them, by name."""
    return select(connection, Schedule, QUERIES["list"], {"tenant_id": tenant_id})


def reading_through(connection: psycopg.Connection[Any], tenant_id: UUID, connector: str) -> list[str]:
    """The schedules whose recipe reads through a connector, or that go on with what its syncs left."""
    values = {"tenant_id": tenant_id, "connector": connector}
    return [name for (name,) in connection.execute(QUERIES["reading_through"], values)]


def names_after(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> list[str]:
    """The schedules that one comes after."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id}
    return [name for (name,) in connection.execute(QUERIES["after"], values)]


def followers_of(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> list[str]:
    """The schedules that come after one."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id}
    return [name for (name,) in connection.execute(QUERIES["followers"], values)]


def arm(connection: psycopg.Connection[Any], tenant_id: UUID, schedule: Schedule, next_at: datetime | None) -> None:
    """Set its next time, and put that into the queue in place of the one that stands there."""
    if schedule.queue_id is not None:
        connection.execute(QUERIES["disarm"], {"queue_id": schedule.queue_id})
    values = {"tenant_id": tenant_id, "schedule_id": schedule.schedule_id, "next_at": next_at}
    connection.execute(QUERIES["arm"], values)


def set_paused(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID, *, paused: bool) -> None:
    """Pause it, or go on with it."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id, "paused": paused}
    connection.execute(QUERIES["set_paused"], values)


def remove_schedule(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> None:
    """Remove it; its history stays."""
    connection.execute(QUERIES["remove"], {"tenant_id": tenant_id, "schedule_id": schedule_id})


def note_time(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    schedule_id: UUID,
    due_at: datetime,
    *,
    job_id: UUID | None,
    reason: str | None,
) -> None:
    """Note what was done about one of its times: a job was asked for, or none, and why."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id, "due_at": due_at, "job_id": job_id, "reason": reason}
    connection.execute(QUERIES["note"], {**values, "outcome": "skipped" if job_id is None else "asked"})


def is_at_work(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> bool:
    """Whether a job of it has not ended."""
    return bool(number(connection, QUERIES["at_work"], {"tenant_id": tenant_id, "schedule_id": schedule_id}))


def schedule_of_job(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> tuple[UUID, str] | None:
    """Id and name of the schedule that asked for a job, if one has."""
    row = connection.execute(QUERIES["of_job"], {"tenant_id": tenant_id, "job_id": job_id}).fetchone()
    return (row[0], row[1]) if row else None


def names_of(connection: psycopg.Connection[Any], tenant_id: UUID, asked_by: Sequence[str]) -> dict[str, str]:
    """By who asked for jobs, the name of the schedule, where one has."""
    return dict(connection.execute(QUERIES["names"], {"tenant_id": tenant_id, "asked_by": list(asked_by)}).fetchall())


def lock_followers(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> set[UUID]:
    """The schedules that come after one, for this transaction only."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id}
    return {found for (found,) in connection.execute(QUERIES["lock_followers"], values)}


def dangling(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Schedule]:
    """Schedules whose next time is not in the queue any more, for this transaction only."""
    return select(connection, Schedule, QUERIES["dangling"], {"tenant_id": tenant_id})


def ready_after(connection: psycopg.Connection[Any], tenant_id: UUID, schedule_id: UUID) -> list[UUID]:
    """Schedules whose turn has come with the success of this one."""
    values = {"tenant_id": tenant_id, "schedule_id": schedule_id}
    return [found for (found,) in connection.execute(QUERIES["ready"], values)]


def log_update(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    job_id: UUID,
    schedule: str,
    *,
    without_run: Sequence[tuple[str, str | None]],
    succeeded: bool,
) -> None:
    """Write the update log of a job that a schedule has asked for and that has ended, one entry a source.

    without_run: sources that came to no run, and why where they were refused. succeeded: that there were failures
    before it is told as what got better.
    """
    values = {"tenant_id": tenant_id, "job_id": job_id, "schedule": schedule}
    (failures,) = connection.execute(QUERIES["failures_before"], values).fetchone() or (0,)
    connection.execute(QUERIES["log_update"], values)
    for source_name, refused in without_run:
        connection.execute(QUERIES["log_no_run"], {**values, "source_name": source_name, "refused": refused})
    if not without_run:
        connection.execute(QUERIES["log_failed"], values)
    if succeeded and failures:
        connection.execute(QUERIES["log_works_again"], {**values, "failures": failures})
