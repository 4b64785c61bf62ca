from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import xlwt

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook
from tests.unit.connectors.workbook.made import ods, rows_of


def cell(kind: str, value: str = "", shown: str = "", more: str = "") -> str:
    name = {"date": "date-value", "time": "time-value", "boolean": "boolean-value"}.get(kind, "value")
    given = f' office:value-type="{kind}"' if kind else ""
    given += f' office:{name}="{value}"' if value else ""
    return f"<table:table-cell{given}{more}><text:p>{shown}</text:p></table:table-cell>"


def line(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def table(*lines: str, name: str = "Data", style: str = "shown") -> str:
    return f'<table:table table:name="{name}" table:style-name="{style}">{"".join(lines)}</table:table>'


HEADER = line(cell("string", shown="what"), cell("string", shown="value"))
HIDDEN = (
    '<style:style style:name="gone" style:family="table"><style:table-properties table:display="false"/></style:style>'
)
NOTED = (
    '<table:table-cell office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation>'
    "<text:p>one</text:p><text:p>two</text:p></table:table-cell>"
)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (cell("float", "2528.2600000000002", "2,528.26"), "2528.26"),
        (cell("percentage", "0.45", "45 %"), "45%"),
        (cell("currency", "12.5", "€ 12.50", ' office:currency="EUR"'), "12.5"),
        (cell("date", "2024-03-01", "01.03.24"), "2024-03-01"),
        (cell("date", "2024-03-01T13:45:00.000000000", "x"), "2024-03-01T13:45:00"),
        (cell("time", "PT13H45M00S", "13:45"), "13:45:00"),
        (cell("time", "PT36H30M00.5S", "36:30"), "36:30:00.5"),
        (cell("boolean", "true", "WAHR"), "TRUE"),
        (cell("string", shown="t CO<text:span>2</text:span>e"), "t CO2e"),
        (cell("string", shown="a<text:s text:c='2'/>b<text:line-break/>c<text:tab/>d   e"), "a  b\nc\td e"),
        (
            NOTED,
            "one\ntwo",
        ),
        (cell("string", shown="#DIV/0!", more=' table:formula="of:=1/0" calcext:value-type="error"'), "#DIV/0!"),
        ('<table:table-cell table:formula="of:=[.A1]+1"/>', "=[.A1]+1"),
    ],
)
def test_a_cell_of_ods_is_read_as_it_is_meant(tmp_path: Path, given: str, shown: str) -> None:
    path = ods(tmp_path / "a.ods", table(HEADER, line(cell("string", shown="x"), given)))
    assert rows_of(path) == [("Data", 2, {"what": "x", "value": shown})]


def test_ods_repeats_covers_groups_and_hides(tmp_path: Path) -> None:
    blank = '<table:table-cell table:number-columns-repeated="16382"/>'
    merged = cell("string", shown="Gas", more=' table:number-rows-spanned="3" table:number-columns-spanned="1"')
    covered = "<table:covered-table-cell><text:p>beneath</text:p></table:covered-table-cell>"
    repeated = line(covered, cell("float", "2"), more=' table:number-rows-repeated="2"')
    rows = (
        f"<table:table-header-rows>{HEADER}</table:table-header-rows>",
        line(merged, cell("float", "1"), blank),
        f"<table:table-row-group>{repeated}</table:table-row-group>",
        line(blank, more=' table:number-rows-repeated="2"'),
        line(cell("string", shown="Oil"), cell("float", "3")),
        line(blank, more=' table:number-rows-repeated="1048000"'),
    )
    path = ods(tmp_path / "a.ods", table(*rows) + table(HEADER, name="Old", style="gone"), styles=HIDDEN)
    assert [(number, tuple(record.values())) for _, number, record in rows_of(path)] == [
        (2, ("Gas", "1")),
        (3, ("Gas", "2")),
        (4, ("Gas", "2")),
        (5, ("", "")),
        (6, ("", "")),
        (7, ("Oil", "3")),
    ]
    found = inspect_workbook(path)
    assert [(sheet.name, sheet.state, sheet.rows) for sheet in found.sheets] == [
        ("Data", "visible", 7),
        ("Old", "hidden", 1),
    ]
    assert found.sheets[0].merged == ("A2:A4",)


def test_sheets_of_ods_are_read_one_after_the_other(tmp_path: Path) -> None:
    sheets = "".join(
        table(HEADER, *(line(cell("string", shown=name), cell("float", str(n))) for n in range(3)), name=name)
        for name in ("a", "b", "c")
    )
    records = rows_of(ods(tmp_path / "a.ods", sheets), WorkbookConfig(sheets=("c", "a")))
    assert [(part, number) for part, number, _ in records] == [(name, n) for name in ("a", "c") for n in (2, 3, 4)]


def test_xls_is_read_as_its_formats_mean_it(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for column, name in enumerate(("site", "share", "day", "at", "open", "note", "value")):
        sheet.write(0, column, name)
    sheet.write_merge(1, 2, 0, 0, "Leeds")
    sheet.write(1, 1, 0.45, xlwt.easyxf(num_format_str="0.0%"))
    sheet.write(1, 2, datetime.date(2024, 3, 1), xlwt.easyxf(num_format_str="DD/MM/YYYY"))
    sheet.write(1, 3, datetime.time(13, 45), xlwt.easyxf(num_format_str="h:mm"))
    sheet.write(1, 4, True)
    sheet.write(1, 5, "0042")
    sheet.write(1, 6, 2528.2600000000002)
    sheet.write(2, 6, 40009754.0)
    sheet.row(3).set_cell_error(6, "#DIV/0!")
    book.add_sheet("Old").visibility = 1
    book.save(str(tmp_path / "a.xls"))
    assert [(number, tuple(record.values())) for _, number, record in rows_of(tmp_path / "a.xls")] == [
        (2, ("Leeds", "45%", "2024-03-01", "13:45:00", "TRUE", "0042", "2528.26")),
        (3, ("Leeds", "", "", "", "", "", "40009754")),
        (4, ("", "", "", "", "", "", "#DIV/0!")),
    ]
    found = inspect_workbook(tmp_path / "a.xls")
    assert [(sheet.name, sheet.state) for sheet in found.sheets] == [("Data", "visible"), ("Old", "hidden")]
    assert any("1 cell holds an error" in warning for warning in found.warnings)


def test_xls_counts_days_from_1904_where_it_says_so(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.dates_1904 = True
    sheet = book.add_sheet("Data")
    for column, name in enumerate(("what", "day")):
        sheet.write(0, column, name)
        sheet.write(1, column, 43890, xlwt.easyxf(num_format_str="yyyy-mm-dd") if column else xlwt.Style.default_style)
    book.save(str(tmp_path / "a.xls"))
    assert rows_of(tmp_path / "a.xls") == [("Data", 2, {"what": "43890", "day": "2024-03-01"})]
