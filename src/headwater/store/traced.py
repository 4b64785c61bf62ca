"""What a trace asks of a stored row, in one question each: it asks for several rows, and each question waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.audit.chain import Entry
from headwater.contracts.table import history_name
from headwater.store.chunks import Chunk
from headwater.store.cited_blobs import CitedBlob, not_there
from headwater.store.quarantine import QuarantineKey
from headwater.store.queries import named_queries
from headwater.store.records import select_joined
from headwater.store.runs import Run
from headwater.store.sealed import sealed_key
from headwater.store.stored_rows import composed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import psycopg

    from headwater.contracts.document import Document

QUERIES = named_queries("traced")


@dataclass(frozen=True, kw_only=True)
class ChunkOrigin:
    """A chunk and its run. `blob`: what its rows were read from; `entry`: the last that the chain notes of it."""

    chunk: Chunk
    run: Run
    blob: CitedBlob
    entry: Entry | None


@dataclass(frozen=True, kw_only=True)
class AboutRow:
    """What is known of a row besides its values.

    past     how many versions of it were replaced or deleted
    noticed  rule and words of what was noticed when it was loaded
    mended   the refused record that it stands for; None where it was not refused
    """

    past: int
    noticed: Sequence[tuple[str, str]]
    mended: QuarantineKey | None


def chunk_origin(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID) -> ChunkOrigin | None:
    """The chunk that a row names; None where there is none. Stopped where what it was read from is not known."""
    kinds = {"chunk": Chunk, "run": Run, "blob": CitedBlob, "entry": Entry}
    found = select_joined(connection, kinds, QUERIES["origin"], {"tenant_id": tenant_id, "chunk_id": chunk_id})
    if not found:
        return None
    chunk, run, blob = (found[0][name] for name in ("chunk", "run", "blob"))
    if blob is None:
        raise not_there(chunk.extract_sha256 or run.blob_sha256)
    return ChunkOrigin(chunk=chunk, run=run, blob=blob, entry=found[0]["entry"])


def about_row(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    key: Mapping[str, object],
    *,
    chunk_id: UUID,
    record_no: int,
) -> AboutRow:
    """Of the row with this key that `chunk_id` brought; `record_no` is in the file, from 1."""
    query = composed(QUERIES["about"], history_name(document), (), tuple(key))
    named = {"tenant_id": tenant_id, "chunk_id": chunk_id, "record_no": record_no}
    values = {**sealed_key(connection, document, key), **named}
    ((past, noticed, quarantine_id, occurrence),) = connection.execute(query, values).fetchall()
    mended = QuarantineKey(quarantine_id=quarantine_id, occurrence=occurrence) if quarantine_id else None
    return AboutRow(past=past, noticed=[(rule, message) for rule, message in noticed or ()], mended=mended)
