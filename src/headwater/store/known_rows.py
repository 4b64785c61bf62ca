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
STAGE, KNOWN = "known_by_cells", "known_records"


def is_known_by_cells(rows: pa.Table) -> bool:
    """Whether refused records are to be looked for by some of their cells only."""
    return rows["others"].null_count < rows.num_rows


def named_as_they_stand(
    connection: psycopg.Connection[Any], rows: pa.Table, *, tenant_id: UUID, run_id: UUID
) -> pa.Table:
    """The rows under the ids of the records that they are, with `n`, the occurrence, and `known_by`, what each is known
    by from now on where that is not its id; ordered by id. Two temp tables are left for the transaction.
    """
    rows = rows.sort_by("record_no")
    staged = rows.select(["record_no", "quarantine_id", "others"])
    parts = {"stage": sql.Identifier(STAGE), "known": sql.Identifier(KNOWN)}
    definition = {"definition": stage_definition(staged.schema, {})}
    values = {"tenant": tenant_id, "run": run_id}
    _execute(connection, "create_stage", {**parts, **definition})
    copy_to_stage(connection, STAGE, staged.schema, staged.to_batches())
    _execute(connection, "create_known", parts)
    others = pc.max(pc.count_substring_regex(rows["others"], pattern="[0-9a-f]+")).as_py()
    for way in range(1, 2 + others):
        _execute(connection, "find_known", parts, **values, way=way)
    _execute(connection, "name_unknown", parts, **values)
    found = _execute(connection, "known", parts).fetchone() or ([], [])
    names = pa.array([each.replace("-", "") for each in found[0]], pa.string())
    by = rows["quarantine_id"].combine_chunks()
    known_by = pc.if_else(pc.equal(by, names), pa.scalar(None, pa.string()), by)
    rows = rows.set_column(rows.column_names.index("quarantine_id"), "quarantine_id", names)
    rows = rows.append_column("n", pa.array(found[1], pa.int32())).append_column("known_by", known_by)
    return rows.sort_by([("quarantine_id", "ascending"), ("n", "ascending")])


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
