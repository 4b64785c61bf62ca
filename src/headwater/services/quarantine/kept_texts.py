"""What runs have read, as their source would be read again: numbers with either sign before their decimals.

A mapping says with which sign the numbers of a table, a workbook, JSON or Parquet are written. By one that says another
the source brings the same numbers, so that what is kept of it is written anew, out of values that are numbers still.
Texts are what they are.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Self

import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.connectors.csv_file import Planner, RawChunk
from headwater.connectors.csv_file.read import read_chunk
from headwater.connectors.files import write_text_of
from headwater.connectors.protocol import MIXED
from headwater.errors import InputRefused
from headwater.services.kept_files import clear_file
from headwater.services.quarantine.written_numbers import number_with
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.scratch import scratch
from headwater.services.sources import decimal_written, file_of, reading_from_json
from headwater.store.cited_blobs import get_cited_blob

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from headwater.connectors.csv_file import ChunkSpan
    from headwater.services.installation import Installation
    from headwater.store.chunks import Chunk
    from headwater.store.runs import Run


class KeptTexts:
    """The chunks of a run that are in; a context, for the files that it holds open."""

    def __init__(self, installation: Installation, run: Run, chunks: Sequence[Chunk]) -> None:
        self._installation = installation
        self.run = run
        self.chunks = chunks
        self._written = decimal_written(run.layout)
        self._stack = ExitStack()
        self._texts: dict[str | None, RunTexts] = {}
        self._anew: dict[str, tuple[BinaryIO, Mapping[int, ChunkSpan]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def why_not(self, decimal: str, columns: Collection[str]) -> str | None:
        """Why nobody knows how these columns would be read with this sign, where that is so; to be asked first."""
        if self._is_as_written(decimal):
            return None
        if "selection" in self.run.layout:
            mixed = next((name for chunk in self.chunks for name in self._mixed(chunk, columns)), None)
            if mixed is None:
                return None
            return (
                f"in {mixed} numbers stand among texts, and which of them is which run {self.run.run_id} has not kept"
            )
        if "records" in self.run.layout:
            return f"records of a contract are read with {self._written!r} before decimals"
        return self._write_anew(decimal)

    def chunk(self, chunk: Chunk, decimal: str) -> RawChunk:
        """The records of a chunk."""
        if decimal in self._anew:
            file, spans = self._anew[decimal]
            return read_chunk(file, spans[chunk.chunk_no], self._with(None).layout)
        return self._with(None if self._is_as_written(decimal) else decimal).chunk(span_of(chunk))

    def _is_as_written(self, decimal: str) -> bool:
        return self._written in {None, decimal}

    def _with(self, decimal: str | None) -> RunTexts:
        """As the run wrote it where no sign is said; else a table's, whose chunks become text at each reading."""
        if decimal not in self._texts:
            layout = {**self.run.layout, **({} if decimal is None else {"decimal": decimal})}
            texts = RunTexts(self._installation, replace(self.run, layout=layout))
            self._texts[decimal] = self._stack.enter_context(texts)
        return self._texts[decimal]

    def _mixed(self, chunk: Chunk, columns: Collection[str]) -> list[str]:
        """Columns with a text that looks like a number, and may be one."""
        if chunk.extract_sha256 is None:
            raise AssertionError("each chunk of a sync has a file of its own")
        called = dict(zip(self.run.layout["source_columns"], self.run.layout["columns"], strict=False))
        with (
            self._installation.blobs.open(self._installation.tenant_id, chunk.extract_sha256) as extract,
            pq.ParquetFile(extract) as file,
        ):
            listed = [
                field.name
                for field in file.schema_arrow
                if called.get(field.name) in columns and MIXED.items() <= (field.metadata or {}).items()
            ]
            found = file.read(columns=listed)
        number = f"^(?:{number_with(str(self._written))})$"
        return [name for name in listed if pc.any(pc.match_substring_regex(found[name], number)).as_py()]

    def _write_anew(self, decimal: str) -> str | None:
        """The text of a file, made of the file once more; why that cannot be done, where it cannot."""
        tenant_id, layout = self._installation.tenant_id, dict(self.run.layout)
        reading = reading_from_json(layout)
        if reading is None:
            raise AssertionError("a file that is its own text is as it was written")
        with self._installation.database.connect(tenant_id) as connection:
            blob = get_cited_blob(connection, tenant_id, self.run.blob_sha256)
        if blob.state != "held" or self._installation.blobs.is_gone(tenant_id, self.run.blob_sha256):
            return f"the file that run {self.run.run_id} has read is not among the kept ones any more"
        reading = replace(reading, decimal=decimal)
        name = file_of(layout) or blob.name
        planner = Planner(reading.text, max((chunk.records for chunk in self.chunks), default=1), name=name)
        folder = self._stack.enter_context(scratch(self._installation.settings.data_dir, "written-anew"))
        path: Path = folder / "text"
        with clear_file(self._installation, self.run.blob_sha256) as raw, path.open("wb") as out:

            def both(block: bytes) -> None:
                planner.feed(block)
                out.write(block)

            try:
                write_text_of(raw, reading, both, name=name)
            except InputRefused as error:
                return f"the file that run {self.run.run_id} has read cannot be read again: {error}"
        spans = {span.chunk_no: span for span in planner.finish().chunks}
        for chunk in self.chunks:
            span = spans.get(chunk.chunk_no)
            if span is None or (span.first_record, span.records) != (chunk.first_record, chunk.records):
                return f"written with {decimal!r} before decimals, what run {self.run.run_id} has read is cut otherwise"
        self._anew[decimal] = self._stack.enter_context(path.open("rb")), spans
        return None
