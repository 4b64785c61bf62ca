"""Rows of a contract's table as canonical text: what is hashed, pinned and compared when figures are verified."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg import sql
from pyarrow import csv as arrow_csv

from headwater.contracts.table import table_name
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("stored_rows")


def current_rows(connection: psycopg.Connection[Any], document: Document) -> bytes:
    """The contract's rows that stand, as CSV of canonical texts, by key; equal rows give equal bytes."""
    fields = [spec.name for spec in document.fields]
    return _copy(
        connection,
        columns=[sql.Identifier(name) for name in fields],
        tables=sql.Identifier(table_name(document)),
        order=[sql.Identifier(spec.name) for spec in document.key],
    )


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
    options = arrow_csv.ConvertOptions(
        strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    header = content[: content.index(b"\n")].decode().replace('"', "").split(",")
    options.column_types = {name: pa.string() for name in header}
    return arrow_csv.read_csv(
        pa.py_buffer(content),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=max(len(content), 1)),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
