"""What a mapping says about how a file is written is used, or refused in words; it is never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pytest

from headwater.connectors.files import inspect_file, write_text_of
from headwater.errors import InputRefused, Misuse
from headwater.mapping import Mapping
from headwater.services.sources import config_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "site,power\nA,1\nB,2\n"


def text_of(path: Path, **source: object) -> list[str]:
    """The lines that a file becomes under what a mapping says."""
    said = {"mapping": "m", "version": "1.0.0", "contract": "activity@1", "source": source, "fields": {"a": FIELD}}
    found = inspect_file(path, config_of(Mapping.model_validate(said)))
    text = bytearray()
    write_text_of(path, found.config, text.extend, name=found.name)
    return text.decode().splitlines()


FIELD = {"column": "site"}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def workbook(folder: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def test_no_row_of_units_takes_no_record(tmp_path: Path) -> None:
    assert text_of(written(tmp_path, "a.csv", TEXT), units_row=0) == TEXT.splitlines()
    book = workbook(tmp_path, Data=[["site", "power"], ["A", 1], ["B", 2]])
    assert text_of(book, units_row=0) == TEXT.splitlines()


def test_a_row_of_units_is_found_whether_or_not_the_format_is_said(tmp_path: Path) -> None:
    expected = ["site,power,power unit", "A,1,kWh"]
    book = workbook(tmp_path, Data=[["site", "power"], [None, "kWh"], ["A", 1]])
    assert text_of(book, units_row=2) == text_of(book, units_row=2, format="xlsx") == expected
    text = written(tmp_path, "a.csv", "a title\nsite,power\n,kWh\nA,1\n")
    assert text_of(text, header=2, units_row=3) == expected


@pytest.mark.parametrize("row", [1, 4, 9])
def test_a_row_of_units_that_is_not_below_the_header_is_refused(tmp_path: Path, row: int) -> None:
    text = written(tmp_path, "a.csv", "a title\nsite,power\n,kWh\nA,1\n")
    with pytest.raises(Misuse) as refused:
        text_of(text, header=2, units_row=row)
    assert "only the row below the header" in refused.value.what
    assert "3, since the header is in line 2" in str(refused.value)


def test_a_row_of_units_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no row of units"):
        text_of(written(tmp_path, "a.csv", "site,power\n,\nA,1\n"), units_row=2)
    with pytest.raises(InputRefused, match="no row of units"):
        text_of(written(tmp_path, "a.csv", "site,power\n,kWh,x\n" + "A,1\n" * 20), units_row=2)


def test_a_record_of_the_wrong_length_below_the_units_is_not_lost(tmp_path: Path) -> None:
    text = written(tmp_path, "a.csv", "site,power\n,kWh\nA,1,9\n" + "B,2\n" * 20)
    assert text_of(text, units_row=2)[:3] == ["site,power,power unit", "A,1,9,", "B,2,kWh"]


def test_every_sheet_keeps_its_own_units_when_columns_become_records(tmp_path: Path) -> None:
    book = workbook(
        tmp_path,
        North=[["site", "2019", "2020"], [None, "kWh", "kWh"], ["A", 1, 2]],
        South=[["site", "2019", "2020"], [None, "MWh", "MWh"], ["B", 3, 4]],
    )
    turned = {"columns": "20*", "name": "year", "value": "amount", "unit": "unit"}
    assert text_of(book, sheets=["*"], header=1, units_row=2, unpivot=turned) == [
        "site,year,amount,unit", "A,2019,1,kWh", "A,2020,2,kWh", "B,2019,3,MWh", "B,2020,4,MWh",
    ]  # fmt: skip


def test_units_that_stand_beside_the_values_go_with_them(tmp_path: Path) -> None:
    text = written(tmp_path, "a.csv", "site,2019,2019 unit,2020\nA,1,kWh,2\nB,3,MWh,4\n")
    turned = {"columns": ["2019", "2020"], "name": "year", "value": "amount"}
    assert text_of(text, header=1, unpivot=turned | {"unit": "unit"}) == [
        "site,year,amount,unit", "A,2019,1,kWh", "A,2020,2,", "B,2019,3,MWh", "B,2020,4,",
    ]  # fmt: skip
    assert text_of(text, header=1, unpivot=turned)[:2] == ["site,2019 unit,year,amount", "A,kWh,2019,1"]


@pytest.mark.parametrize(
    ("name", "source", "key"),
    [
        ("a.csv", {"sheets": ["x"]}, "sheets"),
        ("a.csv", {"header_rows": 2}, "header_rows"),
        ("a.csv", {"records": "d/results"}, "records"),
        ("a.json", {"header": 3}, "header"),
        ("a.json", {"units_row": 2}, "units_row"),
        ("a.json", {"delimiter": ";"}, "delimiter"),
        ("a.json", {"sheets": ["x"]}, "sheets"),
        ("a.xml", {"preamble": 2}, "preamble"),
        ("a.xlsx", {"preamble": 2}, "preamble"),
        ("a.xlsx", {"encoding": "cp1252"}, "encoding"),
        ("a.xlsx", {"records": "d"}, "records"),
    ],
)
def test_what_means_nothing_for_a_format_is_refused(
    tmp_path: Path, name: str, source: dict[str, object], key: str
) -> None:
    workbook(tmp_path, Data=[["site", "power"], ["A", 1]])
    written(tmp_path, "a.csv", TEXT)
    written(tmp_path, "a.json", '[{"site": "A"}]')
    written(tmp_path, "a.xml", "<r><i>A</i><i>B</i></r>")
    with pytest.raises(Misuse) as refused:
        text_of(tmp_path / name, **source)
    assert f"source.{key} means nothing for a file of the format {name[2:]}" in refused.value.what
