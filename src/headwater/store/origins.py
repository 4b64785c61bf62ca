"""Where rows came from, by their hashes: for comparisons of what was pinned at different times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from headwater.contracts.table import history_name, table_name
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("comparison")
AT_ONCE = 10_000


def origins(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, row_hashes: Sequence[str]
) -> Iterator[tuple[str, str, int, str]]:
    """Row hash, SHA-256 of the file, number of the record in it, hash of the mapping, for each row that is or was."""
    query = sql.SQL(QUERIES["origins"]).format(
        table=sql.Identifier(table_name(document)), history=sql.Identifier(history_name(document))
    )
    for start in range(0, len(row_hashes), AT_ONCE):
        hashes = [bytes.fromhex(text) for text in row_hashes[start : start + AT_ONCE]]
        yield from connection.execute(query, {"tenant_id": tenant_id, "hashes": hashes})
