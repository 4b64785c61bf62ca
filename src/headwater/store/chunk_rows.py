"""What chunks have written: the rows of a contract's table and of its history, by the chunk that wrote them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql

from headwater.contracts.table import history_name, table_name
from headwater.store.queries import named_queries
from headwater.store.sealed import opened_rows, opener_of
from headwater.store.stored_rows import StoredRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("chunk_rows")


def rows_of_chunks(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, chunks: Sequence[UUID]
) -> Iterator[tuple[UUID, list[StoredRow]]]:
    """The rows that each of these chunks wrote, sorted by its id; chunks that wrote none are left out."""
    fields = [spec.name for spec in document.fields]
    columns = sql.SQL(", ").join(
        sql.Identifier(name) for name in (*fields, "absent", "chunk_id", "record_no", "row_hash")
    )
    query = sql.SQL(QUERIES["of_chunks"]).format(
        columns=columns, table=sql.Identifier(table_name(document)), history=sql.Identifier(history_name(document))
    )
    with connection.cursor(name="rows_of_chunks") as cursor:
        cursor.execute(query, {"tenant_id": tenant_id, "chunks": list(chunks)})
        for chunk_id, rows in groupby(cursor, key=lambda row: row[-3]):
            yield chunk_id, opened_rows(document, [_row(fields, row) for row in rows], opener_of(connection))


def _row(fields: Sequence[str], row: Sequence[Any]) -> StoredRow:
    return StoredRow(
        values=dict(zip(fields, row, strict=False)),
        absent=row[-4],
        chunk_id=row[-3],
        record_no=row[-2],
        row_hash=bytes(row[-1]),
    )


def in_quarantine(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    source_id: bytes,
    hashes: Collection[bytes],
    *,
    ids: Collection[str],
) -> frozenset[bytes]:
    """By which of these raw hashes, and of these ids, as bytes, the source has records in quarantine."""
    values = {
        "tenant_id": tenant_id,
        "source_id": source_id,
        "hashes": list(hashes),
        "ids": [UUID(each) for each in ids],
    }
    return frozenset(bytes(found) for (found,) in connection.execute(QUERIES["in_quarantine"], values))


def repaired(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID) -> list[int]:
    """Numbers in the file of the records of a resubmitted chunk that were taken."""
    values = {"tenant_id": tenant_id, "chunk_id": chunk_id}
    return [number for (number,) in connection.execute(QUERIES["repaired"], values)]
