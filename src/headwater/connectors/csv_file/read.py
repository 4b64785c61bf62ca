"""Reads one chunk: a byte slice becomes a table of texts, and every record not in the table is accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from headwater.connectors.csv_file.layout import BYTE_ORDER_MARK, Layout
from headwater.connectors.csv_file.plan import ChunkSpan
from headwater.connectors.csv_file.records import Cut, Place, cut
from headwater.connectors.text_table.parts import numbers
from headwater.documents.counted import counted
from headwater.errors import Stopped

READER_VERSION = "4"
"""Part of every chunk's fingerprint: raise it when the same bytes could give other records."""

BLANK = "blank"
INSTRUCTION = "instruction"
HEADER = "header"
# The end of a file for programs of CP/M and DOS.
_END_OF_FILE = b"\x1a"
LOOKED_AT = 256 * 1024

RecordNos = npt.NDArray[np.int32]
Lines = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Ragged:
    """A record with another number of fields than the header; `record_no` is within the chunk, from 0."""

    record_no: int
    line: int
    text: str
    expected: int
    actual: int


@dataclass(frozen=True, kw_only=True)
class Drifted:
    """A record with a text in an unwanted column, the first of which is `column`; `record_no` as in `Ragged`."""

    record_no: int
    line: int
    column: str
    cells: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RawChunk:
    """The records of one chunk: rows of `table`, `skipped`, `ragged` and `drifted` are all of the span's, each once.

    table       one string column a header column; nothing is null, an empty field is ""
    record_nos  for each row of the table its record's number within the chunk, from 0
    lines       for each row of the table the line of the file it starts at, from 1
    skipped     reason -> numbers within the chunk: "blank" (no text in any field), "instruction",
                "header" (the header once more)
    sha256      of the slice's bytes
    """

    table: pa.Table
    record_nos: RecordNos
    lines: Lines
    ragged: tuple[Ragged, ...]
    skipped: Mapping[str, RecordNos]
    sha256: bytes
    drifted: tuple[Drifted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OneRecord:
    """One record: the line it starts at, its text as it stands there without its line end, and it as a chunk of one."""

    line: int
    text: str
    alone: RawChunk


def read_chunk(file: BinaryIO, span: ChunkSpan, layout: Layout) -> RawChunk:
    """Read the records of a span from a file opened for bytes. Raises Stopped where file and plan do not fit."""
    return parse_slice(read_slice(file, span), span, layout)


def parse_slice(data: bytes, span: ChunkSpan, layout: Layout) -> RawChunk:
    """`read_chunk` where the bytes of the span are at hand already."""
    starts, instructions = _line_of_each_record(data, span, layout)
    parsed = np.arange(span.records, dtype=np.int32)
    text = data
    if instructions.size:
        text = _without(data, span, layout, instructions)
        parsed = np.delete(parsed, instructions)
    if text.endswith(_END_OF_FILE):
        # Only the last slice of a file can: the others end with a line end. Where it stood alone its record is blank.
        text = text[:-1]
        text += layout.dialect.line_end.encode() * (not text or text.endswith(layout.dialect.line_end.encode()))
    try:
        table, refused = _parse(text, layout, plain=starts is None)
    except pa.ArrowInvalid as error:
        raise _does_not_fit(span, str(error)) from error
    if table.num_rows + len(refused) != parsed.size:
        raise _does_not_fit(span, counted(table.num_rows + len(refused) + instructions.size, "record"))
    lines = _lines(span, layout, starts)
    ragged = []
    for index, row in refused:
        record = int(parsed[index])
        line = int(lines[record])
        ragged.append(
            Ragged(record_no=record, line=line, text=row.text, expected=row.expected_columns, actual=row.actual_columns)
        )
    record_nos = np.delete(parsed, [index for index, _ in refused]) if refused else parsed
    table, record_nos, blank = _without_blank(table, record_nos)
    table, record_nos, headers = _without_headers(table, record_nos, layout)
    table, record_nos, drifted = _without_drifted(table, record_nos, lines, layout.unwanted)
    empty = " \t\r\n" + layout.dialect.delimiter
    blank = np.sort(np.append(blank, [row.record_no for row in ragged if not row.text.strip(empty)]).astype(np.int32))
    skipped = {BLANK: blank, INSTRUCTION: instructions, HEADER: headers}
    return RawChunk(
        table=table,
        record_nos=record_nos,
        lines=lines[record_nos],
        ragged=tuple(row for row in ragged if row.text.strip(empty)),
        skipped={reason: numbers for reason, numbers in skipped.items() if numbers.size},
        sha256=hashlib.sha256(data).digest(),
        drifted=drifted,
    )


class FileSlice:
    """The bytes of a span in an open file, read as they are looked at. Stopped where the file is too short."""

    def __init__(self, file: BinaryIO, span: ChunkSpan) -> None:
        self._file = file
        self._span = span

    def __len__(self) -> int:
        """As planned."""
        return self._span.byte_end - self._span.byte_start

    def __getitem__(self, part: slice) -> bytes:
        """Some of them."""
        start, end, _ = part.indices(len(self))
        begin = self._span.byte_start
        return read_slice(self._file, replace(self._span, byte_start=begin + start, byte_end=begin + end))


def one_record(
    data: bytes | FileSlice, span: ChunkSpan, layout: Layout, record_no: int, *, at_once: int = LOOKED_AT
) -> OneRecord:
    """A record of a slice, by its number there from 0, without taking apart the others: so many bytes are looked at at
    once, up to it.
    """
    start, end, lines = _place_of(data, span, layout, record_no, at_once)
    text = data[start:end]
    first, line = span.first_record + record_no, span.first_line + lines
    alone = replace(
        span,
        byte_start=span.byte_start + start,
        byte_end=span.byte_start + end,
        first_record=first,
        first_line=line,
        records=1,
    )
    return OneRecord(
        line=int(numbers(layout.parts, np.array([first]))[0]) if layout.parts else line,
        text=_without_line_end(text.decode()),
        alone=parse_slice(text, alone, layout),
    )


def _place_of(
    data: bytes | FileSlice, span: ChunkSpan, layout: Layout, record_no: int, size: int
) -> tuple[int, int, int]:
    """Where a record of a slice begins and ends, and the lines before it."""
    begin = records_before = lines_before = 0
    while True:
        piece, is_last = data[begin : begin + size], begin + size >= len(data)
        place = Place(name=f"chunk {span.chunk_no}", byte=span.byte_start + begin, line=span.first_line + lines_before)
        records = cut(piece, layout.dialect, place, final=is_last)
        wanted = record_no - records_before
        if 0 <= wanted < records.ends.size:
            start = int(records.ends[wanted - 1]) if wanted else 0
            return begin + start, begin + int(records.ends[wanted]), lines_before + records.lines_before(wanted)
        records_before += records.ends.size
        if is_last:
            raise _does_not_fit(span, f"no record {record_no} in a chunk of {records_before}")
        if not records.ends.size:
            size *= 2  # a record longer than that
        begin += records.complete
        lines_before += records.lines_before(records.ends.size)


def read_slice(file: BinaryIO, span: ChunkSpan) -> bytes:
    """The bytes of a span. Raises Stopped where the file is shorter than planned."""
    file.seek(span.byte_start)
    data = file.read(span.byte_end - span.byte_start)
    if len(data) != span.byte_end - span.byte_start:
        raise _does_not_fit(span, f"the file ends at byte {span.byte_start + len(data)}")
    return data


def _line_of_each_record(data: bytes, span: ChunkSpan, layout: Layout) -> tuple[Lines | None, RecordNos]:
    """Lines before each record of the slice (None where record and line number run alike), and instruction lines."""
    dialect = layout.dialect
    breaks = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord(dialect.line_end)))
    breaks += not data.endswith(dialect.line_end.encode())
    if breaks == span.records and not (dialect.comment and dialect.comment.encode() in data):
        return None, np.empty(0, np.int32)
    records = _cut(data, span, layout)
    if records.ends.size != span.records:
        raise _does_not_fit(span, counted(records.ends.size, "record"))
    return (None if breaks == span.records else records.lines()), records.comments.astype(np.int32)


def _lines(span: ChunkSpan, layout: Layout, starts: Lines | None) -> Lines:
    """The line of every record of the span; where the text was made of another file, its row there."""
    records = np.arange(span.records, dtype=np.int64)
    if layout.parts:
        return numbers(layout.parts, span.first_record + records)
    return span.first_line + (records if starts is None else starts)


def _cut(data: bytes, span: ChunkSpan, layout: Layout) -> Cut:
    place = Place(name=f"chunk {span.chunk_no}", byte=span.byte_start, line=span.first_line)
    return cut(data, layout.dialect, place, final=True)


def _without(data: bytes, span: ChunkSpan, layout: Layout, records: RecordNos) -> bytes:
    """The slice without some of its records."""
    ends = _cut(data, span, layout).ends
    pieces, kept = [], 0
    for record in records.tolist():
        pieces.append(data[kept : int(ends[record - 1]) if record else 0])
        kept = int(ends[record])
    return b"".join([*pieces, data[kept:]])


def _parse(text: bytes, layout: Layout, *, plain: bool) -> tuple[pa.Table, list[tuple[int, arrow_csv.InvalidRow]]]:
    """Cut into fields; what does not fit comes with its index. On one thread: only then does a row know its number."""
    refused: list[tuple[int, arrow_csv.InvalidRow]] = []

    def refuse(row: arrow_csv.InvalidRow) -> Literal["skip"]:
        refused.append((cast("int", row.number) - 1, row))
        return "skip"

    names = list(layout.columns)
    schema = pa.schema([(name, pa.string()) for name in names])
    if not text:
        return schema.empty_table(), refused
    if text.startswith(BYTE_ORDER_MARK):
        # A first field may begin with this character in any slice; pyarrow takes one away as a byte order mark.
        text = BYTE_ORDER_MARK + text
    table = arrow_csv.read_csv(
        pa.BufferReader(text),  # type: ignore[arg-type]  # the stubs do not know pyarrow's own files
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
        parse_options=arrow_csv.ParseOptions(
            delimiter=layout.dialect.delimiter,
            quote_char=layout.dialect.quote or False,
            double_quote=True,
            escape_char=False,
            newlines_in_values=not plain,
            ignore_empty_lines=False,
            invalid_row_handler=refuse,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=schema, strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    )
    return table, refused


def _without_blank(table: pa.Table, record_nos: RecordNos) -> tuple[pa.Table, RecordNos, RecordNos]:
    """Set aside the rows with nothing but white space in any field."""
    blank = np.arange(table.num_rows)
    for column in table.columns:
        texts = column if blank.size == table.num_rows else column.take(blank)
        blank = blank[pc.binary_length(pc.utf8_trim_whitespace(texts)).to_numpy() == 0]
        if not blank.size:
            return table, record_nos, np.empty(0, np.int32)
    keep = np.ones(table.num_rows, np.bool_)
    keep[blank] = False
    return table.filter(pa.array(keep)), record_nos[keep], record_nos[blank]


def _without_headers(table: pa.Table, record_nos: RecordNos, layout: Layout) -> tuple[pa.Table, RecordNos, RecordNos]:
    """Set aside the rows that say the header once more, as where files were put one below the other."""
    first = layout.header[:1]
    if len(layout.header) < 2 or not first[0]:
        return table, record_nos, np.empty(0, np.int32)
    # The second file's byte order mark stands before its header.
    alike = pc.is_in(table.column(0), pa.array([first[0], "\ufeff" + first[0]]))
    if not pc.any(alike).as_py():
        return table, record_nos, np.empty(0, np.int32)
    for column, cell in zip(table.columns[1:], layout.header[1:], strict=False):
        alike = pc.and_(alike, pc.equal(column, pa.scalar(cell)))
    keep = ~alike.to_numpy()
    return table.filter(pa.array(keep)), record_nos[keep], record_nos[~keep]


def _without_drifted(
    table: pa.Table, record_nos: RecordNos, lines: Lines, unwanted: tuple[str, ...]
) -> tuple[pa.Table, RecordNos, tuple[Drifted, ...]]:
    """Set aside the rows with a text in an unwanted column."""
    keep = np.ones(table.num_rows, np.bool_)
    for column in unwanted:
        keep &= pc.binary_length(pc.utf8_trim_whitespace(table[column])).to_numpy() == 0
    if keep.all():
        return table, record_nos, ()
    places = np.flatnonzero(~keep)
    drifted = tuple(
        Drifted(
            record_no=int(record),
            line=int(lines[record]),
            column=next(column for column in unwanted if cells[column].strip()),
            cells=cells,
        )
        for record, cells in zip(record_nos[places], table.take(places).to_pylist(), strict=True)
    )
    return table.filter(pa.array(keep)), record_nos[keep], drifted


def _without_line_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text[:-1] if text.endswith(("\n", "\r")) else text


def _does_not_fit(span: ChunkSpan, found: str) -> Stopped:
    return Stopped(
        "the file is not the one that was planned",
        where=f"chunk {span.chunk_no}, bytes {span.byte_start} to {span.byte_end}",
        value=found,
        valid=counted(span.records, "record"),
        remedy="Run `headwater verify` to see what was changed, and import the file again.",
    )
