"""Jobs: asked for, let into the queue in turn, begun, ended; and the runs that each has planned or gone on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from headwater.errors import Misuse, NotFound
from headwater.store.json_values import jsonb
from headwater.store.queries import named_queries
from headwater.store.records import ids_beginning, number, select
from headwater.store.runs import ENDED, Run

QUERIES = named_queries("jobs")
STATES = ("pending", "running", *ENDED)
Beat = Literal["wanted", "unwanted", "ended"]
"""What a worker is told of the job that it is at."""


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What is asked for."""

    job_id: UUID
    kind: str  # import, sync, resume, retry_failed, inventory
    label: str
    arguments: Mapping[str, Any]
    queue: str = "default"
    priority: int = 0  # among the organisation's own; the higher comes first
    lock: str | None = None  # of jobs with the same one, only one is at work
    time_limit: int | None = None  # seconds of one attempt
    most_attempts: int = 5
    asked_by: str
    correlation_id: str | None = None  # of the request that asked for it


@dataclass(frozen=True, kw_only=True)
class Job(NewJob):
    """A job as it stands."""

    state: str
    attempts: int
    asked_at: datetime
    not_before: datetime | None  # of one that is tried again later
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat: datetime | None
    cancel_asked_at: datetime | None
    cancel_asked_by: str | None
    error: Mapping[str, Any] | None
    result: Mapping[str, Any] | None  # what it came to, where that is no run
    queue_id: int | None
    fence: int  # of whoever has taken it last
    sources_planned: int | None  # None until they are listed
    sources_done: int
    schedule: str | None  # name of the one that asked for it

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be done about it any more unless somebody asks again."""
        return self.state in ENDED


def ask(connection: psycopg.Connection[Any], tenant_id: UUID, job: NewJob, *, at_once: int) -> None:
    """Write a job and, where it is its organisation's turn, its row in the queue, in the open transaction."""
    connection.execute(QUERIES["ask"], {**asdict(job), "arguments": Jsonb(job.arguments), "tenant_id": tenant_id})
    let_in(connection, tenant_id, queue=job.queue, at_once=at_once)


def alone(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Let nobody else end jobs or let them in until the transaction ends; before it locks any job."""
    connection.execute(QUERIES["one_at_a_time"], {"tenant_id": tenant_id})


def let_in(connection: psycopg.Connection[Any], tenant_id: UUID, *, queue: str, at_once: int) -> None:
    """Let the organisation's next jobs into the queue, until `at_once` are there; by whoever asks for or ends one."""
    values = {"tenant_id": tenant_id, "queue": queue, "at_once": at_once}
    alone(connection, tenant_id)
    connection.execute(QUERIES["find_lost"], values)
    for (job_id,) in connection.execute(QUERIES["next_in_turn"], values).fetchall():
        connection.execute(QUERIES["let_in"], {"tenant_id": tenant_id, "job_id": job_id})


NO_END: Mapping[str, Any] = {"state": None, "started_at": None, "finished_at": None, "error": None}
"""Of a time at which no job was asked for."""


def ends_of(
    connection: psycopg.Connection[Any], tenant_id: UUID, job_ids: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    """State, beginning and end of each of these jobs, and why its last attempt failed."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(QUERIES["ends_of"], {"tenant_id": tenant_id, "jobs": list(job_ids)}).fetchall()
    return {row.pop("job_id"): row for row in rows}


def get_job(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> Job:
    """The job; NotFound where there is none."""
    found = select(connection, Job, QUERIES["get"], {"tenant_id": tenant_id, "job_id": job_id})
    if not found:
        raise _no_such_job(str(job_id))
    return found[0]


def find_job(connection: psycopg.Connection[Any], tenant_id: UUID, text: str) -> Job:
    """The one job whose id begins with `text`; NotFound where there is none, Misuse where there are more than one."""
    found = ids_beginning(connection, QUERIES["named"], tenant_id, text)
    if not found:
        raise _no_such_job(text)
    if len(found) > 1:
        raise Misuse("more than one job begins so", where="job", value=text, valid="enough of the id to name one job")
    return get_job(connection, tenant_id, found[0])


def _no_such_job(text: str) -> NotFound:
    return NotFound(
        "there is no such job",
        where="job",
        value=text,
        valid="the id of a job of this organisation, or its beginning",
        remedy="`headwater jobs list` shows them.",
    )


def list_jobs(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, state: str | None, limit: int
) -> tuple[list[Job], int]:
    """The latest jobs first, and how many there are in all."""
    values = {"tenant_id": tenant_id, "state": state, "limit": limit}
    return select(connection, Job, QUERIES["list"], values), number(connection, QUERIES["count"], values)


def runs_of_job(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> list[Run]:
    """The runs that a job has planned or gone on with, in the order it came to them."""
    return select(connection, Run, QUERIES["runs_of"], {"tenant_id": tenant_id, "job_id": job_id})


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a worker knows of a job that it has taken."""

    fence: int  # its writes carry it
    time_limit: int | None


def take(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> Taken:
    """Take a job, committed at once, from whoever had it: their sessions are ended, and what they write counts no more.

    NotFound where there is no such job.
    """
    row = connection.execute(QUERIES["take"], {"tenant_id": tenant_id, "job_id": job_id}).fetchone()
    if row is None:
        raise _no_such_job(str(job_id))
    connection.commit()  # a session that comes after this sees it and refuses itself; one from before is ended
    connection.execute(QUERIES["end_sessions"], {"name": session_name(job_id), "fence": str(row[0])})
    connection.commit()
    return Taken(fence=row[0], time_limit=row[1])


def session_name(job_id: UUID) -> str:
    """How the sessions of a job's attempts are called; the fence comes after it."""
    return f"headwater job {job_id}"


def is_theirs(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID, fence: int) -> bool:
    """Whether nobody has taken the job since."""
    values = {"tenant_id": tenant_id, "job_id": job_id, "fence": fence}
    row = connection.execute(QUERIES["is_theirs"], values).fetchone()
    return bool(row and row[0])


def begin(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID, fence: int) -> Job | None:
    """Begin an attempt; None where the job has ended meanwhile, or somebody else has taken it."""
    values = {"tenant_id": tenant_id, "job_id": job_id, "fence": fence}
    begun = connection.execute(QUERIES["begin"], values).fetchone()
    return get_job(connection, tenant_id, job_id) if begun else None


def beat(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID, fence: int) -> Beat | None:
    """Say that a worker is at it. `unwanted` where somebody asked for its end, `ended` where its attempt came to it,
    None where it is another's.
    """
    values = {"tenant_id": tenant_id, "job_id": job_id, "fence": fence}
    row = connection.execute(QUERIES["beat"], values).fetchone()
    found: Beat | None = row[0] if row else None
    return found


def note_sources(
    connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID, *, planned: int | None, done: int, fence: int
) -> None:
    """Note how many sources there are, and how many came to their end; nothing where the job is another's by now."""
    values = {"tenant_id": tenant_id, "job_id": job_id, "planned": planned, "done": done, "fence": fence}
    connection.execute(QUERIES["note_sources"], values)


def end(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    job_id: UUID,
    state: str,
    error: Mapping[str, Any] | None,
    *,
    fence: int | None,
    result: Mapping[str, Any] | None = None,
) -> bool:
    """End the job in one of the states of ended runs; False where it had ended, or is not the caller's any more.

    fence: of a worker that ends it; None where nobody is at it.
    """
    values = {"tenant_id": tenant_id, "job_id": job_id, "state": state, "error": jsonb(error), "result": jsonb(result)}
    return connection.execute(QUERIES["end"], {**values, "fence": fence}).fetchone() is not None


def put_off(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    job_id: UUID,
    *,
    fence: int,
    seconds: float,
    error: Mapping[str, Any] | None,
    counts: bool,
) -> None:
    """Have the job wait for its next attempt; the one before `counts` unless nothing was wrong with it."""
    values = {"tenant_id": tenant_id, "job_id": job_id, "fence": fence, "seconds": seconds}
    values |= {"uncounted": 0 if counts else 1, "error": jsonb(error)}
    connection.execute(QUERIES["put_off"], values)


def forget_values(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Keep of why jobs failed no value: it may have been read, and be somebody's."""
    connection.execute(QUERIES["forget_values"], {"tenant_id": tenant_id})


def seconds_left(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> float:
    """Until a job that was put off may be tried again."""
    row = connection.execute(QUERIES["seconds_left"], {"tenant_id": tenant_id, "job_id": job_id}).fetchone()
    return float(row[0]) if row else 0.0


def ask_cancel(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID, *, asked_by: str) -> bool:
    """Ask for a job's end. True where no worker is at it, so that the caller ends it; False where its worker will."""
    values = {"tenant_id": tenant_id, "job_id": job_id, "asked_by": asked_by}
    row = connection.execute(QUERIES["ask_cancel"], values).fetchone()
    if row is None:
        return False
    _, queue_id = row
    if queue_id is None:
        return True
    connection.execute(QUERIES["tell_worker"], {"queue_id": queue_id})
    return not number(connection, QUERIES["is_at_work"], {"queue_id": queue_id})


def retry(connection: psycopg.Connection[Any], tenant_id: UUID, job_id: UUID) -> bool:
    """Have a job that failed, was cancelled or left gaps be done again; False where it is none of these."""
    return connection.execute(QUERIES["retry"], {"tenant_id": tenant_id, "job_id": job_id}).fetchone() is not None
