"""Rows of a source kept to be looked at, as a sync brings them: what is nested cut up, every value as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from headwater.connectors.parquet_file import read_parquet
from headwater.connectors.parquet_file.texts import Leaf, leaves, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_ORDERED = (pa.types.is_date, pa.types.is_time, pa.types.is_timestamp, pa.types.is_boolean)
_NUMBERS = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


@dataclass(frozen=True, kw_only=True)
class KeptColumn:
    """A column of texts, and the type its values came with.

    numbers  whether they came as texts and are numbers nevertheless, see `NUMBERS`
    part_of  the column of the source that it was cut out of; None where it is that column
    ends     the first and the last of times, days, yes and no, whose texts need not sort as they do; () for all others
    """

    name: str
    kind: pa.DataType
    numbers: bool = False
    part_of: str | None = None
    ends: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether the values came as texts."""
        return any(test(self.kind) for test in _TEXTS)

    @property
    def is_number(self) -> bool:
        """Whether the values came as numbers."""
        return any(test(self.kind) for test in _NUMBERS)


@dataclass(frozen=True, kw_only=True)
class KeptRows:
    """How many, the columns, and their texts as Arrow reads them from the folder."""

    rows: int
    columns: tuple[KeptColumn, ...]
    dataset: ds.Dataset


def keep_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema, folder: Path, *, where: str) -> KeptRows:
    """Keep batches of this schema, for as long as the folder is there. InputRefused where a value has no text."""
    raw, rows = folder / "raw.parquet", 0
    cut = _leaves(pa.RecordBatch.from_pylist([], schema))
    ends = [leaf.column for leaf in cut]
    with pq.ParquetWriter(raw, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
            ends = [_ends(before, leaf.column) for before, leaf in zip(ends, _leaves(batch), strict=True)]
    read = read_parquet(raw, name=where, decimal=".")
    path = folder / "texts.parquet"
    text_schema = pa.schema([(name, pa.string()) for name in read.columns])
    with pq.ParquetWriter(path, text_schema, compression="zstd") as writer:
        for made in read.batches:
            writer.write_table(made.rows)
    raw.unlink()
    columns = tuple(
        KeptColumn(
            name=name,
            kind=each.type,
            numbers=leaf.numbers,
            part_of=leaf.path[0] if len(leaf.path) > 1 else None,
            ends=tuple(texts(each, ".").to_pylist()),
        )
        for name, leaf, each in zip(read.columns, cut, ends, strict=True)
    )
    return KeptRows(rows=rows, columns=columns, dataset=ds.dataset(path))


def _leaves(batch: pa.RecordBatch) -> list[Leaf]:
    """The columns that the columns are made of."""
    return [leaf for at, field in enumerate(batch.schema) for leaf in leaves(batch.column(at), field)]


def _ends(before: Any, values: Any) -> Any:
    """The first and the last of both, where the type has an order of its own."""
    if not any(test(values.type) for test in _ORDERED):
        return before
    both = pa.concat_arrays([before, values])
    found = pc.min_max(both)
    places: Sequence[int] = [pc.index(both, found[end]).as_py() for end in ("min", "max") if found[end].is_valid]
    return both.take(pa.array(places, pa.int64()))
