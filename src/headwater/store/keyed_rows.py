"""Rows of a contract that stand, in order of their keys, a batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from headwater.contracts.table import table_name
from headwater.store.sealed import opened_batches, opener_of
from headwater.store.stored_rows import canonical, row_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    import pyarrow as pa

    from headwater.contracts.document import Document


def keyed_batches(connection: psycopg.Connection[Any], document: Document) -> Iterator[pa.RecordBatch]:
    """Every row that stands as canonical texts, with its row hash in hexadecimal, by key; of what is personal and was
    erased nothing.
    """
    row_hash = sql.Identifier("row_hash")
    batches = row_batches(
        connection,
        columns=[*map(canonical, document.fields), sql.SQL("encode({}, 'hex') AS {}").format(row_hash, row_hash)],
        tables=sql.Identifier(table_name(document)),
        order=[sql.Identifier(spec.name) for spec in document.key],
    )
    return opened_batches(batches, document.personal, opener_of(connection), keep=False)
