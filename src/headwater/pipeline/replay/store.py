"""The model as a place to load chunks into: `pipeline.ports` once more, with comparison in place of a database."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from headwater.pipeline.replay.chunks_known import KnownChunk, KnownChunks
from headwater.pipeline.replay.rows import ContractRows, Meeting
from headwater.pipeline.writer import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from headwater.contracts.document import Document
    from headwater.pipeline.replay.differences import Differences
    from headwater.pipeline.replay.quarantines import Quarantines
    from headwater.pipeline.replay.rows import Loaded

HASHES = ("raw_sha256", "logic_hash", "rows_sha256")
SPAN = ("byte_start", "byte_end", "first_record", "first_line", "records")
RECOMPUTED = "computed again from the raw file"
CHAINED = "as the audit chain says"


class StoredChunk(Protocol):
    """A chunk as stored: its columns by name."""

    def __getattr__(self, name: str) -> Any: ...


class StandingHashes(Protocol):
    """Where hashes of a chunk's records are read from."""

    def __call__(self, chunk_id: UUID) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        """Raw hashes (16 bytes) and key hashes of its records that stand, as stored."""


@dataclass(frozen=True, kw_only=True)
class EarlierChunk:
    """See `pipeline.ports.EarlierChunk`."""

    chunk_id: UUID
    raw_sha256: bytes
    root: UUID
    ledger: Mapping[str, Any]
    relies_on: Mapping[UUID, int]


@dataclass(kw_only=True)
class Model:
    """All that is compared: contract tables by contract, quarantine with repairs and findings, chunks done again."""

    rows: Mapping[str, ContractRows]  # by table
    quarantines: Quarantines
    known: KnownChunks
    differences: Differences
    actor: str


@dataclass(frozen=True, kw_only=True)
class ReplayedRun:
    """The run whose chunks are done again."""

    run_id: UUID
    started: datetime
    source_name: str
    source_id: bytes
    contract: str
    settled_from: datetime | None


class ReplayStore:
    """The `ChunkStore` of a replay. `expect` says which chunk comes next, as it is stored and as the chain has it."""

    def __init__(self, model: Model, run: ReplayedRun, standing: StandingHashes) -> None:
        self._model = model
        self._run = run
        self._standing = standing
        self._done: list[UUID] = []
        self._chunk: StoredChunk | None = None
        self._payload: Mapping[str, Any] = {}

    def expect(self, chunk: StoredChunk, payload: Mapping[str, Any]) -> None:
        """The next chunk."""
        self._chunk, self._payload = chunk, payload

    def done_before(self, chunk_ids: Sequence[UUID]) -> None:
        """Chunks of this run that were done already."""
        self._done.extend(chunk_ids)

    def earlier(self, raw_sha256: bytes) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        """A replay reads every chunk that was not found equal to another."""
        return None

    def alike(self, chunk_no: int) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        """The chunk beside which this one was loaded, as the chain has it."""
        beside = self._payload.get("beside")
        if beside is None or self._chunk is None:
            return None
        relied_on = {UUID(str(chunk)): int(count) for chunk, count in self._chunk.relies_on}
        return EarlierChunk(chunk_id=UUID(beside), raw_sha256=b"", root=UUID(beside), ledger={}, relies_on=relied_on)

    def standing(self, chunk: EarlierChunk) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        """Hashes as stored; they were compared when that chunk was done again."""
        return self._standing(chunk.root)

    def key_hashes(self) -> Iterator[npt.NDArray[np.uint64]]:
        """Of the chunks of this run done so far."""
        for chunk_id in self._done:
            known = self._model.known.by_id[chunk_id]
            yield self._standing(known.reused or chunk_id)[1]

    @contextmanager
    def begin(self, chunk_no: int) -> Iterator[ReplayTransaction]:
        """The expected chunk."""
        if self._chunk is None or self._chunk.chunk_no != chunk_no:
            raise AssertionError("a replay goes in the order of the chain")
        yield ReplayTransaction(self._model, self._run, self._chunk, self._payload, self._standing)
        self._done.append(self._chunk.chunk_id)

    def fail(self, chunk_no: int, error: Mapping[str, Any]) -> None:
        """A replay records no gaps."""
        raise AssertionError(f"chunk {chunk_no} of a replay failed: {error}")


class ReplayTransaction:
    """One chunk done to the model."""

    def __init__(
        self,
        model: Model,
        run: ReplayedRun,
        chunk: StoredChunk,
        payload: Mapping[str, Any],
        standing: StandingHashes,
    ) -> None:
        self._model = model
        self._run = run
        self._chunk = chunk
        self._payload = payload
        self._standing = standing
        self._place = f"run {run.run_id}, chunk {chunk.chunk_no}"
        self._findings: pa.Table | None = None
        self._relied_on: set[UUID] = set()

    def is_open(self) -> bool:
        """It was, when it was committed."""
        return True

    def stands(self, relies_on: Mapping[UUID, int]) -> bool:  # noqa: ARG002  the port's signature
        """It did; the counts are compared at the commit."""
        return True

    def load(
        self,
        document: Document,
        rows: pa.Table,
        *,
        repeated: Callable[[Sequence[int]], Sequence[int]],
        parent: Document | None = None,
    ) -> Loaded:
        """See `ports.ChunkTransaction.load`."""
        meeting = Meeting(
            run_id=self._run.run_id,
            run_started=self._run.started,
            chunk_id=self._chunk.chunk_id,
            settled_from=self._run.settled_from,
        )
        above = self._model.rows[_name(parent)] if parent is not None else None
        loaded = self._model.rows[_name(document)].load(rows, meeting, repeated=repeated, parent=above)
        self._relied_on.update(loaded.relies_on)
        return loaded

    def quarantine(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.quarantine`."""
        self._model.quarantines.refuse(
            rows,
            source_id=self._run.source_id,
            contract=self._run.contract,
            chunk_id=self._chunk.chunk_id,
            run_id=self._run.run_id,
        )

    def mend(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.mend`."""
        self._model.quarantines.mend(
            rows, chunk_id=self._chunk.chunk_id, run_id=self._run.run_id, actor=self._model.actor
        )

    def findings(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.findings`."""
        self._findings = rows

    def commit(self, ledger: Mapping[str, Any], *, payload: Mapping[str, Any]) -> None:
        """Compare what the chunk left behind: findings, ledger, hashes, and what the chain holds of it."""
        self._model.quarantines.compare_findings(self._chunk.chunk_id, self._place, self._findings)
        compare_with_chain(self._model.differences, self._chunk, self._payload, self._place)
        self._compare_again(payload)
        self._compare_hashes(ledger)
        self._compare_relied_on(ledger)
        self._model.known.add(
            KnownChunk(
                chunk_id=self._chunk.chunk_id,
                run_id=self._run.run_id,
                run_started=self._run.started,
                source=self._run.source_name,
                chunk_no=self._chunk.chunk_no,
                first_record=self._chunk.first_record,
                reused=ledger["reused_chunk_id"],
            )
        )

    def _compare_again(self, payload: Mapping[str, Any]) -> None:
        """The ledger that this replay came to, against the chain."""
        for name in (*COUNTS, "raw_sha256", "rows_sha256", "calculation"):
            self._differ(name, self._payload.get(name), payload[name], RECOMPUTED)

    def _compare_hashes(self, ledger: Mapping[str, Any]) -> None:
        raw_hashes, key_hashes = self._standing(self._chunk.chunk_id)
        for name, stored in (("raw_hashes", raw_hashes), ("key_hashes", key_hashes)):
            expected = ledger[name] or b""
            self._differ(name, _digest(stored.tobytes()), _digest(expected), f"SHA-256 of what was {RECOMPUTED}")

    def _compare_relied_on(self, ledger: Mapping[str, Any]) -> None:
        """Which chunks this one relies on, and that each had lost as many rows by then as it says."""
        stored = {UUID(str(chunk)): int(count) for chunk, count in self._chunk.relies_on}
        own = self._relied_on if self._payload.get("beside") or ledger["reused_chunk_id"] else set(ledger["relies_on"])
        lost = {chunk: self._model.known.superseded[chunk] for chunk in own | stored.keys()}
        expected = {chunk: lost[chunk] for chunk in sorted(lost, key=str)}
        self._differ(
            "relies_on",
            str([[str(chunk), count] for chunk, count in sorted(stored.items(), key=lambda item: str(item[0]))]),
            str([[str(chunk), count] for chunk, count in expected.items()]),
            RECOMPUTED,
        )

    def _differ(self, column: str, stored: object, expected: object, why: str) -> None:
        self._model.differences.compare("chunks", self._place, column, stored=stored, expected=expected, why=why)


def compare_with_chain(differences: Differences, chunk: StoredChunk, payload: Mapping[str, Any], place: str) -> None:
    """A chunk as stored against what the chain holds of it."""
    facts = [(name, getattr(chunk, name), payload.get(name)) for name in (*COUNTS, "calculation")]
    facts += [(name, (getattr(chunk, name) or b"").hex(), payload.get(name)) for name in HASHES]
    facts += [(name, getattr(chunk, name), fact) for name, fact in zip(SPAN, payload.get("span", ()), strict=False)]
    reused = str(chunk.reused_chunk_id) if chunk.reused_chunk_id else None
    facts += [("state", chunk.state, "committed"), ("error", chunk.error, None)]
    facts += [("reused_chunk_id", reused, payload.get("reused"))]
    relied_on = "".join(sorted(str(other) for other, _ in chunk.relies_on))
    facts += [("relies_on", _digest(relied_on.encode()) if relied_on else None, payload.get("relies_on"))]
    for column, stored, expected in facts:
        differences.compare("chunks", place, column, stored=_plain(stored), expected=_plain(expected), why=CHAINED)


def _plain(value: object) -> object:
    return dict(value) if hasattr(value, "keys") else value  # type: ignore[call-overload]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _name(document: Document) -> str:
    return f"{document.name}@{document.major}"
