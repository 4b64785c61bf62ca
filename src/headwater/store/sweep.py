"""The final key sweep of a full load: rows of the source that it no longer holds go to history, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from headwater.contracts.table import history_name, table_name
from headwater.store import audit
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.stored_rows import canonical, row_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    import psycopg
    import pyarrow as pa

    from headwater.contracts.document import Document, FieldSpec
    from headwater.store.runs import Run

QUERIES = named_queries("sweep")
HOUSE_COLUMNS = ("absent", "record_no", "row_hash")


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Rows deleted: of the contract, and of what was calculated from them."""

    records: int
    results: int


def older_keys(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, run: Run
) -> Iterator[pa.RecordBatch]:
    """Keys, as canonical texts, of the rows that stand and came from earlier runs of this run's source."""
    older = sql.SQL(QUERIES["older_rows"].partition("\n")[2]).format(
        target=sql.Identifier(table_name(document)),
        tenant=sql.Literal(tenant_id),
        source=sql.Literal(run.source_id),
        started=sql.Literal(run.started_at),
    )
    yield from row_batches(
        connection,
        columns=[canonical(spec) for spec in document.key],
        tables=older,
        order=[sql.Identifier(spec.name) for spec in document.key],
    )


def sweep(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    run: Run,
    document: Document,
    results: Document | None,
    *,
    keys: Mapping[str, Sequence[str]],
    chunk_id: UUID,
) -> Swept:
    """Delete the rows with these keys (columns of canonical texts) and what was calculated from them, into history.

    `chunk_id` is the chunk in whose name it happens. Everything and its audit entry is in the caller's transaction.
    """
    with translated("sweep a full load"):
        records = _delete(connection, tenant_id, document, document, keys=keys, chunk_id=chunk_id)
        calculated = 0
        if results is not None:
            calculated = _delete(connection, tenant_id, results, document, keys=keys, chunk_id=chunk_id)
        audit.append(
            connection,
            tenant_id,
            action="run.swept",
            resource=f"run/{run.run_id}",
            payload={"records": records, "results": calculated},
        )
    return Swept(records=records, results=calculated)


def _delete(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    target: Document,
    keyed: Document,
    *,
    keys: Mapping[str, Sequence[str]],
    chunk_id: UUID,
) -> int:
    """Delete the rows of `target` that carry these keys of `keyed`."""
    names = [spec.name for spec in keyed.key]
    columns = [*(spec.name for spec in target.fields), *HOUSE_COLUMNS]
    arrays = sql.SQL(", ").join(_array(keyed.by_name[name]) for name in names)
    statement = sql.SQL(QUERIES["delete_rows"]).format(
        target=sql.Identifier(table_name(target)),
        history=sql.Identifier(history_name(target)),
        arrays=arrays,
        keys=sql.SQL(", ").join(map(sql.Identifier, names)),
        same_key=sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("k", name)) for name in names
        ),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        gone_columns=sql.SQL(", ").join(sql.Identifier("g", column) for column in columns),
    )
    values = {f"key_{name}": list(keys[name]) for name in names}
    lost = connection.execute(statement, {"tenant": tenant_id, "chunk": chunk_id, **values}).fetchall()
    for chunk, count in lost:
        connection.execute(QUERIES["count_lost"], {"tenant": tenant_id, "chunk": chunk, "lost": count})
    return sum(count for _, count in lost)


def _array(spec: FieldSpec) -> sql.Composed:
    """The texts of one key field as an array of its type."""
    type_name = sql.SQL(spec.kind.postgres_type.partition(" COLLATE")[0])
    return sql.SQL("{}::text[]::{}[]").format(sql.Placeholder(f"key_{spec.name}"), type_name)
