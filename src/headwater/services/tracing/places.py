"""Where a record stands in what it came from, in the words of whoever opens that: a file, a source's table, or the
records of a contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.connectors.files import PARQUET, WORKBOOKS
from headwater.connectors.nested.config import KEYED
from headwater.connectors.text_table.parts import part_of
from headwater.services.sources import layout_from_json, reading_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.connectors.text_table import Part


def place_of(layout: Mapping[str, Any], record: int, line: int, cells: Mapping[str, str | None] | None) -> str:
    """`cells` are the record's by column, None where they are not at hand: "connector sap, table Orders, Order = 7"."""
    if "selection" in layout:
        return _place_in_source(layout, cells)
    if "records" in layout:
        return _place_among_records(layout, cells)
    return place_in_file(layout, record, line)


def _place_in_source(layout: Mapping[str, Any], cells: Mapping[str, str | None] | None) -> str:
    """By the columns that tell the rows of the table apart; where there are none, all that is known is the table."""
    column_of = dict(zip(layout["source_columns"], layout["columns"], strict=True))
    selection = layout["selection"]
    told = (
        [f"{name} = {cells.get(column_of[name]) or ''}" for name in selection["key"] if name in column_of]
        if cells
        else []
    )
    return ", ".join([f"connector {layout.get('connector', '?')}", f"table {selection['table']}", *told])


def _place_among_records(layout: Mapping[str, Any], cells: Mapping[str, str | None] | None) -> str:
    records = layout["records"]
    key = "|".join(cells.get(name) or "" for name in records["key"]) if cells else "?"
    return f"{records['contract'][0]} {key} as it stood"


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
