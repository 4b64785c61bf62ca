"""Units that sources belong to, and with them the records that came from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from headwater.contracts.table import history_name, table_name
from headwater.errors import Conflict
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("source_units")
ASSIGNED = "source.assigned"
"""What the audit chain calls it."""


def all_units(connection: psycopg.Connection[Any], tenant_id: UUID) -> dict[bytes, UUID]:
    """The sources that belong to units."""
    return {bytes(source): unit for source, unit in connection.execute(QUERIES["all"], {"tenant": tenant_id})}


def unit_of(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> UUID | None:
    """The unit of a source; None where it is the organisation's."""
    row = connection.execute(QUERIES["unit_of"], {"tenant": tenant_id, "source": source_id}).fetchone()
    return row[0] if row else None


def misplaced(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, table: str
) -> list[tuple[str, UUID | None, UUID | None]]:
    """Rows of a table whose unit is not that of their source: key, unit, and the right one."""
    key = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(spec.name)) for spec in document.key)
    statement = sql.SQL(QUERIES["misplaced"]).format(
        key=sql.SQL("concat_ws('|', {})").format(key), table=sql.Identifier(table)
    )
    return connection.execute(statement, {"tenant": tenant_id}).fetchall()


def sources(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    *,
    text: str | None = None,
    units: Sequence[UUID] | None = None,
) -> list[dict[str, Any]]:
    """Sources by name; only that of a name or an id, and only those of some units, where that is said."""
    values = {"tenant": tenant_id, "text": text, "units": None if units is None else list(units)}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(QUERIES["sources"], values).fetchall()


def loads(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> list[tuple[str, int]]:
    """Name and major version of the contracts that a source was loaded into."""
    return connection.execute(QUERIES["loads"], {"tenant": tenant_id, "source": source_id}).fetchall()


def hold(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> None:
    """Nobody loads from a source until the transaction ends; Conflict where a run of it is at work."""
    name = f"source/{tenant_id}/{source_id.hex()}"
    row = connection.execute(QUERIES["hold"], {"name": name}).fetchone()
    if row is None or not row[0]:
        raise Conflict("a run of this source is at work", where="source", value=source_id.hex(), remedy="Wait for it.")


def assign(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    source_id: bytes,
    unit_id: UUID | None,
    documents: Iterable[Document],
) -> int:
    """A source and all its rows in the tables of these contracts belong to a unit, or to none; how many rows moved.

    Conflict where a run of the source is at work.
    """
    hold(connection, tenant_id, source_id)
    values = {"tenant": tenant_id, "source": source_id, "unit": unit_id}
    connection.execute(QUERIES["assign" if unit_id is not None else "unassign"], values)
    moved = 0
    for document in documents:
        for table in (table_name(document), history_name(document)):
            statement = sql.SQL(QUERIES["move_rows"]).format(table=sql.Identifier(table))
            moved += connection.execute(statement, values).rowcount
    return moved
