"""What can be said about a workbook; all that is not said is found by inspection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.errors import Misuse

FORMATS = ("xlsx", "xls", "ods")
MAX_HEADER_ROWS = 5
_COLUMNS = re.compile(r"[A-Z]{1,3}(:[A-Z]{1,3})?(,[A-Z]{1,3}(:[A-Z]{1,3})?)*")


@dataclass(frozen=True, kw_only=True)
class SheetLayout:
    """How one sheet is read: found by inspection, so that reading it again cannot find anything else.

    header       first row of the header, from 1
    header_rows  rows of the header, their texts joined with a space
    units_row    row with the units, 0 for none
    columns      those with a name or a value, as a spreadsheet names them: A:D,F
    """

    name: str
    header: int
    header_rows: int = 1
    units_row: int = 0
    columns: str

    def __post_init__(self) -> None:
        where = f"source, sheet {self.name}"
        if self.header < 1 or not 1 <= self.header_rows <= MAX_HEADER_ROWS or self.units_row < 0:
            raise Misuse(
                "no such rows",
                where=where,
                value=f"header {self.header}, header_rows {self.header_rows}, units_row {self.units_row}",
                valid=f"rows are counted from 1; a header has at most {MAX_HEADER_ROWS} rows",
            )
        if not _COLUMNS.fullmatch(self.columns):
            raise Misuse("no such columns", where=where, value=self.columns, valid="column letters, such as A:D,F")


@dataclass(frozen=True, kw_only=True)
class WorkbookConfig:
    """How a workbook is laid out. None means not said: `inspect_workbook` finds it and returns a config without None.

    format       xlsx (also xlsm), xls or ods
    sheets       names or patterns with * and ?; more than one sheet is one table. A pattern takes visible sheets only
    header       row of the header in each sheet, from 1
    header_rows  how many rows it has; their texts are joined with a space
    units_row    row with the units of the columns; 0 where there is none
    layouts      of each sheet that is read, in the order of the workbook; where given, it is what counts
    """

    format: str | None = None
    sheets: tuple[str, ...] | None = None
    header: int | None = None
    header_rows: int | None = None
    units_row: int | None = None
    layouts: tuple[SheetLayout, ...] | None = None

    def __post_init__(self) -> None:
        # JSON has lists and objects where this has tuples and layouts.
        if self.sheets is not None:
            object.__setattr__(self, "sheets", _names(self.sheets))
        if self.layouts is not None:
            object.__setattr__(self, "layouts", tuple(map(_layout, self.layouts)))
        if self.format is not None and self.format not in FORMATS:
            raise Misuse(
                "no such format of a workbook", where="source.format", value=self.format, valid="xlsx, xls, ods"
            )
        self._check("header", least=1)
        self._check("header_rows", least=1, most=MAX_HEADER_ROWS)
        self._check("units_row", least=0)
        if self.units_row and self.header is not None:
            last = self.header + (self.header_rows or 1) - 1
            if self.header <= self.units_row <= last:
                raise Misuse(
                    "the row with the units is one of the header's",
                    where="source.units_row",
                    value=self.units_row,
                    valid="a row above or below the header",
                )

    def _check(self, name: str, *, least: int, most: int = 1_048_576) -> None:
        number = getattr(self, name)
        if number is not None and (
            not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most
        ):
            raise Misuse(
                "no such row" if name != "header_rows" else "no such number of rows",
                where=f"source.{name}",
                value=number,
                valid=f"a whole number from {least} to {most:,}",
            )


def _names(given: Iterable[Any]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise Misuse(
            "these are no names of sheets",
            where="source.sheets",
            value=list(names),
            valid='names or patterns in quotes, such as ["Data", "20*"]',
        )
    return names


def _layout(given: Any) -> SheetLayout:
    if isinstance(given, SheetLayout):
        return given
    if isinstance(given, Mapping):
        try:
            return SheetLayout(**given)
        except TypeError as error:
            raise Misuse("no layout of a sheet", where="source.layouts", value=dict(given)) from error
    raise Misuse("no layout of a sheet", where="source.layouts", value=given)
