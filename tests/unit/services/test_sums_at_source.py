"""Sums that a source gives of itself and those of what was read are compared to the last digit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.connectors.protocol import NUMBERS, Column, ColumnTally, Tally
from headwater.connectors.sql import Dialect, Field, SqlTable
from headwater.connectors.sql.tallies import tally_of
from headwater.errors import InputRefused, RetryLater
from headwater.services.connectors.differences import at_source
from headwater.services.connectors.sums_read import DECIMAL, SumsRead, sums_read
from headwater.services.connectors.tallying import AtSource, SourceAsked
from headwater.values import Outcome, TextFormat

GERMAN = TextFormat(decimal=",", group=".")


def read_of(folder: Path, column: Any) -> SumsRead:
    """Sums over a file of this column, in as many batches as it has chunks."""
    path = folder / "chunk.parquet"
    pq.write_table(pa.table({"kwh": column}), path)
    with pq.ParquetFile(path) as file:
        return sums_read(file, ["kwh"], numbers=["kwh"], written=TextFormat())


def tally(rows: int, total: str | None) -> Tally:
    return Tally(
        rows=rows,
        columns={"kwh": ColumnTally(values=rows, sum=None if total is None else Decimal(total))},
        at_once=True,
    )


TABLE = SqlTable(
    name="reading",
    source="reading",
    fields=(
        Field(
            column=Column(name="kwh", type="numeric", arrow=pa.decimal128(12, 3)),
            select="kwh",
            order="kwh",
            cast="numeric",
        ),
    ),
)
LONG = ("12345678901234567890.1234567891", "1.0000000001")


@pytest.mark.parametrize("kind", [pa.string(), pa.decimal128(38, 10), pa.decimal256(40, 10)], ids=str)
def test_a_sum_of_more_than_28_digits_is_that_of_the_source(tmp_path: Path, kind: pa.DataType) -> None:
    found = AtSource()
    parts = [pa.array([Decimal(each)], pa.decimal256(40, 10)).cast(kind) for each in LONG]
    found.add(1, tally(2, "12345678901234567891.1234567892"), read_of(tmp_path, pa.chunked_array(parts)))
    told = found.as_json()
    assert told["chunks_that_differ"] == []
    assert told["columns"]["kwh"]["sum"] == "12345678901234567891.1234567892"
    assert Decimal(told["columns"]["kwh"]["sum_read"]) == Decimal(told["columns"]["kwh"]["sum"])


def test_a_difference_beyond_28_digits_is_told_with_its_column(tmp_path: Path) -> None:
    found = AtSource()
    for number in (1, 2):
        found.add(number, tally(1, LONG[0]), read_of(tmp_path, pa.array([LONG[0]])))
    found.add(3, tally(1, "1.0000000002"), read_of(tmp_path, pa.array([LONG[1]])))
    told = found.as_json()
    assert told["chunks_that_differ"] == [3]
    assert at_source({"source": told})[0].startswith(
        "Column kwh: the source sums to 24,691,357,802,469,135,781.2469135784,"
    )


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([Decimal(5 * 10**25)] * 10, "500000000000000000000000000"),
        (
            ["99999999999999999999999999999999999999.1234567890123"] * 7,
            "699999999999999999999999999999999999993.8641975230861",
        ),
        (
            ["99999999999999999999999999999999999999.1234567890123", None],
            "99999999999999999999999999999999999999.1234567890123",
        ),
    ],
    ids=["decimals", "the widest texts", "beside a null"],
)
def test_a_sum_that_is_wider_than_the_type_of_its_values_does_not_wrap(
    tmp_path: Path, values: Sequence[Any], total: str
) -> None:
    kind = pa.decimal128(38, 12) if isinstance(values[0], Decimal) else pa.string()
    assert read_of(tmp_path, pa.array(values, kind)).sums == {"kwh": Decimal(total)}


def test_sums_of_chunks_keep_all_digits(tmp_path: Path) -> None:
    whole = SumsRead()
    for each in LONG:
        whole.add(read_of(tmp_path, pa.array([each])))
    assert whole.sums == {"kwh": Decimal("12345678901234567891.1234567892")}


@pytest.mark.parametrize(
    ("values", "written", "total"),
    [
        (["7,5", "-0,25", None, "8"], GERMAN, "15.25"),
        (["1.234,5", "1.234", "12.345.678,25"], GERMAN, "12348146.75"),
        (["1 234,5", "1\u00a0234"], TextFormat(decimal=",", group=" "), "2468.5"),
        (["1,234.5", "1,234"], TextFormat(), "2468.5"),
        (["7,5", " 8 ", "", "n/a", "k.A."], replace(GERMAN, absent={"k.A.": Outcome.NOT_REPORTED}), "15.5"),
        (["7.5", "8"], GERMAN, "15.5"),  # the first is refused, and the difference shows it
        (["7.5", "8", "1,5 kWh"], GERMAN, None),
        (["1,23.5"], TextFormat(), None),
        (["7,5", "8"], TextFormat(), None),
    ],
)
def test_numbers_among_texts_are_summed_as_the_mapping_reads_them(
    tmp_path: Path, values: list[str | None], written: TextFormat, total: str | None
) -> None:
    path = tmp_path / "chunk.parquet"
    pq.write_table(pa.table({"kwh": values}), path)
    with pq.ParquetFile(path) as file:
        found = sums_read(file, ["kwh"], numbers=(), written=written)
    assert found.sums == ({} if total is None else {"kwh": Decimal(total)})
    assert set(found.left_out) == ({"kwh"} if total is None else set())


@pytest.mark.parametrize(
    ("told", "marked", "values", "total"),
    [
        ({DECIMAL: ","}, {}, ["7,5", "-0,25", None, "8"], "15.25"),
        ({DECIMAL: ","}, {}, ["7,5", "1.234"], None),
        ({}, {}, ["7,5", "8"], None),  # as before connectors were told
        ({DECIMAL: ","}, NUMBERS, ["7.5", "1.234"], "8.734"),  # the sign is put there later
    ],
)
def test_numbers_of_the_source_are_summed_by_the_sign_they_were_read_with(
    tmp_path: Path, told: dict[str, str], marked: dict[bytes, bytes], values: list[str | None], total: str | None
) -> None:
    path = tmp_path / "chunk.parquet"
    schema = pa.schema([pa.field("kwh", pa.string(), metadata=marked)]).with_metadata(told)
    pq.write_table(pa.table({"kwh": values}, schema=schema), path)
    with pq.ParquetFile(path) as file:
        found = sums_read(file, ["kwh"], numbers=() if marked else ("kwh",), written=GERMAN)
    assert found.sums == ({} if total is None else {"kwh": Decimal(total)})
    assert set(found.left_out) == ({"kwh"} if total is None else set())


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_chunk_that_cannot_be_summed_hides_no_other(tmp_path: Path, order: Sequence[int]) -> None:
    found = AtSource()
    chunks = {1: (tally(1, None), "7"), 2: (tally(1, "6"), "5")}
    for number in order:
        said, read = chunks[number]
        found.add(number, said, read_of(tmp_path, pa.array([read])))
    told = found.as_json()
    assert told["chunks_that_differ"] == [2]
    assert at_source({"source": told})[:2] == (
        "Column kwh: the source sums to 6, what was read of it to 5.",
        "1 chunk differs: 2.",
    )
    assert told["columns"]["kwh"]["sum_not_told"].startswith("not all of it can be summed exactly")


def test_chunks_that_differ_and_agree_together_are_told(tmp_path: Path) -> None:
    found = AtSource()
    for number, said in ((1, "6"), (2, "4")):
        found.add(number, tally(1, said), read_of(tmp_path, pa.array(["5"])))
    assert at_source({"source": found.as_json()})[0].startswith("All chunks together agree with the source")


def test_a_source_that_refuses_to_count_is_asked_once_a_run() -> None:
    asked, source = [], SourceAsked("plant")

    def refuses() -> Tally:
        asked.append("once")
        raise RetryLater("timed out over 'a cell'", remedy="Raise `statement_timeout`.")

    kept = [json.loads(source.as_kept(refuses, number)) for number in (1, 2, 3)]
    assert asked == ["once"]
    assert kept[0] == kept[1] == kept[2]
    assert "(RetryLater; the log says more), and was not asked again. Raise `statement_timeout`;" in kept[0]["why"]
    assert "a cell" not in kept[0]["why"]


@pytest.mark.parametrize(
    "answer", [[("many", "2", "3")], [("2", "2", "three")], [("2", "2")], []], ids=["rows", "sum", "short", "none"]
)
def test_what_a_database_says_that_is_no_number_is_an_error_of_the_house(
    answer: Sequence[Sequence[str | None]],
) -> None:
    with pytest.raises(InputRefused, match="by what is no number"):
        tally_of(Dialect(), TABLE, TABLE.fields, {"by": "whole"}, lambda _: answer, at_once=True)


@pytest.mark.parametrize("total", ["NaN", "Infinity"])
def test_a_sum_that_is_no_number_is_none(total: str) -> None:
    told = tally_of(Dialect(), TABLE, TABLE.fields, {"by": "whole"}, lambda _: [("2", "2", total)], at_once=True)
    assert told.columns["kwh"].sum is None


def test_a_chunk_that_was_read_before_its_source_was_asked_says_so() -> None:
    """As of a run that was begun by an older version, and gone on with."""
    found = AtSource()
    found.add(1, None, SumsRead())
    assert found.as_json() == {"not_told": [{"chunks": 1, "why": "was read before its source was asked"}]}
