"""Which records in quarantine the rows are that a trial sees refused, as a run would find them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from headwater.pipeline.known_rows import IN_PART
from headwater.store.known_rows import records_known_by

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.services.installation import Installation


class KnownRows:
    """What a trial has met so far."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._so_far: Counter[str] = Counter()
        self._met: set[str] = set()

    def keys(self, refused: pa.Table) -> list[str]:
        """The keys that refused records have, or would get; of a table's rows those of the records that are known."""
        ids, others = map(str, refused["quarantine_id"].to_pylist()), refused["others"].to_pylist()
        names = list(zip(ids, others, strict=True))
        by_all = [of for of, other in names if other is None]
        rows = [[of, *other.split()] for of, other in names if other is not None]
        return [*self._numbered(by_all), *(self._found(rows) if rows else ())]

    def _numbered(self, ids: list[str]) -> list[str]:
        keys = []
        for found in ids:
            self._so_far[found] += 1
            keys.append(f"{UUID(found)}.{self._so_far[found]}")
        return keys

    def _found(self, rows: list[list[str]]) -> list[str]:
        """See `store.known_rows`: one way after the other, of equal rows each another record."""
        tenant_id = self._installation.tenant_id
        asked = {said.removeprefix(IN_PART) for ids in rows for said in ids}
        with self._installation.database.connect(tenant_id) as connection:
            known = records_known_by(connection, tenant_id, asked)
        keys: list[str] = []
        for way in range(max(map(len, rows))):
            left = []
            for ids in rows:
                said = ids[way] if way < len(ids) else ""
                free = (
                    key
                    for key, state in known.get(said.removeprefix(IN_PART), ())
                    if key not in self._met and not (said.startswith(IN_PART) and state == "resubmitted")
                )
                key = next(free, None)
                if key is None:
                    left.append(ids)
                else:
                    self._met.add(key)
                    keys.append(key)
            rows = left
        return keys
