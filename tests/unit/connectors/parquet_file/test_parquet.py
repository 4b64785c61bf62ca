from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.connectors.parquet_file import inspect_parquet, read_parquet
from headwater.connectors.parquet_file.redact import write_without
from headwater.connectors.protocol import NUMBERS
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path


def written(tmp_path: Path, table: pa.Table, **options: Any) -> Path:
    path = tmp_path / "file.parquet"
    pq.write_table(table, path, **options)
    return path


def load(path: Path, decimal: str = ".") -> list[dict[str, str]]:
    table = read_parquet(path, name="file.parquet", decimal=decimal)
    assert table.columns == inspect_parquet(path, name="file.parquet").columns
    return [row for batch in table.batches for row in batch.rows.to_pylist()]


def column(tmp_path: Path, values: list[Any], kind: pa.DataType, decimal: str = ".") -> list[str]:
    return [row["v"] for row in load(written(tmp_path, pa.table({"v": pa.array(values, kind)})), decimal)]


DAY = datetime.date(2024, 3, 1)
MOMENT = datetime.datetime(2024, 3, 1, 13, 45)  # noqa: DTZ001 - a moment without a zone is what is tested
FINE = MOMENT.replace(microsecond=120_300)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pa.int64(), -(2**63), "-9223372036854775808"),
        (pa.uint64(), 2**64 - 1, "18446744073709551615"),
        (pa.float64(), 0.1, "0.1"),
        (pa.float64(), 2528.26, "2528.26"),
        (pa.float64(), 100.0, "100"),
        (pa.float64(), 1e-7, "0.0000001"),
        (pa.float64(), 1.5e16, "15000000000000000"),
        (pa.float64(), 1e22, "10000000000000000000000"),
        (pa.float64(), 1 / 3, "0.3333333333333333"),
        (pa.float64(), float("nan"), "NaN"),
        (pa.float64(), float("-inf"), "-Infinity"),
        (pa.float32(), 0.1, "0.1"),
        (pa.float16(), 0.5, "0.5"),
        (pa.decimal128(38, 10), Decimal("-1.1"), "-1.1000000000"),
        (pa.decimal128(20, 9), Decimal("0.0000001"), "0.000000100"),
        (pa.bool_(), True, "TRUE"),
        (pa.bool_(), False, "FALSE"),
        (pa.string(), " NaN ", " NaN "),
        (pa.large_string(), "é", "é"),
        (pa.dictionary(pa.int32(), pa.string()), "x", "x"),
        (pa.date32(), DAY, "2024-03-01"),
        (pa.timestamp("s"), MOMENT, "2024-03-01T13:45:00"),
        (pa.timestamp("us"), FINE, "2024-03-01T13:45:00.1203"),
        (pa.timestamp("ns"), MOMENT, "2024-03-01T13:45:00"),
        (pa.timestamp("us", "UTC"), FINE, "2024-03-01T13:45:00.1203Z"),
        (pa.timestamp("us", "Europe/Berlin"), MOMENT, "2024-03-01T14:45:00+01:00"),
        (pa.timestamp("us", "-03:30"), MOMENT, "2024-03-01T10:15:00-03:30"),
        (pa.time64("us"), datetime.time(13, 45), "13:45:00"),
        (pa.time32("ms"), datetime.time(13, 45, 1, 500_000), "13:45:01.5"),
        (pa.duration("ms"), datetime.timedelta(milliseconds=1500), "1.500"),
        (pa.binary(), b"\xff\x00", "0xff00"),
        (pa.list_(pa.float64()), [1.0, 1e-7, None], "[1.0,0.0000001,null]"),
        (pa.list_(pa.struct([("a", pa.decimal128(5, 2)), ("d", pa.date32())])), [{"a": Decimal("1.10"), "d": DAY}],
         '[{"a":1.10,"d":"2024-03-01"}]'),
        (pa.map_(pa.string(), pa.int32()), {"k": 1}, '[["k",1]]'),
    ],
    ids=str,
)  # fmt: skip
def test_values_lose_nothing(tmp_path: Path, kind: pa.DataType, value: Any, text: str) -> None:
    assert column(tmp_path, [value, None], kind) == [text, ""]


def test_numbers_take_the_decimal_sign_of_the_mapping_texts_do_not(tmp_path: Path) -> None:
    assert column(tmp_path, [1.5, 1e-7], pa.float64(), ",") == ["1,5", "0,0000001"]
    assert column(tmp_path, [Decimal("1.5")], pa.decimal128(5, 1), ",") == ["1,5"]
    assert column(tmp_path, ["1.5"], pa.string(), ",") == ["1.5"]


TEXTS = [
    "1234.50",
    "-0.5",
    ".5",
    "7",
    "1.5e+40",
    "NaN",
    "-Infinity",
    "",
    None,
    '{"a":1.5}',
    "1.2.3",
    "1,5",
    "1.5 kg",
    ".",
]
MARKED = [(text or "").replace(".", ",") if at in {0, 1, 2, 4} else text or "" for at, text in enumerate(TEXTS)]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_texts_that_are_marked_as_numbers_take_the_sign_where_they_are_some(tmp_path: Path, kind: pa.DataType) -> None:
    field = pa.field("v", kind, metadata=NUMBERS)
    path = written(tmp_path, pa.table([pa.array(TEXTS).cast(kind)], schema=pa.schema([field])))
    assert [row["v"] for row in load(path, ",")] == MARKED
    assert [row["v"] for row in load(path, ".")] == [text or "" for text in TEXTS]


def test_a_part_of_a_struct_may_be_marked_as_well(tmp_path: Path) -> None:
    parts = [pa.field("n", pa.string(), metadata=NUMBERS), pa.field("t", pa.string())]
    rows = pa.array([{"n": "1.234", "t": "1.234"}], pa.struct(parts))
    assert load(written(tmp_path, pa.table({"a": rows})), ",") == [{"a.n": "1,234", "a.t": "1.234"}]


def test_what_is_taken_out_of_a_file_takes_no_mark_with_it(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("v", pa.string(), nullable=False, metadata=NUMBERS), pa.field("name", pa.string())])
    path = written(tmp_path, pa.table([["1.234", "2.5"], ["Kim", "Jo"]], schema=schema))
    left = tmp_path / "left.parquet"
    write_without(path, {1: ["v"], 0: ["name"]}, left)
    assert load(left, ",") == [{"v": "1,234", "name": ""}, {"v": "", "name": "Jo"}]


def test_structs_are_columns_with_dots(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"a": {"b": 1, "c": {"d": "x"}}}, {"a": None}, {"a": {"b": None, "c": None}}]
    assert load(written(tmp_path, pa.Table.from_pylist(rows))) == [
        {"a.b": "1", "a.c.d": "x"},
        {"a.b": "", "a.c.d": ""},
        {"a.b": "", "a.c.d": ""},
    ]


def test_an_inspection_tells_what_the_file_tells(tmp_path: Path) -> None:
    table = pa.table([pa.array([1, 2]), pa.array(["x", None]), pa.array([b"", b"1"])], names=["n", "N", "raw"])
    found = inspect_parquet(written(tmp_path, table), name="file.parquet")
    assert (found.format, found.confidence, found.columns) == ("parquet", 1.0, ("n", "N_2", "raw"))
    assert found.sample == (("1", "x", "0x"), ("2", "", "0x31"))
    assert found.sample_lines == (1, 2)
    assert len(found.warnings) == 2
    json.dumps(found.as_json())


def test_batches_follow_one_another_and_are_the_same_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"n": range(50_000)}), row_group_size=7_000)
    first = [(b.first_number, b.rows) for b in read_parquet(path, name="x", decimal=".").batches]
    assert first == [(b.first_number, b.rows) for b in read_parquet(path, name="x", decimal=".").batches]
    assert all(int(str(rows.column("n")[0])) + 1 == number for number, rows in first)
    assert sum(rows.num_rows for _, rows in first) == 50_000


def test_a_file_without_rows_is_valid_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"a": pa.array([], pa.int64())}))
    assert load(path) == []
    assert inspect_parquet(path, name="x").warnings == ("there are no records",)


def refused(path: Path) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        load(path)
    assert (error.value.where or "").startswith("file.parquet")
    return error.value


def test_what_is_damaged_is_refused_in_words(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"a": list(range(10_000)), "b": ["x" * 20] * 10_000}))
    data = path.read_bytes()
    broken = [b"PAR1", data[:-10], data[:100] + data[-100:], data[:4] + bytes(2_000) + data[2_004:]]
    for each in broken:
        path.write_bytes(each)
        assert "damaged" in refused(path).what
    path.write_bytes(b"PARE" + data[4:-4] + b"PARE")
    assert "encrypted" in refused(path).what


@pytest.mark.parametrize("value", ["a\0b", "x" * 17_000_000], ids=["zero", "long"])
def test_texts_that_cannot_be_are_refused(tmp_path: Path, value: str) -> None:
    error = refused(written(tmp_path, pa.table({"a": ["x", value]})))
    assert (error.where, error.what.startswith("the column a holds")) == ("file.parquet, rows 1 to 2", True)


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    texts = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"]).buffers())
    assert "UTF-8" in str(refused(written(tmp_path, pa.table({"a": texts}))))


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    table = pa.table({f"c{number}": [1] for number in range(2001)})
    assert refused(written(tmp_path, table)).value == 2001


def test_a_path_that_leads_to_no_file_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse):
        inspect_parquet(tmp_path / "none", name="none")
