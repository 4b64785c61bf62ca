"""What the database says of itself, of the queue, and of an organisation's work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.queue import ROWS_A_WORKER

QUERIES = named_queries("health")
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Server:
    """The database; sessions are those of all its clients."""

    version: str
    size: int
    connections: int
    most_connections: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One queue: jobs that are due and not begun, and at work."""

    name: str
    waiting: int
    at_work: int
    oldest_seconds: float


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Runs of an organisation now, and how those of the last hour ended."""

    running: int = 0
    stuck: int = 0
    succeeded: int = 0
    partial: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Records:
    """Records that runs of the last day have read, and refused."""

    read: int = 0
    quarantined: int = 0


@dataclass(frozen=True, kw_only=True)
class ScheduleHealth:
    """A schedule: when it last succeeded, and how its last job ended."""

    name: str
    paused: bool
    late: bool
    last_state: str | None
    last_success: datetime | None

    @property
    def is_failing(self) -> bool:
        """Whether its last job did not bring in all there was."""
        return self.last_state in {"failed", "partial_success"}


def server(connection: psycopg.Connection[Any]) -> Server:
    """What the server says of itself."""
    with translated("look at the database"):
        row = connection.execute(QUERIES["server"]).fetchone()
    version, size, connections, most = row or ("", 0, 0, 0)
    return Server(version=version.split(" ")[0], size=size, connections=connections, most_connections=most)


def queues(connection: psycopg.Connection[Any], of: UUID | None) -> list[Queue]:
    """The queues of all organisations, or what one has in them; the fullest first."""
    return _rows(connection, Queue, "queues", {"of": None if of is None else str(of)})


def workers(connection: psycopg.Connection[Any], *, seconds: float) -> int:
    """How many workers gave a sign of life within so many seconds."""
    with translated("look for workers"):
        row = connection.execute(QUERIES["workers"], {"seconds": seconds, "rows": ROWS_A_WORKER}).fetchone()
    return int(row[0]) if row else 0


def tenants_in_queue(connection: psycopg.Connection[Any]) -> set[UUID]:
    """Organisations that have something in the queue."""
    with translated("look at the queue"):
        return {UUID(tenant) for (tenant,) in connection.execute(QUERIES["tenants_in_queue"])}


def runs(connection: psycopg.Connection[Any], tenant_id: UUID, *, stuck_minutes: int) -> Runs:
    """Runs of an organisation."""
    (found,) = _rows(connection, Runs, "runs", {"tenant_id": tenant_id, "stuck_minutes": stuck_minutes})
    return found


def records(connection: psycopg.Connection[Any], tenant_id: UUID) -> Records:
    """Records of the last day."""
    (found,) = _rows(connection, Records, "records", {"tenant_id": tenant_id})
    return found


def schedules(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[ScheduleHealth]:
    """Schedules by name."""
    return _rows(connection, ScheduleHealth, "schedules", {"tenant_id": tenant_id})


def _rows(connection: psycopg.Connection[Any], record: type[Found], name: str, values: dict[str, Any]) -> list[Found]:
    with translated("look at the work"), connection.cursor(row_factory=class_row(record)) as cursor:
        return cursor.execute(QUERIES[name], values).fetchall()
