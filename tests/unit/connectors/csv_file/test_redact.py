"""Cells overwritten in a delimited text: whatever is quoted or broken into lines, all else stays where it was."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.csv_file import ChunkSpan, Layout
from headwater.connectors.csv_file.records import Dialect
from headwater.connectors.csv_file.redact import cell_ranges, filler_of, overwrite, places_of, records_at

DIALECT = Dialect(delimiter=";", quote='"', comment="", line_end="\n")
COLUMNS = ("key", "name", "note")
CELL = st.text(st.sampled_from('ab;"\n\r é😀*'), max_size=8).map(lambda text: text.replace("\r", "\r\n"))
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6)


def text_of(rows: list[tuple[str, ...]], *, line_end: str = "\n") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def spanning(data: bytes, records: int, *, start: int = 0) -> tuple[ChunkSpan, Layout]:
    span = ChunkSpan(
        chunk_no=1, byte_start=start, byte_end=start + len(data), first_record=1, first_line=1, records=records
    )
    layout = Layout(
        columns=COLUMNS, header=COLUMNS, preamble=(), header_line=1, data_byte=start, data_line=1, dialect=DIALECT
    )
    return span, layout


@given(rows=ROWS, chosen=st.sets(st.integers(0, 5)), columns=st.sets(st.sampled_from(COLUMNS)), start=st.integers(0, 9))
def test_what_is_chosen_is_gone_and_all_else_reads_as_before(
    rows: list[tuple[str, ...]], chosen: set[int], columns: set[str], start: int
) -> None:
    data = text_of(rows)
    span, layout = spanning(data, len(rows), start=start)
    chosen = {number for number in chosen if number < len(rows)}
    places = places_of(data, span, layout, dict.fromkeys(chosen, columns))

    made = bytearray()
    overwrite(io.BytesIO(b"#" * start + data), places.cells, filler_of(DIALECT), made.extend)

    assert len(made) == start + len(data)
    assert made.count(b"\n") == data.count(b"\n")
    again = list(csv.reader(io.StringIO(made[start:].decode(), newline=""), delimiter=";"))
    assert len(again) == len(rows)
    for number, (row, was) in enumerate(zip(again, rows, strict=True)):
        for column, cell, before in zip(COLUMNS, row, was, strict=True):
            if number in chosen and column in columns:
                assert set(cell) <= set("*\r\n")
                assert bool(cell) == bool(before)
            else:
                assert cell == before
    assert records_at(data, span, layout, places.records) == sorted(chosen)


def test_plain_and_quoted_fields_blanks_and_either_line_end() -> None:
    record = b'a;"b;""c""";;d\r\n'
    assert [record[first:last] for first, last in cell_ranges(record, DIALECT)] == [b"a", b'b;""c""', b"", b"d"]
    assert cell_ranges(b"a;\n", DIALECT) == [(0, 1), (2, 2)]
    assert cell_ranges(b"a", DIALECT) == [(0, 1)]


def test_a_record_with_another_number_of_fields_goes_whole() -> None:
    data = b"a;b\nc;d;e\n"
    span, layout = spanning(data, 2)
    places = places_of(data, span, layout, {0: {"key"}, 1: {"key"}})
    assert places.cells == ((0, 1), (2, 3), (4, 5))


def test_the_filler_is_no_sign_of_the_text() -> None:
    assert filler_of(Dialect(delimiter="*", quote="", comment="", line_end="\n")) == b"x"


def test_a_text_longer_than_a_block_is_overwritten_across_its_edge() -> None:
    block = 8 * 2**20
    made = bytearray()
    overwrite(io.BytesIO(b"a" * (block + 10)), [(block - 2, block + 2), (3, 4)], b"*", made.extend)
    assert made == b"aaa*" + b"a" * (block - 6) + b"****" + b"a" * 8
