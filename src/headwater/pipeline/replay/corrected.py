"""Refused records that their source has corrected, as runs show that read only what changed: see `store.corrected`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headwater.pipeline.replay.quarantines import SEALED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    import duckdb
    import numpy.typing as npt

    from headwater.pipeline.ports import RowsLoaded
    from headwater.pipeline.replay.chunks_known import KnownChunk


@dataclass(frozen=True, kw_only=True)
class ChunkThatCorrects:
    """A chunk of which the chain says that it expired so many records.

    identity   the columns by which the source tells its rows apart
    conflicts  whether records refused for a key in conflict were among them
    own        whether those were that lower chunks of its run had refused
    """

    chunk: KnownChunk
    contract: str
    count: int
    conflicts: bool = True
    own: bool = False
    identity: Sequence[str] = ()

    @property
    def reason(self) -> str:
        """Why such a record is not open any more."""
        return f"corrected in its source, and loaded by run {self.chunk.run_id}"


def expire_corrected(connection: duckdb.DuckDBPyConnection, one: ChunkThatCorrects, loaded: RowsLoaded) -> int:
    """Expire what such a chunk did that is done again; how many. Of records that cannot be told any more, as their
    cells do not open or the chain does not hold their key, what is stored tells: of so many as the chain says.
    """
    _find_open(connection, one)
    keys = connection.execute("SELECT DISTINCT key_hash FROM may_be_corrected").fetchall()
    rows = loaded(one.identity, _hashes(key for (key,) in keys))
    _keep_keys(connection, np.array([key for key, _ in rows], np.uint64))
    found = connection.execute(
        "SELECT m.quarantine_id, m.occurrence, m.key_hash, m.is_held, q.raw"
        " FROM may_be_corrected m JOIN quarantine q USING (quarantine_id, occurrence) ORDER BY m.rank, 1, 2"
    ).fetchall()
    sure: list[tuple[UUID, int]] = []
    unsure: list[tuple[UUID, int]] = []
    for of, number, key, is_held, raw in found:
        body = json.loads(raw) if raw else {}
        cells = tuple(body.get(name) for name in one.identity)
        is_shut = any(cell is None or cell.startswith(SEALED) for cell in cells)
        if is_shut or (int(_hashes([key])[0]), cells) in rows:
            (sure if is_held and not is_shut else unsure).append((of, number))
    return _expire(connection, one, sure, unsure)


def adopt_corrected(connection: duckdb.DuckDBPyConnection, one: ChunkThatCorrects, keys: npt.NDArray[np.uint64]) -> int:
    """The same of a chunk that cannot be done again, but of which it is known what keys it has loaded."""
    _find_open(connection, one)
    _keep_keys(connection, keys)
    found = connection.execute(
        "SELECT quarantine_id, occurrence FROM may_be_corrected ORDER BY rank, quarantine_id, occurrence"
    ).fetchall()
    return _expire(connection, one, [], found)


def _find_open(connection: duckdb.DuckDBPyConnection, one: ChunkThatCorrects) -> None:
    """As `may_be_corrected` the open records that came into question, first those that are stored so, then those that
    were refused again later. Where the chain does not hold a record's key there is nothing but what is stored.
    """
    name, _, version = one.contract.partition("@")
    major = f"{name}@{version.partition('.')[0]}." if one.contract else ""
    chunk = one.chunk
    connection.execute(
        """
CREATE OR REPLACE TEMP TABLE may_be_corrected AS
SELECT q.quarantine_id, q.occurrence, q.key_hash, q.is_held,
       CASE WHEN s.state_reason = $1 THEN 0 WHEN s.last_chunk_id <> q.last_chunk_id THEN 1 ELSE 2 END AS rank
FROM quarantine q LEFT JOIN stored_quarantine s USING (quarantine_id, occurrence)
WHERE q.state = 'open' AND q.source_id = $2 AND starts_with(q.contract, $3) AND ($8 OR NOT contains(q.findings, $4))
  AND length(q.key_hash) = 16 AND q.last_chunk_id <> $5
  AND q.last_chunk_id NOT IN (SELECT coalesce(reused, chunk) FROM known_chunks WHERE source_id = $6 AND started >= $7
                                AND NOT ($9 AND run = $10 AND chunk_no < $11))
  AND (q.is_held OR rank < 2)""",
        [
            one.reason,
            chunk.source_id.hex(),
            major,
            f'{name}.key.conflict"',
            chunk.chunk_id,
            chunk.source_id,
            chunk.run_started,
            one.conflicts,
            one.own,
            chunk.run_id,
            chunk.chunk_no,
        ],
    )


def _keep_keys(connection: duckdb.DuckDBPyConnection, keys: npt.NDArray[np.uint64]) -> None:
    found = pa.array([each.tobytes().hex() for each in np.unique(keys)], pa.string())
    connection.register("loaded_keys", pa.table({"key_hash": found}))
    connection.execute("DELETE FROM may_be_corrected WHERE key_hash NOT IN (SELECT key_hash FROM loaded_keys)")
    connection.unregister("loaded_keys")


def _expire(
    connection: duckdb.DuckDBPyConnection,
    one: ChunkThatCorrects,
    sure: list[tuple[UUID, int]],
    unsure: list[tuple[UUID, int]],
) -> int:
    chosen = [*sure, *unsure[: max(0, one.count - len(sure))]]
    if chosen:
        connection.executemany(
            "UPDATE quarantine SET state = 'expired', state_reason = $1 WHERE quarantine_id = $2 AND occurrence = $3",
            [[one.reason, of, number] for of, number in chosen],
        )
    return len(chosen)


def _hashes(keys: Iterable[str]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex("".join(keys)), np.uint64)
