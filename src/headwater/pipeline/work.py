"""What passes between the stages of a run: a chunk read, a chunk prepared, a chunk written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from headwater.connectors.csv_file import ChunkSpan, RawChunk
    from headwater.pipeline.ports import EarlierChunk
    from headwater.pipeline.transform import Standing, Transformed


@dataclass(frozen=True, kw_only=True)
class ReadChunk:
    """A chunk as read. `earlier` is a committed chunk of the very same bytes; then nothing was parsed."""

    span: ChunkSpan
    raw_sha256: bytes
    raw: RawChunk | None
    earlier: EarlierChunk | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedChunk:
    """A chunk ready to be loaded.

    raw, record_nos, lines  what went through the engine, aligned
    ragged                  refused before a record could be made of them, as rows for quarantine
    skipped                 reason -> count
    known                   records found standing by their raw hash alone, in the chunk `relies_on`
    mends                   for a resubmission, the quarantined record each row of `raw` stands for
    """

    span: ChunkSpan
    raw_sha256: bytes
    raw: pa.Table
    record_nos: npt.NDArray[np.int32]
    lines: npt.NDArray[np.int64]
    transformed: Transformed
    ragged: pa.Table
    skipped: Mapping[str, int]
    known: Standing | None = None
    relies_on: EarlierChunk | None = None
    mends: pa.ChunkedArray[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """How writing a chunk ended: `stale` where what it relied on has changed, so that nothing was written."""

    committed: bool
    stale: bool = False
