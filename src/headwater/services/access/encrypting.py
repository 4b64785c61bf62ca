"""Rows that were loaded before personal values were encrypted: encrypted now, where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa

from headwater.contracts.table import history_name, table_name
from headwater.errors import Stopped
from headwater.services.access.policy import Right
from headwater.services.access.sealing import ChunkSealing, SealedCells
from headwater.store import audit
from headwater.store.clear_values import any_key_in_clear, rows_in_clear, seal_rows

if TYPE_CHECKING:
    from headwater.contracts import Document
    from headwater.services.installation import Installation

NO_CELLS = SealedCells(personal=frozenset(), others=None)
NO_CHUNK = UUID(int=0)


def encrypt_records(installation: Installation) -> dict[str, int]:
    """Encrypt what is personal and stands in clear, past versions too; how many rows of each contract.

    Batch by batch, so that loads wait for one at most; begun again, it goes on. What was refused or noticed before
    stays as it is.
    """
    installation.require(Right.MANAGE_USERS, on="records")
    newest = {
        (document.name, document.major): installation.contract(document.name, document.major)
        for pack in installation.packs
        for document in pack.documents()
    }
    done = {
        f"{document.name}@{document.major}": sum(_encrypt(installation, document, table) for table in tables(document))
        for document in newest.values()
        if document.personal
    }
    found = {name: count for name, count in sorted(done.items()) if count}
    if found:
        with installation.database.connect(installation.tenant_id) as connection:
            audit.append(
                connection, installation.tenant_id, action="records.encrypted", resource="records", payload=found
            )
    return found


def tables(document: Document) -> tuple[str, str]:
    """Where a contract's rows stand, and stood."""
    return table_name(document), history_name(document)


def refuse_keys_in_clear(installation: Installation, document: Document) -> None:
    """Stopped where rows stand under keys that no load would find again, as it looks for ciphertexts."""
    if not any(spec.personal for spec in document.key):
        return
    with installation.database.connect(installation.tenant_id) as connection:
        if any_key_in_clear(connection, installation.tenant_id, document):
            raise Stopped(
                "records of before stand with personal keys in clear",
                where=f"contract {document.reference}",
                remedy="Encrypt them once: `headwater people keys encrypt-records`.",
            )


def _encrypt(installation: Installation, document: Document, table: str) -> int:
    count = 0
    while True:
        with installation.database.connect(installation.tenant_id) as connection:
            found = rows_in_clear(connection, installation.tenant_id, document, table)
            if not found:
                return count
            rows = pa.Table.from_pylist(list(found.values()))
            sealed = ChunkSealing(installation, document, NO_CELLS, connection, NO_CHUNK).rows(document, rows)
            columns = {name: sealed[name].to_pylist() for name in document.personal}
            seal_rows(connection, installation.tenant_id, table, list(found), columns)
        count += len(found)
