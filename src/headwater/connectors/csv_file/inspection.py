"""What a delimited text file is, before anything is loaded: found with evidence, or refused in words."""

from __future__ import annotations

import codecs
import io
from dataclasses import replace
from pathlib import Path

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.encoding import find_encoding
from headwater.connectors.csv_file.layout import Layout, read_layout, undecodable, unreadable, visible
from headwater.connectors.csv_file.plan import ChunkSpan
from headwater.connectors.csv_file.read import RawChunk, read_chunk
from headwater.connectors.csv_file.records import Place, cut
from headwater.connectors.csv_file.structure import find_structure
from headwater.connectors.inspection import SAMPLE_ROWS, Inspection
from headwater.errors import InputRefused, cannot_open

_SAMPLE_RECORDS = 200
_SAMPLE_BYTES = 1024 * 1024


def inspect_file(path: Path, hints: CsvConfig | None = None, *, name: str | None = None) -> Inspection[CsvConfig]:
    """Inspect a file; what `hints` say is taken as said.

    Raises InputRefused for what is no delimited text, for a guess that would not be sure enough (naming the option
    that settles it), and for faults in the part looked at; the plan finds those in the rest. Misuse where there is no
    such file.
    """
    hints = hints or CsvConfig()
    name = name or path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_SAMPLE_BYTES)
    except OSError as error:
        raise cannot_open(path, error) from error
    if size == 0:
        raise InputRefused("the file is empty", where=name, value="0 bytes", remedy="Fetch it again or leave it out.")
    encoding = find_encoding(path, hints.encoding)
    text = _decoded(head, encoding.name, name, final=len(head) == size)
    structure = find_structure(text.removeprefix("\ufeff"), hints, name)
    config = replace(structure.config, encoding=encoding.name)
    data = text.encode()
    layout = read_layout(data, config, name, final=True)
    if layout is None:
        raise AssertionError("a final head always yields a layout or a refusal")
    chunk = _first_records(data, layout, name, whole=len(head) == size)
    rows = [tuple(row.values()) for row in chunk.table.slice(0, SAMPLE_ROWS).to_pylist()] if chunk else []
    return Inspection(
        format="csv",
        name=name,
        size=size,
        encoding=encoding.name,
        confidence=min(encoding.confidence, structure.confidence),
        evidence=(*encoding.evidence, *structure.evidence),
        config=config,
        header_line=layout.header_line,
        preamble=layout.preamble,
        columns=layout.columns,
        sample=tuple(rows),
        sample_lines=tuple(chunk.lines[:SAMPLE_ROWS].tolist()) if chunk else (),
        warnings=(*structure.warnings, *_about_names(layout), *_about_records(chunk, whole=len(head) == size)),
    )


def _decoded(head: bytes, encoding: str, name: str, *, final: bool) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=final)
    except UnicodeDecodeError as error:
        line = head[: error.start].decode(encoding, errors="ignore").count("\n") + 1
        raise undecodable(head, error, 0, f"{name}, line {line}") from error
    except UnicodeError as error:
        raise unreadable(encoding, error, name) from error


def _first_records(data: bytes, layout: Layout, name: str, *, whole: bool) -> RawChunk | None:
    place = Place(name=name, byte=layout.data_byte, line=layout.data_line)
    ends = cut(data[layout.data_byte :], layout.dialect, place, final=whole).ends[:_SAMPLE_RECORDS]
    if not ends.size:
        return None
    span = ChunkSpan(
        chunk_no=1,
        byte_start=layout.data_byte,
        byte_end=layout.data_byte + int(ends[-1]),
        first_record=1,
        first_line=layout.data_line,
        records=int(ends.size),
    )
    return read_chunk(io.BytesIO(data), span, layout)


def _about_names(layout: Layout) -> list[str]:
    cells = layout.header + ("",) * (len(layout.columns) - len(layout.header))
    warnings = []
    for number, (cell, column) in enumerate(zip(cells, layout.columns, strict=True), start=1):
        if not visible(cell):
            warnings.append(f"column {number} has no name; it is called {column}")
        elif visible(cell) != column:
            warnings.append(f"column {number} has a name that stands before it already; it is called {column}")
        elif cell.strip() != column:
            warnings.append(f"the name of column {number} holds invisible characters or line breaks: {cell!r}")
    return warnings


def _about_records(chunk: RawChunk | None, *, whole: bool) -> list[str]:
    if chunk is None:
        return ["there are no records below the header" if whole else "the first record is too long to be shown"]
    if not chunk.ragged:
        return []
    first = chunk.ragged[0]
    has = "has" if len(chunk.ragged) == 1 else "have"
    how_many = (
        f"{len(chunk.ragged)} of the first {_SAMPLE_RECORDS} records {has} another number of fields than the header"
    )
    which = f"the first on line {first.line} ({first.actual} instead of {first.expected})"
    return [f"{how_many}, {which}; {'it goes' if has == 'has' else 'they go'} to quarantine"]
