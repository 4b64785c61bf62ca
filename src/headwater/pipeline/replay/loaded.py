"""What a replay's load came to: `pipeline.ports` once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True)
class Refusal:
    """See `pipeline.ports.Refusal`."""

    record_no: int
    stored_record: int
    stored_source: str
    stored_hash: bytes
    newer: bool


@dataclass(frozen=True)
class Replaced:
    """See `pipeline.ports.Replaced`."""

    record_no: int
    stored_record: int
    stored_source: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """See `pipeline.ports.Loaded`."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    deleted: int = 0
    refused: tuple[Refusal, ...] = ()
    older: tuple[Refusal, ...] = ()
    left_out: tuple[int, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    relies_on: tuple[UUID, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """What decides where a new row meets one that stands; see `store.load.ChunkKey`."""

    run_id: UUID
    run_started: datetime
    source: str
    source_id: bytes
    chunk_id: UUID
    first_record: int
    settled_from: datetime | None
    version: str | None
    later_is_newer: bool = False
    unit: UUID | None = None
