"""Keys of refused records, which decide what a full load deletes, where their chunk cannot be done again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from headwater.pipeline.refusals import KEYED, keys_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    import duckdb

    from headwater.pipeline.replay.differences import Differences

NONE_SEEN = "repeat('0', 16)"


def make_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """`quarantine.key_hash` in hexadecimal digits, taken apart and put together; see migration 0055."""
    connection.execute(
        f"CREATE MACRO both_keys(mended, seen) AS mended || CASE seen WHEN '' THEN {NONE_SEEN} ELSE seen END"
    )
    connection.execute(
        "CREATE MACRO key_seen(keys) AS CASE WHEN length(keys) < 32 THEN keys"
        f" WHEN right(keys, 16) = {NONE_SEEN} THEN '' ELSE right(keys, 16) END"
    )


def as_held(held: str | None, digest: str, keyed: Callable[[str], str]) -> str:
    """A digest of keys in the form that the chain holds one in: before it was keyed it was kept as it is."""
    return keyed(digest) if held is not None and held.startswith(KEYED) else digest


def take_untold(connection: duckdb.DuckDBPyConnection) -> None:
    """Findings of before keys in conflict were told, as the chain shows of their chunk: the same without it."""
    untold = """regexp_replace(m.findings, '"value":".*"\\}\\]$', '"value":""}]')"""
    for table, more in (("quarantine", ""), ("repairs", " AND s.repair_no = m.repair_no")):
        connection.execute(
            f"UPDATE {table} AS m SET findings = s.findings FROM stored_{table} s"
            f" WHERE s.quarantine_id = m.quarantine_id AND s.occurrence = m.occurrence{more}"
            f" AND NOT m.is_told AND contains(m.findings, '.key.conflict\"')"
            f" AND s.findings <> m.findings AND s.findings = {untold}"
        )


class KeysRefused:
    """The keys that chunks read their refused records under, as stored, against what the chain holds of them: once all
    of the chain was walked, for a later chunk may have refused some of them again.

    runs  what decided what each run made of a record; several where its code was another when it was begun again
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, differences: Differences, *, keyed: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self._differences = differences
        self._keyed = keyed
        self._chunks: list[tuple[UUID, str, Mapping[str, Any]]] = []
        self.runs: defaultdict[UUID, set[bytes]] = defaultdict(set)

    def add(self, chunk_id: UUID, place: str, payload: Mapping[str, Any]) -> None:
        """A chunk that cannot be done again, where the chain holds its keys."""
        if "refused_keys" in payload:
            self._chunks.append((chunk_id, place, payload))

    def finish(self) -> None:
        """Hold them against the chain, where it is known what all of a chunk's were."""
        run_of = (
            dict(self._connection.execute("SELECT chunk, run FROM known_chunks").fetchall()) if self._chunks else {}
        )
        for chunk_id, place, payload in self._chunks:
            keys = self._read_by(chunk_id, run_of)
            if len(keys) != payload["quarantined"] + payload["quarantined_raw"]:
                continue
            known = [bytes.fromhex(key) for key in keys if key is not None]
            held = payload["refused_keys"]
            found = as_held(held, keys_digest(known), self._keyed) if len(known) == len(keys) else None
            self._differences.compare(
                "quarantine", place, "key_hash", stored=found, expected=held, why="as the audit chain says"
            )

    def _read_by(self, chunk_id: UUID, run_of: Mapping[UUID, UUID]) -> list[str | None]:
        """Of the records that a chunk was the last to refuse, or the first: what a later chunk has read of the same
        cells is the same where the same decided.
        """
        rows = self._connection.execute(
            "SELECT key_seen(key_hash), last_chunk_id FROM stored_quarantine WHERE last_chunk_id = $1 OR chunk_id = $1",
            [chunk_id],
        ).fetchall()
        own = self._logic(run_of, chunk_id)
        return [key for key, last in rows if last == chunk_id or (own and own == self._logic(run_of, last))]

    def _logic(self, run_of: Mapping[UUID, UUID], chunk_id: UUID) -> bytes | None:
        """What decided in a chunk, where that is one thing."""
        found = self.runs.get(run_of[chunk_id], ()) if chunk_id in run_of else ()
        return next(iter(found)) if len(found) == 1 else None


def check_mended(
    connection: duckdb.DuckDBPyConnection,
    differences: Differences,
    chunk_id: UUID,
    payload: Mapping[str, Any],
    key_hashes: bytes,
) -> None:
    """The keys that a chunk mended records to, as stored: each is one of its `key_hashes`. One that merged need not be:
    it may have met a row that refused the first record of its key.
    """
    if payload["merged"]:
        return
    read = {key_hashes[place : place + 8].hex() for place in range(0, len(key_hashes), 8)}
    rows = connection.execute(
        """
SELECT q.quarantine_id || '.' || q.occurrence, substr(q.key_hash, 1, 16)
FROM stored_quarantine q JOIN stored_repairs r USING (quarantine_id, occurrence)
WHERE r.chunk_id = $1 AND r.outcome = 'loaded' AND q.state = 'resubmitted' AND q.key_hash IS NOT NULL
  AND r.repair_no = (SELECT max(repair_no) FROM stored_repairs l WHERE l.quarantine_id = q.quarantine_id
                     AND l.occurrence = q.occurrence AND l.outcome = 'loaded')
ORDER BY 1""",
        [chunk_id],
    ).fetchall()
    for key, mended in rows:
        if mended not in read:
            expected = f"one of {len(read)} that the chunk has read"
            differences.compare("quarantine", key, "key_hash", stored=mended, expected=expected, why="mended to it")
