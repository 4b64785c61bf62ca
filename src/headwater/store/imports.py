"""Files sent over HTTP, until each is a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from headwater.errors import Conflict, NotFound
from headwater.store.json_values import jsonb
from headwater.store.queries import named_queries
from headwater.store.records import number, select

if TYPE_CHECKING:
    from headwater.store.database import Database, TenantConnection

QUERIES = named_queries("imports")


@dataclass(frozen=True, kw_only=True)
class Import:
    """A file on its way. Once it is `planned` its state is that of its run."""

    import_id: UUID
    state: str  # uploading, uploaded, scanned, inspected, mapped, planned, refused, cancelled
    name: str
    size: int
    received: int  # bytes that are here and durable
    sha256: bytes | None
    mapping: str | None
    found: Mapping[str, Any] | None
    error: Mapping[str, Any] | None
    run_id: UUID | None
    job_id: UUID | None  # that carries the run out
    unit_id: UUID | None  # that its source is to belong to; None where none was said
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


def add_import(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    import_id: UUID,
    *,
    name: str,
    size: int,
    mapping: str | None,
    unit_id: UUID | None,
    by: str,
) -> None:
    """A file that is about to be sent."""
    values = {"tenant_id": tenant_id, "import_id": import_id, "name": name, "size": size, "mapping": mapping}
    connection.execute(QUERIES["add"], {**values, "unit_id": unit_id, "created_by": by})


def get_import(connection: psycopg.Connection[Any], tenant_id: UUID, import_id: UUID) -> Import:
    """One import; NotFound where there is none."""
    found = select(connection, Import, QUERIES["get"], {"tenant_id": tenant_id, "import_id": import_id})
    if not found:
        raise no_such_import(import_id)
    return found[0]


def no_such_import(import_id: UUID) -> NotFound:
    """What is said where there is none, or none that is seen."""
    return NotFound(
        "there is no such import",
        where="import",
        value=import_id,
        valid="the import_id of a file that was sent here",
        remedy="`GET /api/v1/imports` lists them.",
    )


def units_of(
    connection: psycopg.Connection[Any], tenant_id: UUID, import_ids: Collection[UUID]
) -> dict[UUID, UUID | None]:
    """The units of imports: those said, or once they are runs those of their sources."""
    return dict(
        connection.execute(QUERIES["units_of"], {"tenant_id": tenant_id, "import_ids": list(import_ids)}).fetchall()
    )


def latest_named(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Import | None:
    """The latest file of a name that was inspected, whether it is a run by now or waits for a mapping; of no unit."""
    found = select(connection, Import, QUERIES["latest_named"], {"tenant_id": tenant_id, "name": name})
    return found[0] if found else None


def held_bytes(connection: psycopg.Connection[Any], tenant_id: UUID, *, age: timedelta) -> int:
    """Bytes of the organisation's files on their way that somebody went on with; nobody adds any meanwhile."""
    connection.execute(QUERIES["lock_uploads"], {"tenant_id": tenant_id})
    return number(connection, QUERIES["held_bytes"], {"tenant_id": tenant_id, "age": age})


def abandoned(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, states: Collection[str], age: timedelta
) -> list[UUID]:
    """Imports in these states that nobody has gone on with for so long."""
    values = {"tenant_id": tenant_id, "states": list(states), "age": age}
    return [import_id for (import_id,) in connection.execute(QUERIES["abandoned"], values)]


def note_received(connection: psycopg.Connection[Any], tenant_id: UUID, import_id: UUID, received: int) -> None:
    """So many bytes are here and durable."""
    connection.execute(QUERIES["received"], {"tenant_id": tenant_id, "import_id": import_id, "received": received})


def begin_try(connection: psycopg.Connection[Any], tenant_id: UUID, import_id: UUID) -> int:
    """Note that somebody begins to look at the file; how often that was since it last got on."""
    return number(connection, QUERIES["begin_try"], {"tenant_id": tenant_id, "import_id": import_id})


def advance(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    import_id: UUID,
    state: str,
    *,
    from_states: Collection[str],
    sha256: bytes | None = None,
    found: Mapping[str, Any] | None = None,
    mapping: str | None = None,
    error: Mapping[str, Any] | None = None,
    run_id: UUID | None = None,
    job_id: UUID | None = None,
) -> None:
    """Move an import on; Conflict where it is in another state. What is not given stays, but for the error."""
    values = {
        "tenant_id": tenant_id,
        "import_id": import_id,
        "state": state,
        "from_states": list(from_states),
        "sha256": sha256,
        "found": jsonb(found),
        "mapping": mapping,
        "error": jsonb(error),
        "run_id": run_id,
        "job_id": job_id,
    }
    if connection.execute(QUERIES["advance"], values).rowcount != 1:
        now = get_import(connection, tenant_id, import_id)
        raise Conflict(
            f"the import is {now.state}, and cannot become {state}",
            where="import",
            value=import_id,
            valid="an import that is " + " or ".join(from_states),
        )


def forget_cells(connection: psycopg.Connection[Any], tenant_id: UUID) -> None:
    """Keep of what inspection found in files the format and the columns alone, and of why some were refused no value,
    whatever became of them.
    """
    connection.execute(QUERIES["forget_cells"], {"tenant_id": tenant_id})


def look_later(connection: psycopg.Connection[Any], tenant_id: UUID, import_id: UUID, *, wait: timedelta) -> None:
    """Have a worker look at the import after a while: whoever works on it now may be killed before it is done."""
    connection.execute(QUERIES["look_later"], {"tenant_id": tenant_id, "import_id": import_id, "wait": wait})


def hold(database: Database, tenant_id: UUID, import_id: UUID) -> TenantConnection:
    """A connection that keeps others from working on the import until it is closed; Conflict where somebody does."""
    connection = database.hold(tenant_id, f"import {tenant_id} {import_id}")
    if connection is None:
        raise Conflict(
            "somebody else works on this import just now",
            where="import",
            value=import_id,
            remedy="Look at it in a moment: what they do is done once.",
        )
    return connection
