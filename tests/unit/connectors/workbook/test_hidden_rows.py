"""Rows that a filter hides are read like all others, and that is said: sums over them are a surprise otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlwt

from headwater.connectors.workbook import inspect_workbook
from tests.unit.connectors.workbook.made import number, ods, row, rows_of, text, xlsx


def _xlsx(path: Path) -> Path:
    rows = [row(1, text("A1", "site"), text("B1", "kWh")), row(2, text("A2", "Leeds"), number("B2", "1"))]
    hidden = '<row r="3" spans="1:2" hidden="1">' + text("A3", "York") + number("B3", "2") + "</row>"
    also = '<row  r="4" hidden = "true">' + text("A4", "Hull") + number("B4", "3") + "</row>"
    return xlsx(path / "a.xlsx", {"Data": "".join([*rows, hidden, also])})


def _xls(path: Path) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for at, values in enumerate([("site", "kWh"), ("Leeds", 1), ("York", 2), ("Hull", 3)]):
        for column, value in enumerate(values):
            sheet.write(at, column, value)
        sheet.row(at).hidden = at > 1
    book.save(str(path / "a.xls"))
    return path / "a.xls"


def _ods(path: Path) -> Path:
    def line(site: str, kwh: str, more: str = "") -> str:
        cells = "".join(f"<table:table-cell><text:p>{value}</text:p></table:table-cell>" for value in (site, kwh))
        return f"<table:table-row{more}>{cells}</table:table-row>"

    lines = [line("site", "kWh"), line("Leeds", "1"), line("York", "2", ' table:visibility="filter"')]
    last = line("Hull", "3", ' table:visibility="collapse"')
    return ods(path / "a.ods", f'<table:table table:name="Data">{"".join(lines)}{last}</table:table>')


@pytest.mark.parametrize("make", [_xlsx, _xls, _ods])
def test_hidden_rows_are_read_and_told(tmp_path: Path, make: object) -> None:
    path = make(tmp_path)  # type: ignore[operator]  # one of three makers
    assert [record["kWh"] for _, _, record in rows_of(path)] == ["1", "2", "3"]
    assert "sheet Data: 2 rows are hidden, the first row 3; they are records like all others" in (
        inspect_workbook(path).warnings
    )
