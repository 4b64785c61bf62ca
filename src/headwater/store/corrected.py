"""Refused records that their source has corrected meanwhile, as a run shows that loads their keys: they are expired.

A run that reads all of its source sees in the end what it did not refuse again. One that reads only what changed knows
no more than the keys it has loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import numpy.typing as npt
    import psycopg

QUERIES = named_queries("corrected")
RECORD = np.dtype([("key", "=u8"), ("id", "V16"), ("occurrence", ">i4")])


def corrected_by(run_id: UUID) -> str:
    """Why such a record is not open any more."""
    return f"corrected in its source, and loaded by run {run_id}"


class OpenRecords:
    """The open records of a source that runs before one refused, by their keys; looked up once, when first needed."""

    def __init__(self, tenant_id: UUID, source_id: bytes, contract: str, *, run_id: UUID, started: datetime) -> None:
        name, _, version = contract.partition("@")
        self._values = {"tenant": tenant_id, "source": source_id, "started": started}
        self._chosen = {"contract": f"{name}@{version.partition('.')[0]}.", "conflict": f"{name}.key.conflict"}
        self._reason = corrected_by(run_id)
        self._records: npt.NDArray[Any] | None = None

    def expire(
        self, connection: psycopg.Connection[Any], keys: Callable[[], npt.NDArray[np.uint64]], *, chunk_id: UUID
    ) -> int:
        """Expire those whose key a chunk has loaded; how many. `keys` is asked only where a record is open."""
        found = self._among(connection, keys)
        if not len(found):
            return 0
        values = {
            "ids": [UUID(bytes=each.tobytes()) for each in found["id"]],
            "occurrences": found["occurrence"].tolist(),
            "chunk": chunk_id,
            "reason": self._reason,
        }
        return connection.execute(QUERIES["expire_corrected"], self._values | values).rowcount

    def _among(
        self, connection: psycopg.Connection[Any], keys: Callable[[], npt.NDArray[np.uint64]]
    ) -> npt.NDArray[Any]:
        if self._records is None:
            row = connection.execute(QUERIES["open_keys"], self._values | self._chosen).fetchone()
            self._records = np.sort(np.frombuffer(bytes(row[0] or b"") if row else b"", RECORD), order="key")
        records = self._records
        if not len(records):
            return records
        loaded = np.unique(keys())
        places = np.minimum(np.searchsorted(records["key"], loaded), len(records) - 1)
        met = loaded[records["key"][places] == loaded]
        return records[np.isin(records["key"], met)] if len(met) else records[:0]
