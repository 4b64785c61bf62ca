"""The rows of its source that a chunk has loaded, told by the columns that the source itself tells them apart by."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.engine.fragments import quote_name
from headwater.values.kinds import Code, Date, Text, Timestamp

if TYPE_CHECKING:
    import numpy.typing as npt

    from headwater.connectors.protocol import Column
    from headwater.contracts.document import Document
    from headwater.mapping.compile import CompiledMapping
    from headwater.pipeline.transform import Standing
    from headwater.pipeline.work import PreparedChunk

SourceRow = tuple[int, tuple[str, ...]]
"""The hash of the key that a row was loaded under, and its cells in the columns of the source's own key."""

LATER_IS_NEWER = "later_is_newer"
"""In the layout of a run, where a key which it reads again is one row of the source, changed meanwhile: the number of
its first chunk that is a range of the cursor. True, as it was once written, is the first of all.
"""


def identity_in(layout: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the source's own key, as its plan found them; () where it has none."""
    return tuple(layout.get("identity", ()))


def later_is_newer(layout: Mapping[str, Any]) -> bool:
    """Whether of two readings of a key the one of the later chunk stands."""
    return bool(layout.get(LATER_IS_NEWER))


def chunks_in_order(layout: Mapping[str, Any]) -> range:
    """The numbers of the chunks whose place among the others says which reading of a row is the later one. That of rows
    without a cursor does not: a row may lose its cursor after any other chunk has read it.
    """
    first = int(layout.get(LATER_IS_NEWER, 0))
    return range(first, sys.maxsize) if first else range(0)


def names_rows(document: Document, mapping: CompiledMapping, identity: Mapping[str, Column]) -> bool:
    """Whether no two rows of a source share a key of the contract, since that holds all of the source's own.

    identity  the columns of that, by their names in the layout
    """
    held = {mapping.texts[spec.name]: spec for spec in document.key}
    kept = ((held.get(quote_name(name)), column) for name, column in identity.items())
    return bool(identity) and all(spec is not None and _keeps(spec.kind, column) for spec, column in kept)


def _keeps(kind: object, column: Column) -> bool:
    """Whether values of such a column that differ are different values of such a field. Fields of texts trim them."""
    arrow = column.arrow
    if pa.types.is_integer(arrow):
        return True
    if isinstance(kind, Text | Code):
        return column.bare or not _is_text(arrow)
    return (isinstance(kind, Date) and pa.types.is_date(arrow)) or (
        isinstance(kind, Timestamp) and pa.types.is_timestamp(arrow)
    )


def _is_text(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow))


def rows_loaded(
    chunk: PreparedChunk, standing: Standing, identity: Sequence[str], keys: npt.NDArray[np.uint64]
) -> frozenset[SourceRow]:
    """Those of a chunk's rows that stand now under one of these keys; none of which a cell of `identity` is empty."""
    is_met = np.isin(standing.key_hashes, keys) & np.isin(standing.record_nos, chunk.record_nos)
    if not identity or not is_met.any():
        return frozenset()
    places = np.searchsorted(chunk.record_nos, standing.record_nos[is_met])
    columns = [chunk.raw[name].take(places).to_pylist() for name in identity]
    return frozenset(
        (key, cells)
        for key, cells in zip(standing.key_hashes[is_met].tolist(), zip(*columns, strict=True), strict=True)
        if all(cells)
    )
