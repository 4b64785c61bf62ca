"""Which records of a dry run stand already, just as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.pipeline.hash_columns import first_bytes
from headwater.store import keyed_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.contracts import Document
    from headwater.services.installation import Installation

SHA256_BYTES = 32


def as_they_stand(installation: Installation, document: Document, records: pa.Table) -> frozenset[int]:
    """The numbers of those among records that a load would find unchanged. None of a contract whose keys are personal:
    as they stand, they are told by a key of the organisation.
    """
    # Another version of the code, or of the contract, may say more of personal data than this one knows.
    newest = installation.contract(document.name, document.major)
    if not records.num_rows or any(spec.personal for spec in newest.key):
        return frozenset()
    with installation.database.connect(installation.tenant_id) as connection:
        return keyed_rows.as_they_stand(
            connection,
            installation.tenant_id,
            document,
            {
                spec.name: [spec.kind.canonical(value) for value in records[spec.name].to_pylist()]
                for spec in document.key
            },
            hashes=[found.tobytes() for found in first_bytes(records["row_hash"], SHA256_BYTES)],
            numbers=records["record_no"].to_numpy().tolist(),
        )
