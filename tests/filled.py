"""Workbooks to fill in, filled in as people do: with a spreadsheet program, which keeps what it does not know."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import openpyxl

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA, FIELDS = "data", "Headwater fields"


def example_in(template: bytes) -> dict[str, str]:
    """The example that a template shows beside its fields."""
    rows = openpyxl.load_workbook(io.BytesIO(template))[FIELDS].iter_rows(min_row=3, values_only=True)
    heads = list(next(rows))
    name, example = heads.index("field"), heads.index("for example")
    return {str(row[name]): str(row[example]) for row in rows if row[example]}


def filled(template: bytes, *records: Mapping[str, str]) -> bytes:
    """The template with these records on its first sheet."""
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = book[DATA]
    places = {str(cell.value): place for place, cell in enumerate(sheet[1], start=1)}
    for number, record in enumerate(records, start=2):
        for name, text in record.items():
            sheet.cell(number, places[name]).value = text
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
