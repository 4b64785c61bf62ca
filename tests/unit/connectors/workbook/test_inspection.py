from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook
from headwater.connectors.workbook.units import unit_of
from headwater.errors import InputRefused
from tests.unit.connectors.workbook.made import number, row, rows_of, text, xlsx

Sheets = dict[str, list[list[object]]]
RECORDS: list[list[object]] = [["Leeds", 2020, 1.5], ["York", 2021, 2.5], ["Hull", 2022, 3.5]]
TABLE: list[list[object]] = [["Site", "Year", "Energy"], *RECORDS]


def book(path: Path, sheets: Sheets, merged: tuple[str, ...] = (), states: dict[str, str] | None = None) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, lines in sheets.items():
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
        for area in merged:
            sheet.merge_cells(area)
        if states and name in states:
            sheet.sheet_state = states[name]
    made.save(path)
    return path


def refusal(path: Path, config: WorkbookConfig | None = None) -> str:
    with pytest.raises(InputRefused) as refused:
        inspect_workbook(path, config)
    return str(refused.value)


def test_a_header_is_found_under_titles_labels_and_guidance(tmp_path: Path) -> None:
    above: list[list[object]] = [
        ["Energy report 2020"],
        ["Prepared by", "A. Person"],
        [],
        ["Fill in all yellow cells."],
        [],
    ]
    found = inspect_workbook(book(tmp_path / "a.xlsx", {"Data": above + TABLE}))
    assert (found.header_line, found.columns, found.sample_lines) == (6, ("Site", "Year", "Energy"), (7, 8, 9))
    assert found.confidence >= 0.8
    assert found.preamble == ("Energy report 2020", "Prepared by A. Person", "Fill in all yellow cells.")


def test_years_may_head_columns(tmp_path: Path) -> None:
    lines: list[list[object]] = [["Site", 2020, 2021], ["Leeds", 5.5, 6.5], ["York", 7.5, 8.5]]
    assert inspect_workbook(book(tmp_path / "a.xlsx", {"Data": lines})).columns == ("Site", "2020", "2021")


def test_merged_group_headings_make_a_header_of_two_rows(tmp_path: Path) -> None:
    lines: list[list[object]] = [
        ["Inventory"],
        ["Site", "Scope 1", None, "Scope 2", None],
        [None, "kWh", "tCO2e", "kWh", "tCO2e"],
        ["Leeds", 1, 2, 3, 4],
        ["York", 5, 6, 7, 8],
    ]
    path = book(tmp_path / "a.xlsx", {"Data": lines}, ("A2:A3", "B2:C2", "D2:E2"))
    found = inspect_workbook(path)
    assert found.columns == ("Site", "Scope 1 kWh", "Scope 1 tCO2e", "Scope 2 kWh", "Scope 2 tCO2e")
    assert (found.config.header, found.config.header_rows, found.sample_lines[0]) == (2, 2, 4)


def test_a_row_of_units_becomes_columns(tmp_path: Path) -> None:
    lines: list[list[object]] = [["Site", "Energy", "Share"], [None, "(kWh)", "%"], ["Leeds", 5.5, 1], ["York", 6.5, 2]]
    path = book(tmp_path / "a.xlsx", {"Data": lines})
    found = inspect_workbook(path)
    assert found.config.units_row == 2
    assert found.units == (("Energy", "kWh"), ("Share", "%"))
    assert found.columns == ("Site", "Energy", "Energy unit", "Share", "Share unit")
    assert found.sample[0] == ("Leeds", "5.5", "kWh", "1", "%")
    assert rows_of(path)[0] == (
        "Data", 3, {"Site": "Leeds", "Energy": "5.5", "Energy unit": "kWh", "Share": "1", "Share unit": "%"}
    )  # fmt: skip
    without = rows_of(path, WorkbookConfig(units_row=0))
    assert [record["Energy"] for _, _, record in without] == ["(kWh)", "5.5", "6.5"]


@pytest.mark.parametrize(
    "unit", ["kWh", "t CO2e", "tCO2e", "kg CO2-eq", "%", "EUR", "k€", "m3", "m³", "kg/kWh", "kWh (Net CV)", "[GJ]",
             "million EUR", "passenger-km", "litres", "kt CO2  eq", "°C", "kgCO2e/kWh"],
)  # fmt: skip
def test_units_are_known(unit: str) -> None:
    assert unit_of(unit)


@pytest.mark.parametrize(
    "other", ["", "Leeds", "Site", "2020", "Energy", "1.5", "Total", "yes", "kWh used by the site"]
)
def test_other_texts_are_no_units(other: str) -> None:
    assert unit_of(other) is None


def test_merged_cells_are_filled_and_blank_ones_are_not(tmp_path: Path) -> None:
    lines: list[list[object]] = [
        ["Activity", "Fuel", "Value"], ["Gas", "CNG", 1.5], [None, None, 2.5], [None, "LNG", 3.5], [None, None, 4.5],
        ["Oil", "Diesel", 5.5], [None, None, 6.5],
    ]  # fmt: skip
    path = book(tmp_path / "a.xlsx", {"Data": lines}, ("A2:A5", "B2:B3", "B4:B5"))
    records = [tuple(record.values()) for _, _, record in rows_of(path)]
    assert records == [
        ("Gas", "CNG", "1.5"), ("Gas", "CNG", "2.5"), ("Gas", "LNG", "3.5"), ("Gas", "LNG", "4.5"),
        ("Oil", "Diesel", "5.5"), ("", "", "6.5"),
    ]  # fmt: skip
    assert sorted(inspect_workbook(path).sheets[0].merged) == ["A2:A5", "B2:B3", "B4:B5"]


def test_a_range_over_a_row_without_cells_fills_it_but_makes_no_row_after_the_last(tmp_path: Path) -> None:
    cells = (
        row(1, text("A1", "a"), text("B1", "b")),
        row(2, text("A2", "x"), number("B2", "1")),
        row(4, number("B4", "3")),
    )
    merged = '<mergeCells count="2"><mergeCell ref="A2:A9"/><mergeCell ref="B4:C4"/></mergeCells>'
    path = xlsx(tmp_path / "a.xlsx", {"Data": "".join(cells)}, behind=merged)
    assert rows_of(path) == [
        ("Data", 2, {"a": "x", "b": "1"}),
        ("Data", 3, {"a": "x", "b": ""}),
        ("Data", 4, {"a": "x", "b": "3"}),
    ]


def test_blank_rows_are_records_and_those_at_the_end_are_none(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"Data": [*TABLE[:2], [], *TABLE[2:], [None, None, ""], [None]]})
    assert [(line, any(record.values())) for _, line, record in rows_of(path)] == [
        (2, True), (3, False), (4, True), (5, True)
    ]  # fmt: skip


def test_columns_without_name_and_value_are_left_out_and_stray_values_are_kept(tmp_path: Path) -> None:
    lines: list[list[object]] = [[None, "Site", None, "Energy"]]
    lines += [[None, f"s{line}", None, line + 0.5] for line in range(20)]
    lines[15].append("see note")
    found = inspect_workbook(book(tmp_path / "a.xlsx", {"Data": lines}))
    assert found.columns == ("Site", "Energy", "column_3")
    assert found.config.layouts is not None
    assert found.config.layouts[0].columns == "B,D:E"
    assert any("no name: E" in warning for warning in found.warnings)


def test_hidden_sheets_are_listed_and_left_out_unless_named(tmp_path: Path) -> None:
    states = {"Old": "hidden", "Lists": "veryHidden"}
    path = book(tmp_path / "a.xlsx", {"Data": TABLE, "Old": TABLE, "Lists": TABLE}, states=states)
    found = inspect_workbook(path)
    assert [(sheet.name, sheet.state, sheet.is_read) for sheet in found.sheets] == [
        ("Data", "visible", True), ("Old", "hidden", False), ("Lists", "very hidden", False)
    ]  # fmt: skip
    assert any("Old (hidden), Lists (very hidden)" in warning for warning in found.warnings)
    assert inspect_workbook(path, WorkbookConfig(sheets=("*",))).config.sheets == ("Data",)
    assert inspect_workbook(path, WorkbookConfig(sheets=("Lists",))).config.sheets == ("Lists",)


def test_sheets_with_one_header_are_one_table_when_named(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"2020": TABLE, "2021": TABLE, "Notes": [["Nothing to see"]]})
    said = refusal(path)
    assert "2 sheets have the same header" in said
    assert 'in the mapping: source.sheets: ["2020", "2021"]' in said
    assert 'To headwater inspect they are named by --sheet "2020" --sheet "2021".' in said
    records = rows_of(path, WorkbookConfig(sheets=("20*",)))
    assert [(part, line) for part, line, _ in records] == [(name, n) for name in ("2020", "2021") for n in (2, 3, 4)]


def test_sheets_with_other_columns_are_brought_together_by_name(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx", {"a": TABLE, "b": [["Energy", "Note", "Site"], [9.5, "x", "Bath"], [8.5, "y", "Ely"]]}
    )
    found = inspect_workbook(path, WorkbookConfig(sheets=("b", "a")))
    assert found.columns == ("Site", "Year", "Energy", "Note")
    assert any("not every sheet" in warning for warning in found.warnings)
    assert rows_of(path, WorkbookConfig(sheets=("a", "b")))[3] == (
        "b", 2, {"Site": "Bath", "Year": "", "Energy": "9.5", "Note": "x"}
    )  # fmt: skip


def test_a_data_sheet_beside_notes_is_chosen_and_different_tables_are_not(tmp_path: Path) -> None:
    notes: list[list[object]] = [["Read me"], ["This workbook was made by hand."]]
    found = inspect_workbook(book(tmp_path / "a.xlsx", {"README": notes, "Data": TABLE + RECORDS * 5}))
    assert found.config.sheets == ("Data",)
    assert found.confidence >= 0.8
    other: list[list[object]] = [["Fuel", "Factor"], ["Gas", 0.5], ["Oil", 0.7], ["Coal", 0.9]]
    said = refusal(book(tmp_path / "b.xlsx", {"Data": TABLE, "Factors": other}))
    assert "different tables" in said
    assert "source.sheets" in said


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"sheets": ("Nope",)}, "Data (4 rows)"),
        ({"header": 9}, "source.header"),
        ({"units_row": 30}, "source.units_row"),
    ],
)
def test_what_is_said_and_not_there_is_refused(tmp_path: Path, said: dict[str, Any], names: str) -> None:
    assert names in refusal(book(tmp_path / "a.xlsx", {"Data": TABLE}), WorkbookConfig(**said))


def test_a_header_that_is_said_is_taken(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"Data": [[1, 2], ["a", "b"], [3, 4]]})
    assert [record for _, _, record in rows_of(path, WorkbookConfig(header=1))][1] == {"1": "3", "2": "4"}
    assert inspect_workbook(path, WorkbookConfig(header=1, header_rows=2)).columns == ("1 a", "2 b")


def test_totals_text_numbers_and_further_tables_are_said(tmp_path: Path) -> None:
    lines: list[list[object]] = [*TABLE, ["Total", None, 7.5], [], ["Fuel", "Factor", "Unit"], ["Gas", 0.5, "kg"]]
    lines[1] = ["Leeds", "2020", 1.5]
    warnings = " ".join(inspect_workbook(book(tmp_path / "a.xlsx", {"Data": lines})).warnings)
    assert "1 row looks like a total (row 5)" in warnings
    assert "numbers stored as text in column B" in warnings
    assert "another table may begin at row 7" in warnings


def test_the_config_found_is_json_and_inspects_to_itself(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", {"a": TABLE, "b": [["title"], *TABLE]})
    found = inspect_workbook(path, WorkbookConfig(sheets=("*",)))
    as_json: Any = found.as_json()["config"]
    again = WorkbookConfig(**as_json)
    assert again == found.config
    assert [layout.header for layout in again.layouts or ()] == [1, 2]
    assert inspect_workbook(path, again).config == found.config


def test_a_number_merged_over_several_rows_is_told_since_it_is_read_in_each(tmp_path: Path) -> None:
    lines: list[list[object]] = [["Site", "Energy"], ["Leeds", 300], ["York", None], ["Hull", None], ["Ely", 7]]
    path = book(tmp_path / "a.xlsx", {"Data": lines}, merged=("B2:B4",))
    (warning,) = inspect_workbook(path).warnings
    assert "1 merged cell holds one number for several rows" in warning
    assert "B2:B4, 300 in 3 rows" in warning
    assert not inspect_workbook(book(tmp_path / "b.xlsx", {"Data": TABLE}, merged=("A2:A3",))).warnings
