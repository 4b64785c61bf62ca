"""Reshaping while a file becomes text: cells filled from above, columns turned into records, where a record stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.text_table.parts import Batch, Table
from headwater.errors import InputRefused

FILE, SHEET = "_file", "_sheet"
BLANK = pa.scalar("", pa.string())

# The stubs know a column's kind only where it stands in a literal.
Column = Any


@dataclass(frozen=True, kw_only=True)
class Unpivot:
    """Columns to records: `columns` by name or pattern (* and ?), in the file's order.

    Each row becomes as many records, with the column's name in `name`, its cell in `value` and, where `unit` names a
    column for it, the column's unit.
    """

    columns: tuple[str, ...]
    name: str
    value: str
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is done to the rows of a file before they are records. A blank row stays one, whatever is added or filled.

    units_row  whether the first row below the header holds units: column X gets a column "X unit" beside it; for files
               of one part
    fill_down  columns whose blank cells take the value above; a new value in one begins those after it anew
    add        "file" and "sheet": columns `_file` and `_sheet`
    """

    units_row: bool = False
    fill_down: tuple[str, ...] = ()
    unpivot: Unpivot | None = None
    add: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.units_row or self.fill_down or self.unpivot or self.add)


def unit_column(column: str) -> str:
    """The name of the column that holds a column's unit."""
    return f"{column} unit"


def shaped(table: Table, shape: Shape, *, name: str) -> Table:
    """The table in its new shape. InputRefused where a column that is named is not there, or is there twice."""
    if shape.units_row:
        table = _with_units(table, name)
    if shape.fill_down:
        table = _filled_down(table, shape.fill_down, name)
    if shape.unpivot:
        table = _unpivoted(table, shape.unpivot, name)
    for what in shape.add:
        table = _with_place(table, what, name)
    return table


def _with_units(table: Table, name: str) -> Table:
    """The first row holds units, not values."""
    first = next(table.batches, None)
    cells = {column: first.rows[column][0].as_py().strip() for column in table.columns} if first is not None else {}
    units = tuple((column, unit) for column, unit in cells.items() if unit)
    if first is None or not units:
        raise InputRefused(
            "there is no row of units below the header",
            where=name,
            valid="a row as long as the header, with a unit in at least one column",
            remedy="Take source.units_row out of the mapping.",
        )
    rest = Batch(
        part=first.part,
        first_number=first.first_number + 1,
        rows=first.rows.slice(1),
        ragged={index - 1: fields for index, fields in first.ragged.items()},
    )

    def batches() -> Iterator[Batch]:
        for batch in _chained(rest, table.batches):
            blank = _is_blank(batch.rows)
            rows = batch.rows
            for column, unit in units:
                rows = rows.append_column(unit_column(column), _unless(blank, unit))
            yield Batch(part=batch.part, first_number=batch.first_number, rows=rows, ragged=batch.ragged)

    added = tuple(unit_column(column) for column, _ in units)
    _refuse_taken(added, table.columns, name, "source.units_row")
    return Table(columns=table.columns + added, header=table.header, batches=batches(), units=units)


def _chained(first: Batch, rest: Iterator[Batch]) -> Iterator[Batch]:
    yield first
    yield from rest


def _filled_down(table: Table, columns: Sequence[str], name: str) -> Table:
    _refuse_missing(columns, table.columns, name, "source.fill_down")

    def batches() -> Iterator[Batch]:
        part, above = None, dict.fromkeys(columns, "")
        for batch in table.batches:
            if batch.part != part:
                part, above = batch.part, dict.fromkeys(columns, "")
            rows, blank = batch.rows, _is_blank(batch.rows)
            begins: Column = pa.array(np.zeros(rows.num_rows, bool))
            for column in columns:
                place = rows.column_names.index(column)
                cells = _array(rows[column])
                said = pc.not_equal(pc.utf8_trim_whitespace(cells), BLANK)
                known = pc.if_else(pc.or_(said, begins), cells, pa.scalar(None, pa.string()))
                carried = pa.concat_arrays([pa.array([above[column]]), known])
                filled = pc.fill_null_forward(carried).slice(1)
                above[column] = filled[-1].as_py() if len(filled) else above[column]
                rows = rows.set_column(place, column, pc.if_else(blank, BLANK, filled))
                begins = pc.or_(begins, said)
            yield Batch(part=batch.part, first_number=batch.first_number, rows=rows, ragged=batch.ragged)

    return Table(columns=table.columns, header=table.header, batches=batches(), units=table.units)


def _unpivoted(table: Table, unpivot: Unpivot, name: str) -> Table:
    turned = _without_units(_matching(unpivot.columns, table.columns), unpivot.columns)
    if not turned:
        raise InputRefused(
            "no column is called as source.unpivot says",
            where=name,
            value=", ".join(unpivot.columns),
            valid=", ".join(table.columns[:40]),
            remedy="Write the columns as the header does, or a pattern such as 20??.",
        )
    for column in unpivot.columns:
        if not _matching((column,), table.columns):
            _refuse_missing((column,), table.columns, name, "source.unpivot")
    made = {unit_column(column) for column, _ in table.units}
    beside = {column: unit_column(column) for column in turned if unit_column(column) in table.columns}
    gone = {*turned, *(unit for unit in beside.values() if unpivot.unit or unit in made)}
    kept = tuple(column for column in table.columns if column not in gone)
    added = (unpivot.name, unpivot.value, *((unpivot.unit,) if unpivot.unit else ()))
    _refuse_taken(added, kept, name, "source.unpivot")

    def batches() -> Iterator[Batch]:
        units: set[str] = set()
        for batch in table.batches:
            if not unpivot.unit:
                _refuse_several_units(
                    batch, [beside[column] for column in beside if beside[column] in made], units, name
                )
            rows = _turned(batch.rows, kept, turned, added, beside)
            ragged = {index * len(turned): cells for index, cells in batch.ragged.items()}
            yield Batch(
                part=batch.part, first_number=batch.first_number, rows=rows, ragged=ragged, columns=tuple(turned)
            )

    return Table(
        columns=kept + added,
        header=table.header,
        batches=batches(),
        units=tuple((column, unit) for column, unit in table.units if column in kept),
    )


def _refuse_several_units(batch: Batch, columns: Sequence[str], units: set[str], name: str) -> None:
    """Cells of different units would be mixed where the records do not carry them."""
    for column in columns:
        units.update(unit for unit in pc.unique(batch.rows[column]).to_pylist() if unit)
    if len(units) > 1:
        raise InputRefused(
            "the columns that source.unpivot turns into records have different units, and no column takes them",
            where=name,
            value=", ".join(sorted(units)),
            valid="one unit, or a column for it",
            remedy="Add `unit: unit` to source.unpivot, and map the field of the unit to that column.",
        )


def _turned(
    rows: pa.Table, kept: Sequence[str], turned: Sequence[str], added: Sequence[str], beside: dict[str, str]
) -> pa.Table:
    """`beside`: column -> the column that holds its units, which sheets and even rows may have each their own of."""
    count, width = rows.num_rows, len(turned)
    repeated = np.repeat(np.arange(count), width)
    blank = pa.array(np.repeat(_is_blank(rows).to_numpy(zero_copy_only=False), width))
    interleaved = np.arange(count * width).reshape(width, count).T.reshape(-1)
    none = pa.array([""] * count, pa.string())
    names = pa.array(list(turned) * count, pa.string())
    cells: Column = pa.concat_arrays([_array(rows[column]) for column in turned])
    units: Column = pa.concat_arrays([_array(rows[beside[column]]) if column in beside else none for column in turned])
    columns: list[Column] = [rows[column].take(repeated) for column in kept]
    columns += [pc.if_else(blank, BLANK, names), cells.take(interleaved)]
    if len(added) > 2:
        columns.append(pc.if_else(blank, BLANK, units.take(interleaved)))
    return pa.table(dict(zip((*kept, *added), columns, strict=True)))


def _with_place(table: Table, what: str, name: str) -> Table:
    column = {"file": FILE, "sheet": SHEET}[what]
    _refuse_taken((column,), table.columns, name, "source.add")

    def batches() -> Iterator[Batch]:
        for batch in table.batches:
            said = name if what == "file" else batch.part
            rows = batch.rows.append_column(column, _unless(_is_blank(batch.rows), said))
            yield Batch(
                part=batch.part,
                first_number=batch.first_number,
                rows=rows,
                ragged=batch.ragged,
                columns=batch.columns,
            )

    return Table(columns=(*table.columns, column), header=table.header, batches=batches(), units=table.units)


def _is_blank(rows: pa.Table) -> Column:
    """Which rows hold nothing but white space."""
    blank = np.ones(rows.num_rows, bool)
    for column in rows.columns:
        blank &= pc.equal(pc.utf8_trim_whitespace(column), BLANK).to_numpy(zero_copy_only=False)
    return pa.array(blank)


def _array(column: Column) -> Column:
    """One array, where an arrow table has a list of them."""
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _unless(blank: Column, text: str) -> Column:
    return pc.if_else(blank, BLANK, pa.scalar(text, pa.string()))


def _matching(patterns: Sequence[str], columns: Sequence[str]) -> list[str]:
    return [column for column in columns if any(column == each or fnmatchcase(column, each) for each in patterns)]


def _without_units(found: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """A pattern such as 20* fits "2020 unit" as well, which holds no values but the unit of those in 2020."""
    units = {unit_column(column) for column in found}
    return [column for column in found if column in patterns or column not in units]


def _refuse_missing(wanted: Sequence[str], columns: Sequence[str], name: str, where: str) -> None:
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise InputRefused(
            f"there is no column {missing[0]!r}, which {where} names",
            where=name,
            valid=", ".join(columns[:40]),
            remedy="Write the column as the header does.",
        )


def _refuse_taken(added: Sequence[str], columns: Sequence[str], name: str, where: str) -> None:
    folded = {column.casefold() for column in columns}
    taken = [column for column in added if column.casefold() in folded]
    if taken:
        raise InputRefused(
            f"the column {taken[0]!r}, which {where} makes, is there already",
            where=name,
            remedy="Choose another name in the mapping." if where == "source.unpivot" else f"Do without {where}.",
        )
