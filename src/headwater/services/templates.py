"""A workbook to fill in for each contract: a column a field, lists of allowed values, a note on every column.

Its records stand on the first sheet, whose columns are named as the fields are. The sheet of the fields says of which
contract it is, so that it is imported without a mapping, and has the example, which is never loaded.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import xlsxwriter

from headwater.connectors.workbook.choice import FORM, FORM_DATA
from headwater.services.examples import example_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec

ROWS = 10_000
"""So many rows have lists to choose from; more can be filled in all the same."""
_LONGEST_LIST = 255


def template(document: Document) -> bytes:
    """The workbook of a contract, as XLSX."""
    example = example_of(document)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        needed = book.add_format({"bold": True, "bg_color": "#0b6b4a", "font_color": "#ffffff", "num_format": "@"})
        optional = book.add_format({"bold": True, "bg_color": "#dfe5e1", "num_format": "@"})
        text = book.add_format({"num_format": "@"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        data = book.add_worksheet(FORM_DATA)
        lists = _Lists(book)
        data.freeze_panes(1, 0)
        for place, spec in enumerate(document.fields):
            data.write_string(0, place, spec.name, needed if spec.required or spec.key else optional)
            told = note(spec) + (f"\nFor example: {example[spec.name]}" if spec.name in example else "")
            data.write_comment(0, place, told, {"x_scale": 2, "y_scale": 2})
            data.set_column(place, place, max(12, len(spec.name) + 2), text)
            allowed = _allowed(spec)
            if allowed:
                data.data_validation(1, place, ROWS, place, lists.validation(spec, allowed))
        _fields_sheet(book, document, example, wrapped)
        book.set_properties({"title": document.title, "comments": f"{document.reference} {document.hash.hex()}"})
    return out.getvalue()


def note(spec: FieldSpec) -> str:
    """What is to be known of a field, in a few lines."""
    said = [spec.description]
    said += ["Needed." if spec.required or spec.key else "May stay blank."]
    said += [f"Unit: {spec.unit}."] if spec.unit else []
    said += [f"Kind: {spec.type}."]
    low, high = spec.minimum, spec.maximum
    said += [f"From {low}."] if low is not None else []
    said += [f"To {high}."] if high is not None else []
    said += [f"One of: {', '.join(spec.enum[:20])}."] if spec.enum else []
    said += [f"Left blank: {spec.default}."] if spec.default is not None else []
    return "\n".join(said)


def _allowed(spec: FieldSpec) -> tuple[str, ...]:
    return ("true", "false") if spec.type == "boolean" else spec.enum


class _Lists:
    """Allowed values: in the cell's own rule where they are short, else on a hidden sheet."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._sheet: Any = None
        self._columns = 0

    def validation(self, spec: FieldSpec, allowed: tuple[str, ...]) -> dict[str, Any]:
        """The rule of a column."""
        source: Any = list(allowed)
        if len(",".join(allowed)) > _LONGEST_LIST or any("," in each for each in allowed):
            source = self._kept(allowed)
        return {
            "validate": "list",
            "source": source,
            "ignore_blank": not (spec.required or spec.key),
            "error_title": spec.name[:32],
            "error_message": f"Choose one of the {len(allowed)} values of the list.",
        }

    def _kept(self, allowed: tuple[str, ...]) -> str:
        if self._sheet is None:
            self._sheet = self._book.add_worksheet("lists")
            self._sheet.very_hidden()
        for row, each in enumerate(allowed):
            self._sheet.write_string(row, self._columns, each)
        column = xlsxwriter.utility.xl_col_to_name(self._columns, col_abs=True)
        self._columns += 1
        return f"=lists!{column}$1:{column}${len(allowed)}"


def _fields_sheet(book: Any, document: Document, example: Mapping[str, str], wrapped: Any) -> None:
    sheet = book.add_worksheet(FORM)
    said = f"Fill in the sheet {FORM_DATA}, a record a row, and import the workbook. This sheet is not loaded; keep it."
    for place, text in enumerate((document.title, document.reference, said)):
        sheet.write_string(0, place, text)
    for place, head in enumerate(("field", "needed", "kind", "unit", "for example", "what it is")):
        sheet.write_string(2, place, head)
    for row, spec in enumerate(document.fields, start=3):
        needed = "yes" if spec.required or spec.key else "no"
        shown = example.get(spec.name, "")
        for place, text in enumerate((spec.name, needed, spec.type, spec.unit or "", shown, spec.description)):
            sheet.write_string(row, place, text, wrapped)
    sheet.set_column(0, 0, 28)
    sheet.set_column(4, 4, 28)
    sheet.set_column(5, 5, 90)
