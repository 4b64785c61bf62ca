"""Records of sheets: names of columns, cells in their order, blank rows kept, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from headwater.connectors.csv_file.layout import column_names, visible
from headwater.connectors.text_table import Batch
from headwater.connectors.workbook.config import SheetLayout
from headwater.connectors.workbook.grid import Row, Walked, columns_of, filled, letters
from headwater.connectors.workbook.units import says_no_unit
from headwater.errors import InputRefused

BATCH_ROWS = 8192
MOST_BLANK = 10_000
"""Of a longer stretch of blank rows, as above a stray note far below a table, none is a record."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The header of one sheet.

    places   columns of the sheet, from 0, that are read
    cells    text of the header over each of them
    names    of the table's columns: one a place, with a column of units behind each that has a unit
    units    place -> its unit
    """

    places: tuple[int, ...]
    cells: tuple[str, ...]
    names: tuple[str, ...]
    units: dict[int, str]

    @property
    def unit_names(self) -> tuple[tuple[str, str], ...]:
        """Column -> its unit."""
        found = []
        names = iter(self.names)
        for place in self.places:
            name = next(names)
            if place in self.units:
                next(names)
                found.append((name, self.units[place]))
        return tuple(found)


def heading(layout: SheetLayout, rows: Sequence[Row]) -> Heading:
    """The heading by the top rows of the sheet, merged cells filled."""
    places = tuple(columns_of(layout.columns))
    by_number = {row.number: row.texts for row in rows}
    lines = [by_number.get(layout.header + offset, []) for offset in range(layout.header_rows)]
    cells = tuple(_joined([line[place] if place < len(line) else "" for line in lines]) for place in places)
    below = by_number.get(layout.units_row, []) if layout.units_row else []
    units = {
        place: visible(below[place])
        for place in places
        if place < len(below) and below[place].strip() and not says_no_unit(below[place])
    }
    units = {place: _bare(unit) for place, unit in units.items()}
    return Heading(places=places, cells=cells, names=_names(places, cells, units), units=units)


def _joined(parts: list[str]) -> str:
    """One name of the parts above one another; a cell merged downwards counts once."""
    kept: list[str] = []
    for part in map(visible, parts):
        if part and (not kept or kept[-1] != part):
            kept.append(part)
    return " ".join(kept)


def _bare(unit: str) -> str:
    return unit[1:-1].strip() if unit[0] + unit[-1] in {"()", "[]", "{}"} and len(unit) > 2 else unit


def _names(places: Sequence[int], cells: Sequence[str], units: dict[int, str]) -> tuple[str, ...]:
    own = column_names(list(cells))
    taken = {name.lower() for name in own}
    names: list[str] = []
    for place, name in zip(places, own, strict=True):
        names.append(name)
        if place in units:
            stem = f"{name} unit"
            added, copy = stem, 1
            while added.lower() in taken:
                copy += 1
                added = f"{stem}_{copy}"
            taken.add(added.lower())
            names.append(added)
    return tuple(names)


def records(walked: Walked, layout: SheetLayout, where: str) -> Iterator[Row]:
    """The rows below the header, as wide as the sheet's columns that are read; rows between them that are blank too.

    Raises InputRefused for a value in a column that the layout does not have.
    """
    places = columns_of(layout.columns)
    expected = layout.header + layout.header_rows
    for row in filled(walked, frozenset(places)):
        if row.number < expected:
            continue
        for number in range(expected, row.number) if row.number - expected <= MOST_BLANK else ():
            if number != layout.units_row:
                yield Row(number, [""] * len(places), "")
        expected = row.number + 1
        if row.number != layout.units_row:
            yield Row(row.number, _in_places(row, places, where), "")


def _in_places(row: Row, places: list[int], where: str) -> list[str]:
    """The texts of the columns that are read. Raises InputRefused where another column holds one."""
    width = places[-1] + 1
    texts = row.texts
    if len(texts) > width:
        if any(texts[width:]):
            _refuse_column(where, row, width)
        texts = texts[:width]
    elif len(texts) < width:
        texts = texts + [""] * (width - len(texts))
    if len(places) == width:
        return texts
    chosen = [texts[place] for place in places]
    if sum(map(bool, texts)) != sum(map(bool, chosen)):
        _refuse_column(where, row, next(at for at in range(width) if texts[at] and at not in places))
    return chosen


def _refuse_column(where: str, row: Row, start: int) -> None:
    column = next(column for column in range(start, len(row.texts)) if row.texts[column])
    raise InputRefused(
        "there is a value in a column that had none when the file was inspected",
        where=f"{where}, cell {letters(column)}{row.number}",
        value=row.texts[column],
        remedy="Inspect the file again.",
    )


def batches(rows: Iterator[Row], part: str, heading: Heading, columns: Sequence[str]) -> Iterator[Batch]:
    """Batches of the table's columns; those that the sheet does not have are blank."""
    held: list[list[str]] = []
    first = 0
    for row in rows:
        if held and (row.number != first + len(held) or len(held) == BATCH_ROWS):
            yield _batch(held, first, part, heading, columns)
            held = []
        if not held:
            first = row.number
        held.append(row.texts)
    if held:
        yield _batch(held, first, part, heading, columns)


def _batch(held: list[list[str]], first: int, part: str, heading: Heading, columns: Sequence[str]) -> Batch:
    count = len(held)
    arrays: dict[str, pa.Array[pa.StringScalar]] = {}
    names = iter(heading.names)
    for place, texts in zip(heading.places, zip(*held, strict=True), strict=True):
        arrays[next(names)] = pa.array(texts, pa.string())
        if place in heading.units:
            arrays[next(names)] = pa.repeat(pa.scalar(heading.units[place], pa.string()), count)
    blank = pa.repeat(pa.scalar("", pa.string()), count)
    table = pa.table([arrays.get(column, blank) for column in columns], names=list(columns))
    return Batch(part=part, first_number=first, rows=table)
