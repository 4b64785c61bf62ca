"""From a chunk of the file to a chunk ready to load: asked by hash first, transformed where that settles nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

import duckdb
import numpy as np

from headwater.connectors.csv_file.read import parse_slice, read_slice
from headwater.engine.duck import interruptible
from headwater.errors import InputRefused
from headwater.pipeline.refusals import ragged_rows
from headwater.pipeline.transform import Standing
from headwater.pipeline.work import PreparedChunk, ReadChunk

if TYPE_CHECKING:
    import numpy.typing as npt

    from headwater.connectors.csv_file import ChunkSpan, Layout, RawChunk
    from headwater.pipeline.mending import Mending
    from headwater.pipeline.ports import ChunkStore, EarlierChunk
    from headwater.pipeline.transform import ChunkTransform


class Preparation:
    """Reads and transforms the chunks of one run. `read` and `prepare` may be called from different threads."""

    def __init__(
        self,
        *,
        file: BinaryIO,
        layout: Layout,
        transform: ChunkTransform,
        store: ChunkStore,
        source_id: bytes,
        mending: Mending | None = None,
    ) -> None:
        self._file = file
        self._layout = layout
        self._transform = transform
        self._store = store
        self._source_id = source_id
        self._mending = mending
        self._reading = Lock()  # the file has one position

    def read(self, span: ChunkSpan, *, afresh: bool = False) -> ReadChunk:
        """Read a chunk; unless `afresh`, one that was committed with the same bytes before is not parsed."""
        with self._reading:
            data = read_slice(self._file, span)
        if not afresh:
            raw_sha256 = hashlib.sha256(data).digest()
            earlier = self._store.earlier(raw_sha256)
            if earlier is not None:
                return ReadChunk(span=span, raw_sha256=raw_sha256, raw=None, earlier=earlier)
        raw = parse_slice(data, span, self._layout)
        return ReadChunk(span=span, raw_sha256=raw.sha256, raw=raw)

    def prepare(self, chunk: ReadChunk, *, afresh: bool = False) -> PreparedChunk:
        """Take a chunk through the engine. `InputRefused` where the engine cannot work with it."""
        if chunk.raw is None:
            chunk = self.read(chunk.span, afresh=True)
        raw = chunk.raw
        if raw is None:
            raise AssertionError("a chunk read afresh has its records")
        try:
            with interruptible():
                alike = None if afresh or self._mending else self._store.alike(chunk.span.chunk_no)
                beside = None if alike is None else self._beside(chunk, raw, alike)
                return self._whole(chunk, raw) if beside is None else beside
        except duckdb.Error as error:
            raise InputRefused(
                "the engine could not work with these records",
                where=f"chunk {chunk.span.chunk_no}, from line {chunk.span.first_line}",
                value=str(error).splitlines()[0],
                remedy="This is a fault of Headwater: please report it with this line and the mapping.",
            ) from error

    def _whole(self, chunk: ReadChunk, raw: RawChunk) -> PreparedChunk:
        table, record_nos, lines, ragged, mends = raw.table, raw.record_nos, raw.lines, raw.ragged, None
        skipped = Counter({reason: len(numbers) for reason, numbers in raw.skipped.items()})
        if self._mending is not None:
            # What cannot be taken is only counted: the record it stands for is in quarantine, and stays there.
            table, record_nos, lines, mends, unmended = self._mending.take(raw)
            ragged = ()
            skipped.update(unmended)
        transformed = self._transform.run(table, record_nos, first_record=chunk.span.first_record)
        skipped.update(transformed.skipped)
        return PreparedChunk(
            span=chunk.span,
            raw_sha256=chunk.raw_sha256,
            raw=table,
            record_nos=record_nos,
            lines=lines,
            transformed=transformed,
            ragged=ragged_rows(ragged, source_id=self._source_id, first_record=chunk.span.first_record),
            skipped=skipped,
            mends=mends,
        )

    def _beside(self, chunk: ReadChunk, raw: RawChunk, alike: EarlierChunk) -> PreparedChunk | None:
        """Only records whose raw hash the chunk of the last run does not know go through the engine.

        None where too few are known to be worth it, where a known one stands twice, or where a new record has the key
        of a known one: then the whole chunk must be looked at in order.
        """
        raw_hashes = self._transform.raw_hashes(raw.table)
        order, found = _places(raw_hashes, alike, self._store)
        is_known = found >= 0
        if np.count_nonzero(is_known) * 2 < is_known.size or np.unique(found[is_known]).size < found[is_known].size:
            return None
        _, key_hashes = self._store.standing(alike.root)
        known = Standing(
            record_nos=raw.record_nos[is_known],
            raw_hashes=raw_hashes[is_known],
            key_hashes=key_hashes[order][found[is_known]],
        )
        rest = np.flatnonzero(~is_known)
        table, record_nos, lines = raw.table.take(rest), raw.record_nos[rest], raw.lines[rest]
        transformed = self._transform.run(table, record_nos, first_record=chunk.span.first_record)
        if np.isin(transformed.standing.key_hashes, known.key_hashes).any():
            return None
        skipped = Counter({reason: len(numbers) for reason, numbers in raw.skipped.items()})
        skipped.update(transformed.skipped)
        return PreparedChunk(
            span=chunk.span,
            raw_sha256=chunk.raw_sha256,
            raw=table,
            record_nos=record_nos,
            lines=lines,
            transformed=transformed,
            ragged=ragged_rows(raw.ragged, source_id=self._source_id, first_record=chunk.span.first_record),
            skipped=skipped,
            known=known,
            relies_on=alike,
        )


def _places(
    hashes: npt.NDArray[np.void], alike: EarlierChunk, store: ChunkStore
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The sort order of the earlier chunk's hashes, and where in that order each hash is found (-1: nowhere)."""
    stored, _ = store.standing(alike.root)
    halves, wanted = _halves(stored), _halves(hashes)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    first = halves[order, 0]
    found = np.full(len(wanted), -1, np.intp)
    low, high = np.searchsorted(first, wanted[:, 0], "left"), np.searchsorted(first, wanted[:, 0], "right")
    place = np.minimum(low, max(len(first) - 1, 0))
    if len(first):
        # Two records that share the first half of a hash and not the second are looked at in full: rare, and safe.
        single = (high - low) >= 1
        same = single & (halves[order[place], 1] == wanted[:, 1])
        found[same] = place[same]
    return order, found


def _halves(hashes: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(hashes.tobytes(), np.uint64).reshape(-1, 2)
