"""Which records in quarantine the refused rows of a table are, by some of their cells: see `pipeline.known_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from headwater.store.queries import named_queries
from headwater.store.staging import copy_to_stage, stage_definition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import psycopg

QUERIES = named_queries("load")
STAGE = "known_rows_stage"


def is_known_by_cells(rows: pa.Table) -> bool:
    """Whether refused records are to be looked for by some of their cells only."""
    return rows["others"].null_count < rows.num_rows


def named_as_they_stand(
    connection: psycopg.Connection[Any], rows: pa.Table, *, tenant_id: UUID, run_id: UUID
) -> pa.Table:
    """The rows under the ids of the records that they are, with `n`, the occurrence, and `known_by`, what each is known
    by from now on where that is not its id; ordered by id. Temp tables are left for the transaction.
    """
    rows = rows.sort_by("record_no")
    others = pc.max(pc.count_substring_regex(rows["others"], pattern="[0-9a-f]+")).as_py()
    found = _found(
        connection, rows.select(["record_no", "quarantine_id", "others"]), tenant_id, run_id, ways=1 + others
    )
    names = pa.array(found[0], pa.string())
    by = rows["quarantine_id"].combine_chunks()
    known_by = pc.if_else(pc.equal(by, names), pa.scalar(None, pa.string()), by)
    rows = rows.set_column(rows.column_names.index("quarantine_id"), "quarantine_id", names)
    rows = rows.append_column("n", pa.array(found[1], pa.int32())).append_column("known_by", known_by)
    return rows.sort_by([("quarantine_id", "ascending"), ("n", "ascending")])


def _found(
    connection: psycopg.Connection[Any], rows: pa.Table, tenant_id: UUID, run_id: UUID, *, ways: int
) -> tuple[list[str], list[int]]:
    """Id and occurrence of each row, looked for in one way after the other."""
    parts = {name: sql.Identifier(f"known_rows_{name}") for name in ("asked", "may_be", "known")}
    parts["stage"] = sql.Identifier(STAGE)
    values = {"tenant": tenant_id, "run": run_id}
    _execute(connection, "create_stage", {**parts, "definition": stage_definition(rows.schema, {})})
    copy_to_stage(connection, STAGE, rows.schema, rows.to_batches())
    for table in ("create_asked", "create_may_be", "create_known"):
        _execute(connection, table, parts)
    (is_any,) = _execute(connection, "any_known_by", parts, **values).fetchone() or (True,)
    for way in range(1, 1 + ways):
        _execute(connection, "clear", {"stage": parts["asked"]})
        for query in ("fill_asked", "fill_may_be_by_id", *(["fill_may_be_known_by"] if is_any else []), "find_known"):
            _execute(connection, query, parts, **values, way=way)
    _execute(connection, "name_unknown", parts)
    ids, numbers = _execute(connection, "known", parts).fetchone() or ([], [])
    return ids, numbers


def records_known_by(
    connection: psycopg.Connection[Any], tenant_id: UUID, ids: Collection[str]
) -> dict[str, list[tuple[str, str]]]:
    """By each of these ids the records that are known by it, in order: key (`<id>.<occurrence>`) and state."""
    rows = connection.execute(QUERIES["known_by"], {"tenant": tenant_id, "ids": [UUID(each) for each in ids]})
    found: dict[str, list[tuple[str, str]]] = {}
    for by, of, occurrence, state in rows:
        found.setdefault(by.hex, []).append((f"{of}.{occurrence}", state))
    return found


def _execute(
    connection: psycopg.Connection[Any], query: str, parts: Mapping[str, sql.Composable], **values: Any
) -> psycopg.Cursor[tuple[Any, ...]]:
    return connection.execute(sql.SQL(QUERIES[query]).format(**parts), values)
