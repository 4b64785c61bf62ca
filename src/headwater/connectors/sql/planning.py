"""How a selection is cut into chunks.

Without a cursor by ranges of the key, with a time by windows of the calendar, as many as a chunk has room for, with a
counter by its ranges. Bounds are
values that stand in the table, found in one pass that numbers the ordered rows. Ranges are half-open and adjoin, the
first is open below, and without a cursor the last is open above: whatever is inserted or deleted between plan and read,
a row that stays belongs to one chunk. Rows of equal bound are never parted. Rows without a value go in a chunk of their
own, which with a cursor is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

from headwater.connectors.protocol import (
    Selection,
    SourceChunk,
    SourcePlan,
    Unit,
    refuse_window,
    rows_a_chunk,
    window_of,
)
from headwater.connectors.sql import cursors
from headwater.connectors.sql.dialect import Dialect
from headwater.connectors.sql.statements import Bounds, Statement, where
from headwater.connectors.sql.statements import present as has_value
from headwater.connectors.sql.tables import Field, SqlTable
from headwater.errors import Misuse

Fetch = Callable[[Statement], Sequence[Sequence[str | None]]]
"""Runs a statement; every value as a text."""


@dataclass(frozen=True, kw_only=True)
class _Planner:
    dialect: Dialect
    table: SqlTable
    selection: Selection
    fetch: Fetch

    def size(self, rows: int) -> int:
        return self.selection.chunk_rows or rows_a_chunk(rows)

    def of_keys(self, key: Sequence[Field]) -> list[SourceChunk]:
        """Ranges of the key, open at both ends."""
        present = has_value(self.dialect, key)
        total = self._count(Statement(f"SELECT {self.dialect.count()} FROM {self.table.source}{where(present)}"))
        size = self.size(total)
        order = ", ".join(field.order for field in key)
        columns = [self.dialect.quoted(field.name) for field in key]
        listed = ", ".join(self.dialect.text(field, name) for field, name in zip(key, columns, strict=True))
        numbered = (
            f"SELECT {', '.join(columns)}, row_number() OVER (ORDER BY {order}) AS hw_number FROM {self.table.source}"
        )
        found = self.fetch(
            Statement(
                f"SELECT {listed}, hw_number FROM ({numbered}{where(present)}) AS hw_rows"
                f" WHERE hw_number > 1 AND {self.dialect.each('hw_number', size)} ORDER BY hw_number"
            )
        )
        bounds: list[tuple[list[str], int]] = []
        for *texts, number in found:
            said = [self.dialect.said(field, str(text)) for field, text in zip(key, texts, strict=True)]
            if not bounds or bounds[-1][0] != said:  # a key that the user names need not be unique
                bounds.append((said, int(str(number))))
        names, types = [field.name for field in key], [field.cast for field in key]
        edges = [(None, 1), *bounds, (None, total + 1)]
        chunks = [
            _chunk({"by": "key_range", "key": names, "types": types, "from": low, "to": high}, after - before)
            for (low, before), (high, after) in pairwise(edges)
        ]
        return chunks + self.blanks(key)

    def blanks(self, fields: Sequence[Field]) -> list[SourceChunk]:
        """The chunk of the rows no range can hold, where there may be any."""
        open_ones = [field for field in fields if self.dialect.may_be_blank(field)]
        if not open_ones:
            return []
        either = " OR ".join(self.dialect.blank(field) for field in open_ones)
        rows = self._count(Statement(f"SELECT {self.dialect.count()} FROM {self.table.source} WHERE {either}"))
        locator: dict[str, Any] = {"by": "blank", "columns": [field.name for field in open_ones]}
        if not any(field.column.nullable for field in open_ones):
            locator["endless"] = True  # nothing is null there; a time without end stands in no range either
        return [_chunk(locator, rows)]

    def of_cursor(self, cursor: Field) -> tuple[list[SourceChunk], str | None, Unit | None]:
        """Windows of a time or ranges of a counter, from `since` less the lag to the highest there is now; that; and
        what of the calendar they end with.

        The last is open above: a row that changes before it is read moves there, and is not missed by a full load. Rows
        without a value come first, for the same reason: one that gets its first value meanwhile is read there.
        """
        since = self.selection.since
        if since is not None and not self.dialect.times_are_texts:
            since = cursors.checked(cursor, since, self.table.name)
        start = None if since is None else cursors.earlier(cursor, since, self.selection.lag)
        total, lowest, highest = self._extent(cursor, start)
        if not total or lowest is None or highest is None:
            return self.blanks([cursor]), since, None
        unit = None if cursor.family == "integer" else window_of(total, self.selection.window)
        size = self.size(total)
        edges = self._edges(cursor, start, highest, unit=unit, size=size, total=total)
        upto = highest
        chunks: list[SourceChunk] = []
        ends = [*edges[1:], (upto, total + 1)]
        for index, ((low, before), (high, after)) in enumerate(zip(edges, ends, strict=True)):
            is_last = index == len(edges) - 1
            locator = {
                "by": "counter" if cursor.family == "integer" else "time_window",
                "cursor": cursor.name,
                "types": [cursor.cast],
                "from": start if index == 0 else low,
                "to": None if is_last else high,
            }
            begin, end = _said_window(
                cursor, (start, lowest) if index == 0 else (low, low), high, self._calendar(unit), is_last=is_last
            )
            chunks.append(replace(_chunk(locator, after - before), cursor_to=high, window_start=begin, window_end=end))
        return self.blanks([cursor]) + chunks, upto, unit

    def _extent(self, cursor: Field, start: str | None) -> tuple[int, str | None, str | None]:
        bounds = Bounds(self.dialect)
        conditions = has_value(self.dialect, [cursor])
        if start is not None:
            conditions.append(bounds.compared([cursor], ">=", [start]))
        lowest = self.dialect.text(cursor, self.dialect.extreme("min", cursor))
        highest = self.dialect.text(cursor, self.dialect.extreme("max", cursor))
        sql = f"SELECT {self.dialect.count()}, {lowest}, {highest} FROM {self.table.source}{where(conditions)}"
        ((count, low, high),) = self.fetch(Statement(sql, tuple(bounds.values)))
        said = [None if text is None else self.dialect.said(cursor, text) for text in (low, high)]
        return int(str(count)), said[0], said[1]

    def _edges(
        self, cursor: Field, start: str | None, upto: str, *, unit: Unit | None, size: int, total: int
    ) -> list[tuple[str, int]]:
        """Where chunks begin, with the row's number: windows, and each row at which one holds enough. They rise."""
        bounds, name = Bounds(self.dialect), self.dialect.quoted(cursor.name)
        conditions = has_value(self.dialect, [cursor])
        if start is not None:
            conditions.append(bounds.compared([cursor], ">=", [start]))
        conditions.append(bounds.compared([cursor], "<=", [upto]))
        part = f"PARTITION BY {self.dialect.window(cursor, unit)} " if unit else ""
        numbered = (
            f"SELECT {name}, row_number() OVER (ORDER BY {cursor.order}) AS hw_number,"
            f" row_number() OVER ({part}ORDER BY {cursor.order}) AS hw_within"
            f" FROM {self.table.source}{where(conditions)}"
        )
        found = self.fetch(
            Statement(
                f"SELECT {self.dialect.text(cursor, name)}, hw_number, hw_within FROM ({numbered}) AS hw_rows"
                f" WHERE {self.dialect.each('hw_within', size)} ORDER BY hw_number",
                tuple(bounds.values),
            )
        )
        edges: list[_Edge] = []
        for text, number, within in found:
            said, begins = self.dialect.said(cursor, str(text)), int(str(within)) == 1
            if begins:
                said = self._begun(cursor, said, unit, edges[-1].bound if edges else None)
            if not edges or edges[-1].bound != said:
                edges.append(_Edge(said, int(str(number)), begins))
        # Rows may have gone since they were counted; one chunk then holds those that come back.
        return [(edge.bound, edge.number) for edge in _joined(edges, total + 1, size)] or [(upto, 1)]

    def _begun(self, cursor: Field, first: str, unit: Unit | None, before: str | None) -> str:
        """Where a window begins: with the calendar's, or with its first row where that might not be after the edge
        before: edges that ran backwards would have rows read twice. Rows are ordered as the database compares them.
        """
        calendar = self._calendar(unit)
        window = cursors.window(cursor, first, calendar) if calendar else None
        if window is None or (before is not None and not cursors.is_later(window[0], before)):
            return first
        return window[0]

    def _calendar(self, unit: Unit | None) -> Unit | None:
        """The unit, where the calendar says when a window begins; what is compared as it is written it says nothing of:
        a moment of the calendar's would be written another way.
        """
        return None if self.dialect.times_are_texts else unit

    def _count(self, statement: Statement) -> int:
        return int(str(self.fetch(statement)[0][0]))


class _Edge(NamedTuple):
    """Where a chunk may begin: its bound, the number of its first row, and whether a window begins there."""

    bound: str
    number: int
    begins: bool


def _joined(edges: Sequence[_Edge], end: int, size: int) -> list[_Edge]:
    """Those at which chunks begin: a window goes to the chunk before it while both together hold no more than `size`,
    since a chunk costs the same however few rows it has. `end` is the number after the last row's.
    """
    begins = [edge.number for edge in edges if edge.begins]
    ends = dict(zip(begins, [*begins[1:], end], strict=True))
    kept: list[_Edge] = []
    for edge in edges:
        if not kept or not edge.begins or ends[edge.number] - kept[-1].number > size:
            kept.append(edge)
    return kept


def _said_window(
    cursor: Field, begin: tuple[str | None, str], end: str, unit: Unit | None, *, is_last: bool
) -> tuple[str | None, str | None]:
    """What a chunk of time covers: from its bound, or else from the window that its first row stands in."""
    if cursor.family == "integer":
        return None, None
    bound, lowest = begin
    first = cursors.window(cursor, lowest, unit) if unit and bound is None else None
    last = cursors.window(cursor, end, unit) if unit and is_last else None
    return bound or (first[0] if first else lowest), last[1] if last else end


def _chunk(locator: dict[str, Any], rows: int) -> SourceChunk:
    return SourceChunk(chunk_no=0, locator=locator, rows=max(rows, 0))


def plan(dialect: Dialect, table: SqlTable, selection: Selection, fetch: Fetch) -> SourcePlan:
    """The chunks of a selection. Misuse for columns that are not there, or that cannot be what they are to be."""
    if selection.chunk_rows is not None and selection.chunk_rows < 1:
        raise Misuse("a chunk cannot have so few rows", where=table.name, value=selection.chunk_rows, valid="1 or more")
    if selection.lag < 0:
        raise Misuse("the lag goes back in time", where=table.name, value=selection.lag, valid="0 or more")
    planner = _Planner(dialect=dialect, table=table, selection=selection, fetch=fetch)
    fields, key, cursor = table.chosen(selection), table.key_of(selection), table.cursor_of(selection)
    if cursor is None or cursor.family == "integer":
        refuse_window(selection)
    upto: str | None = None
    window: Unit | None = None
    if cursor is not None:
        chunks, upto, window = planner.of_cursor(cursor)
    elif key:
        chunks = planner.of_keys(key)
    else:
        rows = fetch(Statement(f"SELECT {dialect.count()} FROM {table.source}"))[0][0]
        chunks = [_chunk({"by": "whole"}, int(str(rows)))]
    return SourcePlan(
        columns=tuple(field.column for field in fields),
        key=tuple(field.name for field in key),
        chunks=tuple(replace(chunk, chunk_no=number) for number, chunk in enumerate(chunks, 1)),
        upto=upto,
        identity=table.key if table.is_key_enforced else (),
        window=window,
    )
