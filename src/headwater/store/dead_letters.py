"""Which runs' refused records were copied out of the database, and where to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.store.records import select
from headwater.store.runs import Run

QUERIES = named_queries("dead_letters")


def runs_waiting(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Run]:
    """Ended runs that refused records which are not copied yet, the oldest first."""
    return select(connection, Run, QUERIES["waiting"], {"tenant_id": tenant_id})


def note_mirrored(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run, *, name: str, records: int) -> None:
    """What a run refused is copied under this name, as the run was when it was looked at."""
    values = {"tenant_id": tenant_id, "run_id": run.run_id, "object": name, "records": records}
    connection.execute(QUERIES["note"], {**values, "run_finished_at": run.finished_at})
