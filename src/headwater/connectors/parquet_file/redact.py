"""A Parquet file without some cells: they hold nothing any more, all others what they held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from headwater.connectors.csv_file.layout import column_names
from headwater.connectors.parquet_file.texts import leaves

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

_BATCH_ROWS = 10_000


def write_without(path: Path | BinaryIO, cells: Mapping[int, Collection[str]], out: Any) -> None:
    """Write a file, by its path or opened, to `out` (a file for bytes) without the cells in columns of rows,
    from 0.

    A column is named as `read_parquet` names it; of one with fields inside, all of it goes. Dictionaries and statistics
    are made anew, so that nothing of what went stays in them.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:
        holds = _columns(file.schema_arrow)
        rows = {name: _sorted(row for row, names in cells.items() if name in names) for name in holds}
        taken: dict[int, npt.NDArray[np.int64]] = {}
        for name, place in holds.items():
            taken[place] = np.union1d(taken.get(place, _sorted(())), rows[name])
        schema = _nullable(file.schema_arrow, {place for place, found in taken.items() if found.size})
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for batch in _emptied(file, schema, taken):
                writer.write_batch(batch)


def _emptied(
    file: pq.ParquetFile, schema: pa.Schema, taken: Mapping[int, npt.NDArray[np.int64]]
) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
        columns: list[Any] = []
        for place, column in enumerate(batch.columns):
            rows = taken.get(place, _sorted(()))
            here = rows[(rows >= first) & (rows < first + batch.num_rows)] - first
            # A dictionary names every value of its file.
            columns.append(_without(column, here) if here.size or _is_dictionary(column) else column)
        yield pa.record_batch(columns, schema=schema)
        first += batch.num_rows


def _without(column: Any, rows: npt.NDArray[np.int64]) -> Any:
    kind, plain = column.type, column.dictionary_decode() if _is_dictionary(column) else column
    is_gone = np.zeros(len(plain), np.bool_)
    is_gone[rows] = True
    kept = plain.take(pa.array(np.arange(len(plain)), pa.int64(), mask=is_gone))
    return kept.dictionary_encode().cast(kind) if _is_dictionary(column) else kept


def _is_dictionary(column: Any) -> bool:
    return types.is_dictionary(column.type)


def _columns(schema: pa.Schema) -> dict[str, int]:
    """Name of a column of texts -> the column of the file that holds it."""
    header, places = [], []
    for place, field in enumerate(schema):
        for leaf in leaves(pa.array([], field.type), field):
            header.append(".".join(leaf.path))
            places.append(place)
    return dict(zip(column_names(header), places, strict=True))


def _nullable(schema: pa.Schema, places: Collection[int]) -> pa.Schema:
    for place in places:
        schema = schema.set(place, schema.field(place).with_nullable(True))
    return schema


def _sorted(rows: Any) -> npt.NDArray[np.int64]:
    return np.array(sorted(rows), np.int64)
