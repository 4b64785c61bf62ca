"""Rows of a contract that stand, brought into the engine with their types, and the hash by which they are named."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.contracts.bulk import quoted
from headwater.store.keyed_rows import keyed_batches

if TYPE_CHECKING:
    import duckdb

    from headwater.contracts import Document
    from headwater.services.installation import Installation


def load_rows(installation: Installation, engine: duckdb.DuckDBPyConnection, document: Document, relation: str) -> str:
    """Make a table of the engine from the contract's rows, with the contract's types and `row_hash`.

    Returns the SHA-256 of their row hashes, as hexadecimal digits in order of their keys: equal rows, equal hash.
    """
    casts = [f"CAST({quoted(spec.name)} AS {spec.kind.duckdb_type}) AS {quoted(spec.name)}" for spec in document.fields]
    names = [*(spec.name for spec in document.fields), "row_hash"]
    empty = pa.schema([pa.field(name, pa.string()) for name in names]).empty_table()
    selection = f"SELECT {', '.join(casts)}, row_hash FROM contract_rows"
    digest = hashlib.sha256()
    engine.register("contract_rows", empty)
    engine.execute(f"CREATE OR REPLACE TABLE {relation} AS {selection}")
    with installation.database.snapshot(installation.tenant_id) as connection:
        for batch in keyed_batches(connection, document):
            hashes: Any = pa.ListArray.from_arrays([0, batch.num_rows], batch.column("row_hash"))
            joined: Any = pc.binary_join(hashes, "")
            digest.update(joined[0].as_py().encode())
            engine.register("contract_rows", pa.Table.from_batches([batch]))
            engine.execute(f"INSERT INTO {relation} {selection}")
    engine.unregister("contract_rows")
    return digest.hexdigest()
