"""The rows of its source that a chunk has loaded, told by the columns that the source itself tells them apart by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from headwater.pipeline.transform import Standing
    from headwater.pipeline.work import PreparedChunk

SourceRow = tuple[int, tuple[str, ...]]
"""The hash of the key that a row was loaded under, and its cells in the columns of the source's own key."""


def identity_in(layout: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the source's own key, as its plan found them; () where it has none."""
    return tuple(layout.get("identity", ()))


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
