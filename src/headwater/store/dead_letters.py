"""Which runs' refused records were copied out of the database, and where to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.store.records import number, select
from headwater.store.runs import Run

QUERIES = named_queries("dead_letters")
IS_WAITING = QUERIES["is_waiting"].partition("\n")[2]


def runs_waiting(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    *,
    most: int,
    after: Run | None = None,
    only: UUID | None = None,
) -> list[Run]:
    """Ended runs that refused records which are not copied yet, the oldest first; those after one, or a certain one."""
    values = {"tenant_id": tenant_id, "most": most, "only": only}
    place = {"after": after.started_at if after else None, "after_run": after.run_id if after else None}
    return select(connection, Run, _asked("waiting"), {**values, **place})


def count_waiting(connection: psycopg.Connection[Any], tenant_id: UUID) -> int:
    """How many such runs there are."""
    return number(connection, _asked("count_waiting"), {"tenant_id": tenant_id})


def note_mirrored(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run, *, name: str, records: int) -> None:
    """What a run refused is copied under this name, as the run was when it was looked at."""
    values = {"tenant_id": tenant_id, "run_id": run.run_id, "object": name, "records": records}
    connection.execute(QUERIES["note"], {**values, "run_finished_at": run.finished_at})


def _asked(query: str) -> str:
    return QUERIES[query].replace("{is_waiting}", IS_WAITING)
