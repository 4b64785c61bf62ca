"""What the readers of all formats agree on: sheets, rows of texts, merged ranges, and records made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from headwater.errors import InputRefused

MAX_ROWS = 1_048_576
MAX_COLUMNS = 2_000
MAX_CELL = 32_767
"""Characters of a cell; what Excel holds."""
MAX_MERGED = 500_000
MAX_FILLED = 10_000_000
"""Cells that merged ranges, or repeated cells of an ODS, may stand for: more are made by whoever means harm."""
HEAD_ROWS = 200
"""Rows with values from the top whose kinds of cells are told."""

TEXT, NUMBER, DATE, BOOLEAN, ERROR, FORMULA, BLANK = "tndbef "
"""Kinds of cells, one letter a cell."""

_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")


class Row(NamedTuple):
    """A row with values: its number from 1, its texts up to the last that is not blank, and their kinds at the top."""

    number: int
    texts: list[str]
    kinds: str


class Range(NamedTuple):
    """Merged cells: rows from 1, columns from 0, all inclusive."""

    top: int
    bottom: int
    left: int
    right: int

    def __str__(self) -> str:
        return f"{letters(self.left)}{self.top}:{letters(self.right)}{self.bottom}"


@dataclass
class Tally:
    """What was met in a sheet's cells while its rows were read."""

    errors: int = 0
    first_error: str = ""
    uncached: int = 0
    first_uncached: str = ""
    hidden_rows: int = 0
    first_hidden: int = 0

    def error(self, row: int, column: int, text: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or f"{letters(column)}{row}: {text}"

    def formula(self, row: int, column: int, text: str) -> None:
        self.uncached += 1
        self.first_uncached = self.first_uncached or f"{letters(column)}{row}: {text}"

    def hidden(self, row: int) -> None:
        self.hidden_rows += 1
        self.first_hidden = self.first_hidden or row


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet of a workbook; `is_grid` is false for charts, dialogs and macro sheets."""

    name: str
    state: str
    is_grid: bool = True


@dataclass
class Walked:
    """A sheet being read. `merged` is known of a row at the latest when the row is given."""

    sheet: str
    rows: Iterator[Row]
    merged: list[Range] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Book(Protocol):
    """A workbook of any format."""

    @property
    def format(self) -> str: ...

    @property
    def sheets(self) -> tuple[Sheet, ...]: ...

    def walk(self, wanted: frozenset[str], decimal: str) -> Iterator[Walked]:
        """The wanted sheets in the order of the workbook; each is to be read before the next is asked for."""
        ...

    def close(self) -> None: ...


def letters(column: int) -> str:
    """0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def number_of(name: str) -> int:
    """A is 0, AA is 26."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number - 1


def range_of(text: str) -> Range | None:
    """A1:C3 as a range; None for anything else."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    left, top, right, bottom = found.groups()
    across = sorted((number_of(left), number_of(right or left)))
    down = sorted((int(top), int(bottom or top)))
    return Range(down[0], down[1], across[0], across[1])


def columns_text(columns: list[int]) -> str:
    """[0, 1, 2, 5] as A:C,F."""
    runs: list[list[int]] = []
    for column in columns:
        if runs and runs[-1][1] == column - 1:
            runs[-1][1] = column
        else:
            runs.append([column, column])
    return ",".join(letters(a) if a == b else f"{letters(a)}:{letters(b)}" for a, b in runs)


def columns_of(text: str) -> list[int]:
    """A:C,F as [0, 1, 2, 5]."""
    columns: list[int] = []
    for run in text.split(","):
        first, _, last = run.partition(":")
        columns += range(number_of(first), number_of(last or first) + 1)
    return columns


def check_column(column: int, place: Callable[[], str]) -> None:
    """Raise InputRefused where a value stands beyond the columns that a table may have."""
    if column >= MAX_COLUMNS:
        raise InputRefused(
            "too many columns",
            where=place(),
            value=f"a value in column {letters(column)}, which is number {column + 1:,}",
            valid=f"at most {MAX_COLUMNS:,} columns",
            remedy="Turn columns into rows first, or clear what stands far to the right.",
        )


def check_row(number: int, place: Callable[[], str]) -> None:
    """Raise InputRefused where a value stands below the last row that a spreadsheet has."""
    if number > MAX_ROWS:
        raise InputRefused("too many rows", where=place(), value=f"row {number:,}", valid=f"at most {MAX_ROWS:,} rows")


def check_length(text: str, place: Callable[[], str]) -> None:
    """Raise InputRefused for a text longer than a cell can be."""
    if len(text) > MAX_CELL:
        raise InputRefused(
            "the text of a cell is too long",
            where=place(),
            value=f"{len(text):,} characters: {text[:60]}…",
            valid=f"at most {MAX_CELL:,} characters, as many as a cell of Excel holds",
            remedy="Shorten it, or keep long texts outside the table.",
        )


def filled(walked: Walked, within: frozenset[int] | None = None) -> Iterator[Row]:
    """The rows with every merged range showing its first cell's text in all its cells.

    `within`: only cells of these columns are filled.
    Rows without a value of their own are given where a range runs through them, but none after the last with one.
    """
    active: list[tuple[Range, str, str]] = []
    waiting: dict[int, list[Range]] | None = None
    known = 0
    last = 0
    cells = 0
    for row in walked.rows:
        if len(walked.merged) != known:
            waiting = waiting or {}
            for merged in walked.merged[known:]:
                waiting.setdefault(merged.top, []).append(merged)
            known = len(walked.merged)
        if not active and not (waiting and row.number in waiting):
            yield row
            last = row.number
            continue
        for number in range(last + 1, row.number):
            active = [item for item in active if item[0].bottom >= number]
            if not active:
                break
            cells = check_filled(cells + _width(active, walked.sheet), f"sheet {walked.sheet}, row {number}")
            yield _fill(Row(number, [], ""), active, within)
        active = [item for item in active if item[0].bottom >= row.number]
        active += _starting(row, (waiting or {}).pop(row.number, []))
        cells = check_filled(cells + _width(active, walked.sheet), f"sheet {walked.sheet}, row {row.number}")
        yield _fill(row, active, within) if active else row
        last = row.number


def check_filled(cells: int, where: str) -> int:
    """The number of cells that few stand for; InputRefused where they are more than a sheet means."""
    if cells > MAX_FILLED:
        raise InputRefused(
            "merged or repeated cells cover more than a table can be",
            where=where,
            value=f"over {MAX_FILLED:,} cells",
            valid="ranges as large as the table",
            remedy="Take the merging away (Home, Merge & Center), or clear the cells below and beside the table.",
        )
    return cells


def _width(active: list[tuple[Range, str, str]], sheet: str) -> int:
    """How many cells of a row the ranges fill. Raises InputRefused where they lie over one another."""
    width = sum(min(merged.right, MAX_COLUMNS - 1) - merged.left + 1 for merged, _, _ in active)
    if width > MAX_COLUMNS:
        raise InputRefused(
            "merged ranges lie over one another, so that what their cells hold is not certain",
            where=f"sheet {sheet}",
            value=f"{active[0][0]}, {active[-1][0]}",
            valid="each cell in one range at most",
            remedy="Save the workbook anew from a spreadsheet program.",
        )
    return width


def _starting(row: Row, ranges: list[Range]) -> list[tuple[Range, str, str]]:
    """The ranges whose first cell has a text, with that text and its kind."""
    return [
        (merged, row.texts[merged.left], row.kinds[merged.left] if row.kinds else "")
        for merged in ranges
        if merged.left < len(row.texts) and row.texts[merged.left]
    ]


def _fill(row: Row, active: list[tuple[Range, str, str]], within: frozenset[int] | None) -> Row:
    texts = list(row.texts)
    kinds = list(row.kinds or BLANK * len(texts))
    for merged, text, kind in active:
        for column in range(merged.left, min(merged.right, MAX_COLUMNS - 1) + 1):
            if within is not None and column not in within:
                continue
            if len(texts) <= column:
                texts += [""] * (column + 1 - len(texts))
            kinds += [BLANK] * (len(texts) - len(kinds))
            texts[column] = text
            kinds[column] = kind or BLANK
    return Row(row.number, texts, "".join(kinds))
