"""A delimited text as a table of texts, for where it has to be reshaped before it is read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.layout import Layout
from headwater.connectors.csv_file.plan import ChunkSpan, plan
from headwater.connectors.csv_file.read import RawChunk, parse_slice, read_slice
from headwater.connectors.csv_file.records import Place, cut
from headwater.connectors.text_table.parts import Batch, Table

_RECORDS = 20_000


def read_csv(path: Path, config: CsvConfig, *, name: str) -> Table:
    """A UTF-8 file with a complete config. Blank and instruction lines are blank records, so that lines run on."""
    planned = plan(path, config, _RECORDS, name=name)

    def batches() -> Iterator[Batch]:
        with path.open("rb") as file:
            for span in planned.chunks:
                data = read_slice(file, span)
                yield from _batches(data, span, planned)

    return Table(columns=planned.columns, header=planned.header, batches=batches())


def _batches(data: bytes, span: ChunkSpan, layout: Layout) -> Iterator[Batch]:
    """Stretches of a chunk in which every record is on the line after the one before."""
    raw = parse_slice(data, span, layout)
    place = Place(name=f"chunk {span.chunk_no}", byte=span.byte_start, line=span.first_line)
    lines = span.first_line + cut(data, layout.dialect, place, final=True).lines()
    rows = _all_records(raw, span, layout)
    ragged = {row.record_no: _cells(row.text, layout) for row in raw.ragged}
    breaks = np.flatnonzero(np.diff(lines) != 1) + 1
    edges = [0, *breaks.tolist(), span.records]
    for first, after in pairwise(edges):
        inside = {number - first: cells for number, cells in ragged.items() if first <= number < after}
        yield Batch(part="", first_number=int(lines[first]), rows=rows.slice(first, after - first), ragged=inside)


def _all_records(raw: RawChunk, span: ChunkSpan, layout: Layout) -> pa.Table:
    """A row for every record of the span; what is no row of the table is blank."""
    if raw.table.num_rows == span.records:
        return raw.table
    blank = pa.table({column: pa.array([""], pa.string()) for column in layout.columns})
    places = np.full(span.records, raw.table.num_rows, np.int64)
    places[raw.record_nos] = np.arange(raw.table.num_rows)
    return pa.concat_tables([raw.table, blank]).take(places)


def _cells(text: str, layout: Layout) -> list[str]:
    dialect = layout.dialect
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    return next(reader, [])
