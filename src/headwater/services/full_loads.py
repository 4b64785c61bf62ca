"""A full load ends with a sweep: what its source no longer holds is deleted, its past kept, once no gap is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headwater.contracts.bulk import quoted
from headwater.errors import RetryLater
from headwater.pipeline.seen import SeenKeys
from headwater.store.chunks import Chunk, chunks_of
from headwater.store.sealed import opened_keys
from headwater.store.sweep import (
    MENDED,
    SETTLED,
    Sweep,
    holding_chunks,
    key_hashes,
    older_keys,
    reading_chunks,
    settled_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    import duckdb
    import numpy.typing as npt

    from headwater.contracts import Document
    from headwater.mapping import Mapping
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.store.sweep import SettledKeys

ATTEMPTS = 5
NOT_WHOLE = "a chunk of it is not loaded"
REFUSED = (
    "records of it were refused and are open; once they are mended, dismissed or corrected in the source, the next full"
    " load deletes what the source no longer holds"
)
UNREAD = (
    "of a record of it that was dismissed no key can be read, and it may be the next version of any row; once it is"
    " corrected in the source, taken out of it or skipped by the mapping, the next full load deletes what the source no"
    " longer holds"
)
UNKNOWN = (
    "another source sends records that were mended before their keys were kept; once they are corrected in it, the next"
    " full load deletes what the source no longer holds"
)
MOVED = (
    "a gap was filled after the last chunk was read, and rows may have moved between them meanwhile; the next full load"
    " deletes what the source no longer holds"
)


def sweep_if_full(
    installation: Installation, run: Run, logic: Logic, *, duck: duckdb.DuckDBPyConnection, results: Document | None
) -> str | None:
    """Sweep where the recipe says `full`, every planned chunk is committed, and no record that it refused is open; why
    not, of a full load that is not swept.

    A row must not go because its next version has a fault: what was mended here or dismissed stays under its key as
    long as the source sends it, however wrong; and where no key can be read of what was dismissed, every row does. Nor
    because another source holds it still: two sources that agree share one row. A file without records
    sweeps nothing: it is far more often a broken export than the wish to delete everything. Nor must one go that moved,
    while a gap was open, into a chunk that had been read.
    """
    if logic.recipe.load.strategy != "full" or run.kind == "resubmit":
        return None
    for _ in range(ATTEMPTS):
        with installation.database.connect(installation.tenant_id) as connection:
            chunks = chunks_of(connection, installation.tenant_id, run.run_id)
            if not chunks:
                return None
            reading = reading_chunks(connection, installation.tenant_id, run.run_id)
            settled = settled_keys(connection, installation.tenant_id, reading, SETTLED)
            if reason := _not_to_be_swept(run, logic, chunks, settled):
                return reason
            holding = held_by_others(connection, installation.tenant_id, logic.contract, run.source_id)
            if holding.unknown:
                return UNKNOWN
            sweep = Sweep(
                connection, installation.tenant_id, run, logic.contract, results, chunk_id=chunks[-1].chunk_id
            )
            read = KeysRead(reading, settled.hashes)
            if _swept(installation, connection, sweep, duck, reading=read, holding=holding):
                return None
            connection.rollback()
    raise RetryLater("other sources keep loading the same contract", where=f"the sweep of run {run.run_id}")


@dataclass(frozen=True)
class KeysRead:
    """Where the keys stand that are read of a source, and those of what it sends wrong and was settled here; of how
    many of these nobody knows the key.
    """

    chunks: list[UUID]
    settled: npt.NDArray[np.uint64]
    unknown: int = 0

    def is_as(self, other: KeysRead) -> bool:
        """Whether nothing has come or gone."""
        is_same = self.chunks == other.chunks and self.unknown == other.unknown
        return is_same and np.array_equal(self.settled, other.settled)

    def hashes(self, installation: Installation) -> Iterator[npt.NDArray[np.uint64]]:
        """All of them."""
        yield self.settled
        with installation.database.connect(installation.tenant_id) as connection:
            yield from key_hashes(connection, installation.tenant_id, self.chunks)


def held_by_others(connection: TenantConnection, tenant_id: UUID, document: Document, source_id: bytes) -> KeysRead:
    """What all other sources hold of a contract, records included that they send wrong and that were mended here."""
    chunks = holding_chunks(connection, tenant_id, document, source_id)
    mended = settled_keys(connection, tenant_id, chunks, MENDED)
    return KeysRead(chunks, mended.hashes, mended.unknown)


def _not_to_be_swept(run: Run, logic: Logic, chunks: Sequence[Chunk], settled: SettledKeys) -> str | None:
    if any(chunk.state != "committed" for chunk in chunks):
        return NOT_WHOLE
    if sum((chunk.quarantined or 0) + (chunk.quarantined_raw or 0) for chunk in chunks) > settled.records:
        return REFUSED
    if settled.unread:
        return UNREAD
    return MOVED if rows_move(run, logic.mapping, logic.contract) and not _last_was_read_last(chunks) else None


def rows_move(run: Run, mapping: Mapping, contract: Document) -> bool:
    """Whether a record may leave one chunk of the plan for another while the source is read.

    Always of a plan by a cursor, whose rows go up to its last window when they change. Of one by ranges of the source's
    key where a record's key here does not hold all of that: then one that is deleted and comes back has another.
    """
    selection = dict(run.layout).get("selection")
    if selection is None:
        return False
    if selection["cursor"] is not None:
        return True
    rules = mapping.for_columns(tuple(run.layout["columns"])).fields
    own = {rule.names[0] for spec in contract.key if (rule := rules.get(spec.name)) and len(rule.names) == 1}
    return not selection["key"] or not own.issuperset(selection["key"])


def _last_was_read_last(chunks: Sequence[Chunk]) -> bool:
    """Whether the last chunk, which is open above, is the newest: what none of them has the source has no longer."""
    last = chunks[-1].committed_at
    return last is not None and all(each.committed_at is None or each.committed_at <= last for each in chunks)


def _swept(
    installation: Installation,
    connection: TenantConnection,
    sweep: Sweep,
    duck: duckdb.DuckDBPyConnection,
    *,
    reading: KeysRead,
    holding: KeysRead,
) -> bool:
    """Delete batch by batch; False where another source has loaded meanwhile and may hold what was deleted."""
    tenant_id, run, document = installation.tenant_id, sweep.run, sweep.document
    with (
        SeenKeys(lambda: reading.hashes(installation)) as seen,
        SeenKeys(lambda: holding.hashes(installation)) as held,
    ):
        for batch in older_keys(connection, tenant_id, document, run):
            keys = pa.Table.from_batches([batch])
            hashes = stored_key_hashes(duck, document, opened_keys(connection, document, keys))
            is_gone = ~(seen.among(hashes) | held.among(hashes))
            gone = keys.filter(pa.array(is_gone))
            if gone.num_rows:
                texts = {name: [str(text) for text in gone[name].to_pylist()] for name in gone.column_names}
                sweep.delete(texts, hashes[is_gone])
    return sweep.finish(lambda: holding.is_as(held_by_others(connection, tenant_id, document, run.source_id)))


def stored_key_hashes(duck: duckdb.DuckDBPyConnection, document: Document, keys: pa.Table) -> npt.NDArray[np.uint64]:
    """Of stored keys, as the chunks that read them have them."""
    typed = ", ".join(f"CAST({quoted(spec.name)} AS {spec.kind.duckdb_type})" for spec in document.key)
    duck.register("stored_keys", keys)
    try:
        hashes: npt.NDArray[np.uint64] = duck.sql(f"SELECT hash({typed}) AS key_hash FROM stored_keys").fetchnumpy()[
            "key_hash"
        ]
    finally:
        duck.unregister("stored_keys")
    return hashes
