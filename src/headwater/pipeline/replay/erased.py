"""Rows of a contract whose personal values nobody opens any more, as somebody was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.contracts.bulk import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import duckdb

    from headwater.contracts.document import Document

SEALED = "enc1."
"""What a ciphertext begins with that did not open; see `store.sealed`."""


class ErasedRows:
    """By chunk, the records of a contract's rows; `stored` and `alive` are its tables in the engine."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, document: Document, stored: str, alive: str) -> None:
        self._connection = connection
        self._document = document
        self._stored = stored
        self._alive = alive
        self.rows: Mapping[UUID, set[int]] = {}

    def of(self, chunk_id: UUID) -> list[int]:
        """Those of a chunk."""
        return sorted(self.rows.get(chunk_id, ()))

    def take(self, chunk_id: UUID, incoming: str) -> None:
        """Ciphertexts of theirs count as what the raw record says: the hash of the row is compared."""
        for spec in self._document.personal.values() if chunk_id in self.rows else ():
            name = quoted(spec.name)
            self._connection.execute(
                f"UPDATE {self._stored} AS s SET {name} = {spec.kind.canonical_sql(f'i.{name}')} FROM {incoming} i"
                f" WHERE s._chunk = $1 AND s.record_no = i.record_no AND s.{name} LIKE '{SEALED}%'"
                " AND list_contains($2, s.record_no)",
                [chunk_id, self.of(chunk_id)],
            )

    @property
    def keyless(self) -> str:
        """Of a row `a`: that it was taken over as stored, and what is personal in its key is not known in clear."""
        return f"contains(a._key, '{SEALED}')"

    def swept(self, chunk_id: UUID, incoming: str, keys: str) -> None:
        """Rows of theirs that a full load deleted in the name of a chunk, as is stored, join those that are gone."""
        if not self.rows:
            return
        self._connection.execute(
            f"INSERT INTO {incoming} SELECT _key, {keys} FROM {self._stored} s"
            f" WHERE superseded_by = $1 AND operation = 'delete' AND contains(_key, '{SEALED}')"
            f" AND _key IN (SELECT _key FROM {self._alive}) AND _key NOT IN (SELECT _key FROM {incoming})",
            [chunk_id],
        )
