"""Rows of a contract's table as canonical text: what is hashed, pinned and compared when figures are verified."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg import sql
from pyarrow import csv as arrow_csv

from headwater.contracts.table import history_name, table_name
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document, FieldSpec

QUERIES = named_queries("stored_rows")


def current_rows(connection: psycopg.Connection[Any], document: Document) -> bytes:
    """The contract's rows that stand, as CSV of canonical texts, by key; equal rows give equal bytes."""
    return _copy(
        connection,
        columns=[canonical(spec) for spec in document.fields],
        tables=sql.Identifier(table_name(document)),
        order=[sql.Identifier(spec.name) for spec in document.key],
    )


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """One row as it stands: values by field, and where it came from."""

    values: Mapping[str, Any]
    absent: str | None
    chunk_id: UUID
    record_no: int  # in the chunk, from 0
    row_hash: bytes


def canonical(spec: FieldSpec) -> sql.Composed:
    """A column as the canonical text of its kind, under its own name. PostgreSQL prints most types so by itself."""
    column = sql.Identifier(spec.name)
    if spec.type == "boolean":
        return sql.SQL("CAST({} AS text) AS {}").format(column, column)
    if spec.type == "timestamp":
        form = sql.Literal('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        return sql.SQL("to_char({} AT TIME ZONE 'UTC', {}) AS {}").format(column, form, column)
    return sql.SQL("{}").format(column)


def find_rows(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, key: Mapping[str, object]
) -> list[StoredRow]:
    """Rows with these values in some or all of the key's fields, by key; 50 at most."""
    fields = [spec.name for spec in document.fields]
    query = sql.SQL(QUERIES["by_key"]).format(
        columns=_listed([*fields, "absent", "chunk_id", "record_no", "row_hash"]),
        table=sql.Identifier(table_name(document)),
        condition=_same(key),
        order=_listed([spec.name for spec in document.key]),
    )
    rows = connection.execute(query, {**key, "tenant_id": tenant_id}).fetchall()
    return [
        StoredRow(
            values=dict(zip(fields, row, strict=False)),
            absent=row[-4],
            chunk_id=row[-3],
            record_no=row[-2],
            row_hash=bytes(row[-1]),
        )
        for row in rows
    ]


def count_past(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, key: Mapping[str, object]
) -> int:
    """How many versions of a row were replaced or deleted."""
    query = sql.SQL(QUERIES["count_past"]).format(table=sql.Identifier(history_name(document)), condition=_same(key))
    row = connection.execute(query, {**key, "tenant_id": tenant_id}).fetchone()
    return int(row[0]) if row else 0


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _same(key: Mapping[str, object]) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in key)


def _copy(
    connection: psycopg.Connection[Any],
    *,
    columns: Sequence[sql.Composable],
    tables: sql.Composable,
    order: Sequence[sql.Composable],
) -> bytes:
    listed = sql.SQL(", ").join
    statement = sql.SQL(QUERIES["copy_rows"]).format(columns=listed(columns), tables=tables, order=listed(order))
    out = io.BytesIO()
    with translated("read stored rows"), connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            out.write(block)
    return out.getvalue()


def parse_rows(content: bytes) -> pa.Table:
    """A table of texts from what `current_rows` wrote; a missing value is null."""
    options = arrow_csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""])
    header = content[: content.index(b"\n")].decode().replace('"', "").split(",")
    options.column_types = {name: pa.string() for name in header}
    return arrow_csv.read_csv(
        pa.py_buffer(content),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=max(len(content), 1)),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
