"""Which cells of a refused row are null at its source: what was read of a table, kept as it came, tells it.

What is made of a row does not: null and an empty text are both blank. A person who mends it may want to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import pyarrow.parquet as pq

from headwater.connectors.parquet_file.texts import leaves
from headwater.errors import HeadwaterError
from headwater.services.connectors.extraction import first_record
from headwater.store.chunks import get_chunk
from headwater.store.runs import get_run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from uuid import UUID

    import pyarrow as pa

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

Cells = Mapping[str, str | None]


class Refused(Protocol):
    """A refused record, as far as its cells go."""

    @property
    def chunk_id(self) -> UUID:
        """The chunk that `record_no` is told in."""

    @property
    def record_no(self) -> int:
        """From 1."""

    @property
    def raw(self) -> Cells:
        """The cells as they stand, where null is an empty text."""


@dataclass(frozen=True, kw_only=True)
class RefusedCells:
    """See `Refused`."""

    chunk_id: UUID
    record_no: int
    raw: Cells


def with_nulls(
    installation: Installation, connection: TenantConnection, refused: Sequence[tuple[Run, Refused]]
) -> list[Cells]:
    """The cells of records, each with a run that refused it: None for those that are null at its source. They are as
    they stand where it is no row of a table, or what was read is erased or lost. What was read is opened once for all
    records of a chunk.
    """
    found: list[Cells] = [record.raw for _, record in refused]
    by_chunk: dict[UUID, list[int]] = {}
    for at, (run, record) in enumerate(refused):
        if run.kind == "sync" and "" in record.raw.values():
            by_chunk.setdefault(record.chunk_id, []).append(at)
    for chunk_id, places in by_chunk.items():
        numbers = {refused[at][1].record_no for at in places}
        read = _read(installation, connection, chunk_id, numbers)
        for at in places:
            record = refused[at][1]
            cells = read.get(record.record_no, {})
            if {name: text or "" for name, text in cells.items()} == record.raw:
                found[at] = cells
    return found


def _read(
    installation: Installation, connection: TenantConnection, chunk_id: UUID, numbers: Collection[int]
) -> dict[int, Cells]:
    """The records of these numbers that a chunk has read, as far as what it read is held."""
    chunk = get_chunk(connection, installation.tenant_id, chunk_id)
    if chunk is None or chunk.extract_sha256 is None:
        return {}
    layout = get_run(connection, installation.tenant_id, chunk.run_id).layout  # a run since may have read other columns
    first = first_record(chunk.chunk_no)
    try:
        with installation.blobs.open(installation.tenant_id, chunk.extract_sha256) as extract:
            rows = _rows(extract, {number - first for number in numbers})
            return {first + place: _cells(row, layout) for place, row in rows}
    except HeadwaterError:
        return {}


def _rows(extract: BinaryIO, places: Collection[int]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of an extract at these places, one each."""
    before = 0
    with pq.ParquetFile(extract) as file:
        for batch in file.iter_batches():
            for place in sorted(places):
                if before <= place < before + batch.num_rows:
                    yield place, batch.slice(place - before, 1)
            before += batch.num_rows


def _cells(row: pa.RecordBatch, layout: Mapping[str, Any]) -> Cells:
    """One row under the names that its columns have as text; {} where it has others."""
    cut = [leaf for at, field in enumerate(row.schema) for leaf in leaves(row.column(at), field)]
    values = [leaf.texts(layout["decimal"])[0].as_py() if leaf.column[0].is_valid else None for leaf in cut]
    columns = layout["columns"]
    return dict(zip(columns, values, strict=True)) if len(values) == len(columns) else {}
