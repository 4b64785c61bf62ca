"""The factors of a run, pinned: the rows of `emission_factor` as they stood, kept as a blob that the run cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.contracts.bulk import quoted
from headwater.store.cited_blobs import cite_blob
from headwater.store.stored_rows import current_rows, parse_rows

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from headwater.contracts import Document
    from headwater.services.installation import Installation

FACTORS = ("emission_factor", 1)


def pin(installation: Installation) -> bytes:
    """Keep the factors that stand now; the SHA-256 under which they are kept."""
    document = installation.contract(*FACTORS)
    with installation.database.connect(installation.tenant_id) as connection:
        content = current_rows(connection, document)
        blob = installation.blobs.put_bytes(installation.tenant_id, content)
        if installation.keeps:
            cite_blob(connection, installation.tenant_id, blob, kind="factor_set", name="emission_factor.csv")
    return blob.sha256


def read(installation: Installation, connection: duckdb.DuckDBPyConnection, sha256: bytes) -> pa.Table:
    """The rows of a pinned set, typed as the contract says."""
    with installation.blobs.open(installation.tenant_id, sha256) as file:
        rows = parse_rows(file.read())
    return typed(connection, installation.contract(*FACTORS), rows)


def typed(connection: duckdb.DuckDBPyConnection, document: Document, rows: pa.Table) -> pa.Table:
    """Canonical texts, written by this code, as values of the contract's types; none for fields added since."""
    casts = ", ".join(
        f"CAST({quoted(spec.name) if spec.name in rows.column_names else 'NULL'} AS {spec.kind.duckdb_type})"
        f" AS {quoted(spec.name)}"
        for spec in document.fields
    )
    connection.register("canonical_rows", rows)
    try:
        typed_rows: pa.Table = connection.sql(f"SELECT {casts} FROM canonical_rows").to_arrow_table()
    finally:
        connection.unregister("canonical_rows")
    return typed_rows
