"""The same records read by versions of a mapping: what each would load, and which of those that stand it would move.

Of a key the highest version stands, of equal ones the record that comes first, and no lower one replaces it: so the
load decides (`store.load`, `pipeline.transform`), and the rule is held equal by a test that loads.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headwater.engine.duck import engines
from headwater.pipeline.hash_columns import first_bytes
from headwater.services.logic import compile_logic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import duckdb

    from headwater.connectors.csv_file import RawChunk
    from headwater.pipeline.transform import ChunkTransform, Transformed
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic

HASH_BYTES = 8
"""How much of a row's hash is compared: two that differ are alike in it by chance never."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Records that stand and would be read otherwise, or not be loaded at all.

    changed  those under whose key another row would stand; and those that would stand as they are though their record
             is read otherwise: with a lower version, or under another key
    refused  those whose record would be refused, or left out by the mapping, and no other would take its place
    """

    changed: int = 0
    refused: int = 0

    @property
    def moved(self) -> int:
        """Both."""
        return self.changed + self.refused


def read(done: Transformed, version: str | None) -> pa.Table:
    """Records of a chunk that are neither refused nor left out: `record_no` in the chunk; of those that would be loaded
    `key` and `row` by hash, and `version`, the value of the field of this name. Where versions are told there may be
    several of a key. Of the others, which another of the chunk stands before, these are null.
    """
    records = done.records.take(np.argsort(done.records["record_no"].to_numpy()))
    rows = np.frombuffer(first_bytes(records["row_hash"], HASH_BYTES).tobytes(), np.uint64)
    versions = pa.nulls(len(rows), pa.int32()) if version is None else records[version]
    loaded = pa.table(
        {"record_no": done.standing.record_nos, "key": done.standing.key_hashes, "row": rows, "version": versions}
    )
    beside = [*done.merged, *done.older, *(conflict.record_no for conflict in done.conflicts)]
    return pa.concat_tables([loaded, pa.table({"record_no": pa.array(beside, pa.int32())})], promote_options="default")


class Readings:
    """What versions of a mapping make of the same records, run by run from the newest to the oldest, chunk by chunk in
    the order in which they are loaded.

    duck      an engine of its own: of each record that is loaded it keeps some 40 bytes
    others    how many versions are compared with the one that is changed
    version   SQL type of the field by which the load tells versions of a record apart; None where it tells none
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, *, others: int, version: str | None) -> None:
        self._duck = duck
        self._others = range(others)
        self._version = version or "INTEGER"
        self._run = 0
        self._first = 0
        duck.execute(
            f"CREATE TEMP TABLE loaded (place BIGINT, run INTEGER, key UBIGINT, version {self._version}, row UBIGINT)"
        )
        duck.execute(
            "CREATE TEMP TABLE otherwise (number INTEGER, was_read BOOLEAN, was UBIGINT, is_read BOOLEAN,"
            f" place BIGINT, run INTEGER, key UBIGINT, version {self._version}, row UBIGINT)"
        )

    def begin_run(self) -> None:
        """What is added from now on was read by another run, older than the one before."""
        self._run += 1

    def add(self, records: int, before: pa.Table, others: Iterable[pa.Table]) -> None:
        """A chunk of so many records as it is read now, and as each of the others would read it (see `read`)."""
        self._duck.register("before", before)
        place = f"{self._first} + record_no, {self._run}"
        self._duck.execute(f"INSERT INTO loaded SELECT {place}, key, version, row FROM before WHERE key IS NOT NULL")
        for number, other in enumerate(others):
            self._duck.register("other", other)
            self._duck.execute(f"""
INSERT INTO otherwise
SELECT {number}, before.record_no IS NOT NULL, before.key, other.record_no IS NOT NULL, {place},
       other.key, other.version, other.row
FROM before FULL JOIN other USING (record_no)
WHERE (before.key, before.row) IS DISTINCT FROM (other.key, other.row)""")
        self._first += records

    def effects(self, standing: Callable[[], Iterable[pa.Table]]) -> tuple[Effect, ...]:
        """Of each of the others.

        standing  tables of `key` and `version` of all rows that stand, asked where anything moves at all
        """
        self._duck.execute("CREATE TEMP TABLE standing AS SELECT key, version FROM loaded WHERE false")
        if self._duck.execute("FROM otherwise LIMIT 1").fetchall():
            self._duck.execute(
                "CREATE TEMP TABLE touched AS SELECT was AS key FROM otherwise UNION SELECT key FROM otherwise"
            )
            for rows in standing():
                self._duck.register("rows", rows)
                self._duck.execute(
                    f"INSERT INTO standing SELECT key, CAST(version AS {self._version})"
                    " FROM rows SEMI JOIN touched USING (key)"
                )
        return tuple(self._effect(number) for number in self._others)

    def _effect(self, number: int) -> Effect:
        self._duck.execute(f"CREATE OR REPLACE TEMP VIEW moved AS FROM otherwise WHERE number = {number}")
        changed, refused = self._duck.execute(EFFECT).fetchall()[0]
        return Effect(changed=changed, refused=refused)


FIRST = "QUALIFY row_number() OVER (PARTITION BY key ORDER BY version DESC NULLS LAST, place) = 1"
"""Of records the one of each key that the load leaves standing."""
EFFECT = f"""
WITH before AS (
    SELECT * FROM loaded SEMI JOIN standing USING (key) {FIRST}
), read_now AS (
    SELECT *, true AS was_read FROM loaded ANTI JOIN moved USING (place)
    UNION ALL
    SELECT place, run, key, version, row, was_read FROM moved
), now AS (
    SELECT * FROM read_now SEMI JOIN standing USING (key) {FIRST}
), judged AS (
    -- An older version than the row that stands leaves it as it is. What was refused until now, and is newer than what
    -- it takes the place of, is what the source itself has corrected.
    SELECT before.row AS row, now.row AS new, was_read OR coalesce(now.run >= before.run, false) AS is_by_mapping,
           EXISTS (FROM moved WHERE moved.place = before.place AND moved.is_read) AS is_read
    FROM standing
    LEFT JOIN before ON before.key = standing.key
                    AND (standing.version IS NULL OR coalesce(before.version >= standing.version, false))
    LEFT JOIN now ON now.key = standing.key
                 AND (standing.version IS NULL OR coalesce(now.version >= standing.version, false))
)
SELECT count(*) FILTER (CASE WHEN new IS NULL THEN row IS NOT NULL AND is_read
                             ELSE is_by_mapping AND row IS DISTINCT FROM new END),
       count(*) FILTER (row IS NOT NULL AND new IS NULL AND NOT is_read)
FROM judged"""


class Versions:
    """Versions of a mapping, compiled for the columns that were asked for last; what is compiled for others is let go.

    A context. All share the memory that one run may take.
    """

    def __init__(self, installation: Installation, logics: Sequence[Logic], source_id: bytes) -> None:
        """`logics` differ in their mapping alone."""
        self._installation = installation
        self._logics = [replace(logic, factor_set=None) for logic in logics]
        self._source_id = source_id
        self._engines = ExitStack()
        self._columns: tuple[str, ...] | None = None
        self._compiled: list[ChunkTransform] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engines.close()

    def for_columns(self, columns: Sequence[str]) -> Self:
        """Misuse where a mapping does not fit these."""
        if tuple(columns) != self._columns:
            self._columns = None
            self._compile(columns)
            self._columns = tuple(columns)
        return self

    def read(self, raws: Sequence[RawChunk]) -> list[pa.Table]:
        """What each version makes of a chunk, which each may find written in its own way: see `read`."""
        version = self._logics[0].recipe.load.version
        return [
            read(each.run(raw.table, raw.record_nos, first_record=1), version)
            for each, raw in zip(self._compiled, raws, strict=True)
        ]

    def keys(self, raw: RawChunk) -> pa.Array[Any]:
        """Of each record the hash of its key, as the first version reads it; null where it can read none."""
        return self._compiled[0].keys_read(raw.table)

    def _compile(self, columns: Sequence[str]) -> None:
        self._engines.close()
        memory = f"{self._installation.settings.memory_limit // 2**20}MiB"
        ducks = self._engines.enter_context(engines(len(self._logics), memory_limit=memory))
        self._compiled = [
            compile_logic(self._installation, duck, logic, columns=columns, source_id=self._source_id)[0]
            for duck, logic in zip(ducks, self._logics, strict=True)
        ]
