"""The chunk plan: one pass over a text in blocks finds where every chunk of records begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.layout import Layout, read_layout, undecodable
from headwater.connectors.csv_file.records import Cut, Place, cut
from headwater.errors import InputRefused, Misuse

BLOCK_BYTES = 1024 * 1024
# What is cut at once: positions and masks of so little text stay in the cache, twice as fast as 8 MB.
_PIECE_BYTES = 128 * 1024
MAX_CHUNK_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Extract:
    """The file with the records of a chunk as they were read of a source; its text is made of it.

    last_row  the key of the last one, as text
    """

    sha256: bytes
    size: int = 0
    last_row: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChunkSpan:
    """A slice of the file that holds whole records. Spans join without gap from the first record to the file's end.

    first_record  number of its first record in the file, from 1; blank and instruction lines count as records
    first_line    line its first record starts at, from 1
    records       how many records it holds
    extract       where each chunk has a file of its own; the slice is then one of that file's text
    """

    chunk_no: int
    byte_start: int
    byte_end: int
    first_record: int
    first_line: int
    records: int
    extract: Extract | None = None


@dataclass(frozen=True, kw_only=True)
class Plan(Layout):
    """The layout of a file and its chunks; `size` is the file's in bytes."""

    chunks: tuple[ChunkSpan, ...]
    records: int
    size: int


def plan(
    path: Path,
    config: CsvConfig,
    chunk_size: int,
    *,
    name: str | None = None,
    sink: Callable[[bytes], object] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Plan:
    """Plan a UTF-8 text. `sink` gets every byte in order (a hash's `update`); `name` is what errors call the file."""
    planner = Planner(config, chunk_size, name=name or path.name)
    with path.open("rb") as file:
        while block := file.read(block_bytes):
            if sink is not None:
                sink(block)
            planner.feed(block)
    return planner.finish()


class Planner:
    """Plans a text that is fed to it block by block, so that storing, hashing and planning are one pass.

    A chunk ends after `chunk_size` records, or earlier after the record that brings it to `max_chunk_bytes`. Where it
    ends depends on the text alone, never on how it was cut into blocks.
    """

    def __init__(
        self, config: CsvConfig, chunk_size: int, *, name: str, max_chunk_bytes: int = MAX_CHUNK_BYTES
    ) -> None:
        if chunk_size < 1:
            raise Misuse("a chunk holds at least one record", where="chunk size", value=chunk_size, valid="1 or more")
        self._config = config
        self._chunk_size = chunk_size
        self._max_chunk_bytes = max_chunk_bytes
        self._name = name
        self._layout: Layout | None = None
        self._rest = b""
        self._size = 0
        self._chunks: list[ChunkSpan] = []
        # Where the text not yet cut begins, and where the chunk being filled began.
        self._byte, self._line, self._record = 0, 1, 1
        self._open = (0, 1, 1)

    def feed(self, block: bytes) -> None:
        self._size += len(block)
        start = 0
        while start < len(block):
            # As much as is left over already, so that a long record is not looked at over and over.
            piece = block[start : start + max(_PIECE_BYTES, len(self._rest))]
            start += len(piece)
            self._take(self._rest + piece, final=False)

    def finish(self) -> Plan:
        if self._size == 0:
            raise InputRefused(
                "the file is empty", where=self._name, value="0 bytes", remedy="Fetch the file again or leave it out."
            )
        self._take(self._rest, final=True)
        if self._layout is None:
            raise AssertionError("a final head always yields a layout or a refusal")
        self._close_chunk(self._byte, self._line, self._record)
        layout = {field.name: getattr(self._layout, field.name) for field in fields(Layout)}
        return Plan(**layout, chunks=tuple(self._chunks), records=self._record - 1, size=self._size)

    def _take(self, data: bytes, *, final: bool) -> None:
        _refuse_zero_bytes(data, Place(name=self._name, byte=self._byte, line=self._line))
        if self._layout is None:
            self._layout = read_layout(data, self._config, self._name, final=final)
            if self._layout is None:
                self._rest = data
                return
            self._byte, self._line = self._layout.data_byte, self._layout.data_line
            self._open = (self._byte, self._line, self._record)
            data = data[self._byte :]
        place = Place(name=self._name, byte=self._byte, line=self._line)
        records = cut(data, self._layout.dialect, place, final=final)
        text, self._rest = data[: records.complete], data[records.complete :]
        if not text.isascii():
            _refuse_undecodable(text, place, self._layout)
        self._add(records)

    def _add(self, records: Cut) -> None:
        done = 0
        count = int(records.ends.size)
        while done < count:
            open_byte, _, open_record = self._open
            wanted = open_record + self._chunk_size - self._record
            by_bytes = int(np.searchsorted(records.ends, open_byte + self._max_chunk_bytes - self._byte)) + 1
            last = min(wanted, by_bytes)
            if last > count:
                break
            self._close_chunk(
                self._byte + int(records.ends[last - 1]), self._line + records.lines_before(last), self._record + last
            )
            done = last
        self._line += records.lines_before(count)
        self._byte += records.complete
        self._record += count

    def _close_chunk(self, byte: int, line: int, record: int) -> None:
        open_byte, open_line, open_record = self._open
        if record > open_record:
            self._chunks.append(
                ChunkSpan(
                    chunk_no=len(self._chunks) + 1,
                    byte_start=open_byte,
                    byte_end=byte,
                    first_record=open_record,
                    first_line=open_line,
                    records=record - open_record,
                )
            )
        self._open = (byte, line, record)


def _refuse_zero_bytes(data: bytes, place: Place) -> None:
    at = data.find(b"\0")
    if at >= 0:
        line = place.line + data.count(b"\n", 0, at)
        raise InputRefused(
            f"a zero byte at offset {place.byte + at}: this is not a text file, or one damaged or in UTF-16",
            where=f"{place.name}, line {line}",
            valid="text without zero bytes",
            remedy="Export the file again as CSV in UTF-8; for UTF-16 set source.encoding to utf-16.",
        )


def _refuse_undecodable(text: bytes, place: Place, layout: Layout) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = place.line_of(text, error.start, layout.dialect)
        raise undecodable(text, error, place.byte, f"{place.name}, line {line}") from error
