"""A full load ends with a sweep: what its source no longer holds is deleted, its past kept, once no gap is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.contracts.bulk import quoted
from headwater.store.chunks import Chunk, chunks_of
from headwater.store.sweep import older_keys, sweep

if TYPE_CHECKING:
    import duckdb

    from headwater.contracts import Document
    from headwater.pipeline.seen import SeenKeys
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.runs import Run


def sweep_if_full(
    installation: Installation,
    run: Run,
    logic: Logic,
    *,
    duck: duckdb.DuckDBPyConnection,
    results: Document | None,
    seen: SeenKeys,
) -> None:
    """Sweep where the recipe says `full`, every planned chunk is committed, and no record was refused.

    A row must not go because its next version has a fault. A file without records sweeps nothing: it is far more often
    a broken export than the wish to delete everything.
    """
    if logic.recipe.load.strategy != "full" or run.kind != "import":
        return
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        chunks = chunks_of(connection, tenant_id, run.run_id)
        if not chunks or not all(map(_is_clean, chunks)):
            return
        gone = [
            _not_seen(duck, logic.contract, pa.Table.from_batches([batch]), seen)
            for batch in older_keys(connection, tenant_id, logic.contract, run)
        ]
        keys = pa.concat_tables(gone) if gone else None
        if keys is None or keys.num_rows == 0:
            return
        sweep(
            connection,
            tenant_id,
            run,
            logic.contract,
            results,
            keys={name: [str(text) for text in keys[name].to_pylist()] for name in keys.column_names},
            chunk_id=chunks[-1].chunk_id,
        )


def _is_clean(chunk: Chunk) -> bool:
    return chunk.state == "committed" and not chunk.quarantined and not chunk.quarantined_raw


def _not_seen(duck: duckdb.DuckDBPyConnection, document: Document, keys: pa.Table, seen: SeenKeys) -> pa.Table:
    """Those of the stored keys that this run has not read."""
    typed = ", ".join(f"CAST({quoted(spec.name)} AS {spec.kind.duckdb_type})" for spec in document.key)
    duck.register("stored_keys", keys)
    try:
        hashes = duck.sql(f"SELECT hash({typed}) AS key_hash FROM stored_keys").fetchnumpy()["key_hash"]
    finally:
        duck.unregister("stored_keys")
    return keys.filter(pa.array(~seen.among(hashes)))
