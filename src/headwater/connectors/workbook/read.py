"""Reads the sheets of a workbook as one table of texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headwater.connectors.text_table import Batch, Table
from headwater.connectors.workbook.config import SheetLayout, WorkbookConfig
from headwater.connectors.workbook.grid import Row, Walked, filled
from headwater.connectors.workbook.opening import opened
from headwater.connectors.workbook.records import Heading, batches, heading, records
from headwater.errors import InputRefused, Misuse


def read_workbook(path: Path, config: WorkbookConfig, *, name: str, decimal: str) -> Table:
    """The sheets of an inspected workbook in its order, as one table whose columns are all that any of them has.

    The same bytes and config give the same batches. Raises InputRefused for faults in the sheets (while the batches
    are taken, for those in their rows), Misuse for a config that no inspection has completed.
    """
    if config.layouts is None:
        raise Misuse("it is not known how the sheets are laid out", where="source", remedy="Inspect the file first.")
    layouts = {layout.name: layout for layout in config.layouts}
    headings = _headings(path, layouts, name)
    columns: dict[str, str] = {}
    units: dict[str, str] = {}
    for found in headings.values():
        names = iter(found.names)
        for place, cell in zip(found.places, found.cells, strict=True):
            columns.setdefault(next(names), cell)
            if place in found.units:
                columns.setdefault(next(names), "")
        for column, unit in found.unit_names:
            units.setdefault(column, unit)
    return Table(
        columns=tuple(columns),
        header=tuple(columns.values()),
        batches=_batches(path, layouts, headings, tuple(columns), name=name, decimal=decimal),
        units=tuple(units.items()),
    )


def _headings(path: Path, layouts: dict[str, SheetLayout], name: str) -> dict[str, Heading]:
    """Sheet -> its heading. Names of columns do not depend on the decimal sign."""
    headings = {}
    with opened(path, name) as book:
        for walked in book.walk(frozenset(layouts), "."):
            layout = layouts[walked.sheet]
            headings[walked.sheet] = heading(layout, top_rows(walked, layout))
    missing = [sheet for sheet in layouts if sheet not in headings]
    if missing:
        raise InputRefused("the workbook has no such sheet", where=name, value=missing[0], valid="a sheet it has")
    return headings


def top_rows(walked: Walked, layout: SheetLayout) -> list[Row]:
    """The rows down to the header and the units."""
    last = max(layout.header + layout.header_rows - 1, layout.units_row)
    rows = []
    for row in filled(walked):
        if row.number > last:
            break
        rows.append(row)
    return rows


def _batches(
    path: Path,
    layouts: dict[str, SheetLayout],
    headings: dict[str, Heading],
    columns: tuple[str, ...],
    *,
    name: str,
    decimal: str,
) -> Iterator[Batch]:
    with opened(path, name) as book:
        for walked in book.walk(frozenset(layouts), decimal):
            where = f"{name}, sheet {walked.sheet}"
            rows = records(walked, layouts[walked.sheet], where)
            yield from batches(rows, walked.sheet, headings[walked.sheet], columns)
