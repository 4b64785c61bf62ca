"""Where a record stands in the file it came from, in the words of whoever opens that file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.connectors.files import PARQUET, WORKBOOKS
from headwater.connectors.nested.config import KEYED
from headwater.connectors.text_table.parts import part_of
from headwater.services.sources import layout_from_json, reading_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.connectors.text_table import Part


def place_in_file(layout: Mapping[str, Any], record: int, line: int) -> str:
    """`layout` is that of the record's run, `record` its number and `line` its line or row: "sheet Data, row 7"."""
    reading = reading_from_json(dict(layout))
    part = part_of(layout_from_json(dict(layout)).parts, record)
    member = f"{reading.member}, " if reading is not None and reading.member else ""
    if reading is None or part is None:
        return f"{member}line {line}"
    column = part.column(record)
    if (reading.nested.records or "").endswith(KEYED):
        return f"{member}{part.name}/{KEYED}, number {line + 1}"
    return f"{member}{_place(reading.format, part, line)}" + (f", column {column}" if column else "")


def _place(form: str | None, part: Part, number: int) -> str:
    if form in WORKBOOKS:
        return f"sheet {part.name}, row {number}"
    if form == PARQUET:
        return f"row {number}"
    if form == "xml":
        return f"{part.name}, element {number}"
    return f"{part.name}/{number}" if form in {"json", "geojson"} else f"line {number}"
