"""Which cells of a refused row are null at its source: what was read of a table, kept as it came, tells it.

What is made of a row does not: null and an empty text are both blank. A person who mends it may want to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow.parquet as pq

from headwater.connectors.parquet_file.texts import leaves, texts
from headwater.errors import HeadwaterError
from headwater.services.connectors.extraction import first_record
from headwater.store.chunks import get_chunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.services.installation import Installation
    from headwater.store.database import TenantConnection
    from headwater.store.quarantine import Quarantined
    from headwater.store.runs import Run


def with_nulls(
    installation: Installation, connection: TenantConnection, run: Run, record: Quarantined
) -> Mapping[str, str | None]:
    """The cells of a record of a run's source, None for those that are null there; as they are where it is no row of a
    table, or what was read is erased or lost.
    """
    if run.kind != "sync" or "" not in record.raw.values():
        return record.raw
    chunk = get_chunk(connection, installation.tenant_id, record.chunk_id)  # in which its number is told
    if chunk is None or chunk.extract_sha256 is None:
        return record.raw
    try:
        with installation.blobs.open(installation.tenant_id, chunk.extract_sha256) as extract:
            cells = _cells(extract, record.record_no - first_record(chunk.chunk_no), run.layout)
    except HeadwaterError:
        return record.raw
    # A run before it may have read other columns.
    return cells if {name: text or "" for name, text in cells.items()} == record.raw else record.raw


def _cells(extract: BinaryIO, place: int, layout: Mapping[str, Any]) -> dict[str, str | None]:
    """One row of an extract under the names that its columns have as text; {} where there is no such row."""
    columns, before = layout["columns"], 0
    with pq.ParquetFile(extract) as file:
        for batch in file.iter_batches():
            if 0 <= place - before < batch.num_rows:
                row = batch.slice(place - before, 1)
                cut = [leaf for at, name in enumerate(row.schema.names) for leaf in leaves(row.column(at), (name,))]
                values = [texts(leaf, layout["decimal"])[0].as_py() if leaf[0].is_valid else None for _, leaf in cut]
                return dict(zip(columns, values, strict=False)) if len(values) == len(columns) else {}
            before += batch.num_rows
    return {}
