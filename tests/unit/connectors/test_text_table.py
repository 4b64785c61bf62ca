"""Any table becomes one text that reads back cell by cell, and every record still knows its row and column."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import strategies

from headwater.connectors.csv_file import CsvConfig, Planner, one_record, read_chunk, read_slice
from headwater.connectors.csv_file.table import read_csv
from headwater.connectors.text_table.parts import Batch, Table, part_of
from headwater.connectors.text_table.shape import Shape, Unpivot, shaped
from headwater.connectors.text_table.writer import write_text
from headwater.errors import InputRefused

TEXT = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)


def batch(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, part: str = "", first: int = 2,
    ragged: Mapping[int, Sequence[str]] | None = None,
) -> Batch:  # fmt: skip
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    table = pa.table({name: pa.array(each, pa.string()) for name, each in zip(columns, cells, strict=True)})
    return Batch(part=part, first_number=first, rows=table, ragged=ragged or {})


def table(*batches: Batch) -> Table:
    columns = tuple(batches[0].rows.column_names)
    return Table(columns=columns, header=columns, batches=iter(batches))


def rows(of: Table) -> list[dict[str, str]]:
    return [row for each in of.batches for row in each.rows.to_pylist()]


CELLS = strategies.text(strategies.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@hypothesis.given(strategies.data())
def test_any_cells_read_back(data: strategies.DataObject) -> None:
    width = data.draw(strategies.integers(1, 4))
    columns = [f"c{number}" for number in range(width)]
    drawn = data.draw(strategies.lists(strategies.lists(CELLS, min_size=width, max_size=width), max_size=12))
    cut = data.draw(strategies.integers(0, len(drawn)))
    planner = Planner(TEXT, 3, name="text")
    text = bytearray()
    write_text(table(batch(columns, drawn[:cut]), batch(columns, drawn[cut:], first=2 + cut)), text.extend)
    planner.feed(bytes(text))
    plan = planner.finish()
    read = [row for span in plan.chunks for row in read_chunk(io.BytesIO(bytes(text)), span, plan).table.to_pylist()]
    assert plan.columns == tuple(columns)
    assert plan.records == len(drawn)
    assert read == [dict(zip(columns, row, strict=True)) for row in drawn if any(cell.strip() for cell in row)]


def test_records_know_their_row_sheet_and_column() -> None:
    first = batch(["site", "2019", "2020"], [["A", "1", "2"], ["B", "3", "4"]], part="North", first=6)
    more = batch(["site", "2019", "2020"], [["C", "5", "6"]], part="North", first=8)
    second = batch(["site", "2019", "2020"], [["D", "7", "8"]], part="South", first=4)
    unpivot = Unpivot(columns=("20??", "2019"), name="year", value="amount")
    parts = write_text(shaped(table(first, more, second), Shape(unpivot=unpivot), name="f"), lambda _: None)
    found = []
    for record in range(1, 9):
        part = part_of(parts, record)
        assert part is not None
        found.append((part.name, part.number(record), part.column(record)))
    assert found == [
        ("North", 6, "2019"), ("North", 6, "2020"), ("North", 7, "2019"), ("North", 7, "2020"),
        ("North", 8, "2019"), ("North", 8, "2020"), ("South", 4, "2019"), ("South", 4, "2020"),
    ]  # fmt: skip
    assert len(parts) == 2
    assert part_of((), 3) is None


def test_columns_become_records_with_their_units() -> None:
    given = batch(["site", "power", "heat"], [["", "kWh", "MJ"], ["A", "1", "2"], ["", "", ""]])
    unpivot = Unpivot(columns=("power", "heat"), name="what", value="amount", unit="unit")
    turned = shaped(table(given), Shape(units_row=True, unpivot=unpivot), name="f")
    assert turned.columns == ("site", "what", "amount", "unit")
    assert rows(turned) == [
        {"site": "A", "what": "power", "amount": "1", "unit": "kWh"},
        {"site": "A", "what": "heat", "amount": "2", "unit": "MJ"},
        {"site": "", "what": "", "amount": "", "unit": ""},
        {"site": "", "what": "", "amount": "", "unit": ""},
    ]


def test_cells_of_different_units_are_not_mixed_without_a_column_for_them() -> None:
    given = batch(["site", "power", "heat"], [["", "kWh", "MJ"], ["A", "1", "2"]])
    unpivot = Unpivot(columns=("power", "heat"), name="what", value="amount")
    with pytest.raises(InputRefused, match="different units"):
        rows(shaped(table(given), Shape(units_row=True, unpivot=unpivot), name="f"))
    alike = batch(["site", "power", "heat"], [["", "kWh", "kWh"], ["A", "1", "2"]])
    assert len(rows(shaped(table(alike), Shape(units_row=True, unpivot=unpivot), name="f"))) == 2


def test_a_row_of_units_becomes_columns() -> None:
    given = batch(["site", "power"], [["", "kWh"], ["A", "1"]])
    turned = shaped(table(given), Shape(units_row=True), name="f")
    assert rows(turned) == [{"site": "A", "power": "1", "power unit": "kWh"}]
    assert turned.units == (("power", "kWh"),)


def test_blank_cells_take_what_stands_above_until_a_heading_changes() -> None:
    first = batch(
        ["activity", "fuel", "value"],
        [["Gas", "Natural gas", "1"], ["", "", "2"], ["", "", ""], ["", "LPG", "3"], ["Oil", "", "4"]],
        part="a",
    )
    second = batch(["activity", "fuel", "value"], [["", "", "5"]], part="a", first=7)
    other = batch(["activity", "fuel", "value"], [["", "", "6"]], part="b")
    filled = rows(shaped(table(first, second, other), Shape(fill_down=("activity", "fuel")), name="f"))
    assert [tuple(row.values()) for row in filled] == [
        ("Gas", "Natural gas", "1"), ("Gas", "Natural gas", "2"), ("", "", ""), ("Gas", "LPG", "3"),
        ("Oil", "", "4"), ("Oil", "", "5"), ("", "", "6"),
    ]  # fmt: skip


def test_where_a_record_stood_can_be_a_column_and_blank_rows_stay_blank() -> None:
    given = batch(["site"], [["A"], [""]], part="2020")
    assert rows(shaped(table(given), Shape(add=("file", "sheet")), name="energy.xlsx")) == [
        {"site": "A", "_file": "energy.xlsx", "_sheet": "2020"},
        {"site": "", "_file": "", "_sheet": ""},
    ]


def test_a_ragged_record_stays_ragged_even_where_columns_are_added() -> None:
    given = batch(["a", "b"], [["1", "2"], ["", ""], ["3", "4"]], ragged={1: ["x", "y", 'z"']})
    text = bytearray()
    planner = Planner(TEXT, 10, name="text")
    write_text(shaped(table(given), Shape(add=("file",)), name="f.csv"), text.extend)
    planner.feed(bytes(text))
    plan = planner.finish()
    chunk = read_chunk(io.BytesIO(bytes(text)), plan.chunks[0], plan)
    assert [row["a"] for row in chunk.table.to_pylist()] == ["1", "3"]
    assert [(row.record_no, row.expected, row.actual) for row in chunk.ragged] == [(1, 3, 4)]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape(fill_down=("place",)), "no column 'place', which source.fill_down names"),
        (Shape(unpivot=Unpivot(columns=("19??",), name="year", value="v")), "no column is called"),
        (Shape(unpivot=Unpivot(columns=("a", "19??"), name="year", value="v")), "no column '19"),
        (Shape(unpivot=Unpivot(columns=("a",), name="B", value="v")), "'B', which source.unpivot makes"),
    ],
)
def test_what_is_not_there_or_there_twice_is_refused(shape: Shape, words: str) -> None:
    with pytest.raises(InputRefused) as refused:
        shaped(table(batch(["a", "b"], [["1", "2"]])), shape, name="f.xlsx")
    assert words in refused.value.what


def test_a_delimited_text_is_a_table_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('site;note\nA;"two\nlines"\nB;\n\n#no\nC;x;y\nD;z\n')
    config = CsvConfig(encoding="utf-8", delimiter=";", quote='"', comment="#", preamble=0, line_end="\n", unnamed=0)
    batches = list(read_csv(path, config, name="a.csv").batches)
    assert [(each.first_number, each.rows["site"].to_pylist()) for each in batches] == [
        (2, ["A"]),
        (4, ["B", "", "", "", "D"]),
    ]
    assert batches[1].ragged == {3: ["C", "x", "y"]}


def test_a_record_of_another_length_may_have_a_very_long_cell(tmp_path: Path) -> None:
    path, long = tmp_path / "a.csv", "x" * 1_000_000
    path.write_text(f'site,note\nA,{long}\nB,"{long}",z\n')
    config = CsvConfig(encoding="utf-8", delimiter=",", quote='"', comment="", preamble=0, line_end="\n", unnamed=0)
    (only,) = read_csv(path, config, name="a.csv").batches
    assert only.rows["note"].to_pylist() == [long, ""]
    assert only.ragged == {1: ["B", long, "z"]}


def test_lines_of_a_text_are_the_rows_it_was_made_of() -> None:
    given = batch(["a"], [["1"], [""], ["2"]], part="s", first=7)
    text = bytearray()
    planner = Planner(TEXT, 2, name="text")
    parts = write_text(shaped(table(given), Shape(add=("sheet",)), name="f"), text.extend)
    planner.feed(bytes(text))
    plan = replace(planner.finish(), parts=parts)
    chunks = [read_chunk(io.BytesIO(bytes(text)), span, plan) for span in plan.chunks]
    assert [chunk.lines.tolist() for chunk in chunks] == [[7], [9]]
    shown = one_record(read_slice(io.BytesIO(bytes(text)), plan.chunks[1]), plan.chunks[1], plan, 0)
    assert (shown.line, shown.text, shown.alone.lines.tolist()) == (9, "2,s", [9])
