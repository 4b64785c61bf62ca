"""What the database says of blobs: which exist, of what kind and size, and whether they were erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.errors import Stopped
from headwater.store.blobs import Blob
from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("blobs")


@dataclass(frozen=True, kw_only=True)
class CitedBlob:
    """A blob as the database knows it."""

    sha256: bytes
    kind: str  # raw, utf8, factor_set, reference_codes
    size: int
    name: str  # of the file as it came
    state: str  # held, erased
    created_at: datetime
    copy_sha256: bytes | None  # of the redacted copy that is held in its place


def cite_blob(connection: psycopg.Connection[Any], tenant_id: UUID, blob: Blob, *, kind: str, name: str) -> None:
    """Note a blob, once it is durable in the blob store: what is cited must be there."""
    connection.execute(
        QUERIES["cite"],
        {"tenant_id": tenant_id, "sha256": blob.sha256, "kind": kind, "size": blob.size, "name": name},
    )


def get_cited_blob(connection: psycopg.Connection[Any], tenant_id: UUID, sha256: bytes) -> CitedBlob:
    """What is known of a blob that a run cites; Stopped where nothing is."""
    found = select(connection, CitedBlob, QUERIES["get"], {"tenant_id": tenant_id, "sha256": sha256})
    if not found:
        raise not_there(sha256)
    return found[0]


def not_there(sha256: bytes) -> Stopped:
    """What is to be said of a blob that a run cites and the database does not know."""
    return Stopped(
        "it is cited and not there", where=f"blob {sha256.hex()}", remedy="Restore the database from a backup."
    )


def note_redacted(
    connection: psycopg.Connection[Any], tenant_id: UUID, sha256: bytes, *, copy_sha256: bytes | None
) -> None:
    """Note that a redacted copy is held in place of a blob; None: that it is erased wholly."""
    connection.execute(QUERIES["redacted"], {"tenant_id": tenant_id, "sha256": sha256, "copy": copy_sha256})


def all_cited_blobs(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[CitedBlob]:
    """Every blob of the tenant, for verification."""
    return select(connection, CitedBlob, QUERIES["all"], {"tenant_id": tenant_id})


def size_is_known(connection: psycopg.Connection[Any], tenant_id: UUID, size: int) -> bool:
    """Whether a file of this size may be one that was read before; then it is worth hashing before copying."""
    row = connection.execute(QUERIES["size_is_known"], {"tenant_id": tenant_id, "size": size}).fetchone()
    return bool(row and row[0])
