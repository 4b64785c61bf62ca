"""Records deleted by hand: put into the history with their figures, put back as they were, or destroyed.

Locks are taken in the order in which a load takes them (chunks, rows, the chain's head), so that neither waits for the
other for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import dict_row

from headwater.contracts.table import history_name, table_name
from headwater.store import audit
from headwater.store.load_names import HOUSE_COLUMNS, contract_of, key_hash
from headwater.store.queries import named_queries
from headwater.store.stored_rows import canonical_text
from headwater.store.sweep import QUERIES as SWEEP
from headwater.store.sweep import delete_rows, key_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("deletions")
KEY_SEPARATOR = "|"
Origin = tuple["UUID", int]
"""Where a version of a row came from: its chunk, and its record's number in that."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Records of a contract by their keys: texts as they are stored, column by column, each key once; `said` as whoever
    asks wrote them, which is all that they may be told of what is personal.
    """

    document: Document
    columns: Mapping[str, Sequence[str]]
    said: Sequence[str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def only(self, places: Sequence[int]) -> Keys:
        """Some of them."""
        return Keys(
            document=self.document,
            columns={name: [texts[place] for place in places] for name, texts in self.columns.items()},
            said=[self.said[place] for place in places],
        )

    def texts(self) -> list[str]:
        """As they are stored, each in one text."""
        return [KEY_SEPARATOR.join(parts) for parts in zip(*self.columns.values(), strict=True)]

    def as_said(self, text: str) -> str:
        """One of these `texts` as it was asked for."""
        return self.said[self.texts().index(text)]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A row that stands."""

    key: str
    chunk_id: UUID
    record_no: int
    row_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A key that was deleted by hand."""

    key: str
    deletion_id: UUID
    destroyed: bool
    chunk_id: UUID
    record_no: int


class Deleting:
    """What is done to some records, and what was calculated from them, in the caller's transaction."""

    def __init__(
        self, connection: psycopg.Connection[Any], tenant_id: UUID, keys: Keys, results: Sequence[Document]
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._keys = keys
        self._results = results

    def lock(self) -> list[Standing]:
        """The rows that stand; from now on nobody changes them."""
        self._run("lock_chunks", self._keys.document)
        rows = self._run("standing", self._keys.document).fetchall()
        return [Standing(key=row[0], chunk_id=row[1], record_no=row[2], row_hash=bytes(row[3])) for row in rows]

    def marked(self) -> list[Marked]:
        """Those that were deleted by hand."""
        rows = self._run("marked", self._keys.document).fetchall()
        return [
            Marked(key=row[0], deletion_id=row[1], destroyed=row[2], chunk_id=row[3], record_no=row[4]) for row in rows
        ]

    def to_history(self, deletion_id: UUID) -> dict[str, int]:
        """Rows and figures go into the history as deleted; how many of each contract."""
        document, columns = self._keys.document, self._keys.columns
        return {
            contract_of(each): delete_rows(
                self._connection, self._tenant_id, each, document, keys=columns, chunk_id=deletion_id
            )
            for each in (document, *self._results)
        }

    def put_back(self, deletion_id: UUID) -> dict[str, list[Origin]]:
        """What a deletion put into the history stands again; where each row came from, by contract."""
        return {
            contract_of(each): [
                (chunk, number) for chunk, number in self._run("put_back", each, deletion=deletion_id).fetchall()
            ]
            for each in (self._keys.document, *self._results)
        }

    def mark(self, deletion_id: UUID, origins: Mapping[str, Origin], *, reason: str, destroyed: bool) -> None:
        """No load brings these keys in again. `origins` says of each where the row came from."""
        of_keys = [origins[key] for key in self._keys.texts()]
        values = {
            "deletion": deletion_id,
            "reason": reason,
            "destroyed": destroyed,
            "actor": audit.acting(self._connection),
            "chunks": [chunk for chunk, _ in of_keys],
            "numbers": [number for _, number in of_keys],
        }
        self._run("mark", self._keys.document, **values)

    def unmark(self) -> int:
        """Loads bring these keys in again."""
        return self._run("unmark", self._keys.document).rowcount

    def versions(self) -> list[Origin]:
        """Where every version of the records came from, that which stands and those before it."""
        return sorted(set(self._run("versions", self._keys.document).fetchall()))

    def count(self, *, past: bool) -> dict[str, int]:
        """Rows of the records and of what was calculated from them that stand, or older versions, by contract."""
        found, query = {}, "in_history" if past else "now_there"
        for each in (self._keys.document, *self._results):
            (count,) = self._run(query, each).fetchone() or (0,)
            found[contract_of(each)] = count
        return found

    def findings(self, versions: Sequence[Origin]) -> int:
        """How much was noticed about versions of the records."""
        (count,) = self._of_versions("count_findings", versions).fetchone() or (0,)
        return int(count)

    def refused(self, versions: Sequence[Origin]) -> int:
        """How many refused records they were mended from."""
        (count,) = self._of_versions("count_refused", versions).fetchone() or (0,)
        return int(count)

    def destroy(self, versions: Sequence[Origin]) -> dict[str, int]:
        """Rows, figures, their older versions and what was noticed about them are gone; how many rows there were."""
        gone = {}
        for each in (self._keys.document, *self._results):
            lost = self._run("destroy", each).fetchall()
            for chunk, count in lost:
                values = {"tenant": self._tenant_id, "chunk": chunk, "lost": count}
                self._connection.execute(SWEEP["count_lost"], values)
            past = self._run("destroy_past", each).rowcount
            gone[contract_of(each)] = sum(count for _, count in lost) + past
        self._of_versions("destroy_findings", versions)
        return gone

    def lines_of(self, column: str) -> list[tuple[str, int | None, int]]:
        """Inventories made of the records: name, number where it is published, lines."""
        statement = sql.SQL(QUERIES["lines_of"]).format(column=sql.Identifier(column))
        return self._connection.execute(statement, {"tenant": self._tenant_id, "keys": self._keys.texts()}).fetchall()

    def _of_versions(self, query: str, versions: Sequence[Origin]) -> psycopg.Cursor[tuple[Any, ...]]:
        values = {"chunks": [chunk for chunk, _ in versions], "numbers": [number for _, number in versions]}
        return self._connection.execute(QUERIES[query], {"tenant": self._tenant_id, **values})

    def _run(self, query: str, target: Document, **values: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        keyed = self._keys.document
        names = [spec.name for spec in keyed.key]
        listed = sql.SQL(", ").join
        columns = [*(spec.name for spec in target.fields), *HOUSE_COLUMNS]
        statement = sql.SQL(QUERIES[query]).format(
            target=sql.Identifier(table_name(target)),
            history=sql.Identifier(history_name(target)),
            arrays=listed(key_array(spec) for spec in keyed.key),
            keys=listed(map(sql.Identifier, names)),
            same_key=sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("k", name)) for name in names
            ),
            target_keys=listed(sql.Identifier("t", name) for name in names),
            columns=listed(map(sql.Identifier, columns)),
            target_columns=listed(sql.Identifier("t", column) for column in columns),
            key_hash=key_hash(keyed, "k"),
            key_text=sql.SQL("concat_ws({}, {})").format(
                sql.Literal(KEY_SEPARATOR),
                listed(sql.SQL("{}::text").format(canonical_text(spec, table="k")) for spec in keyed.key),
            ),
        )
        texts = {f"key_{name}": list(self._keys.columns[name]) for name in names}
        told = {"tenant": self._tenant_id, "contract": contract_of(keyed), **texts, **values}
        return self._connection.execute(statement, told)


def marks(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[dict[str, Any]]:
    """Every key deleted by hand, column by column, its hash as hexadecimal digits."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(QUERIES["marks"], {"tenant": tenant_id}).fetchall()


def made_of_destroyed(
    connection: psycopg.Connection[Any], tenant_id: UUID, inventory_id: UUID, document: Document
) -> bool:
    """Whether lines of an inventory, which name its records by columns called as their keys are, have lost one."""
    statement = sql.SQL(QUERIES["made_of_destroyed"]).format(key_hash=key_hash(document, "l"))
    values = {"tenant": tenant_id, "inventory": inventory_id, "contract": contract_of(document)}
    row = connection.execute(statement, values).fetchone()
    return bool(row and row[0])


def hashes_of(connection: psycopg.Connection[Any], tenant_id: UUID, contract: str) -> frozenset[str]:
    """The hashes of the keys of a contract that were deleted by hand, as hexadecimal digits."""
    rows = connection.execute(QUERIES["hashes"], {"tenant": tenant_id, "contract": contract})
    return frozenset(text for (text,) in rows)
