"""The rows of one contract as a replay makes them, beside the rows that are stored.

Stored rows come in as canonical texts. The model holds of each row it made only its key, its hash and where it came
from; the values are compared chunk by chunk, as they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.contracts.bulk import quoted
from headwater.contracts.row_text import row_text_sql
from headwater.contracts.table import history_name, table_name
from headwater.pipeline.replay.deleted import DeletedByHand
from headwater.pipeline.replay.differences import ABSENT, PRESENT, ROW, Difference
from headwater.pipeline.replay.erased import ErasedRows
from headwater.pipeline.replay.loaded import Loaded, Meeting, Refusal, Replaced
from headwater.values import record_text_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb
    import numpy as np
    import numpy.typing as npt

    from headwater.contracts.document import Document
    from headwater.pipeline.replay.chunks_known import KnownChunks
    from headwater.pipeline.replay.differences import Differences

PAST = ("superseded_by", "operation")
FOREIGN = "($7::UUID IS NOT NULL AND c.is_older AND c.unit IS DISTINCT FROM $7::UUID)"
"""Of a row that stands: that it is not of the unit that the source at hand belongs to."""


class ContractRows:
    """One contract's table and history. `stored`, `alive`, `past`, `met` and `incoming` are tables of the engine, named
    after it. `versions` are the fields that recipes let decide between rows of a key: `alive` holds them too.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        document: Document,
        known: KnownChunks,
        differences: Differences,
        *,
        versions: Iterable[str] = (),
    ) -> None:
        self._connection = connection
        self._known = known
        self._differences = differences
        self.document = document
        self.table, self.history = table_name(document), history_name(document)
        self._fields = [spec.name for spec in document.fields]
        self._columns = [*self._fields, "absent", "row_hash"]
        self._stored, self._alive, self._past, self.met = (
            f'"{kind} {self.table}"' for kind in ("stored", "alive", "past", "met")
        )
        self._versions = [spec for spec in document.fields if spec.name in set(versions)]
        texts = ", ".join(f"{quoted(name)} VARCHAR" for name in self._columns)
        key = "_key VARCHAR, _chunk UUID, record_no INTEGER"
        connection.execute(f"CREATE TABLE {self._stored} ({texts}, {key}, superseded_by UUID, operation VARCHAR)")
        kept = "".join(f", {quoted(spec.name)} {spec.kind.duckdb_type}" for spec in self._versions)
        connection.execute(f"CREATE TABLE {self._alive} ({key}, row_hash BLOB{kept})")
        connection.execute(f"CREATE TABLE {self._past} ({key}, superseded_by UUID, operation VARCHAR)")
        self.by_hand = DeletedByHand(connection, self.table, known)
        self.erased = ErasedRows(connection, document, self._stored, self._alive)
        self.count = 0
        self.has_met = False

    def add_stored(self, batches: Iterable[pa.RecordBatch], *, past: bool) -> None:
        """Rows as they are stored: canonical texts by column, ordered by chunk."""
        key = record_text_sql([quoted(spec.name) for spec in self.document.key])
        columns = ", ".join(quoted(name) for name in self._columns)
        end = "superseded_by::UUID, operation" if past else "NULL, NULL"
        for batch in batches:
            self._connection.register("batch", pa.table(batch))
            self._connection.execute(
                f"INSERT INTO {self._stored}"
                f" SELECT {columns}, {key}, chunk_id::UUID, record_no::INTEGER, {end} FROM batch"
            )
            self._connection.unregister("batch")
            self.count += batch.num_rows

    @property
    def stored(self) -> tuple[duckdb.DuckDBPyConnection, str]:
        """The engine, and its table of rows that stand and that stood."""
        return self._connection, self._stored

    def load(
        self,
        rows: pa.Table,
        meeting: Meeting,
        *,
        repeated: Callable[[Sequence[int]], Sequence[int]],
        parent: ContractRows | None,
    ) -> Loaded:
        """What a load would do with these rows, done to the model; what it writes is compared with what is stored.

        The table `incoming <contract>` keeps the rows that were not refused until the next chunk.
        """
        self._take(rows)
        self._meet(meeting, parent)
        left_out = self.by_hand.leave_out(self.incoming, self.met) if parent is None else ()
        self.has_met = self._one(f"SELECT count(*) > 0 FROM {self.met}")[0]
        unchanged, merged = self._one(
            f"SELECT count(*) FILTER (NOT of_this_run), count(*) FILTER (of_this_run) FROM {self.met} WHERE same"
        )
        relied_on = self._all(f"SELECT DISTINCT _chunk FROM {self.met} WHERE same AND NOT of_this_run")
        to_change = f"SELECT record_no FROM {self.met} WHERE NOT same AND ahead = 0 AND NOT of_this_run AND NOT newer"
        changed = [number for (number,) in self._all(f"{to_change} ORDER BY 1")]
        again = list(repeated(changed)) if changed else []
        if again and meeting.later_is_newer:
            self._connection.execute(f"UPDATE {self.met} SET ahead = -1 WHERE list_contains($1, record_no)", [again])
        refused, older = self._refuse(again)
        replaced = f"SELECT record_no, stored_record, source FROM {self.met} WHERE NOT same AND ahead = 0 AND elsewhere"
        displaced = self._all(f"{replaced} ORDER BY 1") if parent is None else ()
        updated = self._replace(meeting)
        inserted = self._insert(meeting.chunk_id)
        self._compare(meeting.chunk_id)
        deleted = 0
        if parent is not None and parent.has_met:
            deleted = self.delete_orphans(parent, meeting.chunk_id, started=meeting.run_started)
        return Loaded(
            inserted=inserted,
            updated=updated,
            unchanged=unchanged,
            merged=merged,
            deleted=deleted,
            refused=refused,
            older=older,
            left_out=left_out,
            replaced=tuple(Replaced(*row) for row in displaced),
            relies_on=tuple(chunk for (chunk,) in relied_on),
        )

    def adopt(self, chunk_id: UUID, *, sweeps: bool = True, parent: ContractRows | None = None) -> None:
        """Take over what is stored of a chunk that cannot be done again, so that those after it can.

        sweeps: also what the end of a full load deleted in its name; of rows calculated from `parent` with these.
        """
        taken = f"SELECT a._key, a.operation FROM {self._stored} a WHERE a.superseded_by = $1"
        if not sweeps:
            swept = "true"
            if parent is not None:
                deleted = f"SELECT _key FROM {parent._stored} WHERE superseded_by = $1 AND operation = 'delete'"  # noqa: SLF001
                swept = f"{self.own_key_as(parent)} IN ({deleted})"
            taken += f" AND NOT (a.operation = 'delete' AND {swept})"
        gone = f"(SELECT _key FROM ({taken}))"
        for old, *_ in self._all(f"SELECT _chunk FROM {self._alive} WHERE _key IN {gone}", [chunk_id]):
            self._known.superseded[old] += 1
        self._connection.execute(
            f"INSERT INTO {self._past} SELECT a._key, a._chunk, a.record_no, $1, s.operation"
            f" FROM {self._alive} a JOIN ({taken}) s ON s._key = a._key",
            [chunk_id],
        )
        self._connection.execute(f"DELETE FROM {self._alive} WHERE _key IN {gone}", [chunk_id])
        kept = "".join(f", CAST({quoted(spec.name)} AS {spec.kind.duckdb_type})" for spec in self._versions)
        self._connection.execute(
            f"INSERT INTO {self._alive} SELECT _key, _chunk, record_no, unhex(row_hash){kept} FROM {self._stored}"
            " WHERE _chunk = $1",
            [chunk_id],
        )

    def hold_against(self, rows: pa.Table, chunk_id: UUID, gone: Sequence[int]) -> None:
        """Compare what is stored of a chunk with these rows, which are all that it may have but those that are gone."""
        self._take(rows)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.met} AS SELECT record_no, true AS same FROM {self.incoming} LIMIT 0"
        )
        self._compare(chunk_id)
        for key, by in self._all(
            f"SELECT _key, superseded_by FROM {self._stored} WHERE _chunk = $1 AND NOT list_contains($2, record_no)"
            f" AND record_no NOT IN (SELECT record_no FROM {self.incoming})",
            [chunk_id, list(gone)],
        ):
            self._differences.unexplained(self._where(by), shown_key(key), "no record of its file comes to it")

    def lose_keys(self, origins: Sequence[tuple[UUID, int]]) -> None:
        """Rows of somebody who was erased are not met any more under a key that was personal."""
        if any(spec.personal for spec in self.document.key):
            self._connection.executemany(
                f"UPDATE {self._alive} SET _key = 'erased ' || $1 || '.' || $2"
                " WHERE _chunk = $1::UUID AND record_no = $2",
                [[str(chunk), number] for chunk, number in origins],
            )

    def check_hashes(self, chunk_id: UUID) -> None:
        """That stored rows of a chunk are what their own hashes say, where nothing else is left to compare with. Of
        somebody who was erased nothing is left.
        """
        text = row_text_sql(self.document, lambda spec: quoted(spec.name))
        rows = self._all(
            f"SELECT _key, superseded_by, row_hash, sha256({text}) FROM {self._stored}"
            f" WHERE _chunk = $1 AND row_hash <> sha256({text}) AND NOT list_contains($2, record_no)",
            [chunk_id, self.erased.of(chunk_id)],
        )
        for key, by, stored, expected in rows:
            why = "SHA-256 of the row's own values"
            self._differences.compare(
                self._where(by), shown_key(key), "row_hash", stored=stored, expected=expected, why=why
            )

    @property
    def incoming(self) -> str:
        """The rows of the chunk at hand that stand or were written, with their key's text."""
        return f'"incoming {self.table}"'

    def _take(self, rows: pa.Table) -> None:
        key = record_text_sql([spec.kind.canonical_sql(quoted(spec.name)) for spec in self.document.key])
        later = [
            f", CAST(NULL AS {spec.kind.duckdb_type}) AS {quoted(spec.name)}"
            for spec in self.document.fields
            if spec.name not in rows.column_names  # a later minor version added it
        ]
        self._connection.register("rows", rows)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.incoming} AS SELECT *, {key} AS _key{''.join(later)} FROM rows"
        )
        self._connection.unregister("rows")

    def _meet(self, meeting: Meeting, parent: ContractRows | None) -> None:
        self._connection.execute(
            f"""
CREATE OR REPLACE TEMP TABLE {self.met} AS
SELECT i.record_no, i._key, a.row_hash = i.row_hash AS same,
       CASE WHEN {FOREIGN} THEN 0 ELSE {self._ahead(meeting, parent)} END AS ahead, a.row_hash AS stored_hash, a._chunk,
       c.first_record + a.record_no AS stored_record,
       CASE WHEN {FOREIGN} THEN 'another unit' ELSE c.source END AS source,
       c.run = $1 OR coalesce(c.started >= $2::TIMESTAMPTZ, false) OR {FOREIGN} AS of_this_run, c.started > $3 AS newer,
       coalesce(c.source_id <> $8, false) AS elsewhere
FROM {self.incoming} i
JOIN (SELECT * FROM {self._alive} WHERE _key BETWEEN (SELECT min(_key) FROM {self.incoming})
                                                AND (SELECT max(_key) FROM {self.incoming})) a ON a._key = i._key
JOIN (SELECT chunk, run, started, source, first_record, source_id, unit, true AS is_older
      FROM known_chunks LEFT JOIN source_units USING (source_id)
      UNION ALL SELECT $4, $1, $3, $5, $6, NULL, NULL, false) c ON c.chunk = a._chunk""",
            [
                meeting.run_id,
                meeting.settled_from,
                meeting.run_started,
                meeting.chunk_id,
                meeting.source,
                meeting.first_record,
                meeting.unit,
                meeting.source_id,
            ],
        )

    def _ahead(self, meeting: Meeting, parent: ContractRows | None) -> str:
        """See `store.load_names`."""
        if meeting.version is None and not meeting.later_is_newer:
            return "0"
        if parent is not None:
            return f"coalesce((SELECT any_value(p.ahead) FROM {parent.met} p WHERE p.record_no = i.record_no), 0)"
        if meeting.version is None:
            return "CASE WHEN c.run <> $1 OR c.first_record = $6 THEN 0 WHEN c.first_record < $6 THEN 1 ELSE -1 END"
        new, old = f"i.{quoted(meeting.version)}", f"a.{quoted(meeting.version)}"
        return (
            f"CASE WHEN {new} IS NOT DISTINCT FROM {old} THEN 0 WHEN {old} IS NULL OR {new} > {old} THEN 1 ELSE -1 END"
        )

    def _refuse(self, again: Sequence[int]) -> tuple[tuple[Refusal, ...], tuple[Refusal, ...]]:
        """Rows in conflict with what stands, and rows older than it."""
        facts = f"SELECT record_no, stored_record, source, stored_hash, newer FROM {self.met} WHERE NOT same"
        self._connection.register("again", pa.table({"record_no": pa.array(again, pa.int32())}))
        rows = self._all(
            f"{facts} AND ahead = 0 AND (of_this_run OR newer OR record_no IN (SELECT record_no FROM again)) ORDER BY 1"
        )
        self._connection.unregister("again")
        refused = tuple(Refusal(*row) for row in rows)
        older = tuple(Refusal(*row) for row in self._all(f"{facts} AND ahead < 0 ORDER BY 1"))
        if gone := [each.record_no for each in (*refused, *older)]:
            self._connection.register("out", pa.table({"record_no": pa.array(gone)}))
            for table in (self.incoming, self.met):
                self._connection.execute(f"DELETE FROM {table} WHERE record_no IN (SELECT record_no FROM out)")
            self._connection.unregister("out")
        return refused, older

    def _replace(self, meeting: Meeting) -> int:
        """Rows that stand and are not the same go to the past; the new ones come in with the inserted."""
        lost = self._all(f"SELECT _chunk, count(*) FROM {self.met} WHERE NOT same GROUP BY _chunk")
        if not lost:
            return 0
        for chunk, count in lost:
            self._known.superseded[chunk] += count
        self._supersede(f"SELECT _key FROM {self.met} WHERE NOT same", meeting.chunk_id, "update")
        return sum(count for _, count in lost)

    def _insert(self, chunk_id: UUID) -> int:
        replaced, total = self._one(
            f"SELECT (SELECT count(*) FROM {self.met} WHERE NOT same), (SELECT count(*) FROM {self.incoming}"
            f" ANTI JOIN (SELECT * FROM {self.met} WHERE same) AS met USING (record_no))"
        )
        self._connection.execute(
            f"INSERT INTO {self._alive}"
            f" SELECT _key, $1, record_no, row_hash{''.join(f', {quoted(spec.name)}' for spec in self._versions)}"
            f" FROM {self.incoming} ANTI JOIN (SELECT * FROM {self.met} WHERE same) AS met USING (record_no)",
            [chunk_id],
        )
        return int(total - replaced)

    def sweep(
        self,
        chunk_id: UUID,
        *,
        run_id: UUID,
        source_id: bytes,
        among: Callable[[npt.NDArray[np.uint64]], npt.NDArray[np.bool_]],
    ) -> int:
        """Delete the rows of older runs of the source whose keys the run has not read; `incoming` then holds them."""
        parts = list(enumerate(self.document.key, start=1))
        typed = ", ".join(f"CAST(split_part(a._key, chr(31), {n}) AS {spec.kind.duckdb_type})" for n, spec in parts)
        self._connection.execute(
            f"""
CREATE OR REPLACE TEMP TABLE older AS
SELECT a._key, hash({typed}) AS key_hash FROM {self._alive} a JOIN known_chunks c ON c.chunk = a._chunk
WHERE c.source_id = $1 AND c.run <> $2 AND NOT {self.erased.keyless}""",
            [source_id, run_id],
        )
        older = self._connection.sql("SELECT _key, key_hash FROM older").to_arrow_table()
        gone = older.filter(pa.array(~among(older["key_hash"].to_numpy())))
        named = ", ".join(f"split_part(_key, chr(31), {n}) AS {quoted(spec.name)}" for n, spec in parts)
        self._connection.register("unread", gone)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {self.incoming} AS SELECT _key, {named} FROM unread")
        self._connection.unregister("unread")
        self.erased.swept(chunk_id, self.incoming, named)
        return self._delete(f"SELECT _key FROM {self.incoming}", chunk_id)

    def delete_orphans(self, parent: ContractRows, chunk_id: UUID, *, started: datetime | None = None) -> int:
        """Delete rows calculated from a record that `parent` has incoming.

        With `started`, those that came in again themselves stay, and those of runs that began later, unless the record
        is a higher version.
        """
        shared = record_text_sql([quoted(spec.name) for spec in parent.document.key])
        own = self.own_key_as(parent)
        kept = f"AND a._key NOT IN (SELECT _key FROM {self.incoming})" if started is not None else ""
        higher = f" WHERE record_no IN (SELECT record_no FROM {parent.met} WHERE ahead > 0)" if started else ""
        self._connection.execute(
            f"""
CREATE OR REPLACE TEMP TABLE orphans AS
SELECT a._key FROM {self._alive} a LEFT JOIN known_chunks c ON c.chunk = a._chunk
WHERE {own} IN (SELECT {shared} FROM {parent.incoming}) {kept}
  AND (coalesce(c.started <= $1, true) OR {own} IN (SELECT {shared} FROM {parent.incoming}{higher}))""",
            [started],
        )
        return self._delete("SELECT _key FROM orphans", chunk_id)

    def adopt_deleted(self, chunk_id: UUID) -> None:
        """Take over what is stored as deleted in the name of a chunk."""
        stored = f"SELECT _key FROM {self._stored} WHERE superseded_by = '{chunk_id}' AND operation = 'delete'"
        self._delete(stored, chunk_id)

    def _delete(self, keys: str, chunk_id: UUID) -> int:
        lost = self._all(f"SELECT _chunk, count(*) FROM {self._alive} WHERE _key IN ({keys}) GROUP BY _chunk")
        for chunk, count in lost:
            self._known.superseded[chunk] += count
        if lost:
            self._supersede(keys, chunk_id, "delete")
        return sum(count for _, count in lost)

    def own_key_as(self, parent: ContractRows) -> str:
        """The part of the key of a row `a` that is the parent's."""
        places = [[spec.name for spec in self.document.key].index(spec.name) + 1 for spec in parent.document.key]
        return record_text_sql([f"split_part(a._key, chr(31), {place})" for place in places])

    def _supersede(self, keys: str, chunk_id: UUID, operation: str) -> None:
        self._connection.execute(
            f"INSERT INTO {self._past} SELECT _key, _chunk, record_no, $1, $2 FROM {self._alive}"
            f" WHERE _key IN ({keys})",
            [chunk_id, operation],
        )
        self._connection.execute(f"DELETE FROM {self._alive} WHERE _key IN ({keys})")

    def _compare(self, chunk_id: UUID) -> None:
        """Values of what this chunk wrote, column by column, wherever it stands now."""
        self.erased.take(chunk_id, self.incoming)
        expected = ", ".join(
            [
                *(
                    f"{spec.kind.canonical_sql(quoted(spec.name))} AS {quoted(spec.name)}"
                    for spec in self.document.fields
                ),
                "absent",
                "lower(hex(row_hash)) AS row_hash",
            ]
        )
        differs = " OR ".join(f"s.{quoted(name)} IS DISTINCT FROM e.{quoted(name)}" for name in self._columns)
        both = ", ".join(f"s.{quoted(name)}, e.{quoted(name)}" for name in self._columns)
        cursor = self._connection.execute(
            f"""
SELECT e._key, s.superseded_by IS NOT NULL, {both}
FROM (SELECT * FROM {self._stored} WHERE _chunk = $1) s
JOIN (SELECT {expected}, _key, record_no FROM {self.incoming}
      ANTI JOIN (SELECT * FROM {self.met} WHERE same) AS met USING (record_no)) e USING (record_no)
WHERE {differs}""",
            [chunk_id],
        )
        while rows := cursor.fetchmany(1000):
            for key, is_past, *values in rows:
                self._columns_differ(key, self.history if is_past else self.table, values)

    def _columns_differ(self, key: str, table: str, values: Sequence[Any]) -> None:
        for place, column in enumerate(self._columns):
            self._differences.compare(
                table,
                shown_key(key),
                column,
                stored=values[2 * place],
                expected=values[2 * place + 1],
                why="computed again from the raw record",
            )

    def finish(self) -> None:
        """Whether each row stands where it should: none missing, none too many, the past in the history."""
        self._connection.execute(f"""
CREATE OR REPLACE TEMP TABLE misplaced AS
SELECT m._key AS expected_key, s._key AS stored_key, m._chunk AS expected_chunk, s._chunk AS stored_chunk,
       m.record_no AS expected_no, s.record_no AS stored_no,
       m.superseded_by AS expected_by, s.superseded_by AS stored_by,
       m.operation AS expected_operation, s.operation AS stored_operation
FROM (SELECT _key, _chunk, record_no, NULL::UUID AS superseded_by, NULL::VARCHAR AS operation FROM {self._alive}
      UNION ALL SELECT * FROM {self._past}) m
FULL JOIN (SELECT _key, _chunk, record_no, superseded_by, operation FROM {self._stored}) s
       ON s._chunk = m._chunk AND s.record_no = m.record_no
WHERE m._key IS NULL OR s._key IS NULL OR m.superseded_by IS DISTINCT FROM s.superseded_by
   OR m.operation IS DISTINCT FROM s.operation""")
        self._moved()
        self._placed_otherwise()
        for key, by in self._all("SELECT expected_key, expected_by FROM misplaced WHERE stored_key IS NULL"):
            self._differences.missing(self._where(by), shown_key(key), "made by a committed chunk")
        for key, by in self._all("SELECT stored_key, stored_by FROM misplaced WHERE expected_key IS NULL"):
            self._differences.unexplained(self._where(by), shown_key(key), "no committed chunk made it")

    def _moved(self) -> None:
        """A row missing in one place and one too many under the same key: where it came from was changed."""
        self._connection.execute("""
CREATE OR REPLACE TEMP TABLE moved AS
SELECT m.expected_key AS _key, m.expected_by AS superseded_by,
       s.stored_chunk, m.expected_chunk, s.stored_no, m.expected_no
FROM (SELECT * FROM misplaced WHERE stored_key IS NULL) m
JOIN (SELECT * FROM misplaced WHERE expected_key IS NULL) s
  ON m.expected_key = s.stored_key AND m.expected_by IS NOT DISTINCT FROM s.stored_by""")
        for key, by, *values in self._all("SELECT * FROM moved"):
            for column, stored, expected in (("chunk_id", *values[:2]), ("record_no", *values[2:])):
                self._differences.compare(
                    self._where(by), shown_key(key), column, stored=stored, expected=expected, why="where it came from"
                )
        self._connection.execute("""
DELETE FROM misplaced WHERE (stored_key IS NULL OR expected_key IS NULL) AND EXISTS (
    SELECT 1 FROM moved WHERE moved._key = coalesce(stored_key, expected_key)
    AND moved.superseded_by IS NOT DISTINCT FROM coalesce(stored_by, expected_by))""")

    def _placed_otherwise(self) -> None:
        rows = self._all("""
SELECT expected_key, stored_by, expected_by, stored_operation, expected_operation FROM misplaced
WHERE stored_key IS NOT NULL AND expected_key IS NOT NULL""")
        for key, stored_by, expected_by, stored_operation, expected_operation in rows:
            name, why = shown_key(key), "what later chunks did to it"
            if (stored_by is None) != (expected_by is None):
                self._differences.add(
                    Difference(
                        table=self._where(stored_by), key=name, column=ROW, stored=PRESENT, expected=ABSENT,
                        why=f"it belongs into {self._where(expected_by)}",
                    )
                )  # fmt: skip
                continue
            table = self._where(stored_by)
            self._differences.compare(table, name, "superseded_by", stored=stored_by, expected=expected_by, why=why)
            self._differences.compare(
                table, name, "operation", stored=stored_operation, expected=expected_operation, why=why
            )

    def _where(self, superseded_by: UUID | None) -> str:
        return self.table if superseded_by is None else self.history

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        if row is None:
            raise AssertionError("an aggregate gives one row")
        return row

    def _all(self, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()


def shown_key(key: str) -> str:
    """A key's text as people write it."""
    return key.replace("\x1f", "|")
