"""Checks: a source is discovered whole, and a plan covers every row once, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice

import pyarrow as pa

from headwater.connectors.protocol import Connector, Selection, SourceChunk, SourcePlan, Table
from headwater.testing.case import Case, Row
from headwater.testing.checking import Check, require
from headwater.testing.opening import (
    BEFORE_SUMMER_TIME,
    batches,
    by_another_process,
    numbered,
    opened,
    planned,
    read_back,
    require_rows,
    rows_in,
    rows_of,
    selection,
)

SIDE_BY_SIDE = 3
"""Chunks that are read at once."""
TOGETHER_SECONDS = 2.0
"""How long a reader waits for the others to have begun; once one has waited in vain nobody waits any more."""


def discovered(case: Case) -> None:
    """Discovery names table, columns, key and cursor, by name, and a sample is of those columns."""
    for rows in ([], numbered(25)):
        case.make(rows)
        with opened(case) as connector:
            tables: Sequence[Table] = connector.discover()
            sample = connector.sample(case.table, 5)
        names = [table.name for table in tables]
        require(names == sorted(names) and len(set(names)) == len(names), f"tables are not told once, by name: {names}")
        require(
            case.table in names, f"discover does not tell the table {case.table} ({len(rows)} rows); it tells {names}"
        )
        table = tables[names.index(case.table)]
        columns = {column.name: column for column in table.columns}
        missing = [name for name in case.columns if name not in columns]
        require(not missing, f"discover does not tell the columns {missing}")
        require(all(column.type.strip() for column in table.columns), "a column has no type in the source's own words")
        require(
            "key" in case.lacks or table.key == case.columns[:1],
            f"the key is {case.columns[:1]}, discover tells {table.key}",
        )
        told = not case.kind.cursor or case.columns[1] in (*table.cursors, *table.times)
        require(told, f"{case.columns[1]} tells what changed; discover tells {table.cursors} and {table.times}")
        require(table.rows is None or table.rows >= 0, f"the table is said to have {table.rows} rows")
        require(sample.num_rows == min(5, len(rows)), f"a sample of 5 of {len(rows)} rows has {sample.num_rows}")
        said = {name: sample.schema.field(name).type for name in sample.schema.names}
        meant = {name: column.arrow for name, column in columns.items()}
        require(said == meant, f"the sample has the columns {said}, discover tells {meant}")


def covered(case: Case) -> None:
    """A whole table is read once, in several chunks, in the order of its key, with the columns that the plan tells."""
    rows = numbered(137)
    case.make(rows)
    for asked in (selection(case), selection(case, chunk_rows=1000), selection(case, chunk_rows=None)):
        plan, found = read_back(case, asked)
        require_rows(found, rows, f"a whole table, {asked.chunk_rows} rows a chunk")
        _require_order(case, asked, plan)
    chunks = len(planned(case, selection(case)).chunks)
    cuts = bool({"key_range", "pages"} & set(case.kind.chunks))
    require(chunks >= 5 or not cuts, f"137 rows, 10 a chunk, are planned as {chunks} chunks")


def _require_order(case: Case, asked: Selection, plan: SourcePlan) -> None:
    columns = [(column.name, column.arrow) for column in plan.columns]
    with opened(case) as connector:
        for chunk in plan.chunks:
            found = batches(connector, asked, chunk)
            said = [(field.name, field.type) for field in found[0].schema]
            require(said == columns, f"the plan tells the columns {columns}, chunk {chunk.chunk_no} has {said}")
            ids = [row.id or 0 for row in rows_in(case, found)]
            require(ids == sorted(ids), f"the rows of chunk {chunk.chunk_no} are not in the order of the key: {ids}")


def empty(case: Case) -> None:
    """A table without rows gives none, and its schema."""
    case.make([])
    _, found = read_back(case, selection(case))
    require(not found, f"an empty table gives {len(found)} rows")


def chosen_columns(case: Case) -> None:
    """Only the columns asked for are read."""
    case.make(numbered(13))
    asked = selection(case, columns=case.columns[:1])
    plan = planned(case, asked)
    with opened(case) as connector:
        for chunk in plan.chunks:
            names = batches(connector, asked, chunk)[0].schema.names
            require(names == [case.columns[0]], f"asked for {case.columns[0]} alone, a chunk has {names}")


def twice(case: Case) -> None:
    """A chunk read twice, by the same connection and by another, gives equal batches in the same order."""
    case.make(numbered(137, tie=9))
    asked = selection(case, chunk_rows=40)
    plan = planned(case, asked)
    with opened(case) as connector:
        first = [batches(connector, asked, chunk) for chunk in plan.chunks]
        again = [batches(connector, asked, chunk) for chunk in plan.chunks]
    with opened(case) as other:
        apart = [batches(other, asked, chunk) for chunk in reversed(plan.chunks)][::-1]
    for chunk, *reads in zip(plan.chunks, first, again, apart, strict=True):
        alike = reads[0] == reads[1] == reads[2]
        require(alike, f"chunk {chunk.chunk_no}, read again from an unchanged source, gives other batches")


def side_by_side(case: Case) -> None:
    """Chunks read at the same time, by one connection or by several, give what they give one after another."""
    case.make(numbered(137, tie=9))
    asked = selection(case, chunk_rows=20)
    plan = planned(case, asked)
    with opened(case) as connector:
        alone = [batches(connector, asked, chunk) for chunk in plan.chunks]
    readers = min(SIDE_BY_SIDE, len(plan.chunks))
    with ExitStack() as stack, ThreadPoolExecutor(readers) as threads:
        one = stack.enter_context(opened(case))
        # An open source that threads may not share is opened once for each, as several processes would.
        sources = [one if case.kind.read_ahead is not None else stack.enter_context(opened(case)) for _ in plan.chunks]
        together = threading.Barrier(readers)
        begun = [
            threads.submit(_read_beside, source, asked, chunk, together if number < readers else None)
            for number, (source, chunk) in enumerate(zip(sources, plan.chunks, strict=True))
        ]
        beside = [each.result() for each in begun]
    for chunk, expected, found in zip(plan.chunks, alone, beside, strict=True):
        require(expected == found, f"chunk {chunk.chunk_no}, read beside others, gives other batches than by itself")


def _read_beside(
    connector: Connector, asked: Selection, chunk: SourceChunk, together: threading.Barrier | None
) -> list[pa.RecordBatch]:
    """The batches of a chunk, each of the first two taken once the others are as far."""
    with connector.read(asked, by_another_process(chunk)) as stream:
        _wait_for_others(together)
        found = list(islice(stream, 1))
        _wait_for_others(together)
        return [*found, *stream]


def _wait_for_others(together: threading.Barrier | None) -> None:
    if together is not None:
        with suppress(threading.BrokenBarrierError):  # a source may let one wait until another is through
            together.wait(TOGETHER_SECONDS)


def _halfway(case: Case, asked: Selection, plan: SourcePlan, change: Callable[[], None]) -> list[Row]:
    """The rows of a plan, with a change at the source once half of the chunks are read."""
    half = len(plan.chunks) // 2
    with opened(case) as connector:
        found = rows_of(case, connector, asked, replace(plan, chunks=plan.chunks[:half]))
        change()
        return found + rows_of(case, connector, asked, replace(plan, chunks=plan.chunks[half:]))


def inserted_meanwhile(case: Case) -> None:
    """Rows inserted between plan and read, below, between and above all others, are read once as those are."""
    rows = numbered(53)
    case.make(rows)
    asked = selection(case)
    plan = planned(case, asked)
    inserted = [replace(rows[-1], id=number, value="inserted") for number in (1, 3, 30, 31, 33, 10_000, 10_001)]
    case.insert(inserted)
    require_rows(read_back(case, asked, plan)[1], rows + inserted, "rows inserted between plan and read")
    case.make(rows)
    found = _halfway(case, asked, planned(case, asked), lambda: case.insert(inserted))
    require_rows(found, rows, "rows inserted between two chunks", optional=inserted)


def deleted_meanwhile(case: Case) -> None:
    """Rows deleted between plan and read, bounds and a whole chunk among them, take no other row with them."""
    rows = numbered(53)
    case.make(rows)
    asked = selection(case)
    plan = planned(case, asked)
    gone = [row.id for row in (*rows[:1], *rows[9:32], *rows[40::7], rows[-1]) if row.id is not None]
    case.delete(sorted(set(gone)))
    left = [row for row in rows if row.id not in gone]
    require_rows(read_back(case, asked, plan)[1], left, "rows deleted between plan and read")
    case.make(rows)
    found = _halfway(case, asked, planned(case, asked), lambda: case.delete(sorted(set(gone))))
    require_rows(found, left, "rows deleted between two chunks", optional=rows)


def without_key(case: Case) -> None:
    """Rows whose key is NULL are read as all others are."""
    rows = numbered(31) + [Row(id=None, at=BEFORE_SUMMER_TIME, value=f"without id {n}") for n in range(3)]
    case.make(rows)
    require_rows(read_back(case, selection(case))[1], rows, "rows with NULL in the key")


CHECKS = (
    Check(name="discovery", what=discovered.__doc__ or "", run=discovered),
    Check(name="every row once", what=covered.__doc__ or "", run=covered),
    Check(name="empty table", what=empty.__doc__ or "", run=empty),
    Check(name="chosen columns", what=chosen_columns.__doc__ or "", run=chosen_columns),
    Check(name="read twice", what=twice.__doc__ or "", run=twice),
    Check(name="read side by side", what=side_by_side.__doc__ or "", run=side_by_side),
    Check(
        name="rows inserted meanwhile", what=inserted_meanwhile.__doc__ or "", run=inserted_meanwhile, needs=("insert",)
    ),
    Check(
        name="rows deleted meanwhile", what=deleted_meanwhile.__doc__ or "", run=deleted_meanwhile, needs=("delete",)
    ),
    Check(name="null in the key", what=without_key.__doc__ or "", run=without_key, needs=("null key",)),
)
