from __future__ import annotations

import io
from dataclasses import replace

import pytest

from headwater.connectors.csv_file import CsvConfig, Plan, Planner, RawChunk, one_record, read_chunk, read_slice
from headwater.errors import Stopped


def plan_and_read(data: bytes, config: CsvConfig | None = None) -> tuple[Plan, RawChunk]:
    planner = Planner(config or CsvConfig(delimiter=","), 100, name="file.csv")
    planner.feed(data)
    plan = planner.finish()
    return plan, read_chunk(io.BytesIO(data), plan.chunks[0], plan)


NASTY = b'\xef\xbb\xbfa,b\r\n#note, "x\r\n1,"two\r\nlines"\r\n\r\n2\r\n3,4,5\r\n,\r\n ,,\r\nNA,null\r\n#"'


def test_every_record_of_a_nasty_file_is_somewhere() -> None:
    plan, chunk = plan_and_read(NASTY, CsvConfig(delimiter=",", comment="#"))
    assert plan.records == 9
    assert chunk.table.to_pydict() == {"a": ["1", "NA"], "b": ["two\r\nlines", "null"]}
    assert chunk.record_nos.tolist() == [1, 7]
    assert chunk.lines.tolist() == [3, 10]
    assert {reason: numbers.tolist() for reason, numbers in chunk.skipped.items()} == {
        "blank": [2, 5, 6],
        "instruction": [0, 8],
    }
    assert [(row.record_no, row.line, row.text, row.expected, row.actual) for row in chunk.ragged] == [
        (3, 6, "2", 2, 1),
        (4, 7, "3,4,5", 2, 3),
    ]


def test_a_record_is_shown_as_it_stands_in_the_file() -> None:
    plan, _ = plan_and_read(NASTY, CsvConfig(delimiter=",", comment="#"))
    data = read_slice(io.BytesIO(NASTY), plan.chunks[0])
    shown = [one_record(data, plan.chunks[0], plan, number) for number in (0, 1, 7, 8)]
    assert [(each.line, each.text) for each in shown] == [
        (2, '#note, "x'),
        (3, '1,"two\r\nlines"'),
        (10, "NA,null"),
        (11, '#"'),
    ]


def test_nothing_is_taken_for_a_missing_value() -> None:
    _, chunk = plan_and_read(b'a,b,c\nNULL,NaN,""\n#N/A,,-\n')
    assert chunk.table.to_pydict() == {"a": ["NULL", "#N/A"], "b": ["NaN", ""], "c": ["", "-"]}
    assert chunk.table.column("c").null_count == 0


def test_nothing_is_taken_for_a_number_or_an_escape() -> None:
    _, chunk = plan_and_read(b"a,b\n007,1e5\n\\n, x \n")
    assert chunk.table.to_pydict() == {"a": ["007", "\\n"], "b": ["1e5", " x "]}


def test_a_slice_of_instructions_alone_has_no_rows() -> None:
    _, chunk = plan_and_read(b"a,b\n#1\n#2\n", CsvConfig(delimiter=",", comment="#"))
    assert chunk.table.num_rows == 0
    assert chunk.table.column_names == ["a", "b"]
    assert chunk.skipped["instruction"].tolist() == [0, 1]


def test_a_classic_mac_file_is_read() -> None:
    _, chunk = plan_and_read(b'a,b\r1,"x\ry"\r2,3\r')
    assert chunk.table.to_pydict() == {"a": ["1", "2"], "b": ["x\ry", "3"]}
    assert chunk.lines.tolist() == [2, 4]


def test_a_file_cut_off_after_planning_stops() -> None:
    data = b"a,b\n1,2\n3,4\n"
    plan, _ = plan_and_read(data)
    with pytest.raises(Stopped, match="not the one that was planned"):
        read_chunk(io.BytesIO(data[:-4]), plan.chunks[0], plan)


@pytest.mark.parametrize("changed", [b"a,b\n1,2\n3\n4\n", b'a,b\n"1,2\n3,"\n', b"a,b\n1,\xff\n3,4\n"])
def test_a_file_changed_after_planning_stops(changed: bytes) -> None:
    plan, _ = plan_and_read(b"a,b\n1,2\n3,4\n")
    with pytest.raises(Stopped, match="not the one that was planned"):
        read_chunk(io.BytesIO(changed), plan.chunks[0], plan)


def test_a_record_number_beyond_the_chunk_stops() -> None:
    data = b"a,b\n1,2\n"
    plan, _ = plan_and_read(data)
    span = replace(plan.chunks[0], records=5)
    with pytest.raises(Stopped, match="not the one that was planned"):
        one_record(read_slice(io.BytesIO(data), span), span, plan, 3)


def test_a_field_may_begin_with_the_character_of_the_byte_order_mark() -> None:
    _, chunk = plan_and_read("a,b\n\ufeff1,2\n\ufeff3,4\n".encode())
    assert chunk.table.to_pydict() == {"a": ["\ufeff1", "\ufeff3"], "b": ["2", "4"]}
