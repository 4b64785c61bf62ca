"""Of a row of a table that several runs have read, what the newest has read counts: the source holds no other now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.engine.fragments import quote_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb
    import numpy.typing as npt

    from headwater.connectors.csv_file import RawChunk
    from headwater.pipeline.seen import Hashes


class HashesSeen:
    """Hashes in a few sorted arrays, each more than twice as long as the next: one is soon looked up among all, and no
    array is sorted anew for each chunk.
    """

    def __init__(self) -> None:
        self._sorted: list[Hashes] = []

    def among(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """For each whether it was added."""
        found = np.zeros(hashes.size, np.bool_)
        for each in self._sorted:
            places = np.searchsorted(each, hashes)
            places[places == each.size] = 0
            found |= each[places] == hashes
        return found

    def add(self, hashes: Hashes) -> None:
        """These are seen from now on."""
        while self._sorted and self._sorted[-1].size <= 2 * hashes.size:
            hashes = np.concatenate([self._sorted.pop(), hashes])
        if hashes.size:
            self._sorted.append(np.sort(hashes))


class NewestRows:
    """Told of what runs have read, the newest first."""

    def __init__(self) -> None:
        self._newer = HashesSeen()
        self._own: list[Hashes] = []

    def begin_run(self) -> None:
        """What comes now was read by an older run."""
        for each in self._own:
            self._newer.add(each)
        self._own.clear()

    def of(self, written: Mapping[str, RawChunk], rows: pa.Array[Any]) -> dict[str, RawChunk]:
        """The records of a chunk that no newer run has read, in each way that it is written; `rows` tells them apart,
        null those that nothing does.
        """
        is_told = np.asarray(rows.is_valid())
        hashes = rows.fill_null(0).to_numpy()
        self._own.append(hashes[is_told])
        places = np.flatnonzero(~(is_told & self._newer.among(hashes)))
        return {
            name: replace(raw, table=raw.table.take(places), record_nos=raw.record_nos[places])
            for name, raw in written.items()
        }


def told_by_key(duck: duckdb.DuckDBPyConnection, raw: RawChunk, key: Sequence[str]) -> pa.Array[Any]:
    """The hash of each row's key; null where a part of it is blank."""
    columns = [quote_name(name) for name in key]
    told = " AND ".join(f"{column} <> ''" for column in columns)
    duck.register("raw", raw.table)
    found = duck.sql(f"SELECT CASE WHEN {told} THEN hash({', '.join(columns)}) END AS told FROM raw").to_arrow_table()
    hashes: pa.Array[Any] = found["told"].combine_chunks()
    return hashes
