"""Which records of a dry run a load would leave out, since somebody deleted them by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.pipeline.replay.deleted import key_hash
from headwater.store.deletions import hashes_of
from headwater.store.load_names import contract_of
from headwater.values import record_text

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.contracts import Document
    from headwater.services.installation import Installation


def deleted_hashes(installation: Installation, document: Document) -> frozenset[str]:
    """Of the keys of a contract that were deleted by hand: seldom many."""
    with installation.database.connect(installation.tenant_id) as connection:
        return hashes_of(connection, installation.tenant_id, contract_of(document))


def leave_out(
    installation: Installation, document: Document, records: pa.Table, hashes: frozenset[str]
) -> frozenset[int]:
    """The numbers of those among records whose keys have these hashes."""
    if not hashes:
        return frozenset()
    columns = [[spec.kind.canonical(value) for value in records[spec.name].to_pylist()] for spec in document.key]
    contract = contract_of(document)
    return frozenset(
        number
        for number, key in zip(records["record_no"].to_numpy().tolist(), zip(*columns, strict=True), strict=True)
        if key_hash(installation.tenant_id, contract, record_text(key)) in hashes
    )
