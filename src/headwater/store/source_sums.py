"""Sums over the rows of one source that stand in a contract's table, and by which mappings they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pyarrow as pa
from psycopg import sql

from headwater.contracts.document import Document, FieldSpec
from headwater.contracts.table import table_name
from headwater.store.queries import named_queries
from headwater.store.runs import Run
from headwater.store.stored_rows import canonical, row_batches

QUERIES = named_queries("source_sums")


def sums_of_source(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, source_id: bytes, fields: Sequence[str]
) -> tuple[int, dict[str, Decimal]]:
    """How many rows of a source stand, and the sum of each of these fields of numbers; nothing counts as nothing."""
    sums = [sql.SQL("coalesce(sum(t.{}), 0)::numeric").format(sql.Identifier(field)) for field in fields]
    listed = sql.SQL("").join(sql.SQL(", ") + each for each in sums)
    statement = sql.SQL(QUERIES["of_source"]).format(sums=listed, table=sql.Identifier(table_name(document)))
    row = connection.execute(statement, {"tenant_id": tenant_id, "source_id": source_id}).fetchone()
    if row is None:
        raise AssertionError("a count is one row")
    return row[0], dict(zip(fields, row[1:], strict=True))


def rows_met_elsewhere(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    run: Run,
    *,
    beside: Sequence[FieldSpec] = (),
) -> Iterator[pa.RecordBatch]:
    """Keys, and fields `beside` them, of the rows that stand in chunks of other sources in which a run has found rows
    of its own equal: those and the others of these chunks, as canonical texts, what is personal as it is stored.
    """
    values = {"tenant_id": tenant_id, "run_id": run.run_id, "source_id": run.source_id}
    chunks = [chunk for (chunk,) in connection.execute(QUERIES["met_elsewhere"], values)]
    if not chunks:
        return
    rows = sql.SQL(QUERIES["rows_in_chunks"].partition("\n")[2]).format(
        table=sql.Identifier(table_name(document)), tenant_id=sql.Literal(tenant_id), chunks=sql.Literal(chunks)
    )
    yield from row_batches(
        connection,
        columns=[canonical(spec) for spec in (*document.key, *beside)],
        tables=rows,
        order=[sql.Identifier(spec.name) for spec in document.key],
    )


def made_by_other_mappings(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, run_id: UUID
) -> dict[str, int]:
    """How many rows of a run's source stand as other mappings than its own made them, by version; nothing for none."""
    values = {"tenant_id": tenant_id, "run_id": run_id}
    found = connection.execute(QUERIES["chunks_of_other_mappings"], values).fetchall()
    statement = sql.SQL(QUERIES["rows_of_chunks"]).format(table=sql.Identifier(table_name(document)))
    rows: dict[str, int] = {}
    for version, chunks in found:
        row = connection.execute(statement, {"tenant_id": tenant_id, "chunks": chunks}).fetchone()
        rows[version] = row[0] if row else 0
    return {version: count for version, count in rows.items() if count}
