"""What people deleted, restored and destroyed by hand, done again to the rows of one contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.values import sha256
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import duckdb

    from headwater.pipeline.replay.chunks_known import KnownChunks

Origin = tuple["UUID", int]
"""Where a version of a row came from: its chunk, and its record's number in that."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A key that no load brings in again; see `deleted_records`."""

    key: str
    origin: Origin
    deletion_id: UUID
    destroyed: bool
    reason: str
    actor: str


def key_hash(tenant_id: UUID, contract: str, key: str) -> str:
    """As `store.load_names.key_hash`, as hexadecimal digits."""
    return sha256(SEPARATOR.join((str(tenant_id), contract, key))).hex()


class DeletedByHand:
    """Beside the tables `alive` and `past` of a contract's rows: what was taken out, as it was, to be put back.

    Keys come and go as the keys of the records whose contract these rows are of, or are calculated from: `own` is how
    the latter's key is read from a row `a`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str, known: KnownChunks) -> None:
        self._connection = connection
        self._alive, self._past, self._kept = (f'"{kind} {table}"' for kind in ("alive", "past", "kept"))
        self._known = known
        self.marks: dict[str, Mark] = {}
        self.destroyed: set[str] = set()

    def leave_out(self, incoming: str, met: str) -> tuple[int, ...]:
        """Drop what was deleted from the rows that come in; their numbers."""
        if not self.marks:
            return ()
        self._register("hand_keys", {"_key": list(self.marks)})
        numbers = self._connection.execute(
            f"SELECT record_no FROM {incoming} WHERE _key IN (SELECT _key FROM hand_keys) ORDER BY 1"
        ).fetchall()
        for table in (incoming, met) if numbers else ():
            self._connection.execute(f"DELETE FROM {table} WHERE _key IN (SELECT _key FROM hand_keys)")
        self._connection.unregister("hand_keys")
        return tuple(number for (number,) in numbers)

    def keys_of(self, origins: Sequence[Origin]) -> dict[Origin, str]:
        """The keys of rows by where they came from, whether they stand or stood."""
        self._register("hand_origins", {"_chunk": [str(chunk) for chunk, _ in origins],
                                        "record_no": [number for _, number in origins]})  # fmt: skip
        rows = self._connection.execute(
            f"SELECT DISTINCT a._chunk, a.record_no, a._key"
            f" FROM (SELECT _chunk, record_no, _key FROM {self._alive}"
            f"       UNION ALL SELECT _chunk, record_no, _key FROM {self._past}) a"
            " JOIN hand_origins o ON a._chunk = o._chunk::UUID AND a.record_no = o.record_no"
        ).fetchall()
        self._connection.unregister("hand_origins")
        return {(chunk, number): key for chunk, number, key in rows}

    def delete(self, keys: Sequence[str], deletion_id: UUID, *, own: str = "a._key") -> int:
        """Rows go to the past, and are kept as they are; how many."""
        self._make_kept()
        with self._keys(keys):
            theirs = f"{own} IN (SELECT _key FROM hand_keys)"
            count = self._count_lost(theirs)
            self._connection.execute(
                f"INSERT INTO {self._kept} SELECT a.*, $1 FROM {self._alive} a WHERE {theirs}", [deletion_id]
            )
            self._connection.execute(
                f"INSERT INTO {self._past} SELECT a._key, a._chunk, a.record_no, $1, 'delete' FROM {self._alive} a"
                f" WHERE {theirs}",
                [deletion_id],
            )
            self._connection.execute(f"DELETE FROM {self._alive} a WHERE {theirs}")
        return count

    def restore(self, keys: Sequence[str], deletion_id: UUID, *, own: str = "a._key") -> int:
        """What a deletion took stands again as it was; how many rows."""
        self._make_kept()
        with self._keys(keys):
            theirs = f"a.deletion = $1 AND {own} IN (SELECT _key FROM hand_keys)"
            back = f"SELECT a._key FROM {self._kept} a WHERE {theirs}"
            (count,) = self._connection.execute(f"SELECT count(*) FROM ({back})", [deletion_id]).fetchone() or (0,)
            self._connection.execute(
                f"DELETE FROM {self._past} WHERE superseded_by = $1 AND _key IN ({back})", [deletion_id]
            )
            self._connection.execute(
                f"INSERT INTO {self._alive} SELECT * EXCLUDE (deletion) FROM {self._kept} a WHERE {theirs}",
                [deletion_id],
            )
            self._connection.execute(f"DELETE FROM {self._kept} a WHERE {theirs}", [deletion_id])
        return int(count)

    def destroy(self, keys: Sequence[str], *, own: str = "a._key") -> int:
        """Rows and all their versions are gone; how many."""
        self._make_kept()
        with self._keys(keys):
            theirs = f"{own} IN (SELECT _key FROM hand_keys)"
            count = self._count_lost(theirs)
            (past,) = self._connection.execute(f"SELECT count(*) FROM {self._past} a WHERE {theirs}").fetchone() or (0,)
            for (key,) in self._connection.execute(
                f"SELECT _key FROM {self._alive} a WHERE {theirs} UNION SELECT _key FROM {self._past} a WHERE {theirs}"
            ).fetchall():
                self.destroyed.add(key)
            for table in (self._alive, self._past, self._kept):
                self._connection.execute(f"DELETE FROM {table} a WHERE {theirs}")
        return count + int(past)

    def _count_lost(self, theirs: str) -> int:
        lost = self._connection.execute(
            f"SELECT a._chunk, count(*) FROM {self._alive} a WHERE {theirs} GROUP BY 1"
        ).fetchall()
        for chunk, count in lost:
            self._known.superseded[chunk] += count
        return sum(count for _, count in lost)

    def _make_kept(self) -> None:
        self._connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self._kept} AS SELECT *, NULL::UUID AS deletion FROM {self._alive} LIMIT 0"
        )

    def _keys(self, keys: Sequence[str]) -> _Registered:
        self._register("hand_keys", {"_key": list(keys)})
        return _Registered(self._connection)

    def _register(self, name: str, columns: dict[str, list[Any]]) -> None:
        kinds = {"record_no": pa.int32()}
        arrays = {column: pa.array(values, kinds.get(column, pa.string())) for column, values in columns.items()}
        self._connection.register(name, pa.table(arrays))


class _Registered:
    """The keys at hand, for the length of a block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._connection.unregister("hand_keys")
