"""Rows of a workbook as a run has read them, and as an edited copy of it holds them now."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from headwater.connectors.csv_file import Planner, read_chunk
from headwater.connectors.files import TEXT, WORKBOOKS, FileConfig, write_text_of
from headwater.connectors.packing import unpack
from headwater.errors import InputRefused, Misuse
from headwater.services.kept_files import clear_file
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.sources import file_of, reading_from_json
from headwater.services.workbooks.row_matching import SheetRow, sheet_rows
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import get_cited_blob

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headwater.connectors.csv_file import ChunkSpan, RawChunk
    from headwater.services.installation import Installation
    from headwater.services.workbooks.row_matching import Cells
    from headwater.store.runs import Run

CHUNK = 20_000
_NO_ORIGINAL = {
    "resubmit": "this run is itself a resubmission",
    "sync": "this run synced a connector, and no workbook was imported",
}
"""Why a run of a kind has no workbook to give back."""


@dataclass(frozen=True, kw_only=True)
class ReadRun:
    """A run of a workbook: how it was read, and every row of it.

    reading  for the workbook as XLSX: what the original is given back as
    file     the name of the file
    """

    run: Run
    reading: FileConfig
    file: str
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def read_run(installation: Installation, run: Run) -> ReadRun:
    """The rows that a run has read. Misuse where it imported no workbook: another file, a sync, a resubmission."""
    reading = reading_from_json(dict(run.layout))
    if reading is None or reading.format not in WORKBOOKS or run.kind != "import":
        raise Misuse(
            _NO_ORIGINAL.get(run.kind, "the source of this run is no workbook"),
            where=f"run {run.run_id}",
            value=run.source_name,
            valid="the run that imported a workbook (.xlsx, .xls, .ods)",
            remedy="Leave --workbook out: the records are exported as CSV.",
        )
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        name = file_of(run.layout) or get_cited_blob(connection, tenant_id, run.blob_sha256).name
        spans = [span_of(chunk) for chunk in chunks_of(connection, tenant_id, run.run_id)]
    with RunTexts(installation, run) as texts:
        rows = tuple(sheet_rows(_records((span, texts.chunk(span)) for span in spans), texts.layout.parts))
        columns = texts.layout.columns
    return ReadRun(run=run, reading=in_format(reading, "xlsx"), file=name, columns=columns, rows=rows)


def in_format(reading: FileConfig, form: str) -> FileConfig:
    """How a workbook is read once it is unpacked and in a format."""
    return replace(reading, format=form, member=None, workbook=replace(reading.workbook, format=form))


@dataclass(frozen=True, kw_only=True)
class ReadCopy:
    """An edited workbook's rows, read as the original was."""

    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def read_copy(path: Path, reading: FileConfig, *, name: str) -> ReadCopy:
    """Read a workbook by a config that another file was read by; InputRefused where they do not fit."""
    try:
        return _read_copy(path, reading, name)
    except InputRefused as error:
        if "had none when the file was inspected" not in error.what:
            raise
        raise InputRefused(
            "there is a value beside the table, in a column that the original does not have",
            where=error.where,
            value=error.value,
            remedy="Clear it; remarks belong into notes, or onto a sheet of their own.",
        ) from error


def _read_copy(path: Path, reading: FileConfig, name: str) -> ReadCopy:
    planner = Planner(TEXT, CHUNK, name=name)
    with TemporaryDirectory(prefix="headwater-") as folder:
        text = Path(folder) / "text"
        with text.open("wb") as out:

            def both(block: bytes) -> None:
                planner.feed(block)
                out.write(block)

            parts = write_text_of(path, reading, both, name=name)
        plan = replace(planner.finish(), parts=parts)
        with text.open("rb") as file:
            rows = tuple(sheet_rows(_records((span, read_chunk(file, span, plan)) for span in plan.chunks), parts))
    return ReadCopy(columns=plan.columns, rows=rows)


@contextmanager
def original(installation: Installation, run: Run) -> Iterator[Path]:
    """The workbook of a run as it came, unpacked where it came packed."""
    tenant_id = installation.tenant_id
    reading = reading_from_json(dict(run.layout))
    if reading is None or reading.member is None:
        with clear_file(installation, run.blob_sha256) as path:
            yield path
        return
    with installation.database.connect(tenant_id) as connection:
        name = get_cited_blob(connection, tenant_id, run.blob_sha256).name
    with clear_file(installation, run.blob_sha256) as path, TemporaryDirectory(prefix="headwater-") as folder:
        unpacked = Path(folder) / "member"
        with unpacked.open("wb") as out:
            unpack(path, reading.member, out, name=name)
        yield unpacked


def _records(chunks: Iterable[tuple[ChunkSpan, RawChunk]]) -> Iterator[tuple[int, Cells]]:
    """Records with their numbers; blank ones are none."""
    for span, raw in chunks:
        columns = [column.to_pylist() for column in raw.table.columns]
        for number, cells in zip(raw.record_nos.tolist(), zip(*columns, strict=True), strict=True):
            yield span.first_record + number, cells
