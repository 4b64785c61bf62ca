"""The model as a place to load chunks into: `pipeline.ports` once more, with comparison in place of a database."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import numpy as np

from headwater.pipeline.chained import CONFLICTS_TOO, COUNTS, KEYS_TOLD, OWN_TOO
from headwater.pipeline.replay.chunks_known import KnownChunk, KnownChunks
from headwater.pipeline.replay.corrected import ChunkThatCorrects, expire_corrected
from headwater.pipeline.replay.loaded import Meeting
from headwater.pipeline.replay.refused_keys import as_held
from headwater.pipeline.transform import RAW_HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import numpy.typing as npt
    import pyarrow as pa

    from headwater.contracts.document import Document
    from headwater.errors import HeadwaterError
    from headwater.pipeline.ports import RowsLoaded
    from headwater.pipeline.replay.differences import Differences
    from headwater.pipeline.replay.loaded import Loaded
    from headwater.pipeline.replay.quarantines import Quarantines
    from headwater.pipeline.replay.rows import ContractRows

HASHES = ("raw_sha256", "logic_hash", "rows_sha256")
STANDING = ("raw_hashes", "key_hashes")
SPAN = ("byte_start", "byte_end", "first_record", "first_line", "records")
RECOMPUTED = "computed again from the raw file"
CHAINED = "as the audit chain says"


class StoredChunk(Protocol):
    """A chunk as stored, which may have been changed; ledger, place and hashes are read by their columns' names."""

    @property
    def chunk_id(self) -> UUID:
        """Its id."""

    @property
    def state(self) -> str:
        """Should be committed."""

    @property
    def error(self) -> Mapping[str, Any] | None:
        """Should be none."""

    @property
    def reused_chunk_id(self) -> UUID | None:
        """The chunk it was found equal to."""

    @property
    def relies_on(self) -> Sequence[Sequence[Any]]:
        """Older chunks and how many rows each had lost."""


@dataclass(frozen=True, kw_only=True)
class ExpectedChunk:
    """A chunk as the chain tells of it: its id follows from its place, its place and ledger stand in `payload`."""

    chunk_id: UUID
    chunk_no: int
    first_record: int
    payload: Mapping[str, Any]
    actor: str  # whom the chain names for it
    stored: StoredChunk
    relies_on: Mapping[UUID, int]  # as stored, or nothing where that cannot be read


class StandingHashes(Protocol):
    """Where hashes of a chunk's records are read from."""

    def __call__(self, chunk_id: UUID) -> tuple[bytes, bytes]:
        """Raw hashes (16 bytes a record) and key hashes (8 bytes) of its records that stand, as stored."""


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


@dataclass(frozen=True, kw_only=True)
class ReplayedRun:
    """The run whose chunks are done again."""

    run_id: UUID
    started: datetime
    source_name: str
    source_id: bytes
    contract: str
    settled_from: datetime | None
    identity: Sequence[str]  # the columns by which its source tells rows apart
    in_order: range  # the chunks in which a key read again is a row changed meanwhile


class ReplayStore:
    """The `ChunkStore` of a replay. `expect` says which chunk comes next, as it is stored and as the chain has it."""

    def __init__(self, model: Model, run: ReplayedRun, standing: StandingHashes) -> None:
        self._model = model
        self._run = run
        self._standing = standing
        self._done: list[UUID] = []
        self._chunk: ExpectedChunk | None = None

    def expect(self, chunk: ExpectedChunk) -> None:
        """The next chunk."""
        self._chunk = chunk

    def done_before(self, chunk_ids: Sequence[UUID]) -> None:
        """Chunks of this run that were done already."""
        self._done.extend(chunk_ids)

    def earlier(self, chunk_no: int, raw_sha256: bytes) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        """A replay reads every chunk that was not found equal to another."""
        return None

    def alike(self, chunk_no: int) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        """The chunk beside which this one was loaded, as the chain has it."""
        if self._chunk is None or self._chunk.payload["beside"] is None:
            return None
        beside = UUID(self._chunk.payload["beside"])
        return EarlierChunk(chunk_id=beside, raw_sha256=b"", root=beside, ledger={}, relies_on=self._chunk.relies_on)

    def standing(self, root: UUID) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        """Hashes as stored; they were compared when that chunk was done again."""
        raw_hashes, key_hashes = self._standing(root)
        return _whole(raw_hashes, np.dtype(f"V{RAW_HASH_BYTES}")), _whole(key_hashes, np.dtype(np.uint64))

    def key_hashes(self, *, after: int = 0) -> Iterator[npt.NDArray[np.uint64]]:
        """Of the chunks of this run done so far; of those of higher numbers."""
        for chunk_id in self._done:
            known = self._model.known.by_id[chunk_id]
            if known.chunk_no <= after:
                continue
            raw_hashes, key_hashes = self.standing(known.reused or chunk_id)
            yield key_hashes[: len(raw_hashes)]

    @contextmanager
    def begin(self, chunk_no: int) -> Iterator[ReplayTransaction]:
        """The expected chunk."""
        if self._chunk is None or self._chunk.chunk_no != chunk_no:
            raise AssertionError("a replay goes in the order of the chain")
        yield ReplayTransaction(self._model, self._run, self._chunk, self._standing)
        self._done.append(self._chunk.chunk_id)

    def fail(self, chunk_no: int, error: HeadwaterError) -> None:
        """A replay records no gaps."""
        raise AssertionError(f"chunk {chunk_no} of a replay failed: {error}")


class ReplayTransaction:
    """One chunk done to the model."""

    def __init__(
        self,
        model: Model,
        run: ReplayedRun,
        chunk: ExpectedChunk,
        standing: StandingHashes,
    ) -> None:
        self._model = model
        self._run = run
        self._chunk = chunk
        self._payload = chunk.payload
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

    def refused_again(self, root: UUID) -> int:  # noqa: ARG002  the port's signature
        """All of them, or it would not have been reused."""
        return int(self._payload["quarantined"]) + int(self._payload["quarantined_raw"])

    def load(
        self,
        document: Document,
        rows: pa.Table,
        *,
        repeated: Callable[[Sequence[int]], Sequence[int]],
        parent: Document | None = None,
        version: str | None = None,
    ) -> Loaded:
        """See `ports.ChunkTransaction.load`."""
        meeting = Meeting(
            run_id=self._run.run_id,
            run_started=self._run.started,
            source=self._run.source_name,
            source_id=self._run.source_id,
            chunk_id=self._chunk.chunk_id,
            first_record=self._chunk.first_record,
            settled_from=self._run.settled_from,
            version=version,
            later_is_newer=self._chunk.chunk_no in self._run.in_order,
            unit=self._model.known.source_units.get(self._run.source_id),
        )
        above = self._model.rows[_name(parent)] if parent is not None else None
        loaded = self._model.rows[_name(document)].load(rows, meeting, repeated=repeated, parent=above)
        self._relied_on.update(loaded.relies_on)
        return loaded if "replaced" in self._payload else replace(loaded, replaced=())  # not noted before, or none

    def quarantine(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.quarantine`."""
        self._model.quarantines.refuse(
            rows,
            source_id=self._run.source_id,
            contract=self._run.contract,
            chunk_id=self._chunk.chunk_id,
            run_id=self._run.run_id,
            is_held="refused_keys" in self._payload,
            is_told=KEYS_TOLD in self._payload,
        )

    def mend(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.mend`."""
        self._model.quarantines.mend(
            rows,
            chunk_id=self._chunk.chunk_id,
            run_id=self._run.run_id,
            actor=self._chunk.actor,
            is_told=KEYS_TOLD in self._payload,
        )

    def expire_corrected(self, loaded: RowsLoaded) -> int:
        """See `ports.ChunkTransaction.expire_corrected`; of chunks that did it, as the chain has it."""
        if "corrected" not in self._payload:
            return 0
        one = ChunkThatCorrects(
            chunk=self._known(reused=None),
            contract=self._run.contract,
            count=self._payload["corrected"],
            conflicts=CONFLICTS_TOO in self._payload,
            own=OWN_TOO in self._payload,
            identity=self._run.identity,
        )
        return expire_corrected(self._model.known.connection, one, loaded)

    def findings(self, rows: pa.Table) -> None:
        """See `ports.ChunkTransaction.findings`."""
        self._findings = rows

    def held(self, digest: str) -> str:
        """See `ports.ChunkTransaction.held`; as the chain has it of this chunk."""
        return as_held(self._payload.get("refused_keys"), digest, self._model.quarantines.keyed)

    def commit(self, ledger: Mapping[str, Any], *, payload: Mapping[str, Any]) -> None:
        """Compare what the chunk left behind: findings, ledger, hashes, and what the chain holds of it."""
        self._model.quarantines.compare_findings(
            self._chunk.chunk_id, self._place, self._findings, first_record=self._chunk.first_record
        )
        compare_with_chain(self._model.differences, self._chunk, self._place, self._standing)
        self._compare_again(payload)
        self._compare_relied_on(ledger)
        self._model.known.add(self._known(reused=ledger["reused_chunk_id"]))

    def _known(self, *, reused: UUID | None) -> KnownChunk:
        return KnownChunk(
            chunk_id=self._chunk.chunk_id,
            run_id=self._run.run_id,
            run_started=self._run.started,
            source=self._run.source_name,
            source_id=self._run.source_id,
            chunk_no=self._chunk.chunk_no,
            first_record=self._chunk.first_record,
            reused=reused,
        )

    def _compare_again(self, payload: Mapping[str, Any]) -> None:
        """The ledger that this replay came to, against the chain."""
        for name in (*COUNTS, *STANDING, "raw_sha256", "rows_sha256", "calculation"):
            self._differ(name, self._payload.get(name), payload[name], RECOMPUTED)
        for name in ("replaced", "corrected"):
            self._differ(name, self._payload.get(name), payload.get(name), RECOMPUTED)
        if "refused_keys" in self._payload:
            self._differ("refused_keys", self._payload["refused_keys"], payload.get("refused_keys"), RECOMPUTED)

    def _compare_relied_on(self, ledger: Mapping[str, Any]) -> None:
        """Which chunks this one relies on, and that each had lost as many rows by then as it says."""
        stored = self._chunk.relies_on
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


def compare_with_chain(differences: Differences, chunk: ExpectedChunk, place: str, standing: StandingHashes) -> None:
    """A chunk as stored against what the chain holds of it."""
    stored, payload = chunk.stored, chunk.payload
    hashes = zip(STANDING, standing(stored.chunk_id), strict=True)
    facts = [(name, getattr(stored, name), payload[name]) for name in (*COUNTS, "calculation")]
    facts += [(name, _hex(getattr(stored, name)), payload[name]) for name in HASHES]
    facts += [(name, getattr(stored, name), fact) for name, fact in zip(SPAN, payload["span"], strict=True)]
    facts += [(name, _digest(content) if content else None, payload[name]) for name, content in hashes]
    facts += [("chunk_id", stored.chunk_id, chunk.chunk_id)]
    facts += [("state", stored.state, "committed"), ("error", stored.error, None)]
    facts += [("reused_chunk_id", stored.reused_chunk_id and str(stored.reused_chunk_id), payload["reused"])]
    relied_on = "".join(sorted(map(str, chunk.relies_on)))
    facts += [("relies_on", _digest(relied_on.encode()) if relied_on else None, payload["relies_on"])]
    facts += [("relies_on", len(stored.relies_on), len(chunk.relies_on))]
    for column, one, other in facts:
        differences.compare("chunks", place, column, stored=_plain(one), expected=_plain(other), why=CHAINED)


def relied_on(stored: Any) -> dict[UUID, int]:
    """What `chunks.relies_on` holds; entries that are not of its form are left out."""
    found = {}
    for entry in stored:
        match entry:
            case [str(chunk), int(count)] if _UUID.fullmatch(chunk):
                found[UUID(chunk)] = count
    return found


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _whole(content: bytes, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """As many whole items as there are: somebody may have changed the length."""
    return np.frombuffer(content, kind, len(content) // kind.itemsize)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _plain(value: object) -> object:
    return dict(value) if hasattr(value, "keys") else value  # type: ignore[call-overload]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _name(document: Document) -> str:
    return f"{document.name}@{document.major}"
