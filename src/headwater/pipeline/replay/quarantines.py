"""Quarantine, its repairs and the findings as a replay makes them, beside those that are stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.pipeline.replay.refused_keys import KeysRefused, check_mended, make_macros, take_untold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import duckdb
    import numpy.typing as npt

    from headwater.pipeline.replay.differences import Differences

IDENTITY = "quarantine_id UUID, occurrence INTEGER"
RECORD = {
    "source_id": "VARCHAR", "raw_hash": "VARCHAR", "contract": "VARCHAR", "chunk_id": "UUID", "record_no": "BIGINT",
    "line": "BIGINT", "last_chunk_id": "UUID", "raw": "VARCHAR", "findings": "VARCHAR", "state": "VARCHAR",
    "state_reason": "VARCHAR", "key_hash": "VARCHAR",
}  # fmt: skip
REPAIR = {
    "chunk_id": "UUID", "record_no": "BIGINT", "outcome": "VARCHAR", "findings": "VARCHAR", "actor": "VARCHAR",
}  # fmt: skip
SEALED = "enc1."
"""What a ciphertext begins with that did not open; see `store.sealed`."""
FINDING = ("record_no", "rule_id", "field", "value", "message")


@dataclass(frozen=True, kw_only=True)
class Held:
    """See `pipeline.mending.Held`."""

    state: str
    raw: Mapping[str, str | None]
    rules: frozenset[str]
    was_sent: bool


class Quarantines:
    """Tables of the engine: `quarantine` and `repairs` as made; `stored_quarantine` and so on as they are stored."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, differences: Differences, *, keyed: Callable[[str], str]
    ) -> None:
        self._connection = connection
        self.keyed = keyed  # a digest of keys as the chain holds it where values are personal
        self._differences = differences
        self.keys_refused = KeysRefused(connection, differences, keyed=keyed)
        record, repair = (", ".join(f"{name} {kind}" for name, kind in table.items()) for table in (RECORD, REPAIR))
        for prefix in ("", "stored_"):
            connection.execute(f"CREATE TABLE {prefix}quarantine ({IDENTITY}, {record})")
            connection.execute(f"CREATE TABLE {prefix}repairs ({IDENTITY}, repair_no INTEGER, {repair})")
        connection.execute(
            "CREATE TABLE stored_findings (chunk_id UUID, record_no BIGINT, rule_id VARCHAR, field VARCHAR,"
            " value VARCHAR, message VARCHAR)"
        )
        connection.execute("CREATE TABLE findings_done (chunk_id UUID)")
        connection.execute("ALTER TABLE quarantine ADD COLUMN is_held BOOLEAN")  # whether the chain has its key
        for table in ("quarantine", "repairs"):  # whether its findings tell a key in conflict
            connection.execute(f"ALTER TABLE {table} ADD COLUMN is_told BOOLEAN")
        make_macros(connection)
        self.destroyed: Mapping[UUID, set[int]] = {}  # by chunk, records destroyed by hand
        self.erased: frozenset[UUID] = frozenset()  # records of somebody whose values nobody opens any more
        self.erased_rows: Mapping[UUID, set[int]] = {}  # the same of loaded records, by chunk
        self._surplus: list[tuple[str, tuple[Any, ...]]] = []
        self._lacking: list[tuple[str, tuple[Any, ...]]] = []
        self.count = self.findings_count = 0

    def add_stored(self, table: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Rows of `quarantine`, `repairs` or `findings` as they are stored, every column a text."""
        columns = self._columns(f"stored_{table}")
        for batch in batches:
            rows = _canonical(pa.table(batch), "raw", "findings")
            self._connection.register("batch", rows)
            self._connection.execute(f"INSERT INTO stored_{table} SELECT {columns} FROM batch")
            self._connection.unregister("batch")
            if table == "quarantine":
                self.count += rows.num_rows
            elif table == "findings":
                self.findings_count += rows.num_rows

    def refuse(
        self,
        rows: pa.Table,
        *,
        source_id: bytes,
        contract: str,
        chunk_id: UUID,
        run_id: UUID,
        is_held: bool,
        is_told: bool,
    ) -> None:
        """Put refused records away as `store.load` does: each once, however often it is read. `is_held`: the audit
        chain has the keys they were read under; `is_told`: it says that findings tell keys in conflict.
        """
        if rows.num_rows == 0:
            return
        self._connection.register("refused", _canonical(rows, "raw", "findings"))
        self._connection.execute(
            """
CREATE OR REPLACE TEMP TABLE arriving AS
WITH offsets AS (
    SELECT q.quarantine_id, max(q.occurrence) AS offset_by FROM quarantine q
    WHERE q.quarantine_id IN (SELECT quarantine_id::UUID FROM refused)
      AND q.last_chunk_id IN (SELECT coalesce(reused, chunk) FROM known_chunks WHERE run = $1
                              UNION ALL SELECT chunk FROM known_chunks WHERE run = $1)
    GROUP BY q.quarantine_id)
SELECT r.quarantine_id::UUID AS quarantine_id,
       row_number() OVER (PARTITION BY r.quarantine_id ORDER BY r.record_no) + coalesce(o.offset_by, 0) AS occurrence,
       lower(hex(r.raw_hash)) AS raw_hash, r.record_no, r.line, r.raw, r.findings,
       lower(hex(r.key_hash)) AS key_hash
FROM refused r LEFT JOIN offsets o ON o.quarantine_id = r.quarantine_id::UUID""",
            [run_id],
        )
        self._connection.unregister("refused")
        self._connection.execute(
            """
UPDATE quarantine q SET last_chunk_id = $1,
    findings = CASE WHEN q.state IN ('open', 'expired') THEN a.findings ELSE q.findings END,
    is_told = CASE WHEN q.state IN ('open', 'expired') THEN $3 ELSE q.is_told END,
    is_held = $2 AND (q.is_held OR q.state <> 'resubmitted'),
    key_hash = CASE WHEN q.state <> 'resubmitted' THEN a.key_hash
                    ELSE both_keys(substr(q.key_hash, 1, 16), a.key_hash) END,
    state = CASE WHEN q.state = 'expired' THEN 'open' ELSE q.state END,
    state_reason = CASE WHEN q.state = 'expired' THEN NULL ELSE q.state_reason END
FROM arriving a WHERE a.quarantine_id = q.quarantine_id AND a.occurrence = q.occurrence""",
            [chunk_id, is_held, is_told],
        )
        self._connection.execute(
            """
INSERT INTO quarantine
SELECT quarantine_id, occurrence, $1, raw_hash, $2, $3, record_no, line, $3, raw, findings, 'open', NULL, key_hash,
       $4, $5
FROM arriving ANTI JOIN quarantine USING (quarantine_id, occurrence)""",
            [source_id.hex(), contract, chunk_id, is_held, is_told],
        )

    def mend(self, rows: pa.Table, *, chunk_id: UUID, run_id: UUID, actor: str, is_told: bool) -> None:
        """How repairs ended; records whose repair was loaded are resubmitted."""
        if rows.num_rows == 0:
            return
        self._connection.register("mended", _canonical(rows, "findings"))
        self._connection.execute(
            """
CREATE OR REPLACE TEMP TABLE arriving AS
SELECT split_part(mends, '.', 1)::UUID AS quarantine_id, split_part(mends, '.', 2)::INTEGER AS occurrence,
       record_no, outcome, findings,
       lower(hex(key_hash)) AS key_hash FROM mended"""
        )
        self._connection.unregister("mended")
        self._connection.execute(
            """
INSERT INTO repairs
SELECT quarantine_id, occurrence,
       1 + (SELECT count(*) FROM repairs r WHERE r.quarantine_id = a.quarantine_id AND r.occurrence = a.occurrence),
       $1, record_no, outcome, findings, $2, $3 FROM arriving a""",
            [chunk_id, actor, is_told],
        )
        self._connection.execute(
            """
UPDATE quarantine q SET state = 'resubmitted', state_reason = $1,
    key_hash = both_keys(a.key_hash, key_seen(q.key_hash))
FROM arriving a
WHERE a.outcome = 'loaded' AND a.quarantine_id = q.quarantine_id AND a.occurrence = q.occurrence""",
            [mended_by(run_id)],
        )

    def expire_unseen(self, run_id: UUID, started: datetime, source_id: bytes) -> None:
        """Close open records of a source that neither a complete run nor a newer one has refused again."""
        self._connection.execute(
            """
UPDATE quarantine SET state = 'expired', state_reason = $1
WHERE source_id = $2 AND state = 'open' AND last_chunk_id NOT IN (
    SELECT coalesce(reused, chunk) FROM known_chunks WHERE source_id = $3 AND started >= $4)""",
            [f"not refused any more in run {run_id}", source_id.hex(), source_id, started],
        )

    def expire_swept(self, reason: str, contract: str, gone: Iterable[npt.NDArray[np.uint64]]) -> None:
        """Mended records whose row a sweep has deleted: see `store.sweep`. Those of which no key was kept stay as they
        are; those of which it is not known any more what they were mended to are as they stand.
        """
        found = pa.array([each.tobytes().hex() for hashes in gone for each in hashes], pa.string())
        self._connection.register("swept", pa.table({"key_hash": found}))
        self._connection.execute(
            """
UPDATE quarantine q SET state = 'expired', state_reason = $1
WHERE state = 'resubmitted' AND starts_with(contract, $2 || '.')
  AND length(key_hash) = 32 AND substr(key_hash, 1, 16) IN (SELECT key_hash FROM swept)
  AND (quarantine_id, occurrence) NOT IN (SELECT (quarantine_id, occurrence) FROM stored_quarantine
                                          WHERE key_hash IS NULL)""",
            [reason, contract],
        )
        self._connection.unregister("swept")
        self.adopt_swept(reason, "starts_with(q.contract, $2 || '.') AND length(q.key_hash) < 32", contract)

    def adopt_swept(self, reason: str, which: str = "true", *values: str) -> None:
        """The same of a sweep that cannot be done again: what is stored as deleted by it, or as settled otherwise."""
        self._connection.execute(
            f"""
UPDATE quarantine q SET state = 'expired', state_reason = $1 FROM stored_quarantine s
WHERE q.state = 'resubmitted' AND {which} AND s.quarantine_id = q.quarantine_id AND s.occurrence = q.occurrence
  AND (s.state_reason = $1 OR s.state <> 'expired' AND s.state_reason IS DISTINCT FROM q.state_reason)""",
            [reason, *values],
        )

    def close(self, keys: Sequence[str], *, state: str, reason: str) -> None:
        """Records that a person said need no mending, or that had been open for too long."""
        self._connection.executemany(
            "UPDATE quarantine SET state = $1, state_reason = $2 WHERE quarantine_id = $3 AND occurrence = $4",
            [[state, reason, UUID(key.split(".")[0]), int(key.split(".")[1])] for key in keys],
        )

    def finder(self, run_id: UUID) -> Callable[[Sequence[str]], Mapping[str, Held]]:
        """What a resubmission of run `run_id` asks: the records that keys name, as they are at this point."""

        def find(keys: Sequence[str]) -> Mapping[str, Held]:
            self._connection.register("asked", pa.table({"name": pa.array(list(dict.fromkeys(keys)), pa.string())}))
            rows = self._connection.execute(
                """
SELECT name, state, raw, findings, EXISTS (
    SELECT 1 FROM repairs r JOIN known_chunks c ON c.chunk = r.chunk_id
    WHERE c.run = $1 AND r.quarantine_id = q.quarantine_id AND r.occurrence = q.occurrence)
FROM asked JOIN quarantine q ON q.quarantine_id::VARCHAR || '.' || q.occurrence = name""",
                [run_id],
            ).fetchall()
            self._connection.unregister("asked")
            return {
                name: Held(
                    state=state,
                    raw=json.loads(raw),
                    rules=frozenset(str(finding.get("rule")) for finding in json.loads(findings)),
                    was_sent=was_sent,
                )
                for name, state, raw, findings, was_sent in rows
            }

        return find

    def adopt(self, chunk_id: UUID, *, run_id: UUID, is_held: bool) -> None:
        """Take over what is stored of a chunk that cannot be done again, as it was then: all that came after is done
        again, or taken over in its turn.
        """
        self._connection.execute(
            "INSERT INTO quarantine SELECT s.* REPLACE ($1 AS last_chunk_id, 'open' AS state, NULL AS state_reason,"
            " key_seen(s.key_hash) AS key_hash), $2, true FROM stored_quarantine s"
            " ANTI JOIN quarantine USING (quarantine_id, occurrence) WHERE s.chunk_id = $1",
            [chunk_id, is_held],
        )
        self._connection.execute(
            "UPDATE quarantine q SET last_chunk_id = s.last_chunk_id, findings = s.findings, is_held = $2,"
            " key_hash = CASE WHEN q.state = 'resubmitted' THEN both_keys(substr(q.key_hash, 1, 16),"
            " key_seen(s.key_hash)) ELSE key_seen(s.key_hash) END FROM stored_quarantine s"
            " WHERE s.last_chunk_id = $1 AND s.quarantine_id = q.quarantine_id AND s.occurrence = q.occurrence",
            [chunk_id, is_held],
        )
        self._connection.execute(
            "INSERT INTO repairs SELECT *, true FROM stored_repairs WHERE chunk_id = $1", [chunk_id]
        )
        self._connection.execute(
            "UPDATE quarantine q SET state = 'resubmitted', state_reason = $2,"
            " key_hash = CASE WHEN length(s.key_hash) = 32 THEN s.key_hash ELSE q.key_hash END"
            " FROM stored_quarantine s, stored_repairs r WHERE r.chunk_id = $1 AND r.outcome = 'loaded'"
            " AND r.quarantine_id = q.quarantine_id AND r.occurrence = q.occurrence"
            " AND s.quarantine_id = q.quarantine_id AND s.occurrence = q.occurrence",
            [chunk_id, mended_by(run_id)],
        )
        self._connection.execute(
            "UPDATE quarantine SET state = 'open', state_reason = NULL WHERE last_chunk_id = $1 AND state = 'expired'",
            [chunk_id],
        )
        self._connection.execute("INSERT INTO findings_done VALUES ($1)", [chunk_id])

    def compare_keys(self, chunk_id: UUID, place: str, payload: Mapping[str, Any], key_hashes: bytes) -> None:
        """Keys stored of what such a chunk refused and mended; `key_hashes`: those of its records that stand."""
        self.keys_refused.add(chunk_id, place, payload)
        check_mended(self._connection, self._differences, chunk_id, payload, key_hashes)

    def compare_findings(self, chunk_id: UUID, place: str, made: pa.Table | None, *, first_record: int) -> None:
        """What was noticed about a chunk's records, as made and as stored; None where it makes none."""
        if made is not None and chunk_id in self.destroyed:
            gone = pa.array([first_record + number for number in self.destroyed[chunk_id]], pa.int64())
            made = made.filter(pc.invert(pc.is_in(made["record_no"].cast(pa.int64()), gone)))
        self._connection.execute("INSERT INTO findings_done VALUES ($1)", [chunk_id])
        columns = ", ".join(FINDING)
        if made is None:
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE made AS SELECT {columns} FROM stored_findings LIMIT 0"
            )
        else:
            self._connection.register("new", made)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE made AS SELECT {columns} FROM new")
            self._connection.unregister("new")
        if chunk_id in self.erased_rows:
            self._connection.execute(
                "UPDATE stored_findings AS s SET value = m.value FROM made m WHERE s.chunk_id = $1"
                " AND s.record_no = m.record_no AND s.rule_id = m.rule_id AND s.field = m.field"
                f" AND s.value LIKE '{SEALED}%' AND list_contains($2, s.record_no)",
                [chunk_id, [first_record + number for number in sorted(self.erased_rows[chunk_id])]],
            )
        stored = f"SELECT {columns} FROM stored_findings WHERE chunk_id = $1"
        query = "SELECT * FROM ({} EXCEPT ALL {}) ORDER BY record_no, rule_id, field"
        surplus = self._connection.execute(query.format(stored, "SELECT * FROM made"), [chunk_id]).fetchall()
        lacking = self._connection.execute(query.format("SELECT * FROM made", stored), [chunk_id]).fetchall()
        for one, other in _paired(surplus, lacking):
            if one is not None and other is not None:
                self._finding_differs(place, one, other)
            elif one is not None:
                self._surplus.append((place, one))
            elif other is not None:
                self._lacking.append((place, other))

    def _finding_differs(self, place: str, stored: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
        for column, one, other in zip(FINDING, stored, expected, strict=True):
            key = f"{place}, record {expected[0]}, {expected[1]}"
            self._differences.compare("findings", key, column, stored=one, expected=other, why="checked again")

    def _finish_findings(self) -> None:
        """Findings of chunks that are not there; one that is missing elsewhere was moved."""
        columns = ", ".join(FINDING)
        rows = self._connection.execute(
            f"SELECT chunk_id, {columns} FROM stored_findings"
            " WHERE chunk_id NOT IN (SELECT chunk_id FROM findings_done)"
        ).fetchall()
        self._surplus += [(f"chunk {chunk_id}", tuple(row)) for chunk_id, *row in rows]
        missing: dict[tuple[Any, ...], list[str]] = {}
        for place, row in self._lacking:
            missing.setdefault(row, []).append(place)
        why = "made by the chunk's rules and calculation"
        for place, row in self._surplus:
            if missing.get(row):
                key = f"{missing[row][0]}, record {row[0]}, {row[1]}"
                expected = missing[row].pop(0)
                self._differences.compare("findings", key, "chunk_id", stored=place, expected=expected, why=why)
            else:
                self._differences.unexplained("findings", f"{place}, record {row[0]}, {row[1]}", "no chunk made it")
        for row, places in missing.items():
            for place in places:
                self._differences.missing("findings", f"{place}, record {row[0]}, {row[1]}", why)

    def settled_keys(self, chunks: Sequence[UUID], states: Sequence[str]) -> npt.NDArray[np.uint64]:
        """See `store.sweep.settled_keys`."""
        rows = self._connection.execute(
            "SELECT key_hash FROM quarantine WHERE list_contains($1, last_chunk_id) AND list_contains($2, state)"
            " AND key_hash IS NOT NULL",
            [list(chunks), list(states)],
        ).fetchall()
        return np.frombuffer(bytes.fromhex("".join(key for (key,) in rows)), np.uint64)

    def finish(self) -> None:
        """Every refused record, repair and finding, none missing and none too many."""
        self._take_erased()
        take_untold(self._connection)
        self.keys_refused.finish()
        self._connection.execute(
            "UPDATE quarantine AS m SET key_hash = s.key_hash FROM stored_quarantine s WHERE NOT m.is_held"
            " AND (s.key_hash IS NULL OR key_seen(s.key_hash) = '' OR key_seen(m.key_hash) = '')"
            " AND s.quarantine_id = m.quarantine_id AND s.occurrence = m.occurrence"
        )  # refused before keys were kept, or before it was told of which none could be read
        why = "refused again, and settled as the chain says"
        self._compare_table("quarantine", "quarantine", ("quarantine_id", "occurrence"), list(RECORD), why)
        keys = ("quarantine_id", "occurrence", "repair_no")
        self._compare_table("repairs", "quarantine_repairs", keys, list(REPAIR), "mended again")
        self._finish_findings()

    def _take_erased(self) -> None:
        """Ciphertexts of somebody who was erased count as what was read: the hash of the raw record is compared. Which
        of their rows a sweep has deleted is not known any more.
        """
        self._connection.execute(
            "UPDATE quarantine AS m SET state = s.state, state_reason = s.state_reason, key_hash = s.key_hash"
            " FROM stored_quarantine s WHERE s.quarantine_id = m.quarantine_id AND s.occurrence = m.occurrence"
            " AND m.state = 'resubmitted' AND s.state = 'expired' AND list_contains($1, s.quarantine_id)",
            [sorted(self.erased)],
        )
        for table, columns, more in (
            ("quarantine", ("raw", "findings"), ""),
            ("repairs", ("findings",), " AND s.repair_no = m.repair_no"),
        ):
            for column in columns if self.erased else ():
                self._connection.execute(
                    f"UPDATE stored_{table} AS s SET {column} = m.{column} FROM {table} m"
                    f" WHERE s.quarantine_id = m.quarantine_id AND s.occurrence = m.occurrence{more}"
                    f" AND contains(s.{column}, '\"{SEALED}') AND list_contains($1, s.quarantine_id)",
                    [sorted(self.erased)],
                )

    def _compare_table(self, table: str, name: str, keys: Sequence[str], columns: Sequence[str], why: str) -> None:
        same = " AND ".join(f"s.{key} = m.{key}" for key in keys)
        differs = " OR ".join(f"s.{column} IS DISTINCT FROM m.{column}" for column in columns)
        both = ", ".join(f"s.{column}::VARCHAR, m.{column}::VARCHAR" for column in columns)
        shown = " || '.' || ".join(f"coalesce(s.{key}, m.{key})::VARCHAR" for key in keys)
        cursor = self._connection.execute(
            f"SELECT {shown}, s.{keys[0]} IS NULL, m.{keys[0]} IS NULL, {both}"
            f" FROM stored_{table} s FULL JOIN {table} m ON {same}"
            f" WHERE s.{keys[0]} IS NULL OR m.{keys[0]} IS NULL OR {differs} ORDER BY 1"
        )
        while rows := cursor.fetchmany(1000):
            for key, is_missing, is_surplus, *values in rows:
                if is_missing:
                    self._differences.missing(name, key, why)
                elif is_surplus:
                    self._differences.unexplained(name, key, why)
                else:
                    for place, column in enumerate(columns):
                        stored, expected = values[2 * place : 2 * place + 2]
                        self._differences.compare(name, key, column, stored=stored, expected=expected, why=why)

    def _columns(self, table: str) -> str:
        described = self._connection.execute(f"SELECT name, type FROM pragma_table_info('{table}')").fetchall()
        return ", ".join(f"CAST({name} AS {kind})" for name, kind in described)


def mended_by(run_id: UUID) -> str:
    """Why a record is resubmitted; see `store.load`."""
    return f"mended and loaded by run {run_id}"


def canonical_json(text: str | None) -> str | None:
    """JSON in one form, whatever wrote it; a text that is no JSON stays as it is."""
    if text is None:
        return None
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _canonical(rows: pa.Table, *columns: str) -> pa.Table:
    for name in columns:
        place = rows.schema.get_field_index(name)
        if place >= 0:
            texts = pa.array([canonical_json(text) for text in rows[name].to_pylist()], pa.string())
            rows = rows.set_column(place, name, texts)
    return rows


def _paired(
    surplus: list[tuple[Any, ...]], lacking: list[tuple[Any, ...]]
) -> Iterable[tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]]:
    """Rows too many beside the missing row that shares most columns with them."""
    left = list(lacking)
    for row in surplus:
        near = max(left, key=lambda other: sum(a == b for a, b in zip(row, other, strict=True)), default=None)
        if near is not None and sum(a == b for a, b in zip(row, near, strict=True)) >= len(row) // 2:
            left.remove(near)
            yield row, near
        else:
            yield row, None
    for row in left:
        yield None, row
