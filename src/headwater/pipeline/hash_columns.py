"""Columns of hashes as they come from the engine, read without a Python object for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt


def first_bytes(hashes: pa.ChunkedArray[Any], width: int) -> npt.NDArray[np.void]:
    """The first `width` bytes of each hash of a BLOB column, in order, as one array of that width."""
    cut = pc.binary_slice(hashes, 0, width).cast(pa.binary(width))
    parts = [_content(array, width) for array in cut.chunks if len(array)]
    return np.concatenate(parts) if parts else np.empty(0, f"V{width}")


def _content(array: pa.Array[Any], width: int) -> npt.NDArray[np.void]:
    data = array.buffers()[1]
    if data is None:
        raise AssertionError("an array with values has a buffer of them")
    return np.frombuffer(data.to_pybytes(), f"V{width}", count=len(array), offset=array.offset * width)
