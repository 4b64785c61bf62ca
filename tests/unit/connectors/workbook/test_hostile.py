"""Workbooks made to cost time or memory: small files are refused, or read, in little of either."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from headwater.connectors.workbook import WorkbookConfig
from headwater.connectors.workbook.grid import MAX_FILLED
from headwater.errors import InputRefused
from tests.unit.connectors.workbook.made import number, ods, row, rows_of, text, xlsx

if TYPE_CHECKING:
    from pathlib import Path

HEAD = row(1, text("A1", "site"), text("B1", "power")) + row(2, text("A2", "A"), number("B2", "1"))
LAST = row(1_048_576, text("A1048576", "note"))


def test_a_merged_range_that_fills_more_than_a_table_is_refused(tmp_path: Path) -> None:
    merged = '<mergeCells><mergeCell ref="A2:BXX1048576"/></mergeCells>'
    book = xlsx(tmp_path / "a.xlsx", {"Data": HEAD + LAST}, behind=merged)
    with pytest.raises(InputRefused, match="merged or repeated cells") as refused:
        rows_of(book, WorkbookConfig(header=1))
    assert f"{MAX_FILLED:,}" in str(refused.value)


def test_many_merged_ranges_over_one_another_are_refused(tmp_path: Path) -> None:
    merged = "<mergeCells>" + '<mergeCell ref="A2:B1048576"/>' * 20_000 + "</mergeCells>"
    with pytest.raises(InputRefused, match="lie over one another"):
        rows_of(xlsx(tmp_path / "a.xlsx", {"Data": HEAD + LAST}, behind=merged))


def test_cells_an_ods_repeats_over_the_whole_sheet_are_refused(tmp_path: Path) -> None:
    cell = (
        '<table:table-cell table:number-columns-repeated="2000" office:value-type="string"><text:p>x</text:p>'
        "</table:table-cell>"
    )
    rows = (
        f'<table:table-row>{cell}</table:table-row><table:table-row table:number-rows-repeated="900000">{cell}'
        "</table:table-row>"
    )
    with pytest.raises(InputRefused, match="merged or repeated cells"):
        rows_of(ods(tmp_path / "a.ods", f'<table:table table:name="Data">{rows}</table:table>'))


@pytest.mark.parametrize(
    ("rows", "behind"),
    [(HEAD + "<row " * 100_000 + "</row>", ""), (HEAD, "<mergeCell " * 100_000)],
    ids=["rows", "merged ranges"],
)
@pytest.mark.timeout(120)
def test_tags_that_never_end_cost_no_time(tmp_path: Path, rows: str, behind: str) -> None:
    """Looked for from each of them on to the end of the file, the end of a tag would take many minutes."""
    book = xlsx(tmp_path / "a.xlsx", {"Data": rows}, behind=behind)
    with suppress(InputRefused):
        rows_of(book)


def test_a_tree_is_made_of_no_more_elements_than_a_row_has(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="over 16 MB"):
        rows_of(xlsx(tmp_path / "a.xlsx", {"Data": HEAD + row(3, text("A3", "a" * 18_000_000))}))
    cells = f"<table:table-row>{'<table:table-cell/>' * 1_010_000}</table:table-row>"
    with pytest.raises(InputRefused, match="elements in one"):
        rows_of(ods(tmp_path / "a.ods", f'<table:table table:name="Data">{cells}</table:table>'))
    with pytest.raises(InputRefused, match="a text of it has no end"):
        rows_of(xlsx(tmp_path / "b.xlsx", {"Data": HEAD}, shared="<si><t>" + "a" * 20_000_000))


def test_a_stray_note_far_below_makes_no_million_blank_records(tmp_path: Path) -> None:
    read = rows_of(xlsx(tmp_path / "a.xlsx", {"Data": HEAD + LAST}))
    assert [(number, cells["site"]) for _, number, cells in read] == [(2, "A"), (1_048_576, "note")]
