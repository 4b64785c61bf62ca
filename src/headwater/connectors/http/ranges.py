"""Cutting a table that a source can count, order and filter: windows of a cursor, ranges of a key, or whole.

The bounds are values that stand in the table: each is asked for relative to the one before, by the source's own order,
so that they only grow, whatever changes meanwhile. Of a large table cut by a time each goes back to where its month,
week or day begins, unless the bound before stands in that, too: chunks end with the calendar and hold no more than they
are to. The first chunk is open below and the last above. A locator is JSON
with bounds as texts:

    {"by": "whole"}
    {"by": "key_range", "key": ["order", "item"], "from": ["7", "10"], "to": null}
    {"by": "time_window" | "counter", "cursor": "changed", "from": "2026-01-01T00:00:00Z", "to": null}
    {"by": "blank", "columns": ["changed"]}     no value there: rows no window can hold
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from headwater.connectors.http.cursors import earlier, later, window_begun
from headwater.connectors.protocol import SourceChunk, Unit, Window, rows_a_chunk, window_of
from headwater.errors import Misuse

Sign = Literal["<", ">", ">=", "="]
By = Literal["time_window", "counter"]
_MOST_CHUNKS = 100_000


class Filterable(Protocol):
    """A table and the language in which it is asked. A condition is text of that language, "" for none."""

    name: str

    def compared(self, column: str, sign: Sign, text: str) -> str:
        """A condition on a column; `text` is a value as `at` gives it."""

    def blank(self, column: str) -> str:
        """The condition that there is no value."""

    def filled(self, column: str) -> str:
        """The condition that there is one."""

    def joined(self, conditions: Sequence[str], word: Literal["and", "or"]) -> str:
        """A condition made of several."""

    def count(self, condition: str) -> int | None:
        """How many rows; None where the source does not tell."""

    def at(self, condition: str, columns: Sequence[str], place: int, *, last: bool = False) -> tuple[str, ...] | None:
        """The values of these columns in the row at this place (from 0) of their order, or of the reverse."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a table is to be cut.

    key         columns that tell rows apart and can be ordered and compared; () where there are none
    since       cursor to begin at, `lag` seconds or units before it
    chunk_rows  rows a chunk; None for the usual
    window      as `Selection.window`
    most_whole  rows of a table that is read as one chunk for want of a key
    """

    key: tuple[str, ...]
    cursor: str | None = None
    by: By = "time_window"
    is_nullable: bool = True
    since: str | None = None
    lag: int = 0
    chunk_rows: int | None = None
    window: Window | None = None
    most_whole: int = 100_000


def cut(table: Filterable, how: Cut) -> tuple[tuple[SourceChunk, ...], str | None, Unit | None]:
    """The chunks, the cursor they end at, and what of the calendar they end with."""
    if how.cursor is not None:
        return _windows(table, how, how.cursor)
    rows = table.count("")
    if how.key:
        return _numbered(_key_ranges(table, how, rows)), None, None
    if rows is not None and rows > how.most_whole:
        raise Misuse(
            "the table declares no key by which it could be cut, and is too large to be read whole",
            where=table.name,
            value=f"{rows:,} rows",
            valid=f"at most {how.most_whole:,} rows (max_whole_rows)",
            remedy="Name columns that tell its rows apart as key, or a column that tells what changed as cursor.",
        )
    return (SourceChunk(chunk_no=1, locator={"by": "whole"}, rows=rows or 0),), None, None


def condition_of(table: Filterable, locator: Mapping[str, Any]) -> str:
    """What a chunk's rows fulfil. Misuse for a locator that no plan made."""
    match dict(locator):
        case {"by": "whole"}:
            return ""
        case {"by": "blank", "columns": columns}:
            return table.joined([table.blank(column) for column in columns], "or")
        case {"by": "key_range", "key": columns, "from": low, "to": high}:
            pass
        case {"by": "time_window" | "counter", "cursor": cursor, "from": start, "to": end}:
            columns, low, high = [cursor], start and [start], end and [end]
        case _:
            raise Misuse(
                "this is no locator of a chunk", where=table.name, value=dict(locator), valid="what a plan gave"
            )
    bounds = []
    if low is not None:
        bounds.append(beyond(table, columns, low, ">="))
    if high is not None:
        bounds.append(beyond(table, columns, high, "<"))
    if not bounds and locator.get("filled"):
        bounds.append(table.filled(columns[0]))
    return table.joined(bounds, "and")


def beyond(table: Filterable, columns: Sequence[str], texts: Sequence[str], sign: Literal["<", ">", ">="]) -> str:
    """Rows on one side of a bound, compared column after column as words in a dictionary are."""
    if len(columns) == 1:
        return table.compared(columns[0], sign, texts[0])
    strict: Sign = "<" if sign == "<" else ">"
    equal = table.compared(columns[0], "=", texts[0])
    rest = table.joined([equal, beyond(table, columns[1:], texts[1:], sign)], "and")
    return table.joined([table.compared(columns[0], strict, texts[0]), rest], "or")


def _windows(table: Filterable, how: Cut, cursor: str) -> tuple[tuple[SourceChunk, ...], str | None, Unit | None]:
    low = None if how.since is None else earlier(how.since, how.lag, how.by)
    scope = table.filled(cursor) if how.is_nullable else ""
    if low is not None:
        scope = table.compared(cursor, ">=", low)
    rows = table.count(scope)
    newest = table.at(scope, (cursor,), 0, last=True)
    upto = later(how.since, newest[0], how.by) if newest else how.since
    size = how.chunk_rows or rows_a_chunk(rows or 0)
    unit = window_of(rows or 0, how.window) if how.by == "time_window" else None
    inner = _bounds(table, (cursor,), size, scope, rows, unit=unit)
    chunks = []
    for no, (start, end) in enumerate(zip([low, *inner], [*inner, None], strict=True)):
        bounds = [None if bound is None else bound if isinstance(bound, str) else bound[0] for bound in (start, end)]
        locator = {"by": how.by, "cursor": cursor, "from": bounds[0], "to": bounds[1], "filled": how.is_nullable}
        is_time = how.by == "time_window"
        chunks.append(
            SourceChunk(
                chunk_no=0,
                locator=locator,
                rows=_share(rows, size, no, len(inner)) if unit is None else _part(rows, size, no, len(inner) + 1),
                cursor_to=upto if bounds[1] is None else bounds[1],
                window_start=bounds[0] if is_time else None,
                window_end=bounds[1] if is_time else None,
            )
        )
    # Nothing tells when a row without a cursor came or changed, so that it is read each time.
    if how.is_nullable:
        without = table.count(table.blank(cursor)) or 0
        chunks.insert(0, SourceChunk(chunk_no=0, locator={"by": "blank", "columns": [cursor]}, rows=without))
    return _numbered(chunks), upto, unit


def _key_ranges(table: Filterable, how: Cut, rows: int | None) -> list[SourceChunk]:
    size = how.chunk_rows or rows_a_chunk(rows or 0)
    inner = [list(bound) for bound in _bounds(table, how.key, size, "", rows)]
    return [
        SourceChunk(
            chunk_no=0,
            locator={"by": "key_range", "key": list(how.key), "from": start, "to": end},
            rows=_share(rows, size, no, len(inner)),
        )
        for no, (start, end) in enumerate(zip([None, *inner], [*inner, None], strict=True))
    ]


def _bounds(
    table: Filterable, columns: tuple[str, ...], size: int, scope: str, rows: int | None, *, unit: Unit | None = None
) -> list[tuple[str, ...]]:
    """Where one chunk ends and the next begins: values that only grow, `size` rows apart or, where equal, more; fewer
    where they end with the calendar.
    """
    found: list[tuple[str, ...]] = []
    if rows is not None and rows <= size:
        return found
    asked = scope
    while (bound := table.at(asked, columns, size)) is not None:
        # A bound of the calendar need not stand in the table: what does first above it is asked for.
        first = table.at(asked, columns, 0) if unit else found[-1] if found else None
        if bound == first:
            bound = table.at(beyond(table, columns, bound, ">"), columns, 0)
            if bound is None:
                return found
        if unit and first:
            begun = window_begun(bound[0], unit, after=first[0])
            bound = bound if begun is None else (begun,)
        found.append(bound)
        if len(found) > _MOST_CHUNKS:
            raise Misuse(
                "the table would be cut into too many chunks",
                where=table.name,
                valid=f"at most {_MOST_CHUNKS:,}",
                remedy="Set more rows a chunk.",
            )
        asked = beyond(table, columns, bound, ">=")
    return found


def _share(rows: int | None, size: int, no: int, last: int) -> int:
    """About how many rows are in a chunk."""
    if rows is None:
        return size
    return size if no < last else max(0, rows - no * size)


def _part(rows: int | None, size: int, no: int, chunks: int) -> int:
    """About how many rows are in a chunk that ends with the calendar."""
    return size if rows is None else rows * (no + 1) // chunks - rows * no // chunks


def _numbered(chunks: Sequence[SourceChunk]) -> tuple[SourceChunk, ...]:
    return tuple(replace(chunk, chunk_no=number) for number, chunk in enumerate(chunks, start=1))
