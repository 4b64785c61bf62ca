"""A CSV planned and read has the records of Python's csv module, each once and at its line, however it is cut."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.connectors.csv_file import (
    CsvConfig,
    FileSlice,
    Plan,
    Planner,
    RawChunk,
    one_record,
    read_chunk,
    read_slice,
)
from headwater.errors import InputRefused
from tests.examples import examples

CELLS = st.text(
    st.one_of(
        st.sampled_from('ab,;"#\n\r \té\u2028\ufeff\U0001f30a'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1a"),
    ),
    max_size=6,
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """One record as written: what it is, its cells and its text with the line end."""

    kind: str
    cells: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class File:
    config: CsvConfig
    width: int
    line_end: str
    head: str
    records: tuple[Written, ...]

    @property
    def text(self) -> str:
        return self.head + "".join(record.text for record in self.records)


@st.composite
def files(draw: st.DrawFn) -> File:
    delimiter = draw(st.sampled_from(",;\t|"))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    comment = draw(st.sampled_from(["", "#"]))
    width = draw(st.integers(1, 4))
    config = CsvConfig(delimiter=delimiter, comment=comment, line_end=line_end[-1] if line_end != "\r\n" else "\n")
    top = "\ufeff" * draw(st.integers(0, 1))
    rows = st.lists(CELLS, min_size=width, max_size=width)
    kinds = st.sampled_from(["row", "row", "row", "ragged", "blank"] + ["instruction"] * bool(comment))
    records = []
    for kind in draw(st.lists(kinds, max_size=12)):
        if kind == "instruction":
            text = "#" + draw(st.text('ab,"#', max_size=5))
            records.append(Written(kind=kind, cells=(text,), text=text + line_end))
            continue
        cells = (
            draw(rows) if kind == "row" else [] if kind == "blank" else draw(st.lists(CELLS, min_size=1, max_size=6))
        )
        line = delimiter.join(_written(cell, draw(st.booleans()), config) for cell in cells)
        records.append(Written(kind=_kind(cells, line, width, delimiter), cells=tuple(cells), text=line + line_end))
    if records and records[-1].text != line_end and draw(st.booleans()):
        last = records.pop()
        records.append(Written(kind=last.kind, cells=last.cells, text=last.text.removesuffix(line_end)))
    head = top + delimiter.join(f"c{number}" for number in range(width)) + line_end
    return File(config=config, width=width, line_end=line_end[-1], head=head, records=tuple(records))


def _written(cell: str, quoted: bool, config: CsvConfig) -> str:
    special = {config.delimiter, config.comment or '"', '"', "\n", "\r"}
    return '"' + cell.replace('"', '""') + '"' if quoted or special & set(cell) else cell


def _says(cells: Iterable[str]) -> bool:
    """Whether anything but white space stands in a cell, white space being what the reader's library takes for it."""
    return any(pc.utf8_trim_whitespace(pa.array(list(cells), pa.string())).to_pylist())


def _kind(cells: list[str], line: str, width: int, delimiter: str) -> str:
    if len(cells) == width:
        return "row" if _says(cells) else "blank"
    return "ragged" if line.strip(" \t\r\n" + delimiter) else "blank"


def _plan(file_bytes: bytes, config: CsvConfig, chunk_size: int, block: int, max_chunk_bytes: int = 1 << 20) -> Plan:
    planner = Planner(config, chunk_size, name="generated.csv", max_chunk_bytes=max_chunk_bytes)
    for start in range(0, len(file_bytes), block):
        planner.feed(file_bytes[start : start + block])
    return planner.finish()


def _read(file_bytes: bytes, plan: Plan) -> list[RawChunk]:
    return [read_chunk(io.BytesIO(file_bytes), span, plan) for span in plan.chunks]


@given(file=files(), chunk_size=st.integers(1, 8), block=st.integers(1, 200), max_chunk_bytes=st.integers(1, 200))
@settings(max_examples=examples(400))
def test_every_record_is_read_once_at_its_line(file: File, chunk_size: int, block: int, max_chunk_bytes: int) -> None:
    data = file.text.encode()
    plan = _plan(data, file.config, chunk_size, block, max_chunk_bytes)
    expected = []
    line = plan.data_line
    for record in file.records:
        expected.append((record.kind, line, record.cells if record.kind == "row" else None))
        line += record.text.count(file.line_end)
    found = []
    for span, chunk in zip(plan.chunks, _read(data, plan), strict=True):
        in_chunk: dict[int, tuple[str, int, tuple[str, ...] | None]] = {}
        rows = zip(*(column.to_pylist() for column in chunk.table.columns), strict=True)
        for number, at, cells in zip(chunk.record_nos.tolist(), chunk.lines.tolist(), rows, strict=True):
            in_chunk[number] = ("row", at, cells)
        for ragged in chunk.ragged:
            in_chunk[ragged.record_no] = ("ragged", ragged.line, None)
            written = file.records[span.first_record - 1 + ragged.record_no]
            assert (ragged.expected, ragged.actual) == (file.width, len(written.cells))
            assert ragged.text == written.text.rstrip("\r\n")
        for reason, numbers in chunk.skipped.items():
            for number in numbers.tolist():
                at = one_record(read_slice(io.BytesIO(data), span), span, plan, number).line
                in_chunk[number] = (reason, at, None)
        read = chunk.table.num_rows + len(chunk.ragged) + sum(len(numbers) for numbers in chunk.skipped.values())
        assert sorted(in_chunk) == list(range(span.records))
        assert read == span.records
        assert chunk.sha256 == hashlib.sha256(data[span.byte_start : span.byte_end]).digest()
        found += [in_chunk[number] for number in range(span.records)]
    assert found == expected


@given(file=files(), chunk_size=st.integers(1, 8), block=st.integers(1, 200))
def test_a_record_by_itself_is_what_it_is_among_the_others(file: File, chunk_size: int, block: int) -> None:
    data = file.text.encode()
    plan = _plan(data, file.config, chunk_size, block)
    for span, chunk in zip(plan.chunks, _read(data, plan), strict=True):
        rows = dict(zip(chunk.record_nos.tolist(), chunk.table.to_pylist(), strict=True))
        lines = dict(zip(chunk.record_nos.tolist(), chunk.lines.tolist(), strict=True))
        for number in range(span.records):
            one = one_record(FileSlice(io.BytesIO(data), span), span, plan, number, at_once=block)
            assert one.alone.table.to_pylist() == ([rows[number]] if number in rows else [])
            assert one.alone.lines.tolist() == ([one.line] if number in rows else [])
            assert lines.get(number, one.line) == one.line


@given(file=files(), chunk_size=st.integers(1, 8), block=st.integers(1, 200))
def test_the_csv_module_sees_the_same_records(file: File, chunk_size: int, block: int) -> None:
    data = file.text.encode()
    plan = _plan(data, file.config, chunk_size, block)
    without_instructions = "".join(record.text for record in file.records if record.kind != "instruction")
    reader = csv.reader(io.StringIO(without_instructions, newline=""), delimiter=file.config.delimiter or "")
    expected = [tuple(row) for row in reader if len(row) == file.width and _says(row)]
    found = [
        row
        for chunk in _read(data, plan)
        for row in zip(*(column.to_pylist() for column in chunk.table.columns), strict=True)
    ]
    assert found == expected


@given(file=files(), chunk_size=st.integers(1, 8), block=st.integers(1, 200), max_chunk_bytes=st.integers(1, 200))
def test_a_plan_covers_the_file_and_does_not_depend_on_blocks(
    file: File, chunk_size: int, block: int, max_chunk_bytes: int
) -> None:
    data = file.text.encode()
    plan = _plan(data, file.config, chunk_size, block, max_chunk_bytes)
    assert plan == _plan(data, file.config, chunk_size, len(data), max_chunk_bytes)
    assert plan.size == len(data)
    assert plan.records == len(file.records) == sum(span.records for span in plan.chunks)
    edges = [plan.data_byte, *(span.byte_end for span in plan.chunks)]
    assert [span.byte_start for span in plan.chunks] == edges[:-1]
    assert edges[-1] == len(data)
    assert [span.chunk_no for span in plan.chunks] == list(range(1, len(plan.chunks) + 1))
    for span in plan.chunks:
        assert span.first_record == 1 + sum(earlier.records for earlier in plan.chunks[: span.chunk_no - 1])
        assert 1 <= span.records <= chunk_size
        texts = [record.text.encode() for record in file.records[span.first_record - 1 :][: span.records]]
        assert b"".join(texts) == data[span.byte_start : span.byte_end]
        assert len(b"".join(texts[:-1])) < max_chunk_bytes


@given(text=st.text('a,"\n\r', max_size=30), chunk_size=st.integers(1, 4), block=st.integers(1, 40))
@settings(max_examples=examples(1000))
def test_any_text_is_refused_or_read_as_the_csv_module_reads_it(text: str, chunk_size: int, block: int) -> None:
    data = ("x,y\n" + text).encode()
    try:
        plan = _plan(data, CsvConfig(delimiter=","), chunk_size, block)
    except InputRefused:
        return
    rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    chunks = _read(data, plan)
    found = [row for chunk in chunks for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)]
    assert plan.records == len(rows)
    assert found == [row for row in rows if len(row) == 2 and _says(row)]


@given(text=st.text('ab,"\n', max_size=30), block=st.integers(1, 40))
def test_without_quoting_every_line_is_a_record(text: str, block: int) -> None:
    data = ("x,y\n" + text).encode()
    plan = _plan(data, CsvConfig(delimiter=",", quote=""), 3, block)
    lines = text.removesuffix("\n").split("\n") if text else []
    found = [
        row for chunk in _read(data, plan) for row in zip(*(c.to_pylist() for c in chunk.table.columns), strict=True)
    ]
    assert plan.records == len(lines)
    assert found == [tuple(line.split(",")) for line in lines if line.count(",") == 1 and line != ","]
