"""Chunks of a run: what was planned, what became of each, and which older chunk a new one may rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("chunks")


@dataclass(frozen=True, kw_only=True)
class PlannedChunk:
    """A byte span of a text that begins and ends between records."""

    chunk_no: int  # from 1
    chunk_id: UUID
    byte_start: int
    byte_end: int
    first_record: int  # 1 for the first data record of the file
    first_line: int  # 1 for the first line of the file
    records: int
    extract_sha256: bytes | None = None  # of the file with what a sync read for it
    last_row_id: str | None = None  # the key of the last record in it


@dataclass(frozen=True, kw_only=True)
class Chunk(PlannedChunk):
    """A chunk as stored; the counts are None until it is committed."""

    run_id: UUID
    state: str  # pending, committed, failed
    raw_sha256: bytes | None
    logic_hash: bytes | None
    reused_chunk_id: UUID | None
    read: int | None
    mapped: int | None
    skipped: Mapping[str, int]
    quarantined_raw: int | None
    produced: int | None
    inserted: int | None
    updated: int | None
    unchanged: int | None
    merged: int | None
    quarantined: int | None
    calculation: Mapping[str, Any] | None
    rows_sha256: bytes | None
    relies_on: Sequence[Sequence[Any]]
    superseded: int
    attempts: int
    error: Mapping[str, Any] | None
    committed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A run's chunks summed: what was read and what became of it."""

    committed: int  # chunks
    failed: int  # chunks
    read: int
    mapped: int
    quarantined_raw: int
    produced: int
    inserted: int
    updated: int
    unchanged: int
    merged: int
    quarantined: int
    skipped: Mapping[str, int]
    calculation: Mapping[str, int]


def chunks_of(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> list[Chunk]:
    """All chunks of a run in plan order."""
    return select(connection, Chunk, QUERIES["of_run"], {"tenant_id": tenant_id, "run_id": run_id})


def chunks_to_do(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> list[PlannedChunk]:
    """What a run, begun or resumed, has still to load, in plan order: chunks never tried, and gaps."""
    return select(connection, PlannedChunk, QUERIES["not_committed"], {"tenant_id": tenant_id, "run_id": run_id})


def get_chunk(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID) -> Chunk | None:
    """The chunk that a row names as its origin."""
    found = select(connection, Chunk, QUERIES["get"], {"tenant_id": tenant_id, "chunk_id": chunk_id})
    return found[0] if found else None


def mark_failed(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, chunk_no: int, *, error: Mapping[str, Any]
) -> None:
    """Record a gap and why, in a transaction after the one that failed."""
    connection.execute(
        QUERIES["mark_failed"],
        {"tenant_id": tenant_id, "run_id": run_id, "chunk_no": chunk_no, "error": Jsonb(error)},
    )
    connection.execute(QUERIES["note_gaps"], {"tenant_id": tenant_id, "run_id": run_id})


def standing(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID) -> tuple[bytes, bytes]:
    """Hashes of the records a chunk stands for, in record order: 16 bytes each of the text, 8 each of the key."""
    row = connection.execute(QUERIES["standing"], {"tenant_id": tenant_id, "chunk_id": chunk_id}).fetchone()
    return (bytes(row[0] or b""), bytes(row[1] or b"")) if row else (b"", b"")


def ledger_of(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> Ledger:
    """The run's ledger; committed and failed count chunks, the rest records."""
    values = {"tenant_id": tenant_id, "run_id": run_id}
    totals = connection.execute(QUERIES["totals"], values).fetchone() or (0,) * 11
    return Ledger(
        committed=totals[0],
        failed=totals[1],
        read=totals[2],
        mapped=totals[3],
        quarantined_raw=totals[4],
        produced=totals[5],
        inserted=totals[6],
        updated=totals[7],
        unchanged=totals[8],
        merged=totals[9],
        quarantined=totals[10],
        skipped=dict(connection.execute(QUERIES["skipped"], values).fetchall()),
        calculation=dict(connection.execute(QUERIES["calculation"], values).fetchall()),
    )


@dataclass(frozen=True, kw_only=True)
class ChunkProgress:
    """Chunks that are in, chunks that failed, and the records of the first.

    begun_at       when the run was begun, or gone on with, last; None where it never was
    records_since  of chunks that came in since
    """

    chunks_done: int
    chunks_failed: int
    records_done: int
    begun_at: datetime | None
    records_since: int


def progress_of(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> ChunkProgress:
    """How far a run is."""
    values = {"tenant_id": tenant_id, "run_id": run_id}
    found = connection.execute(QUERIES["progress"], values).fetchone()
    done, failed, records, begun_at, since = found or (0, 0, 0, None, 0)
    return ChunkProgress(
        chunks_done=done, chunks_failed=failed, records_done=records, begun_at=begun_at, records_since=since
    )
