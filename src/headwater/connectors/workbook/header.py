"""Where the header of a sheet stands: under titles and guidance, over one row or several, with units below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.connectors.workbook.grid import BLANK, ERROR, FORMULA, NUMBER, TEXT, Range, Row, columns_text
from headwater.connectors.workbook.units import says_no_unit, unit_of
from headwater.documents.counted import counted

_CANDIDATES = 60
_BELOW = 40
_LONG_TEXT = 120
_ALIKE = 0.12
"""Of two rows whose scores differ by less, the upper one is the header: the lower is a record that has texts only."""
_YEAR = re.compile(r"(19|20|21)\d\d")
_FIGURE = re.compile(r"[+-]?\d[\d.,' ]*%?")


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header that was found, or the best there is; `confidence` from 0 to 1."""

    row: int
    rows: int
    units_row: int
    confidence: float
    evidence: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def bottom(self) -> int:
        return self.row + self.rows - 1


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    index: int
    score: float
    coverage: float
    named: int


def find_header(head: Sequence[Row], merged: Sequence[Range], *, row: int | None, rows: int | None) -> Header | None:
    """The header of a sheet by its first rows, merged cells filled; None where no row can be one.

    `row` and `rows`, where said, are taken as said.
    """
    if row is not None:
        return _said(head, merged, row, rows)
    candidates = [_candidate(head, index, merged) for index in range(min(len(head), _CANDIDATES))]
    scored = [found for found in candidates if found is not None]
    if not scored:
        return None
    best = max(found.score for found in scored)
    chosen = next(found for found in scored if found.score >= best - _ALIKE)
    top, bottom = _extent(head, chosen.index, merged, rows)
    confidence, doubts = _confidence(head, chosen, top)
    evidence = [
        f"row {head[chosen.index].number} names {chosen.coverage:.0%} of the columns that have values below it",
        *doubts,
    ]
    if bottom > top:
        evidence.append(f"merged cells make rows {top} to {bottom} one header")
    above = [found.number for found in head if found.number < top]
    if above:
        rows_above = counted(len(above), "row with titles or guidance stands", "rows with titles or guidance stand")
        evidence.append(f"{rows_above} above it")
    units_row, about_units = _units(head, top, bottom)
    return Header(
        row=top,
        rows=bottom - top + 1,
        units_row=units_row,
        confidence=round(confidence, 2),
        evidence=(*evidence, *about_units),
        warnings=_other_tables(head, max(bottom, units_row), chosen),
    )


def _said(head: Sequence[Row], merged: Sequence[Range], row: int, rows: int | None) -> Header | None:
    """The header where it is said to be; its cells may still be merged downwards, and units may stand below."""
    index = next((place for place, found in enumerate(head) if found.number >= row), None)
    if index is None or head[index].number >= row + (rows or 1):
        return None
    bottom = row + rows - 1 if rows else max(row, _bottom(merged, row, row))
    units_row, about_units = _units(head, row, bottom)
    return Header(
        row=row,
        rows=bottom - row + 1,
        units_row=units_row,
        confidence=1.0,
        evidence=(f"row {row} said by source.header", *about_units),
    )


def _candidate(head: Sequence[Row], index: int, merged: Sequence[Range]) -> _Candidate | None:
    """How well a row heads those below it: it names their columns, in texts, each its own, and they are of one kind."""
    row = head[index]
    named = [column for column, text in enumerate(row.texts) if text.strip()]
    below = head[index + 1 : index + 1 + _BELOW]
    used = Counter(column for found in below for column, text in enumerate(found.texts) if text.strip())
    if not named or (len(named) == 1 and len(used) > 1) or (not below and len(named) == 1):
        return None
    coverage = 1.0
    if used:
        coverage = sum(used[column] for column in named) / sum(used.values())
    top, _ = _extent(head, index, merged, None)
    lines = [found.texts for found in head[:index] if found.number >= top] + [row.texts]
    texts = [tuple(line[column].strip().lower() for line in lines if column < len(line)) for column in named]
    name_like = sum(_name_like(row, column) for column in named) / len(named)
    distinct = len(set(texts)) / len(texts)
    score = coverage * name_like**2 * distinct * (0.6 + 0.4 * _agreement(below, named))
    return _Candidate(index=index, score=score, coverage=coverage, named=len(named))


def _name_like(row: Row, column: int) -> float:
    """How much a cell is like the name of a column: a text that is no figure, or a year."""
    text, kind = row.texts[column].strip(), row.kinds[column : column + 1]
    if kind in {TEXT, FORMULA}:
        if _FIGURE.fullmatch(text) and not _YEAR.fullmatch(text):
            return 0.0
        return 1.0 if len(text) <= _LONG_TEXT else 0.3
    if kind == NUMBER:
        return 1.0 if _YEAR.fullmatch(text) else 0.0
    return 0.0 if kind == ERROR else 0.5


def _agreement(below: Sequence[Row], named: Sequence[int]) -> float:
    """Share of the cells below that are of their column's commonest kind."""
    agreeing = total = 0
    for column in named:
        kinds = Counter(row.kinds[column] for row in below if column < len(row.kinds) and row.kinds[column] != BLANK)
        agreeing += max(kinds.values(), default=0)
        total += sum(kinds.values())
    return agreeing / total if total else 1.0


def _confidence(head: Sequence[Row], chosen: _Candidate, top: int) -> tuple[float, list[str]]:
    """How sure it is that this row is the header, and what speaks against it."""
    doubts = []
    confidence = min(1.0, chosen.score + 0.1)
    row = head[chosen.index]
    above = [found for found in head[: chosen.index] if found.number < top]
    full = [found for found in above if sum(map(bool, found.texts)) * 2 >= chosen.named and len(set(found.texts)) > 2]
    near = [found for found in full if row.number - found.number <= 2]
    if near and chosen.named > 2:
        confidence = min(confidence, 0.7)
        doubts.append(f"row {near[-1].number} above it has several texts too, without merged cells that join them")
    below = head[chosen.index + 1 : chosen.index + 1 + _BELOW]
    unnamed = _unnamed(row, below)
    if len(unnamed) > 1 and top == row.number:
        confidence = min(confidence, 0.7)
        doubts.append(f"it has no names for columns {columns_text(unnamed)}, which have values below it")
    if chosen.named == 1:
        long = [text for found in head for text in found.texts if len(text) > _LONG_TEXT / 2]
        confidence = min(confidence, 0.4 if len(long) * 5 > len(head) or len(head) < 3 else 0.8)
        doubts.append("there is one column only")
    if not head[chosen.index + 1 :]:
        confidence = min(confidence, 0.8)
    return confidence, doubts


def _unnamed(row: Row, below: Sequence[Row]) -> list[int]:
    """Columns without a name that hold values in a fifth of the rows below, and so are no stray notes."""
    used = Counter(column for found in below for column, text in enumerate(found.texts) if text.strip())
    named = {column for column, text in enumerate(row.texts) if text.strip()}
    return sorted(column for column, count in used.items() if column not in named and count * 5 >= len(below))


def _extent(head: Sequence[Row], index: int, merged: Sequence[Range], rows: int | None) -> tuple[int, int]:
    """First and last row of a header: group headings merged over some of its columns stand above it."""
    row = head[index]
    top = bottom = row.number
    first, last = _span(row)
    numbers = {found.number for found in head}
    while rows is None or top > bottom - rows + 1:
        above = top - 1
        groups = [
            part
            for part in merged
            if part.top <= above <= part.bottom < top + 1 and part.right > part.left and part.right >= first
        ]
        if above not in numbers or not groups or any(part.left <= first and part.right >= last for part in groups):
            break
        top = above
        if bottom - top >= 3:
            break
    if rows is not None:
        return top, top + rows - 1
    return top, _bottom(merged, top, bottom)


def _bottom(merged: Sequence[Range], top: int, bottom: int) -> int:
    """The last row of the header's own cells where they are merged downwards, by two rows at most."""
    return max(
        (part.bottom for part in merged if top <= part.top <= bottom and part.bottom <= bottom + 2), default=bottom
    )


def _span(row: Row) -> tuple[int, int]:
    columns = [column for column, text in enumerate(row.texts) if text.strip()]
    return columns[0], columns[-1]


def _units(head: Sequence[Row], top: int, bottom: int) -> tuple[int, list[str]]:
    """The row right below the header where it holds units and nothing else; 0 where it does not."""
    row = next((found for found in head if found.number == bottom + 1), None)
    if row is None or any(found.number == bottom + 1 for found in head if found.number <= top):
        return 0, []
    filled = [(column, text) for column, text in enumerate(row.texts) if text.strip()]
    units = [column for column, text in filled if unit_of(text)]
    rest = [text for _, text in filled if not unit_of(text) and not says_no_unit(text)]
    if not units or rest:
        return 0, []
    below = [found for found in head if found.number > row.number][:_BELOW]
    figures = [
        found.kinds[column] == NUMBER or bool(_FIGURE.fullmatch(found.texts[column].strip()))
        for found in below
        for column in units
        if column < len(found.texts) and found.texts[column].strip()
    ]
    if figures and sum(figures) * 2 < len(figures):
        return 0, []
    return row.number, [f"row {row.number} holds units ({columns_text(units)})"]


def _other_tables(head: Sequence[Row], bottom: int, chosen: _Candidate) -> tuple[str, ...]:
    """Rows further down that look like a header of their own: below a gap, all texts, over figures."""
    found = []
    by_number = {row.number: place for place, row in enumerate(head)}
    for row in head:
        if row.number <= bottom + 1 or row.number - 1 in by_number:
            continue
        texts = [column for column, text in enumerate(row.texts) if text.strip()]
        if len(texts) < max(2, chosen.named // 2) or any(_name_like(row, column) < 1 for column in texts):
            continue
        below = head[by_number[row.number] + 1 : by_number[row.number] + 6]
        if any(NUMBER in found_row.kinds for found_row in below):
            found.append(row.number)
    if not found:
        return ()
    rows = ", ".join(map(str, found[:5]))
    return (f"another table may begin at row {rows}; its rows are read as records of the first",)
