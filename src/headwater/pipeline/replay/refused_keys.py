"""Keys of refused records, which decide what a full load deletes, where their chunk cannot be done again."""

from __future__ import annotations

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
    """Findings of before keys in conflict were told: the same without it."""
    untold = """regexp_replace(m.findings, '"value":".*"\\}\\]$', '"value":""}]')"""
    for table, more in (("quarantine", ""), ("repairs", " AND s.repair_no = m.repair_no")):
        connection.execute(
            f"UPDATE {table} AS m SET findings = s.findings FROM stored_{table} s"
            f" WHERE s.quarantine_id = m.quarantine_id AND s.occurrence = m.occurrence{more}"
            f" AND contains(m.findings, '.key.conflict\"') AND s.findings <> m.findings AND s.findings = {untold}"
        )


def check_seen(
    connection: duckdb.DuckDBPyConnection,
    differences: Differences,
    chunk_id: UUID,
    place: str,
    payload: Mapping[str, Any],
    *,
    keyed: Callable[[str], str],
) -> None:
    """The keys a chunk read its refused records under, as stored, against what the chain holds of them.

    Of records that a later chunk has refused again, that chunk holds the keys: these are not looked at here.
    """
    if "refused_keys" not in payload:
        return
    rows = connection.execute(
        "SELECT key_seen(key_hash) FROM stored_quarantine WHERE last_chunk_id = $1", [chunk_id]
    ).fetchall()
    if len(rows) == payload["quarantined"] + payload["quarantined_raw"]:
        keys = [bytes.fromhex(key) for (key,) in rows if key is not None]
        found = as_held(payload["refused_keys"], keys_digest(keys), keyed) if len(keys) == len(rows) else None
        differences.compare(
            "quarantine",
            place,
            "key_hash",
            stored=found,
            expected=payload["refused_keys"],
            why="as the audit chain says",
        )


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
