"""Refused records that their source has corrected, as runs show that read only what changed: see `store.corrected`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from uuid import UUID

    import duckdb
    import numpy.typing as npt

    from headwater.pipeline.replay.chunks_known import KnownChunk


def corrected_by(run_id: UUID) -> str:
    """Why such a record is not open any more."""
    return f"corrected in its source, and loaded by run {run_id}"


def expire_corrected(
    connection: duckdb.DuckDBPyConnection, chunk: KnownChunk, contract: str, keys: npt.NDArray[np.uint64]
) -> None:
    """What a chunk did that has loaded these keys. Of records whose key the chain does not hold, what is stored tells
    whether they were among them.
    """
    name, _, version = contract.partition("@")
    found = pa.array([each.tobytes().hex() for each in np.unique(keys)], pa.string())
    connection.register("loaded_keys", pa.table({"key_hash": found}))
    connection.execute(
        """
UPDATE quarantine q SET state = 'expired', state_reason = $1
WHERE state = 'open' AND source_id = $2 AND starts_with(contract, $3) AND NOT contains(findings, $4)
  AND last_chunk_id <> $5
  AND last_chunk_id NOT IN (SELECT coalesce(reused, chunk) FROM known_chunks WHERE source_id = $6 AND started >= $7)
  AND (is_held AND key_hash IN (SELECT key_hash FROM loaded_keys)
       OR NOT is_held AND (quarantine_id, occurrence) IN (SELECT (quarantine_id, occurrence) FROM stored_quarantine
                                                          WHERE state_reason = $1))""",
        [
            corrected_by(chunk.run_id),
            chunk.source_id.hex(),
            f"{name}@{version.partition('.')[0]}.",
            f'"rule":"{name}.key.conflict"',
            chunk.chunk_id,
            chunk.source_id,
            chunk.run_started,
        ],
    )
    connection.unregister("loaded_keys")


def adopt_corrected(connection: duckdb.DuckDBPyConnection, run_id: UUID) -> None:
    """The same of a chunk that cannot be done again: what is stored as corrected by its run."""
    connection.execute(
        """
UPDATE quarantine q SET state = 'expired', state_reason = $1 FROM stored_quarantine s
WHERE q.state = 'open' AND s.quarantine_id = q.quarantine_id AND s.occurrence = q.occurrence AND s.state_reason = $1""",
        [corrected_by(run_id)],
    )
