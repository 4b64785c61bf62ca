"""Refused records that their source has corrected meanwhile, as a run shows that loads them: they are expired.

A run that reads all of its source sees in the end what it did not refuse again. One that reads only what changed knows
no more than the rows it has loaded, and by the source's own key which of them was refused before: by an older run, or
by a lower chunk of its own, where a later one may read a row again.
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

    identity        the columns by which the source tells its rows apart: two of its rows may share a key of the
                    contract
    later_is_newer  whether what lower chunks of the run refused is among them: see `pipeline.source_rows`
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
        later_is_newer: bool,
    ) -> None:
        name, _, version = contract.partition("@")
        own = run_id if later_is_newer else None
        self._values = {"tenant": tenant_id, "source": source_id, "started": started, "own": own}
        self._chosen = {"contract": f"{name}@{version.partition('.')[0]}."}
        self._reason = corrected_by(run_id)
        self._identity = tuple(identity)
        self._later_is_newer = later_is_newer
        self._records: npt.NDArray[Any] | None = None
        self._not_looked_at: list[UUID] = []  # chunks of this run, written since

    def expire(self, connection: psycopg.Connection[Any], loaded: RowsLoaded, *, chunk_id: UUID, chunk_no: int) -> int:
        """Expire those whose very row of the source a chunk has loaded; how many."""
        found = self._among(connection, loaded)
        if self._later_is_newer:
            self._not_looked_at.append(chunk_id)
        if not found:
            return 0
        values = {**_named(found), "chunk": chunk_id, "chunk_no": chunk_no, "reason": self._reason}
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
            self._records = self._looked_up(connection, "open_keys")
        elif self._not_looked_at:
            since = self._looked_up(connection, "open_keys_of", chunks=self._not_looked_at)
            self._records = np.concatenate([self._records, since]) if len(since) else self._records
        self._not_looked_at = []
        return self._records

    def _looked_up(self, connection: psycopg.Connection[Any], query: str, **values: Any) -> npt.NDArray[Any]:
        row = connection.execute(QUERIES[query], self._values | self._chosen | values).fetchone()
        return np.frombuffer(bytes(row[0] or b"") if row else b"", RECORD)


def _named(records: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    return {"ids": [of for of, _ in records], "occurrences": [number for _, number in records]}
