"""Rows of a contract that stand: all in order of their keys, a batch at a time; or those of some that stand already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from headwater.contracts.table import table_name
from headwater.store.queries import named_queries
from headwater.store.sealed import opened_batches, opener_of
from headwater.store.stored_rows import canonical, row_batches
from headwater.store.sweep import key_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    import psycopg
    import pyarrow as pa

    from headwater.contracts.document import Document

QUERIES = named_queries("keyed_rows")


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


def standing_keys(
    connection: psycopg.Connection[Any], document: Document, *, version: str | None, unit: UUID | None
) -> Iterator[pa.RecordBatch]:
    """The keys of all rows that stand, as canonical texts and in clear, null where somebody was erased; of a unit only,
    where one is named. With each the value of the field `version`, which is not personal.
    """
    table = sql.Identifier(table_name(document))
    specs = [*document.key, *([] if version is None else [document.by_name[version]])]
    batches = row_batches(
        connection,
        columns=[canonical(spec) for spec in specs],
        tables=table if unit is None else sql.SQL(QUERIES["of_unit"]).format(table=table, unit=sql.Literal(unit)),
        order=[sql.Identifier(spec.name) for spec in document.key],
    )
    personal = {spec.name: spec for spec in document.key if spec.name in document.personal}
    return opened_batches(batches, personal, opener_of(connection), keep=False)


def as_they_stand(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    keys: Mapping[str, Sequence[str]],
    *,
    hashes: Sequence[bytes],
    numbers: Sequence[int],
) -> frozenset[int]:
    """Which of these rows stand with the same content, by their numbers; keys as canonical texts, field by field, none
    of them personal.
    """
    listed = sql.SQL(", ").join
    query = sql.SQL(QUERIES["as_they_stand"]).format(
        arrays=listed(map(key_array, document.key)),
        keys=listed(sql.Identifier(spec.name) for spec in document.key),
        table=sql.Identifier(table_name(document)),
        same_key=sql.SQL(" AND ").join(
            sql.SQL("t.{name} = k.{name}").format(name=sql.Identifier(spec.name)) for spec in document.key
        ),
    )
    values: dict[str, Any] = {f"key_{name}": list(texts) for name, texts in keys.items()}
    values |= {"tenant_id": tenant_id, "hashes": list(hashes), "numbers": list(numbers)}
    return frozenset(number for (number,) in connection.execute(query, values))
