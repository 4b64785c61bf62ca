"""Records that take off others: what goes back and what is credited, taken off what was bought of its kind.

The mapping says which records these are, how much there is of each, and in what two records must be alike (`net`). Of a
kind, what takes off is taken off in the order of the records, each record down to nothing before the next; so the sum
is right to the last digit, and which record was reduced by which can be said. What its kind does not have is left over.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.engine.duck import engine
from headwater.engine.fragments import quote_name
from headwater.mapping.compile import NET, NET_OF, CompiledNet, compile_net
from headwater.store.stored_rows import ROW_HASH
from headwater.values import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import duckdb

    from headwater.mapping import Mapping

PLACE = "_place"


@contextmanager
def netted(
    mapping: Mapping, key: Sequence[str], read: Callable[[], Iterable[pa.Table]]
) -> Iterator[Iterator[pa.Table]]:
    """Two columns for each table of records that `read` gives, in its order; it is asked twice.

    `_net`     how much is left of the record, or of what it takes off
    `_net_of`  JSON: what was taken off it, as [key, how much, hash of the row]
    """
    with engine() as duck:
        compiled = _note(duck, mapping, key, read())
        changed = dict(_changed(duck, compiled)) if compiled else {}
        yield _columns(duck, read(), changed)


def _note(
    duck: duckdb.DuckDBPyConnection, mapping: Mapping, key: Sequence[str], tables: Iterable[pa.Table]
) -> CompiledNet | None:
    """Every record's amount and kind; None where there are no records."""
    duck.execute(
        "CREATE TABLE noted (place BIGINT, id VARCHAR, row_hash VARCHAR, counts BOOLEAN, takes BOOLEAN,"
        " amount VARCHAR, alike VARCHAR)"
    )
    compiled, place = None, 0
    told = f"concat_ws('|', {', '.join(map(quote_name, key))})"
    for table in tables:
        compiled = compiled or compile_net(mapping, (*table.column_names, NET, NET_OF))
        blank = pa.array([""] * table.num_rows, pa.string())
        numbers = pa.array(range(place, place + table.num_rows), pa.int64())
        filled = pa.table([_filled(column) for column in table.itercolumns()], names=table.column_names)
        for name, column in ((NET, blank), (NET_OF, blank), (PLACE, numbers)):
            filled = filled.append_column(name, column)
        duck.register("records", filled)
        duck.execute(
            f"INSERT INTO noted SELECT {PLACE}, {told}, {ROW_HASH}, {compiled.skip} IS NULL,"
            f" coalesce({compiled.when}, false), {compiled.amount}, {compiled.alike}"
            f" FROM {compiled.source('records')}"
        )
        duck.unregister("records")
        place += table.num_rows
    return compiled


def _filled(column: Any) -> Any:
    """Blanks, as a run reads them, where nothing stands."""
    return column.fill_null("")


def _changed(duck: duckdb.DuckDBPyConnection, compiled: CompiledNet) -> Iterator[tuple[int, tuple[str | None, str]]]:
    """Place → what is left and what was taken off, of the records of every kind that something is taken off."""
    number = kind("decimal", precision=18, scale=6)
    rows = duck.execute(
        "SELECT alike, place, id, row_hash, takes, amount FROM noted WHERE counts AND alike IN"
        " (SELECT alike FROM noted WHERE takes AND counts) ORDER BY alike, place"
    ).fetchall()
    for _, alike in groupby(rows, key=lambda row: row[0]):
        records = [_Record(row, number.parse(row[5], compiled.text_format).value) for row in alike]
        _take_off([each for each in records if each.takes], [each for each in records if not each.takes])
        for each in records:
            if each.left is not None:
                yield each.place, (f"{each.left:f}", json.dumps(each.taken) if each.taken else "")


class _Record:
    """One record of a kind; `left` is what is left of it, or of what it takes off."""

    def __init__(self, row: tuple[Any, ...], read: object) -> None:
        _, self.place, self.id, self.row_hash, self.takes, _ = row
        amount = read if isinstance(read, Decimal) else None
        self.left = abs(amount) if self.takes and amount is not None else amount
        self.taken: list[tuple[str, str, str]] = []


def _take_off(taking: Sequence[_Record], bought: Sequence[_Record]) -> None:
    reducible = iter([each for each in bought if each.left is not None and each.left > 0])
    record = next(reducible, None)
    for each in taking:
        while each.left and record is not None and record.left:
            part = min(each.left, record.left)
            each.left, record.left = each.left - part, record.left - part
            record.taken.append((each.id, f"{part:f}", each.row_hash))
            if not record.left:
                record = next(reducible, None)


def _columns(
    duck: duckdb.DuckDBPyConnection, tables: Iterable[pa.Table], changed: dict[int, tuple[str | None, str]]
) -> Iterator[pa.Table]:
    first = 0
    for table in tables:
        end = first + table.num_rows
        rows = duck.execute(
            "SELECT place, amount FROM noted WHERE place >= ? AND place < ? ORDER BY place", [first, end]
        ).fetchall()
        found = [changed.get(place, (amount, "")) for place, amount in rows]
        columns = {NET: [left or "" for left, _ in found], NET_OF: [taken for _, taken in found]}
        yield pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()})
        first = end
