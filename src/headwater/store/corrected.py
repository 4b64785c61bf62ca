"""Refused records that their source has corrected meanwhile, as a run shows that loads them: they are expired.

A run that reads all of its source sees in the end what it did not refuse again. One that reads only what changed knows
no more than the rows it has loaded, and by the source's own key which of them was refused before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import numpy as np

from headwater.store.queries import named_queries
from headwater.store.sealed import opened_refusals, opener_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import numpy.typing as npt
    import psycopg

QUERIES = named_queries("corrected")
RECORD = np.dtype([("key", "=u8"), ("id", "V16"), ("occurrence", ">i4")])


def corrected_by(run_id: UUID) -> str:
    """Why such a record is not open any more."""
    return f"corrected in its source, and loaded by run {run_id}"


class RowsLoaded(Protocol):
    """The rows of the source that a chunk has loaded under one of these keys: the hash of the key, and the cells of
    `identity`, each a text.
    """

    def __call__(
        self, identity: Sequence[str], keys: npt.NDArray[np.uint64], /
    ) -> Collection[tuple[int, tuple[str, ...]]]:
        """Asked only where records are open."""


class OpenRecords:
    """The open records of a source that runs before one refused, by their keys; looked up once, when first needed.

    identity  the columns by which the source tells its rows apart: two of its rows may share a key of the contract
    """

    def __init__(
        self,
        tenant_id: UUID,
        source_id: bytes,
        contract: str,
        *,
        run_id: UUID,
        started: datetime,
        identity: Sequence[str],
    ) -> None:
        name, _, version = contract.partition("@")
        self._values = {"tenant": tenant_id, "source": source_id, "started": started}
        self._chosen = {"contract": f"{name}@{version.partition('.')[0]}."}
        self._reason = corrected_by(run_id)
        self._identity = tuple(identity)
        self._records: npt.NDArray[Any] | None = None

    def expire(self, connection: psycopg.Connection[Any], loaded: RowsLoaded, *, chunk_id: UUID) -> int:
        """Expire those whose very row of the source a chunk has loaded; how many."""
        found = self._among(connection, loaded)
        if not found:
            return 0
        values = {**_named(found), "chunk": chunk_id, "reason": self._reason}
        return connection.execute(QUERIES["expire_corrected"], self._values | values).rowcount

    def _among(self, connection: psycopg.Connection[Any], loaded: RowsLoaded) -> list[tuple[UUID, int]]:
        records = self._open(connection)
        rows = loaded(self._identity, records["key"]) if len(records) else ()
        if not rows:
            return []
        met = records[np.isin(records["key"], np.array([key for key, _ in rows], np.uint64))]
        keys = {(UUID(bytes=each["id"].tobytes()), int(each["occurrence"])): int(each["key"]) for each in met}
        stored = connection.execute(QUERIES["cells"], self._values | _named(list(keys))).fetchall()
        cells = opened_refusals([raw for _, _, raw in stored], opener_of(connection), keep=True)
        return [
            (of, number)
            for (of, number, _), body in zip(stored, cells, strict=True)
            if (keys[of, number], tuple(body.get(name) for name in self._identity)) in rows
        ]

    def _open(self, connection: psycopg.Connection[Any]) -> npt.NDArray[Any]:
        if self._records is None:
            row = connection.execute(QUERIES["open_keys"], self._values | self._chosen).fetchone()
            self._records = np.frombuffer(bytes(row[0] or b"") if row else b"", RECORD)
        return self._records


def _named(records: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    return {"ids": [of for of, _ in records], "occurrences": [number for _, number in records]}
