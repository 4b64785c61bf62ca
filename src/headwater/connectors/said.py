"""What is said about how a file is written must be used: what means nothing for its format is refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Misuse

if TYPE_CHECKING:
    from headwater.connectors.csv_file import CsvConfig
    from headwater.connectors.nested import NestedConfig
    from headwater.connectors.workbook import WorkbookConfig

_TEXT = ("delimiter", "encoding", "quote", "comment", "preamble", "header", "units_row")
_WORKBOOK = ("sheets", "header", "header_rows", "units_row")
_NESTED = ("records", "encoding")
_USED = {
    "csv": _TEXT,
    "xlsx": _WORKBOOK,
    "xls": _WORKBOOK,
    "ods": _WORKBOOK,
    "json": _NESTED,
    "jsonl": _NESTED,
    "geojson": _NESTED,
    "xml": _NESTED,
    "parquet": (),
}
# Keys that say what is so of every file of a format that does not know them.
_IDLE = {"header_rows": 1, "units_row": 0}


def refuse_unused(what: str, csv: CsvConfig, workbook: WorkbookConfig, nested: NestedConfig, *, name: str) -> None:
    """Raise Misuse for a key of a mapping's `source` that a file of the format `what` has no use for."""
    said = {
        "sheets": workbook.sheets,
        "header": workbook.header,
        "header_rows": workbook.header_rows,
        "units_row": workbook.units_row,
        # A header in a row means so many lines above it; only where it is not said they are said for themselves.
        "preamble": csv.preamble if workbook.header is None else None,
        "delimiter": csv.delimiter,
        "quote": csv.quote,
        "comment": csv.comment,
        "encoding": nested.encoding or csv.encoding,
        "records": nested.records,
    }
    for key, value in said.items():
        if value is None or key in _USED[what] or _IDLE.get(key) == value:
            continue
        used = ", ".join(f"source.{each}" for each in _USED[what])
        raise Misuse(
            f"source.{key} means nothing for a file of the format {what}",
            where=name,
            value=value,
            valid=used or "nothing: such a file says itself how it is written",
            remedy=f"Take source.{key} out of the mapping, or give these files one of their own.",
        )


def has_units_row(header_line: int, units_row: int | None, *, name: str) -> bool:
    """Whether units stand in the row below the header of a delimited text; Misuse where another row is said."""
    if not units_row:
        return False
    if units_row != header_line + 1:
        raise Misuse(
            "of a delimited text only the row below the header can hold units",
            where=f"{name}, source.units_row",
            value=units_row,
            valid=f"{header_line + 1}, since the header is in line {header_line}",
            remedy="Correct source.units_row, or source.header if that is wrong.",
        )
    return True
