"""Connectors as kept, the plans and checkpoints of their syncs, the columns their sources had, and their circuits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from headwater.errors import Conflict, Misuse, NotFound
from headwater.store.queries import named_queries
from headwater.store.records import number, select

QUERIES = named_queries("connectors")
REFUSED_SYNCS_KEPT = 1000
"""So many of a connector: of a schedule that is refused every minute those of most of a day."""


@dataclass(frozen=True, kw_only=True)
class StoredConnector:
    """A connector as kept; its config holds references to secrets, never a secret."""

    connector_id: UUID
    name: str
    kind: str
    config: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None
    from_outside: bool = False  # made or changed over HTTP


@dataclass(frozen=True, kw_only=True)
class PlannedSourceChunk:
    """Where a chunk of a sync lies in its source; see `connectors.protocol.SourceChunk`."""

    chunk_no: int
    locator: Mapping[str, Any]
    records: int
    cursor_to: str | None
    window_start: str | None
    window_end: str | None


@dataclass(frozen=True, kw_only=True)
class ReadUpTo:
    """How far a source was read, and by what: the run that came there read `table` by `cursor`, None where by none.

    began  whether any run read it by what is asked for now from the beginning on; without one, no value says how far
           that column was read
    """

    last_cursor: str | None
    cursor: str | None
    table: str | None
    began: bool


@dataclass(frozen=True, kw_only=True)
class UnfinishedRun:
    """A run through a connector that did not come to its end."""

    run_id: UUID
    source_name: str
    state: str


@dataclass(frozen=True, kw_only=True)
class SchemaSeen:
    """What a table of a source was when it was noted.

    columns       name, type and whether null of each
    key_columns   of its key; None where it was never discovered, for a sync does not ask for it
    foreign_keys  columns, table and columns meant of each; None likewise
    is_gone       whether a discovery did not find it: then the rest is as it was before
    """

    table_name: str
    seen_no: int
    columns: list[dict[str, Any]]
    key_columns: list[str] | None = None
    foreign_keys: list[dict[str, Any]] | None = None
    is_gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """Whether a source is asked: not while its circuit is open.

    state       closed, open or half_open
    failures    one after the other
    seconds     for how long it has been in that state
    last_error  why it failed last
    """

    state: str = "closed"
    failures: int = 0
    seconds: float = 0.0
    last_error: str | None = None


def add_connector(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID,
    *, name: str, kind: str, config: object, from_outside: bool = False,
) -> None:  # fmt: skip
    """Keep a connector; Misuse where the name is taken."""
    values: dict[str, object] = {"tenant_id": tenant_id, "connector_id": connector_id, "name": name, "kind": kind}
    values["from_outside"] = from_outside
    try:
        connection.execute(QUERIES["add"], {**values, "config": Jsonb(config)})
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "there is a connector of this name",
            where="connectors add",
            value=name,
            valid="a name that none has",
            remedy=f"To change that one: headwater connectors change {name} --set KEY=VALUE.",
        ) from error
    except psycopg.errors.CheckViolation as error:
        raise Misuse(
            "no name for a connector",
            where="connectors add",
            value=name,
            valid="small letters, digits, _ and -, a letter first, at most 63",
        ) from error


def change_config(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, config: Mapping[str, Any],
    *, from_outside: bool = False,
) -> None:  # fmt: skip
    """Another config. One that was ever changed from outside stays so: who changes another value vouches for that."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "from_outside": from_outside}
    connection.execute(QUERIES["change"], {**values, "config": Jsonb(config)})


def remove_connector(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> None:
    """Let go of a connector; its runs stay."""
    connection.execute(QUERIES["remove"], {"tenant_id": tenant_id, "connector_id": connector_id})


def list_connectors(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[StoredConnector]:
    """Those there are, by name."""
    return select(connection, StoredConnector, QUERIES["list"], {"tenant_id": tenant_id})


def lock_connector(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> None:
    """Keep others from changing a connector until the transaction ends; nothing where there is none."""
    connection.execute(QUERIES["lock"], {"tenant_id": tenant_id, "name": name})


def find_connector(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> StoredConnector:
    """The connector of a name; Misuse naming those there are."""
    found = select(connection, StoredConnector, QUERIES["named"], {"tenant_id": tenant_id, "name": name})
    if not found:
        known = ", ".join(each.name for each in list_connectors(connection, tenant_id))
        raise NotFound(
            "there is no such connector",
            where="connector",
            value=name,
            valid=known or None,
            remedy="`headwater connectors list` shows them." if known else "`headwater connectors add` makes one.",
        )
    return found[0]


def get_connector(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> StoredConnector:
    """A connector by id, removed ones too."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id}
    (found,) = select(connection, StoredConnector, QUERIES["get"], values)
    return found


def plan_source_chunks(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, chunks: Sequence[PlannedSourceChunk]
) -> None:
    """Write where the chunks of a sync lie, in the transaction that writes its run."""
    columns = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(PlannedSourceChunk)} | {
        "locator": [Jsonb(chunk.locator) for chunk in chunks]
    }
    connection.execute(QUERIES["plan_chunks"], {"tenant_id": tenant_id, "run_id": run_id, **columns})


def source_chunks_of(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> list[PlannedSourceChunk]:
    """The plan of a sync, in order."""
    values = {"tenant_id": tenant_id, "run_id": run_id}
    return select(connection, PlannedSourceChunk, QUERIES["chunks_of_run"], values)


def read_up_to(
    connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes, *, cursor: str, table: str
) -> ReadUpTo | None:
    """How far a source was read, asked by who would read that table by that cursor; None where it never was read."""
    values = {"tenant_id": tenant_id, "source_id": source_id, "cursor": cursor, "table": table}
    row = connection.execute(QUERIES["read_up_to"], values).fetchone()
    return ReadUpTo(last_cursor=row[0], cursor=row[1], table=row[2], began=row[3]) if row else None


def states_of_connector(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID
) -> list[dict[str, Any]]:
    """How far each source was read through a connector."""
    return _dicts(connection, "states", {"tenant_id": tenant_id, "connector_id": connector_id})


def syncs_of_connector(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, *, limit: int
) -> list[dict[str, Any]]:
    """The latest syncs first."""
    return _dicts(connection, "syncs", {"tenant_id": tenant_id, "connector_id": connector_id, "limit": limit})


def note_refused_sync(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    connector_id: UUID,
    *,
    source_name: str,
    tried_at: datetime,
    error: Mapping[str, str],
) -> None:
    """Note a sync that came to no run, the error as it may be kept for good; of its connector the latest are kept."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "source_name": source_name, "tried_at": tried_at}
    stay = REFUSED_SYNCS_KEPT - 1
    connection.execute(QUERIES["note_refused_sync"], {**values, "error": Jsonb(error), "stay": stay})


def refused_syncs(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, *, limit: int
) -> list[dict[str, Any]]:
    """Syncs that came to no run, the latest first."""
    return _dicts(connection, "refused_syncs", {"tenant_id": tenant_id, "connector_id": connector_id, "limit": limit})


def mappings_read_by(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> list[tuple[bytes, bytes]]:
    """Hashes of the mappings, each with its contract's, of all runs through connectors of a name, removed ones too."""
    found = connection.execute(QUERIES["mappings_read_by"], {"tenant_id": tenant_id, "name": name}).fetchall()
    return [(bytes(mapping), bytes(contract)) for mapping, contract in found]


def unfinished_runs(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> list[UnfinishedRun]:
    """Of each source the newest run through a connector, where it did not come to its end; the oldest first."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id}
    return select(connection, UnfinishedRun, QUERIES["unfinished"], values)


def schema_changes(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> list[dict[str, Any]]:
    """What changed in the tables of a connector, the latest first."""
    return _dicts(connection, "schema_changes", {"tenant_id": tenant_id, "connector_id": connector_id})


def schemas_seen(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, table: str | None = None
) -> dict[str, SchemaSeen]:
    """By name what each table of a source was when last it was noted; of one of them, where it is named."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "table_name": table}
    return {each.table_name: each for each in select(connection, SchemaSeen, QUERIES["schemas_seen"], values)}


def note_schema(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    connector_id: UUID,
    seen: SchemaSeen,
    changes: Sequence[Mapping[str, Any]],
) -> None:
    """Note what a table is now."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, **asdict(seen), "changes": Jsonb(list(changes))}
    for name in ("columns", "key_columns", "foreign_keys"):
        values[name] = None if values[name] is None else Jsonb(values[name])
    connection.execute(QUERIES["note_schema"], values)


def circuit_of(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> Circuit:
    """The state of a source's circuit; closed where nothing was ever noted."""
    row = connection.execute(QUERIES["circuit"], {"tenant_id": tenant_id, "connector_id": connector_id}).fetchone()
    return Circuit(state=row[0], failures=row[1], seconds=row[2], last_error=row[3]) if row else Circuit()


def failed_since_newest_run(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID
) -> tuple[datetime, str | None] | None:
    """When a source failed or refused and why, where it did so after its newest run or is left alone; else None."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id}
    row = connection.execute(QUERIES["failed_since"], values).fetchone()
    return (row[0], row[1]) if row else None


def was_synced(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID) -> bool:
    """Whether a run through a connector was ever planned."""
    return bool(number(connection, QUERIES["was_synced"], {"tenant_id": tenant_id, "connector_id": connector_id}))


def note_refusal(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, last_error: str) -> None:
    """Why a source refused to be read, where its circuit says nothing else."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "last_error": last_error}
    connection.execute(QUERIES["note_refusal"], values)


def set_circuit(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    connector_id: UUID,
    *,
    state: str,
    failures: int,
    last_error: str | None,
    seconds: float = 0.0,
) -> None:
    """A new state of the circuit, which it has been in for so long."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "state": state, "failures": failures}
    connection.execute(QUERIES["set_circuit"], {**values, "last_error": last_error, "seconds": seconds})


def may_try_again(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, seconds: float) -> bool:
    """Whether this caller is the one who may ask a source whose circuit has been open for so long."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "seconds": seconds}
    return connection.execute(QUERIES["try_half_open"], values).rowcount == 1


def _dicts(connection: psycopg.Connection[Any], query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(QUERIES[query], values).fetchall()
