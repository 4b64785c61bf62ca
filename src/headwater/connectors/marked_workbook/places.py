"""From a column of the table to the cell of a sheet."""

from __future__ import annotations

from pathlib import Path

from headwater.connectors.text_table.shape import unit_column
from headwater.connectors.workbook.config import WorkbookConfig
from headwater.connectors.workbook.grid import Range, letters
from headwater.connectors.workbook.opening import opened
from headwater.connectors.workbook.read import top_rows
from headwater.connectors.workbook.records import heading


class Places:
    """Where in each sheet that is read the columns of the table stand."""

    def __init__(self, path: Path, config: WorkbookConfig, *, name: str) -> None:
        self._columns: dict[str, dict[str, int]] = {}
        self._merged: dict[str, list[Range]] = {}
        layouts = {layout.name: layout for layout in config.layouts or ()}
        with opened(path, name) as book:
            self.sheets = tuple(sheet.name for sheet in book.sheets)
            for walked in book.walk(frozenset(layouts), "."):
                found = heading(layouts[walked.sheet], top_rows(walked, layouts[walked.sheet]))
                names = iter(found.names)
                columns: dict[str, int] = {}
                for place in found.places:
                    columns[next(names)] = place
                    if place in found.units:
                        columns[next(names)] = place
                self._columns[walked.sheet] = columns
                self._merged[walked.sheet] = [
                    each for each in walked.merged if each.bottom >= layouts[walked.sheet].header
                ]

    def column(self, sheet: str, name: str) -> int | None:
        """The column, from 0, in which a sheet has what the table calls so; None where it has no such column."""
        columns = self._columns.get(sheet, {})
        return columns.get(name, columns.get(name.removesuffix(unit_column("")), None))

    def cell(self, sheet: str, row: int, column: int) -> tuple[int, int]:
        """The cell itself, or the first of the merged ones it is one of: the only one that a spreadsheet shows."""
        for each in self._merged.get(sheet, ()):
            if each.top <= row <= each.bottom and each.left <= column <= each.right:
                return each.top, each.left
        return row, column

    def columns(self, sheet: str) -> tuple[int, ...]:
        """All columns of a sheet that are read."""
        return tuple(sorted(set(self._columns.get(sheet, {}).values())))


def cell_name(row: int, column: int) -> str:
    """Row from 1, column from 0: A1."""
    return f"{letters(column)}{row}"
