"""Temp tables of a transaction, filled from Arrow by binary COPY."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from headwater.store.queries import named_queries

QUERIES = named_queries("load")
_ROWS_SENT = 4096


def stage_definition(schema: pa.Schema, decimals: Mapping[str, str]) -> sql.Composed:
    """The columns of a temp table for rows of this schema. `decimals` are the types of decimals as they stand in the
    table the rows are meant for: a cast from a decimal without bounds would cost as much as the column itself.
    """
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(
            sql.Identifier(column.name), _stage_type(str(column.data_type.ddl()), decimals.get(column.name))
        )
        for column in ArrowToPostgresBinaryEncoder(schema).schema().columns
    )


def copy_to_stage(
    connection: psycopg.Connection[Any], stage: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Add the rows of these batches to a temp table."""
    encoder = ArrowToPostgresBinaryEncoder(schema)
    statement = sql.SQL(QUERIES["copy_stage"]).format(stage=sql.Identifier(stage))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for whole in batches:
            # In pieces, so that the server works on one while the next is made.
            for batch in pa.Table.from_batches([whole]).to_batches(max_chunksize=_ROWS_SENT):
                copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())


def _stage_type(ddl: str, decimal: str | None) -> sql.SQL:
    if ddl == "NUMERIC" and decimal is not None:
        return sql.SQL(decimal)
    # Keys are compared with the contract tables' columns, whose collation is "C".
    return sql.SQL('text COLLATE "C"') if ddl == "TEXT" else sql.SQL(ddl)
