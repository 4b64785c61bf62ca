"""A copy of a workbook with cells marked: what is marked shows, and all else stays byte for byte."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font

from headwater.connectors.marked_workbook import Mark, TableSheet, as_xlsx, cell_name, mark_workbook
from headwater.connectors.workbook.opening import opened
from headwater.errors import InputRefused

RED = "FFFFC7CE"
Rows = dict[str, list[tuple[int, tuple[str, ...]]]]


def table(marks: Sequence[Mark]) -> TableSheet:
    cells = [(mark.sheet, cell_name(mark.row, mark.column)) for mark in marks]
    return TableSheet(name="Findings", header=("sheet", "cell"), rows=cells, link_column=1, links=cells, widths=(20, 8))


def marked(path: Path, marks: Sequence[Mark]) -> Path:
    copy = path.with_name("copy.xlsx")
    with copy.open("wb") as out:
        mark_workbook(path, out, marks, table(marks), name=path.name)
    return copy


def rows(path: Path) -> Rows:
    with opened(path, path.name) as book:
        wanted = frozenset(sheet.name for sheet in book.sheets if sheet.is_grid and sheet.name != "Findings")
        return {
            walked.sheet: [(row.number, tuple(row.texts)) for row in walked.rows] for walked in book.walk(wanted, ".")
        }


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet.title = "It's data"
    for number in range(1, 6):
        sheet.append([f"row {number}", number, f"=B{number}*2"])
    sheet["A1"].font = Font(bold=True)
    sheet["B2"].number_format = "0.00%"
    sheet["B3"].comment = Comment("from before", "somebody")
    rule = CellIsRule(operator="equal", formula=["1"])  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add("A1:A5", rule)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=5))
    sheet.add_chart(chart, "E2")
    second = made.create_sheet("second")
    second["A1"] = "x"
    path = tmp_path / "book.xlsx"
    made.save(path)
    return path


def test_what_is_marked_shows_and_nothing_else_is_another(book: Path) -> None:
    marks = [
        Mark(sheet="It's data", row=2, column=1, note="wrong & <odd>\nline"),
        Mark(sheet="It's data", row=3, column=1, note="ours"),
        Mark(sheet="It's data", row=9, column=4, note="where nothing stood"),
    ]
    copy = marked(book, marks)
    assert rows(copy) == rows(book)
    before, after = parts(book), parts(copy)
    changed = {name for name in before if before[name] != after[name]}
    assert not {
        name for name in changed if "chart" in name or "sheet2" in name or "theme" in name or "docProps" in name
    }
    assert before.keys() <= after.keys()
    sheet: Any = openpyxl.load_workbook(copy)["It's data"]
    assert {cell.coordinate for line in sheet.iter_rows() for cell in line if cell.fill.fgColor.rgb == RED} == {
        "B2", "B3", "E9",
    }  # fmt: skip
    notes = {name: sheet[name].comment for name in ("B2", "B3", "E9")}
    assert {name: note and note.text for name, note in notes.items()} == {
        "B2": "wrong & <odd>\nline", "B3": "from before\nours", "E9": "where nothing stood",
    }  # fmt: skip
    assert sheet["B2"].number_format == "0.00%"
    assert sheet["A1"].font.bold
    assert len(sheet._charts) == 1


def test_findings_lead_to_their_cells(book: Path) -> None:
    copy = marked(book, [Mark(sheet="It's data", row=2, column=1)])
    found = openpyxl.load_workbook(copy)["Findings"]["B2"]
    assert (found.value, found.hyperlink and found.hyperlink.location) == ("B2", "'It''s data'!B2")


def test_a_copy_can_be_marked_again(book: Path) -> None:
    first = marked(book, [Mark(sheet="It's data", row=2, column=1, note="first")])
    again = first.rename(first.with_name("first.xlsx"))
    with first.with_name("second.xlsx").open("wb") as out:
        marks = [
            Mark(sheet="It's data", row=2, column=1, note="second"),
            Mark(sheet="second", row=1, column=0, note="n"),
        ]
        sheet = TableSheet(name="Findings 2", header=("a",), rows=(), link_column=0, links=(), widths=(8,))
        mark_workbook(again, out, marks, sheet, name="book")
    done = openpyxl.load_workbook(first.with_name("second.xlsx"))
    note = done["It's data"]["B2"].comment
    assert note is not None
    assert note.text == "first\nsecond"
    assert done.sheetnames == ["It's data", "second", "Findings", "Findings 2"]


@pytest.mark.parametrize(
    "data",
    [
        '<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="3"/></sheetData>',
        "<sheetData><row><c><v>1</v></c><c><v>2</v></c></row><row/><row/></sheetData>",
        "<sheetData/>",
        '<sheetData><row r="3" spans="1:1" ><c r="C3" t="inlineStr"><is><t>a&gt;b</t></is></c ></row ></sheetData>',
    ],
)
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_sheets_written_in_other_ways(book: Path, data: str, prefix: str) -> None:
    """Cells without names, rows without cells, elements with a prefix."""
    tail = '<pageMargins left="1" right="1" top="1" bottom="1" header="1" footer="1"/><extLst/>'
    name = f"xmlns{':x' if prefix else ''}"
    xml = f'<worksheet {name}="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{data}{tail}</worksheet>'
    xml = re.sub(r"<(/?)(?=[a-zA-Z])", rf"<\1{prefix}", xml) if prefix else xml
    written = book.with_name("written.xlsx")
    with zipfile.ZipFile(book) as packed, zipfile.ZipFile(written, "w") as out:
        for entry in packed.infolist():
            is_sheet = entry.filename == "xl/worksheets/sheet2.xml"
            out.writestr(entry, xml if is_sheet else packed.read(entry))
    before = rows(written)
    copy = marked(written, [Mark(sheet="second", row=row, column=1, note="n") for row in (1, 3, 7)])
    assert rows(copy) == before
    sheet = openpyxl.load_workbook(copy)["second"]
    assert [sheet.cell(row, 2).fill.fgColor.rgb for row in (1, 3, 7)] == [RED] * 3
    assert sheet["B3"].comment is not None


def test_a_sheet_that_is_not_there_is_refused(book: Path) -> None:
    with pytest.raises(InputRefused, match="no sheet 'third'"):
        marked(book, [Mark(sheet="third", row=1, column=0)])


def test_more_notes_than_a_workbook_bears_are_counted(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.connectors.marked_workbook.marking.MAX_NOTES", 2)
    marks = [Mark(sheet="It's data", row=row, column=0, note="n") for row in range(1, 6)]
    out = io.BytesIO()
    assert mark_workbook(book, out, marks, table(marks), name="book") == 3
    sheet = openpyxl.load_workbook(out)["It's data"]
    assert [sheet.cell(row, 1).comment is not None for row in range(1, 6)] == [True, True, False, False, False]
    assert [sheet.cell(row, 1).fill.fgColor.rgb for row in range(1, 6)] == [RED] * 5


CELLS: list[tuple[Any, str | None]] = [
    ("0012", None),
    (1234.5678, None),
    (0.1 + 0.2, None),
    (-3, None),
    (1e-7, None),
    (0.455, "0.0%"),
    (datetime.date(2024, 3, 1), "yyyy-mm-dd"),
    (datetime.datetime.fromisoformat("2024-03-01T13:45:07"), "yyyy-mm-dd hh:mm:ss"),
    (0.5, "hh:mm"),
    (1.25, "[h]:mm"),
    (True, None),
    ("2024-02-30", None),
    ("45%", None),
    (" _x0041_ & <b>\nnext", None),
]


def test_another_format_is_read_the_same_as_xlsx(tmp_path: Path) -> None:
    made = xlwt.Workbook()
    sheet = made.add_sheet("a & b")
    for number, (value, shown) in enumerate(CELLS):
        style = xlwt.easyxf(num_format_str=shown) if shown else xlwt.Style.default_style
        sheet.write(number, number % 3, value, style)
    sheet.write_merge(20, 22, 1, 2, "merged")
    hidden = made.add_sheet("hidden")
    hidden.visibility = 1
    hidden.write(4, 4, "x")
    path = tmp_path / "old.xls"
    made.save(str(path))
    copy = tmp_path / "new.xlsx"
    with copy.open("wb") as out:
        as_xlsx(path, out, name="old.xls")
    assert rows(copy) == rows(path)
    with opened(copy, "new.xlsx") as book:
        assert [(sheet.name, sheet.state) for sheet in book.sheets] == [("a & b", "visible"), ("hidden", "hidden")]
        (walked,) = book.walk(frozenset({"a & b"}), ".")
        assert [str(each) for each in walked.merged] == ["B21:C23"]
    found = openpyxl.load_workbook(copy)["a & b"]
    assert found["A7"].is_date
    assert found["C6"].number_format.endswith("%")
