"""XLS, the workbook of Excel 97 to 2003 and before, by way of xlrd."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.connectors.workbook.archive import corrupt, protected
from headwater.connectors.workbook.formats import Shown, shown_by
from headwater.connectors.workbook.grid import (
    BLANK,
    BOOLEAN,
    DATE,
    ERROR,
    HEAD_ROWS,
    NUMBER,
    TEXT,
    Range,
    Row,
    Sheet,
    Tally,
    Walked,
    check_column,
    check_length,
)
from headwater.connectors.workbook.texts import code_text, number_text, percent_text, serial_text
from headwater.errors import InputRefused

MAX_FILE = 128 * 1024**2
_STATES = {0: "visible", 1: "hidden", 2: "very hidden"}
_TEXT, _NUMBER, _DATE, _BOOLEAN, _ERROR = 1, 2, 3, 4, 5
_ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
# What xlrd lets out when bytes are not what they should be; it was written to read, not to refuse.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class XlsBook:
    """A workbook of the old binary format."""

    format = "xls"

    def __init__(self, path: Path, name: str) -> None:
        """Raise InputRefused where it is encrypted, damaged, or larger than can be held."""
        import xlrd  # noqa: PLC0415  few files are of this format
        from xlrd.biffh import XLRDError  # noqa: PLC0415
        from xlrd.compdoc import CompDocError  # noqa: PLC0415

        self._name = name
        size = path.stat().st_size
        if size > MAX_FILE:
            raise InputRefused(
                "the workbook is too large for its format",
                where=name,
                value=f"{size:,} bytes",
                valid=f"at most {MAX_FILE:,} bytes as .xls",
                remedy="Save it as .xlsx, which is read in a stream.",
            )
        try:
            self._book: Any = xlrd.open_workbook(
                str(path), logfile=io.StringIO(), on_demand=True, formatting_info=True, ragged_rows=True
            )
            book: Any = self._book  # visibility of sheets not yet loaded stands nowhere else
            names, states = book.sheet_names(), book._sheet_visibility  # noqa: SLF001
            self.sheets = tuple(
                Sheet(name=sheet, state=_STATES.get(state, "hidden"))
                for sheet, state in zip(names, states, strict=False)
            )
        except (XLRDError, CompDocError, *_FAULTS) as error:
            raise (
                protected(name) if "encrypt" in str(error).lower() else corrupt(name, str(error) or "broken")
            ) from error

    def walk(self, wanted: frozenset[str], decimal: str) -> Iterator[Walked]:
        """Sheet by sheet; one at a time is held."""
        from xlrd.biffh import XLRDError  # noqa: PLC0415  few files are of this format
        from xlrd.compdoc import CompDocError  # noqa: PLC0415

        for index, listed in enumerate(self.sheets):
            if listed.name not in wanted:
                continue
            where = f"{self._name}, sheet {listed.name}"
            try:
                sheet = self._book.sheet_by_index(index)
            except (XLRDError, CompDocError, *_FAULTS) as error:
                raise corrupt(where, str(error) or "broken") from error
            walked = Walked(sheet=listed.name, rows=iter(()), merged=_merged(sheet))
            walked.rows = self._rows(sheet, where, decimal, walked.tally)
            yield walked
            self._book.unload_sheet(index)

    def close(self) -> None:
        self._book.release_resources()

    def _rows(self, sheet: Any, where: str, decimal: str, tally: Tally) -> Iterator[Row]:
        shown: dict[int, Shown | None] = {}
        given = 0
        for row in range(sheet.nrows):
            texts: list[str] = []
            kinds: list[str] = []
            cells = zip(sheet.row_types(row), sheet.row_values(row), strict=True)
            for column, (kind, value) in enumerate(cells):
                text, letter = "", BLANK
                if kind == _TEXT:
                    text, letter = value, TEXT
                elif kind in {_NUMBER, _DATE}:
                    text, letter = self._number(value, sheet.cell_xf_index(row, column), decimal, shown)
                elif kind == _BOOLEAN:
                    text, letter = ("TRUE" if value else "FALSE"), BOOLEAN
                elif kind == _ERROR:
                    text, letter = _ERRORS.get(value, "#N/A"), ERROR
                    tally.error(row + 1, column, text)
                texts.append(text)
                kinds.append(letter if text else BLANK)
            while texts and not texts[-1]:
                texts.pop()
            if texts:
                self._check(texts, f"{where}, row {row + 1}")
                if row in sheet.rowinfo_map and sheet.rowinfo_map[row].hidden:
                    tally.hidden(row + 1)
                yield Row(row + 1, texts, "".join(kinds[: len(texts)]) if given < HEAD_ROWS else "")
                given += 1

    def _number(self, value: float, style: int, decimal: str, known: dict[int, Shown | None]) -> tuple[str, str]:
        if style not in known:
            known[style] = self._shown(style)
        shown = known[style]
        if shown is None:
            return number_text(value, decimal), NUMBER
        if shown.percent:
            return percent_text(value, decimal), NUMBER
        if shown.digits or shown.signed:
            return code_text(value, shown, decimal), NUMBER
        since_1904 = self._book.datemode == 1
        return serial_text(value, shown, since_1904=since_1904, decimal=decimal), DATE

    def _shown(self, style: int) -> Shown | None:
        try:
            code = self._book.format_map[self._book.xf_list[style].format_key].format_str
        except (LookupError, TypeError, AttributeError):
            # A style that the workbook does not have shows the number as it is, in Excel too.
            return None
        return shown_by(code)

    def _check(self, texts: list[str], where: str) -> None:
        check_column(len(texts) - 1, lambda: where)
        if sum(map(len, texts)) > 32_767:
            for text in texts:
                check_length(text, lambda: where)


def _merged(sheet: Any) -> list[Range]:
    ranges = {
        Range(top + 1, bottom, left, right - 1)
        for top, bottom, left, right in sheet.merged_cells
        if bottom > top and right > left
    }
    return sorted(ranges)
