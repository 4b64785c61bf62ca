from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from headwater.connectors.csv_file import CsvConfig, Plan, Planner, plan
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path

COMMA = CsvConfig(delimiter=",")


def planned(data: bytes, config: CsvConfig = COMMA, chunk_size: int = 10) -> Plan:
    planner = Planner(config, chunk_size, name="file.csv")
    planner.feed(data)
    return planner.finish()


def test_a_header_alone_has_no_records() -> None:
    found = planned(b"a,b\n")
    assert found.columns == ("a", "b")
    assert (found.records, found.chunks) == (0, ())


def test_spans_carry_record_and_line() -> None:
    found = planned(b'a,b\n1,"x\ny"\n2,z\n\n3,z', chunk_size=2)
    spans = [(s.chunk_no, s.byte_start, s.byte_end, s.first_record, s.first_line, s.records) for s in found.chunks]
    assert spans == [(1, 4, 16, 1, 2, 2), (2, 16, 20, 3, 5, 2)]
    assert found.size == 20


def test_the_sink_gets_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n" + b"1,2\n" * 1000)
    digest = hashlib.sha256()
    found = plan(path, COMMA, 100, sink=digest.update, block_bytes=64)
    assert digest.digest() == hashlib.sha256(path.read_bytes()).digest()
    assert len(found.chunks) == 10


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        (b"", "file.csv", "empty"),
        (b"a,b\n1,2\n3,\0\n", "file.csv, line 3", "zero byte at offset 10"),
        (b"a,b\n1,2\n3,caf\xe9\n", "file.csv, line 3", "byte at offset 13 is not UTF-8"),
        (b'a,b\n1,2\n3,5" pipe\n', "file.csv, line 3", "a quote stands inside a field"),
        (b'a,b\n1,2\n3,5" pipe\n' + b"1,2\n" * 100, "file.csv, line 3", "a quote stands inside a field"),
        (b'a,b\n1, "2"\n', "file.csv, line 2", "a quote stands inside a field"),
        (b'a,b\n"1\n"x,2\n', "file.csv, line 3", "opened on line 2"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "file.csv, line 3", "ends inside a quoted field"),
        (b"a,b\n1,2\r3,4\n", "file.csv, line 2", "carriage return outside quotes"),
        (b"a,b\n1,2\r\r\n", "file.csv, line 2", "carriage return outside quotes"),
        (b"a,b\r1,2\r3,4\n5,6\r", "file.csv, line 3", "line feed outside quotes"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_its_place(data: bytes, where: str, what: str) -> None:
    with pytest.raises(InputRefused, match=what) as refused:
        planned(data)
    assert refused.value.where == where
    assert refused.value.remedy


def test_a_place_is_counted_from_the_files_start_whatever_the_block(tmp_path: Path) -> None:
    data = b"a,b\n" + b"1,2\n" * 500 + b"3,caf\xe9\n"
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    with pytest.raises(InputRefused, match="offset 2009") as refused:
        plan(path, COMMA, 100, block_bytes=64)
    assert refused.value.where == "file.csv, line 502"


def test_a_record_over_16_mb_is_refused_where_it_begins() -> None:
    planner = Planner(COMMA, 100, name="file.csv")
    planner.feed(b'a,b\n1,2\n3,"' + b"x" * 16 * 1000 * 1000)
    with pytest.raises(InputRefused, match="longer than 16 MB") as refused:
        planner.feed(b"x" * 1000 * 1000)
    assert refused.value.where == "file.csv, line 3"
    assert "quote" in (refused.value.remedy or "")


def test_quotes_are_ordinary_where_said() -> None:
    assert planned(b'a,b\n5" pipe,"\n', CsvConfig(delimiter=",", quote="")).records == 1


def test_instruction_lines_may_hold_any_quotes() -> None:
    found = planned(b'a,b\n#5" pipes, "like this\n1,2\n', CsvConfig(delimiter=",", comment="#"))
    assert found.records == 2


def test_a_chunk_ends_early_where_its_bytes_reach_the_limit() -> None:
    planner = Planner(COMMA, 100, name="file.csv", max_chunk_bytes=8)
    planner.feed(b"a,b\n" + b"1,2\n" * 3 + b"1,2222222222\n" + b"1,2\n")
    assert [span.records for span in planner.finish().chunks] == [2, 2, 1]


def test_a_chunk_holds_at_least_one_record() -> None:
    with pytest.raises(Misuse, match="at least one record"):
        Planner(COMMA, 0, name="file.csv")


def test_memory_does_not_grow_with_the_file() -> None:
    block = b"1,2\n" * 64 * 1024
    planner = Planner(COMMA, 100_000, name="file.csv")
    planner.feed(b"a,b\n" + block)
    tracemalloc.start()
    for _ in range(20):
        planner.feed(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert planner.finish().records == 21 * 64 * 1024
    assert peak < 20 * len(block)  # some positions of 8 bytes a record of 4, for one block of twenty
