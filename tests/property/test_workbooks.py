"""Random tables written by openpyxl, and random ways of writing a cell: the same texts come back."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.workbook import SheetLayout, WorkbookConfig, read_workbook
from headwater.connectors.workbook.texts import number_text, percent_text
from tests.examples import examples
from tests.unit.connectors.workbook.made import row, xlsx

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: not text.startswith("=")
)
CELLS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20).map(
        lambda number: float(f"{number:.15g}")  # openpyxl writes 16 digits, which is not always the same double
    ),
    st.booleans(),
    st.dates(datetime.date(1900, 3, 1), datetime.date(9999, 12, 31)),
)


def texts(path: Path, width: int) -> list[list[str]]:
    letter = chr(64 + width)
    layout = SheetLayout(name="Data", header=1, columns=f"A:{letter}")
    table = read_workbook(path, WorkbookConfig(layouts=(layout,)), name="a", decimal=".")
    return [list(record.values()) for batch in table.batches for record in batch.rows.to_pylist()]


def expected(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(float(value))
    return str(value)


@settings(max_examples=examples(25), deadline=None)
@given(st.integers(1, 6).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8)))
def test_what_openpyxl_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]) -> None:
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    width = len(rows[0]) if rows else 1
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data"
    sheet.append([f"column {number}" for number in range(width)])
    for line in rows:
        sheet.append(line)
    book.save(path)
    wanted = [[expected(value) for value in line] for line in rows]
    while wanted and not any(wanted[-1]):
        wanted.pop()
    assert texts(path, width) == wanted


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_to_the_same_double(number: float) -> None:
    text = number_text(number)
    assert float(text) == number
    assert "e" not in text or not 1e-6 <= abs(number) < 1e21


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_a_per_cent_is_exactly_a_hundred_times_as_much(units: int, decimals: int) -> None:
    number = Decimal(units).scaleb(-decimals)
    assert Decimal(percent_text(float(number))[:-1]) == number * 100


CELL = st.tuples(
    st.sampled_from(
        [
            '<c r="{r}"><v>1.5</v></c>',
            '<c r="{r}" s="5"><v>0.5</v></c>',
            '<c r="{r}" t="str"><f>A1&amp;1</f><v>a&amp;b</v></c>',
            '<c r="{r}" t="inlineStr"><is><t>a &lt; b</t></is></c>',
            '<c r="{r}" t="b"><v>1</v></c>',
            '<c r="{r}"><f>1+1</f></c>',
            '<c r="{r}" s="1"/>',
        ]
    )
)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.lists(CELL, min_size=1, max_size=6), min_size=1, max_size=4))
def test_the_quick_way_and_the_parsers_way_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[tuple[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("book")
    read = []
    for name, comment in (("quick", ""), ("parsed", "<!-- by the parser -->")):
        rows = row(1, *(f'<c r="{chr(65 + n)}1" t="inlineStr"><is><t>n{n}</t></is></c>' for n in range(6)))
        for number, cells in enumerate(lines, start=2):
            written = (cell.format(r=f"{chr(65 + at)}{number}") for at, (cell,) in enumerate(cells))
            rows += row(number, comment, *written)
        read.append(texts(xlsx(folder / f"{name}.xlsx", {"Data": rows}), 6))
    assert read[0] == read[1]
