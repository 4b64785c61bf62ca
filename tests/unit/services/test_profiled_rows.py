"""Rows as a profile looks at them: cut up as a sync does it, ordered as their types are; which columns are personal."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from headwater.connectors.protocol import NUMBERS
from headwater.errors import InputRefused
from headwater.services.connectors import suggesting
from headwater.services.connectors.kept_rows import keep_rows
from headwater.services.connectors.personal import PersonalColumns


def test_nested_columns_are_cut_up_and_times_keep_their_order(tmp_path: Path) -> None:
    moments = [500, 1_000, 0, None]
    table = pa.table(
        {
            "worker": [{"name": "Kim", "days": 1.5}, {"name": "", "days": None}, None, {"name": "Jo", "days": 1e-7}],
            "at": pa.array(moments, pa.timestamp("ms", tz="UTC")),
            "seen": pa.array([None, True, False, None]),
        }
    )
    kept = keep_rows(table.to_batches(max_chunksize=1), table.schema, tmp_path, where="a test")
    assert [(each.name, each.is_text, each.is_number) for each in kept.columns] == [
        ("worker.name", True, False), ("worker.days", False, True), ("at", False, False), ("seen", False, False),
    ]  # fmt: skip
    assert [each.part_of for each in kept.columns] == ["worker", "worker", None, None]
    assert kept.columns[2].ends == ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")  # as texts .5Z would be first
    assert kept.columns[3].ends == ("FALSE", "TRUE")
    assert kept.dataset.to_table()["worker.days"].to_pylist() == ["1.5", "", "", "0.0000001"]
    assert kept.rows == 4
    empty = keep_rows((), table.schema, tmp_path, where="a test")
    assert (empty.rows, [each.ends for each in empty.columns]) == (0, [(), (), (), ()])


def test_texts_that_are_numbers_say_nothing_of_how_texts_are_written(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("kwh", pa.string(), metadata=NUMBERS), pa.field("said", pa.string())])
    rows = pa.table([["7.5", "1234.25"], ["7,5", "1.234,25"]], schema=schema)
    kept = keep_rows(rows.to_batches(), schema, tmp_path, where="a test")
    seen = suggesting._profile(kept, kept.dataset.to_table())
    assert (seen.decimal.value, seen.decimal.is_sure) == (",", True)


def test_a_value_that_has_no_text_is_refused(tmp_path: Path) -> None:
    table = pa.table({"broken": ["a\0b"]})
    with pytest.raises(InputRefused, match=r"a test, rows 1 to 1: the column broken holds a zero character"):
        keep_rows(table.to_batches(), table.schema, tmp_path, where="a test")


@pytest.mark.parametrize(
    ("column", "is_personal"),
    [("Name", True), ("worker", True), ("worker.NAME", True), ("worker.name.first", True), ("names", False),
     ("worker.days", False), ("work", False)],
)  # fmt: skip
def test_parts_and_wholes_of_personal_columns_are_personal(column: str, is_personal: bool) -> None:
    columns = PersonalColumns(names=frozenset({"name", "worker.name"}), mappings=())
    assert (column in columns) is is_personal
