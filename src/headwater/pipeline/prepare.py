"""From a chunk of the file to a chunk ready to load: asked by hash first, transformed where that settles nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from headwater.connectors.csv_file.read import parse_slice
from headwater.engine.duck import interruptible
from headwater.errors import InputRefused
from headwater.pipeline.refusals import drifted_rows, ragged_rows
from headwater.pipeline.transform import Standing
from headwater.pipeline.work import PreparedChunk, ReadChunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from headwater.connectors.csv_file import ChunkSpan, Layout, Ragged, RawChunk
    from headwater.connectors.csv_file.read import Drifted
    from headwater.pipeline.mending import Mending
    from headwater.pipeline.ports import ChunkStore, ChunkTexts
    from headwater.pipeline.transform import ChunkTransform, Transformed


class Preparation:
    """Reads and transforms the chunks of one run. `read` and `prepare` may be called from different threads.

    store  what earlier runs left; None where that is not asked for
    """

    def __init__(
        self,
        *,
        texts: ChunkTexts,
        layout: Layout,
        transform: ChunkTransform,
        store: ChunkStore | None,
        mending: Mending | None = None,
    ) -> None:
        self._texts = texts
        self._layout = layout
        self._transform = transform
        self._store = store
        self._mending = mending
        self._reading = Lock()  # a file has one position

    def read(self, span: ChunkSpan, *, afresh: bool = False) -> ReadChunk:
        """Read a chunk; unless `afresh`, one that was committed with the same bytes before is not parsed."""
        with self._reading:
            span, data = self._texts.take(span)
        if not afresh and self._store is not None:
            raw_sha256 = hashlib.sha256(data).digest()
            earlier = self._store.earlier(span.chunk_no, raw_sha256)
            if earlier is not None:
                return ReadChunk(span=span, raw_sha256=raw_sha256, raw=None, earlier=earlier)
        raw = parse_slice(data, span, self._layout)
        return ReadChunk(span=span, raw_sha256=raw.sha256, raw=raw)

    def give_up(self) -> None:
        """What is being read in another thread is waited for by nobody."""
        self._texts.give_up()

    def prepare(self, chunk: ReadChunk, *, afresh: bool = False) -> PreparedChunk:
        """Take a chunk through the engine. `InputRefused` where the engine cannot work with it."""
        if chunk.raw is None:
            chunk = self.read(chunk.span, afresh=True)
        raw = chunk.raw
        if raw is None:
            raise AssertionError("a chunk read afresh has its records")
        try:
            with interruptible():
                beside = None if afresh or self._mending else self._beside(chunk, raw)
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
            ragged=self._unread(chunk, ragged, raw.drifted),
            skipped=skipped,
            mends=mends,
        )

    def _beside(self, chunk: ReadChunk, raw: RawChunk) -> PreparedChunk | None:
        """Only records whose raw hash the chunk of the last run does not know go through the engine.

        None where there is no such chunk, where too few are known to be worth it, or where a known one stands twice:
        then the whole chunk is looked at in order.
        """
        alike = None if self._store is None else self._store.alike(chunk.span.chunk_no)
        if self._store is None or alike is None:
            return None
        stored_hashes, stored_keys = self._store.standing(alike.root)
        raw_hashes = self._transform.raw_hashes(raw.table)
        place = _places(raw_hashes, stored_hashes)
        is_known = place >= 0
        if np.count_nonzero(is_known) * 2 < is_known.size or np.unique(place[is_known]).size < place[is_known].size:
            return None
        # Records with the key of a new one are looked at beside it, in order: which came first decides.
        keys = self._transform.key_hashes(raw.table.take(np.flatnonzero(~is_known)))
        is_known &= ~np.isin(stored_keys[place], keys)
        transformed = self._run(chunk, raw, ~is_known)
        rest = np.flatnonzero(~is_known)
        skipped = Counter({reason: len(numbers) for reason, numbers in raw.skipped.items()})
        skipped.update(transformed.skipped)
        return PreparedChunk(
            span=chunk.span,
            raw_sha256=chunk.raw_sha256,
            raw=raw.table.take(rest),
            record_nos=raw.record_nos[rest],
            lines=raw.lines[rest],
            transformed=transformed,
            ragged=self._unread(chunk, raw.ragged, raw.drifted),
            skipped=skipped,
            known=Standing(
                record_nos=raw.record_nos[is_known],
                raw_hashes=raw_hashes[is_known],
                key_hashes=stored_keys[place[is_known]],
            ),
            relies_on=alike,
        )

    def _unread(self, chunk: ReadChunk, ragged: Sequence[Ragged], drifted: Sequence[Drifted]) -> pa.Table:
        """What is refused as it is read, in source order."""
        first = chunk.span.first_record
        rows = ragged_rows(ragged, source_id=self._transform.names.source_id, first_record=first)
        if not drifted:
            return rows
        cells = [row.cells for row in drifted]
        raw = pa.table({name: pa.array([row[name] for row in cells], pa.string()) for name in self._layout.columns})
        keys = self._transform.keys_read(raw)
        more = drifted_rows(
            drifted, keys, names=self._transform.names, unwanted=self._layout.unwanted, first_record=first
        )
        return pa.concat_tables([rows, more]).sort_by("record_no")

    def _run(self, chunk: ReadChunk, raw: RawChunk, which: npt.NDArray[np.bool_]) -> Transformed:
        rows = np.flatnonzero(which)
        return self._transform.run(raw.table.take(rows), raw.record_nos[rows], first_record=chunk.span.first_record)


def _places(wanted: npt.NDArray[np.void], stored: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Where each hash stands among the stored ones; -1 for nowhere.

    Of stored hashes that share their first half only the first is found: the others' records are looked at in full.
    """
    halves, wanted_halves = _halves(stored), _halves(wanted)
    found = np.full(len(wanted_halves), -1, np.intp)
    if len(halves):
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        place = np.searchsorted(halves[order, 0], wanted_halves[:, 0], "left")
        place = order[np.minimum(place, len(halves) - 1)]
        same = (halves[place] == wanted_halves).all(axis=1)
        found[same] = place[same]
    return found


def _halves(hashes: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(hashes.tobytes(), np.uint64).reshape(-1, 2)
