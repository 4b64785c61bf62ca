"""Personal values in tables of contracts that were written before they were encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from headwater.contracts.table import table_name
from headwater.store.queries import named_queries
from headwater.store.sealed import SIGN, opened_values, opener_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("clear_values")
AT_ONCE = 10_000


def rows_in_clear(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, table: str
) -> dict[str, dict[str, Any]]:
    """Some rows of the contract's table, or of its past, by where they lie; none where none is left."""
    names = {spec.name for spec in (*document.subject_fields, *document.key)} | document.personal.keys()
    statement = sql.SQL(QUERIES["in_clear"]).format(
        columns=sql.SQL(", ").join(sql.Identifier("t", name) for name in sorted(names)),
        table=sql.Identifier(table),
        in_clear=_in_clear(document.personal),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(statement, {"tenant_id": tenant_id, "limit": AT_ONCE}).fetchall()
    places = [row.pop("ctid") for row in found]
    return dict(zip(places, opened_values(document, found, opener_of(connection)), strict=True))


def any_key_in_clear(connection: psycopg.Connection[Any], tenant_id: UUID, document: Document) -> bool:
    """Whether a row stands under a key in clear, by which no load would meet it."""
    keys = [spec.name for spec in document.key if spec.personal]
    statement = sql.SQL(QUERIES["any_key"]).format(table=sql.Identifier(table_name(document)), in_clear=_in_clear(keys))
    row = connection.execute(statement, {"tenant_id": tenant_id}).fetchone()
    return bool(row and row[0])


def seal_rows(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    table: str,
    places: Sequence[str],
    sealed: Mapping[str, Sequence[str | None]],
) -> None:
    """Put ciphertexts, by field, in the rows at these places."""
    listed = sql.SQL(", ").join
    statement = sql.SQL(QUERIES["seal"]).format(
        table=sql.Identifier(table),
        fields=listed(map(sql.Identifier, sealed)),
        arrays=listed(sql.SQL("{}::text[]").format(sql.Placeholder(f"sealed_{name}")) for name in sealed),
        assignments=listed(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("sealed", name)) for name in sealed
        ),
    )
    values = {f"sealed_{name}": list(texts) for name, texts in sealed.items()}
    connection.execute(statement, {"tenant_id": tenant_id, "places": list(places), **values})


def _in_clear(fields: Iterable[str]) -> sql.Composed:
    """Two ranges of each, as an index serves them: below and above all ciphertexts."""
    after = sql.Literal(SIGN[:-1] + chr(ord(SIGN[-1]) + 1))
    return sql.SQL(" OR ").join(
        sql.SQL("{0} < {1} OR {0} >= {2}").format(sql.Identifier("t", name), sql.Literal(SIGN), after)
        for name in fields
    )
