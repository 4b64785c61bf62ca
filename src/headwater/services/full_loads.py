"""A full load ends with a sweep: what its source no longer holds is deleted, its past kept, once no gap is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.contracts.bulk import quoted
from headwater.errors import RetryLater
from headwater.pipeline.seen import SeenKeys
from headwater.store.chunks import Chunk, chunks_of
from headwater.store.sweep import Sweep, holding_chunks, key_hashes, older_keys, reading_chunks
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    import duckdb
    import numpy as np
    import numpy.typing as npt

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

ATTEMPTS = 5
_LOGGER = get_logger(__name__)


def sweep_if_full(
    installation: Installation, run: Run, logic: Logic, *, duck: duckdb.DuckDBPyConnection, results: Document | None
) -> None:
    """Sweep where the recipe says `full`, every planned chunk is committed, and no record was refused.

    A row must not go because its next version has a fault, nor because another source holds it still: two sources that
    agree share one row. A file without records sweeps nothing: it is far more often a broken export than the wish to
    delete everything. Nor must one that changed while a gap was open: by a cursor it moved beyond the last window.
    """
    if logic.recipe.load.strategy != "full" or run.kind == "resubmit":
        return
    for _ in range(ATTEMPTS):
        with installation.database.connect(installation.tenant_id) as connection:
            chunks = chunks_of(connection, installation.tenant_id, run.run_id)
            if not chunks or not all(map(_is_clean, chunks)):
                return
            if not _last_was_read_last(run, chunks):
                _LOGGER.warning(
                    "nothing was deleted: a gap was filled after the last window was read, and rows may have moved"
                    " between them; run it again to delete what the source no longer holds",
                    run=str(run.run_id),
                )
                return
            sweep = Sweep(
                connection, installation.tenant_id, run, logic.contract, results, chunk_id=chunks[-1].chunk_id
            )
            if _swept(installation, connection, sweep, duck):
                return
            connection.rollback()
    raise RetryLater("other sources keep loading the same contract", where=f"the sweep of run {run.run_id}")


def _is_clean(chunk: Chunk) -> bool:
    return chunk.state == "committed" and not chunk.quarantined and not chunk.quarantined_raw


def _last_was_read_last(run: Run, chunks: Sequence[Chunk]) -> bool:
    """Whether the last window of a plan by a cursor, into which rows that change move, is the newest of its chunks."""
    if dict(run.layout).get("selection", {}).get("cursor") is None:
        return True
    last = chunks[-1].committed_at
    return last is not None and all(each.committed_at is None or each.committed_at <= last for each in chunks)


def _swept(
    installation: Installation, connection: TenantConnection, sweep: Sweep, duck: duckdb.DuckDBPyConnection
) -> bool:
    """Delete batch by batch; False where another source has loaded meanwhile and may hold what was deleted."""
    tenant_id, run, document = installation.tenant_id, sweep.run, sweep.document
    holding = holding_chunks(connection, tenant_id, document, run.source_id)
    reading = reading_chunks(connection, tenant_id, run.run_id)
    with (
        SeenKeys(lambda: _hashes(installation, reading)) as seen,
        SeenKeys(lambda: _hashes(installation, holding)) as held,
    ):
        for batch in older_keys(connection, tenant_id, document, run):
            keys = pa.Table.from_batches([batch])
            hashes = _key_hashes(duck, document, keys)
            gone = keys.filter(pa.array(~(seen.among(hashes) | held.among(hashes))))
            if gone.num_rows:
                sweep.delete({name: [str(text) for text in gone[name].to_pylist()] for name in gone.column_names})
    return sweep.finish(lambda: holding_chunks(connection, tenant_id, document, run.source_id) == holding)


def _hashes(installation: Installation, chunks: Sequence[UUID]) -> Iterator[npt.NDArray[np.uint64]]:
    with installation.database.connect(installation.tenant_id) as connection:
        yield from key_hashes(connection, installation.tenant_id, chunks)


def _key_hashes(duck: duckdb.DuckDBPyConnection, document: Document, keys: pa.Table) -> npt.NDArray[np.uint64]:
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
