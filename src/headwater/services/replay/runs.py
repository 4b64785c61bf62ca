"""Runs as a replay meets them: what the audit chain tells of each, and what its chunks are done again with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.connectors.csv_file import ChunkSpan, Extract
from headwater.pipeline.replay.chunks_known import KnownChunk
from headwater.pipeline.replay.store import SPAN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack

    from headwater.pipeline.prepare import Preparation
    from headwater.pipeline.replay.store import ExpectedChunk, ReplayStore
    from headwater.pipeline.seen import SeenKeys
    from headwater.pipeline.transform import ChunkTransform
    from headwater.pipeline.writer import ChunkWriter
    from headwater.services.run_texts import RunTexts
    from headwater.store.chunks import Chunk
    from headwater.store.runs import Run


@dataclass(kw_only=True)
class SeenRun:
    """A run as the chain tells of it so far. `run` is the stored row with what the chain knows better put right."""

    run: Run
    stored: Run
    chunks: dict[int, Chunk]
    is_whole: bool  # the layout, which the chain holds as a hash only, is as it was
    logic: bytes  # the hash of what decided when the run was last begun, by the versions of the code then
    state: str = "pending"
    lineage: str | None = None
    error: Mapping[str, Any] | None = None
    reconciliation: Mapping[str, Any] | None = None
    committed: dict[int, ExpectedChunk] = field(default_factory=dict)


@dataclass(kw_only=True)
class OpenRun:
    """What the chunks of one run are done again with."""

    stack: ExitStack
    texts: RunTexts
    store: ReplayStore
    preparation: Preparation
    writer: ChunkWriter
    seen: SeenKeys
    transform: ChunkTransform
    contract: str
    results: str | None


def span_in(chunk: ExpectedChunk) -> ChunkSpan:
    """Where the chain says that a chunk stands."""
    sha256 = chunk.payload.get("extract")
    extract = Extract(sha256=bytes.fromhex(sha256), last_row=chunk.payload["last_row"]) if sha256 else None
    place = dict(zip(SPAN, chunk.payload["span"], strict=True))
    return ChunkSpan(chunk_no=chunk.chunk_no, extract=extract, **place)


def known_chunk(run: Run, chunk: ExpectedChunk) -> KnownChunk:
    """What the model remembers of a chunk that was not done again."""
    reused = chunk.payload["reused"]
    return KnownChunk(
        chunk_id=chunk.chunk_id,
        run_id=run.run_id,
        run_started=run.started_at,
        source=run.source_name,
        source_id=run.source_id,
        chunk_no=chunk.chunk_no,
        first_record=chunk.first_record,
        reused=UUID(reused) if reused else None,
    )


def place_in(seen: SeenRun, chunk_no: int) -> str:
    """What differences call a chunk."""
    return f"run {seen.run.run_id}, chunk {chunk_no}"


if TYPE_CHECKING:
    ErasedRecords = Callable[[SeenRun, ChunkSpan, RunTexts], list[int]]
    """Records of a chunk, by number in it, that were erased from its file."""
