"""The chunks of a run as they were loaded, made once more: which record became what, in which order its rows stand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from headwater.errors import HeadwaterError, Stopped
from headwater.pipeline.prepare import Preparation
from headwater.pipeline.replay.store import EarlierChunk
from headwater.pipeline.transform import RAW_HASH_BYTES
from headwater.replay import chunks as fates
from headwater.store import audit, chunk_rows, chunks
from headwater.values import sha256
from headwater.values.canonical import cells_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import duckdb
    import numpy.typing as npt
    import pyarrow as pa

    from headwater.connectors.csv_file import ChunkSpan, Layout
    from headwater.pipeline.mending import Mending
    from headwater.pipeline.ports import ChunkTransaction
    from headwater.pipeline.transform import ChunkTransform, Transformed
    from headwater.services.run_texts import RunTexts
    from headwater.store.chunks import Chunk
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run


@dataclass(frozen=True, kw_only=True)
class MadeChunk:
    """A chunk made once more. Records are numbered as in the file.

    records     number, line, cells, fate, detail: see `headwater.replay.chunks`
    manifest    number and row hash of each row it loaded, in the order over which its hash was taken
    standing    16 bytes of raw hash of each record that stands, in order, and their numbers
    uncut       what was no record to be worked with: skipped by reason, and quarantined
    """

    records: list[tuple[int, int, tuple[str, ...], str, Any]]
    manifest: list[tuple[int, bytes]]
    standing: bytes
    standing_numbers: list[int]
    uncut: Mapping[str, Any]


class _Beside:
    """What a chunk was loaded beside, as the chain has it: all that `Preparation` asks of the database."""

    def __init__(self, connection: TenantConnection, tenant_id: UUID, beside: UUID | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._beside = beside

    def earlier(self, chunk_no: int, raw_sha256: bytes) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        return None

    def alike(self, chunk_no: int) -> EarlierChunk | None:  # noqa: ARG002  the port's signature
        if self._beside is None:
            return None
        return EarlierChunk(chunk_id=self._beside, raw_sha256=b"", root=self._beside, ledger={}, relies_on={})

    def standing(self, root: UUID) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        raw_hashes, key_hashes = chunks.standing(self._connection, self._tenant_id, root)
        return np.frombuffer(raw_hashes, f"V{RAW_HASH_BYTES}"), np.frombuffer(key_hashes, np.uint64)

    def key_hashes(self, *, after: int = 0) -> Iterator[npt.NDArray[np.uint64]]:  # noqa: ARG002  the port's signature
        yield from ()

    def begin(self, chunk_no: int) -> AbstractContextManager[ChunkTransaction]:
        raise AssertionError(f"chunk {chunk_no} is made, not loaded")

    def fail(self, chunk_no: int, error: HeadwaterError) -> None:
        raise AssertionError(f"chunk {chunk_no} of an export failed: {error}")


@dataclass(frozen=True, kw_only=True)
class ChunkMaker:
    """Makes the chunks of one run."""

    connection: TenantConnection
    duck: duckdb.DuckDBPyConnection
    run: Run
    tenant_id: UUID
    texts: RunTexts
    layout: Layout
    transform: ChunkTransform
    mending: Mending | None
    payloads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def make(self, chunk: Chunk, span: ChunkSpan, payload: Mapping[str, Any]) -> MadeChunk:
        """A chunk with what the chain says of it; Stopped where it does not come out as it was loaded."""
        root = chunk.reused_chunk_id or chunk.chunk_id
        of_root = payload if chunk.reused_chunk_id is None else self._payload_of(root)
        worked = self._worked(chunk, span, of_root, payload)
        stood, _ = chunks.standing(self.connection, self.tenant_id, root)
        return _Fates(self, worked, stood, of_root).made(span)

    def _payload_of(self, chunk_id: UUID) -> Mapping[str, Any]:
        found = chunks.get_chunk(self.connection, self.tenant_id, chunk_id)
        if found is None:
            raise Stopped("a chunk that was found equal to another, which is gone", where="chunk", value=chunk_id)
        resource = f"run/{found.run_id}/chunk/{found.chunk_no}"
        (entry,) = audit.entries_of(self.connection, self.tenant_id, resource)[-1:]
        payload: dict[str, Any] = json.loads(entry.payload)
        return payload

    def _worked(self, chunk: Chunk, span: ChunkSpan, of_root: Mapping[str, Any], payload: Mapping[str, Any]) -> _Worked:
        raw = self.texts.chunk(span)
        if self.mending is not None:
            numbers = np.array(chunk_rows.repaired(self.connection, self.tenant_id, chunk.chunk_id), np.int32)
            taken = (numbers - span.first_record).astype(np.int32)
            table = self.mending.again(raw, taken.tolist())
            lines = raw.lines[np.searchsorted(raw.record_nos, taken)]
            transformed = self.transform.run(table, taken, first_record=span.first_record)
            reasons = self._skipped()
            rest = dict(payload["skipped"])
            for reason in reasons.values():
                rest[reason] -= 1
            uncut = {"skipped": {name: n for name, n in rest.items() if n}, "quarantined": payload["quarantined_raw"]}
            return _Worked(table=table, record_nos=taken, lines=lines, transformed=transformed, skipped=reasons,
                           known=frozenset(), uncut=uncut)  # fmt: skip
        beside = None if of_root["beside"] is None else UUID(of_root["beside"])
        store = _Beside(self.connection, self.tenant_id, beside)
        preparation = Preparation(texts=self.texts, layout=self.layout, transform=self.transform, store=store)
        prepared = preparation.prepare(preparation.read(span, afresh=True))
        known = frozenset() if prepared.known is None else frozenset(prepared.known.record_nos.tolist())
        uncut = {
            "skipped": {reason: len(numbers) for reason, numbers in raw.skipped.items()},
            "quarantined": len(raw.ragged) + len(raw.drifted),
        }
        return _Worked(
            table=raw.table,
            record_nos=raw.record_nos,
            lines=raw.lines,
            transformed=prepared.transformed,
            skipped=self._skipped(),
            known=known,
            uncut=uncut,
        )

    def _skipped(self) -> dict[int, str]:
        """Records that the mapping skips, of the chunk that the engine has just worked through."""
        return dict(self.duck.sql("SELECT _record_no, _skip FROM chunk WHERE _skip IS NOT NULL").fetchall())


@dataclass(frozen=True, kw_only=True)
class _Worked:
    """A chunk that went through the engine; numbers are within the chunk."""

    table: pa.Table
    record_nos: npt.NDArray[np.int32]
    lines: npt.NDArray[np.int64]
    transformed: Transformed
    skipped: Mapping[int, str]
    known: frozenset[int]
    uncut: Mapping[str, Any]


class _Fates:
    """What became of each record of a chunk that was worked through."""

    def __init__(self, maker: ChunkMaker, worked: _Worked, stood: bytes, payload: Mapping[str, Any]) -> None:
        self._maker = maker
        self._worked = worked
        self._payload = payload
        self._stood = stood
        columns = [worked.table[name].to_pylist() for name in worked.table.column_names]
        self._cells = dict(zip(worked.record_nos.tolist(), zip(*columns, strict=True), strict=True))

    def made(self, span: ChunkSpan) -> MadeChunk:
        """The chunk; Stopped where what is left standing is not what the chain has."""
        first, transformed = span.first_record, self._worked.transformed
        hashes = dict(_pairs(transformed.records, "record_no", "row_hash"))
        standing = self._standing(sorted([*hashes, *self._worked.known]))
        gone = self._beyond(sorted(hashes.keys() - set(standing)))
        manifest = [(number + first, row_hash) for number, row_hash in hashes.items() if number not in gone]
        digest = hashlib.sha256(b"".join(row_hash for _, row_hash in manifest)).hexdigest()
        if digest != self._payload["rows_sha256"]:
            raise Stopped(
                "the chunk does not come out as it was loaded",
                where=f"run {self._maker.run.run_id}, chunk {span.chunk_no}",
                remedy="`headwater verify` names what was changed; a run of an older version of Headwater is to be"
                " imported again.",
            )
        told: dict[int, tuple[str, Any]] = {
            **dict.fromkeys(hashes, (fates.ROW, None)),
            **dict.fromkeys(self._worked.known, (fates.KNOWN, None)),
        }
        told |= {number: (fate, None) for number, fate in gone.items()}
        told |= self._refused() | self._followers(gone)
        told |= {number: (fates.SKIPPED, reason) for number, reason in self._worked.skipped.items()}
        lines = dict(zip(self._worked.record_nos.tolist(), self._worked.lines.tolist(), strict=True))
        return MadeChunk(
            records=[(number + first, lines[number], cells, *told[number]) for number, cells in self._cells.items()],
            manifest=manifest,
            standing=self._stood,
            standing_numbers=[number + first for number in standing],
            uncut=self._worked.uncut,
        )

    def _standing(self, numbers: Sequence[int]) -> list[int]:
        """Those of the records that were not refused for what stood beyond the chunk, by the stored raw hashes."""
        wanted = [self._stood[at : at + RAW_HASH_BYTES] for at in range(0, len(self._stood), RAW_HASH_BYTES)]
        found: list[int] = []
        for number in numbers:
            if len(found) < len(wanted) and self._raw_hash(number)[:RAW_HASH_BYTES] == wanted[len(found)]:
                found.append(number)
        if len(found) != len(wanted):
            raise Stopped(
                "the records that stand are not those of the file",
                where=f"run {self._maker.run.run_id}",
                remedy="`headwater verify` names what was changed.",
            )
        return found

    def _beyond(self, gone: Sequence[int]) -> dict[int, str]:
        """Of records that met rows beyond the chunk: whether they were refused, older than what stands, or deleted."""
        if not gone:
            return {}
        left = self._left_out(set(gone))
        if left is None or self._maker.mending is not None:
            return dict.fromkeys(gone, fates.ELSEWHERE)
        names = {number: self._maker.transform.names.of(self._by_column(number)) for number in gone}
        raw = {number: self._raw_hash(number) for number in gone}
        maker = self._maker
        held = chunk_rows.in_quarantine(
            maker.connection, maker.tenant_id, maker.run.source_id, raw.values(), ids=names.values()
        )
        return {
            number: fates.ELSEWHERE if raw[number] in held or bytes.fromhex(names[number]) in held else left
            for number in gone
        }

    def _left_out(self, gone: set[int]) -> str | None:
        """Why records were skipped for what was beyond the chunk; None where none was."""
        skipped, transformed = self._payload["skipped"], self._worked.transformed
        older = skipped.get("older_version", 0) - sum(first not in gone for first in transformed.older.values())
        if not skipped.get("deleted"):
            return fates.OLDER_ELSEWHERE if skipped.get("older_version") else None
        if older > 0:
            raise Stopped(
                "of one chunk some records were older than what stood, some deleted by hand: which is not kept",
                where=f"run {self._maker.run.run_id}",
                remedy="`headwater verify` proves the run here; another run of the source can be exported.",
            )
        return fates.DELETED_ELSEWHERE

    def _refused(self) -> dict[int, tuple[str, Any]]:
        rows = _pairs(self._worked.transformed.refused, "record_no", "findings")
        return {
            number: (fates.REFUSED, sorted(finding["rule"] for finding in json.loads(findings)))
            for number, findings in rows
        }

    def _followers(self, gone: Mapping[int, str]) -> dict[int, tuple[str, Any]]:
        """Records whose key an earlier one of the chunk has; where that one is gone, they met what it met."""
        transformed = self._worked.transformed
        told = {number: gone.get(first, fates.MERGED) for number, first in transformed.merged.items()}
        told |= {number: gone.get(first, fates.OLDER) for number, first in transformed.older.items()}
        told |= {
            conflict.record_no: gone.get(-1 if conflict.first is None else conflict.first, fates.CONFLICT)
            for conflict in transformed.conflicts
        }
        return {number: (fate, None) for number, fate in told.items()}

    def _by_column(self, number: int) -> dict[str, str]:
        return dict(zip(self._worked.table.column_names, self._cells[number], strict=True))

    def _raw_hash(self, number: int) -> bytes:
        return sha256(cells_text(self._cells[number]))


def _pairs(table: pa.Table, one: str, other: str) -> Iterator[tuple[Any, Any]]:
    return zip(table[one].to_pylist(), table[other].to_pylist(), strict=True)
