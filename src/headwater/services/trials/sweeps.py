"""Which rows the sweep of a full load would delete, found as the sweep finds them and with nothing deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headwater.pipeline.seen import SeenKeys
from headwater.services.full_loads import held_by_others, stored_key_hashes
from headwater.store.sealed import opened_keys
from headwater.store.sweep import older_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import numpy.typing as npt

    from headwater.contracts import Document
    from headwater.services.installation import Installation


@dataclass(frozen=True, kw_only=True)
class _RunToCome:
    """A run of a source that begins after all that there are."""

    source_id: bytes
    started_at: datetime


KEYS = 1000
"""So many of those that would go are named."""


@dataclass(frozen=True, kw_only=True)
class RowsToGo:
    """How many rows would go, and the keys of the first as they are written; none where a key is personal."""

    rows: int
    keys: tuple[str, ...]


def rows_to_go(
    installation: Installation,
    duck: duckdb.DuckDBPyConnection,
    contract: Document,
    source_id: bytes,
    read: Sequence[npt.NDArray[np.uint64]],
) -> RowsToGo | None:
    """Rows that earlier runs of a source have loaded, whose keys are not among those `read` now, and which no other
    source holds; None where it is not known what those hold.
    """
    tenant_id, count, named = installation.tenant_id, 0, list[str]()
    is_personal = any(spec.personal for spec in installation.contract(contract.name, contract.major).key)
    run = _RunToCome(source_id=source_id, started_at=datetime.max.replace(tzinfo=UTC))
    with (
        installation.database.connect(tenant_id) as connection,
        SeenKeys(lambda: iter(read)) as seen,
        SeenKeys(lambda: holding.hashes(installation)) as held,
    ):
        holding = held_by_others(connection, tenant_id, contract, source_id)
        if holding.unknown:
            return None
        for batch in older_keys(connection, tenant_id, contract, run):
            keys = opened_keys(connection, contract, pa.Table.from_batches([batch]))
            hashes = stored_key_hashes(duck, contract, keys)
            is_gone = ~(seen.among(hashes) | held.among(hashes))
            count += int(np.count_nonzero(is_gone))
            if count and not is_personal and len(named) < KEYS:
                gone = keys.filter(pa.array(is_gone)).slice(0, KEYS - len(named))
                columns = [gone[spec.name].to_pylist() for spec in contract.key]
                named += ["|".join(map(str, key)) for key in zip(*columns, strict=True)]
    return RowsToGo(rows=count, keys=tuple(named))
