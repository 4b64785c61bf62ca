"""The text of a run's chunks as it is kept: slices of its file's text, or, of a sync, made of what each chunk read."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from headwater.connectors.csv_file import ChunkSpan, Extract, RawChunk
from headwater.connectors.csv_file.read import FileSlice, OneRecord, one_record, parse_slice, read_slice
from headwater.connectors.files import PARQUET, FileConfig, write_text_of
from headwater.services.kept_files import clear_file
from headwater.services.sources import layout_from_json
from headwater.store.chunks import PlannedChunk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headwater.services.installation import Installation


class HasTexts(Protocol):
    """A run, or one that is only tried: how its text is laid out, and under which hash that of a file is kept."""

    @property
    def layout(self) -> Mapping[str, Any]:
        """As `services.sources` and `services.connectors.planning` write it."""

    @property
    def text_sha256(self) -> bytes:
        """Of the blob that spans without an extract point into."""


class RunTexts:
    """Reads the chunks of one run; a context, for the file it may hold open."""

    def __init__(self, installation: Installation, run: HasTexts) -> None:
        self._installation = installation
        self._run = run
        self._stack = ExitStack()
        self._file: BinaryIO | None = None
        self.layout = layout_from_json(dict(run.layout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def give_up(self) -> None:
        """See `pipeline.ports.ChunkTexts`: a file is not waited for."""

    def take(self, span: ChunkSpan) -> tuple[ChunkSpan, bytes]:
        """The span and its bytes: see `pipeline.ports.ChunkTexts`."""
        return span, self.bytes_of(span)

    def bytes_of(self, span: ChunkSpan) -> bytes:
        """The bytes of a chunk. Stopped where they are not as long as they were."""
        if span.extract is not None:
            return self.text_of(span.extract)
        return read_slice(self._text(), span)

    def _text(self) -> BinaryIO:
        if self._file is None:
            opened = self._installation.blobs.open(self._installation.tenant_id, self._run.text_sha256)
            self._file = self._stack.enter_context(opened)
        return self._file

    def text_of(self, extract: Extract) -> bytes:
        """The text of a chunk's own file, without the header."""
        with clear_file(self._installation, extract.sha256) as path:
            return extract_text(path, decimal=str(self._run.layout["decimal"]), data_byte=self.layout.data_byte)

    def chunk(self, span: ChunkSpan) -> RawChunk:
        """The records of a chunk."""
        return parse_slice(self.bytes_of(span), span, self.layout)

    def record(self, span: ChunkSpan, record_no: int) -> OneRecord:
        """A record of a chunk, by its number there from 0. Of a file no more is read than up to it."""
        data = FileSlice(self._text(), span) if span.extract is None else self.bytes_of(span)
        return one_record(data, span, self.layout, record_no)


def extract_text(path: Path, *, decimal: str, data_byte: int) -> bytes:
    """The text of a chunk's own file from `data_byte` on: the same file gives the same bytes."""
    text = bytearray()
    write_text_of(path, FileConfig(format=PARQUET, decimal=decimal), text.extend, name=path.name)
    return bytes(memoryview(text)[data_byte:])  # copied once


def span_of(chunk: PlannedChunk) -> ChunkSpan:
    """Where the records of a chunk stand in its run's text."""
    sha256 = chunk.extract_sha256
    return ChunkSpan(
        chunk_no=chunk.chunk_no,
        byte_start=chunk.byte_start,
        byte_end=chunk.byte_end,
        first_record=chunk.first_record,
        first_line=chunk.first_line,
        records=chunk.records,
        extract=None if sha256 is None else Extract(sha256=sha256, last_row=chunk.last_row_id),
    )
