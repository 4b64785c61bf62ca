"""Writing one chunk: records, results, quarantine, findings, ledger and audit entry in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.pipeline.hash_columns import first_bytes
from headwater.pipeline.refusals import REFUSED_SCHEMA, Conflict, conflict_rows
from headwater.pipeline.transform import Standing
from headwater.pipeline.work import PreparedChunk, ReadChunk, Written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.connectors.csv_file import ChunkSpan
    from headwater.contracts.document import Document
    from headwater.pipeline.ports import ChunkStore, ChunkTransaction, EarlierChunk, Loaded, Refusal
    from headwater.pipeline.seen import SeenKeys

CALCULATION_RULES = "calculation."


class ChunkWriter:
    """Writes the chunks of one run, one after the other."""

    def __init__(
        self,
        *,
        store: ChunkStore,
        seen: SeenKeys,
        document: Document,
        results: Document | None,
        source_id: bytes,
        logic_hash: bytes,
    ) -> None:
        self._store = store
        self._seen = seen
        self._document = document
        self._results = results
        self._source_id = source_id
        self._logic_hash = logic_hash

    def reuse(self, chunk: ReadChunk, earlier: EarlierChunk) -> Written:
        """Commit a chunk whose bytes and logic are those of an earlier one that stands: nothing is written again."""
        with self._store.begin(chunk.span.chunk_no) as transaction:
            if not transaction.is_open():
                return self._is_committed()
            then = earlier.ledger
            refused = then["quarantined"] + then["quarantined_raw"]
            if not transaction.stands(earlier.relies_on) or (
                refused and refused != transaction.refused_again(earlier.root)
            ):
                return Written(committed=False, stale=True)
            ledger = {
                **{name: then[name] for name in ("read", "mapped", "skipped", "quarantined_raw", "produced", "merged")},
                "quarantined": then["quarantined"],
                "inserted": 0,
                "updated": 0,
                "unchanged": then["inserted"] + then["updated"] + then["unchanged"],
                "calculation": _unchanged(then["calculation"]),
                "raw_sha256": chunk.raw_sha256,
                "logic_hash": self._logic_hash,
                "rows_sha256": then["rows_sha256"],
                "reused_chunk_id": earlier.root,
                "raw_hashes": None,
                "key_hashes": None,
                "relies_on": tuple(earlier.relies_on),
            }
            transaction.commit(ledger, payload=_payload(ledger, chunk.span))
        self._seen.add(lambda: self._store.standing(earlier.root)[1])
        return Written(committed=True)

    def write(self, chunk: PreparedChunk) -> Written:
        """Load a prepared chunk."""
        with self._store.begin(chunk.span.chunk_no) as transaction:
            if not transaction.is_open():
                return self._is_committed()
            if chunk.relies_on is not None and not transaction.stands(chunk.relies_on.relies_on):
                return Written(committed=False, stale=True)
            standing = chunk.transformed.standing
            loaded = transaction.load(
                self._document, chunk.transformed.records, repeated=lambda numbers: self._repeated(standing, numbers)
            )
            refused = [refusal.record_no for refusal in loaded.refused]
            results = self._load_results(transaction, chunk, refused)
            repeats = _repeats(chunk, loaded)
            self._put_away(transaction, chunk, repeats)
            findings = _without(chunk.transformed.findings, refused)
            transaction.findings(_numbered(findings, chunk.span.first_record))
            standing = _standing(standing, chunk.known, refused)
            ledger = {
                **_counts(chunk, loaded, repeats),
                "calculation": None if results is None else _calculation(results, findings, chunk.known),
                "raw_sha256": chunk.raw_sha256,
                "logic_hash": self._logic_hash_of(loaded),
                "rows_sha256": _rows_sha256(chunk.transformed.records, refused),
                "reused_chunk_id": None,
                "raw_hashes": standing.raw_hashes.tobytes(),
                "key_hashes": standing.key_hashes.tobytes(),
                "relies_on": _relied_on(chunk.relies_on, loaded, results),
            }
            transaction.commit(ledger, payload=_payload(ledger, chunk.span, beside=chunk.relies_on))
        self._seen.add(lambda: standing.key_hashes)
        return Written(committed=True)

    def _logic_hash_of(self, loaded: Loaded) -> bytes:
        """A chunk whose records merged with rows of other chunks, or were refused for them, is not its bytes' doing
        alone: it is marked so that no later run finds itself equal to it.
        """
        leans = loaded.merged or loaded.refused
        return hashlib.sha256(self._logic_hash + b"beside other chunks").digest() if leans else self._logic_hash

    def _is_committed(self) -> Written:
        """The answer to an earlier attempt's commit was lost on its way, and with it what that chunk had read."""
        self._seen.forget()
        return Written(committed=False)

    def _repeated(self, standing: Standing, numbers: Sequence[int]) -> list[int]:
        """Which of these records have a key that an earlier chunk of this run has read."""
        wanted = np.sort(np.array(numbers, np.int32))
        hashes = standing.key_hashes[np.searchsorted(standing.record_nos, wanted)]
        again: list[int] = wanted[self._seen.among(hashes)].tolist()
        return again

    def _load_results(
        self, transaction: ChunkTransaction, chunk: PreparedChunk, refused: Sequence[int]
    ) -> Loaded | None:
        if self._results is None or chunk.transformed.results is None:
            return None
        rows = _without(chunk.transformed.results, refused)
        return transaction.load(self._results, rows, repeated=lambda _: (), parent=self._document)

    def _put_away(self, transaction: ChunkTransaction, chunk: PreparedChunk, repeats: _Repeats) -> None:
        """Refused records go to quarantine, or for a resubmission into the history of what they mend."""
        in_conflict = conflict_rows(
            repeats.conflicts,
            chunk.raw,
            chunk.record_nos,
            chunk.lines,
            document=self._document,
            source_id=self._source_id,
            first_record=chunk.span.first_record,
        )
        broken = _placed(chunk.transformed.refused, chunk)
        refused = pa.concat_tables([broken, in_conflict])
        if chunk.mends is None:
            transaction.quarantine(pa.concat_tables([chunk.ragged, refused]))
        else:
            transaction.quarantine(chunk.ragged)
            transaction.mend(_mended(chunk, refused, repeats))


@dataclass(frozen=True, kw_only=True)
class _Repeats:
    """What became of records whose key was read before: equal to the row that stands, or in conflict with it."""

    merged: frozenset[int]
    conflicts: tuple[Conflict, ...]  # in order


def _placed(refused: pa.Table, chunk: PreparedChunk) -> pa.Table:
    """Record numbers within the chunk become those of the file, and the line is added."""
    numbers = refused["record_no"].to_numpy()
    lines = chunk.lines[np.searchsorted(chunk.record_nos, numbers)]
    columns = {name: refused[name] for name in refused.column_names} | {
        "record_no": pa.array(numbers.astype(np.int64) + chunk.span.first_record),
        "line": pa.array(lines, pa.int64()),
    }
    return pa.table({name: columns[name] for name in REFUSED_SCHEMA.names}).cast(REFUSED_SCHEMA)


def _mended(chunk: PreparedChunk, refused: pa.Table, repeats: _Repeats) -> pa.Table:
    """For each record of a resubmission: what it stands for, and how it ended."""
    findings = dict(zip(refused["record_no"].to_pylist(), refused["findings"].to_pylist(), strict=True))
    # What the mapping skips is neither loaded nor refused: its record stays open.
    taken = {*chunk.transformed.standing.record_nos.tolist(), *repeats.merged}
    first = chunk.span.first_record
    ended = [
        (mends, number + first)
        for mends, number in zip(
            [] if chunk.mends is None else chunk.mends.to_pylist(), chunk.record_nos.tolist(), strict=True
        )
        if number in taken or number + first in findings
    ]
    mends, numbers = [mends for mends, _ in ended], [number for _, number in ended]
    return pa.table(
        {
            "mends": pa.array(mends, pa.string()),
            "record_no": pa.array(numbers, pa.int64()),
            "outcome": pa.array(["refused" if number in findings else "loaded" for number in numbers], pa.string()),
            "findings": pa.array([findings.get(number, "[]") for number in numbers], pa.string()),
        }
    )


def _repeats(chunk: PreparedChunk, loaded: Loaded) -> _Repeats:
    """Where the first record of a key was refused for a row that stands, the later ones of the chunk meet that row."""
    refused = {refusal.record_no: refusal for refusal in loaded.refused}
    merged = {record_no for record_no, first in chunk.transformed.merged.items() if first not in refused}
    conflicts = [_conflict(refusal.record_no, refusal) for refusal in loaded.refused]
    for record_no, first in chunk.transformed.merged.items():
        if first in refused:
            conflicts.append(_conflict(record_no, refused[first]))
    for conflict in chunk.transformed.conflicts:
        refusal = None if conflict.first is None else refused.get(conflict.first)
        if refusal is None:
            conflicts.append(conflict)
        elif conflict.row_hash == refusal.stored_hash:
            merged.add(conflict.record_no)
        else:
            conflicts.append(_conflict(conflict.record_no, refusal))
    conflicts.sort(key=lambda conflict: conflict.record_no)
    return _Repeats(merged=frozenset(merged), conflicts=tuple(conflicts))


def _conflict(record_no: int, refusal: Refusal) -> Conflict:
    stands = f"record {refusal.stored_record} of {refusal.stored_source}"
    return Conflict(record_no=record_no, stands=stands, newer=refusal.newer)


def _without(table: pa.Table, record_nos: Sequence[int]) -> pa.Table:
    if not record_nos:
        return table
    gone = pa.array(record_nos, table.schema.field("record_no").type)
    return table.filter(pc.invert(pc.is_in(table["record_no"], gone)))


def _numbered(findings: pa.Table, first_record: int) -> pa.Table:
    place = findings.schema.get_field_index("record_no")
    return findings.set_column(place, "record_no", pc.add(findings["record_no"], first_record))


def _standing(standing: Standing, known: Standing | None, refused: Sequence[int]) -> Standing:
    keep = ~np.isin(standing.record_nos, np.array(refused, np.int32))
    kept = Standing(
        record_nos=standing.record_nos[keep],
        raw_hashes=standing.raw_hashes[keep],
        key_hashes=standing.key_hashes[keep],
    )
    if known is None:
        return kept
    parts = (kept, known)
    order = np.argsort(np.concatenate([part.record_nos for part in parts]))
    return Standing(
        record_nos=np.concatenate([part.record_nos for part in parts])[order],
        raw_hashes=np.concatenate([part.raw_hashes for part in parts])[order],
        key_hashes=np.concatenate([part.key_hashes for part in parts])[order],
    )


def _counts(chunk: PreparedChunk, loaded: Loaded, repeats: _Repeats) -> dict[str, Any]:
    known = 0 if chunk.known is None else len(chunk.known.record_nos)
    mapped = chunk.span.records - sum(chunk.skipped.values()) - chunk.ragged.num_rows
    return {
        "read": chunk.span.records,
        "mapped": mapped,
        "skipped": dict(chunk.skipped),
        "quarantined_raw": chunk.ragged.num_rows,
        "produced": known + chunk.raw.num_rows - sum(chunk.transformed.skipped.values()),
        "inserted": loaded.inserted,
        "updated": loaded.updated,
        "unchanged": loaded.unchanged + known,
        "merged": loaded.merged + len(repeats.merged),
        "quarantined": chunk.transformed.refused.num_rows + len(repeats.conflicts),
    }


def _calculation(results: Loaded, findings: pa.Table, known: Standing | None) -> dict[str, Any]:
    """The calculation's own ledger; `kept` counts records known by their raw hash, whose results stand with them."""
    rules = findings["rule_id"].filter(pc.starts_with(findings["rule_id"], CALCULATION_RULES))
    counted = rules.value_counts()
    missing = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    return {
        "inserted": results.inserted,
        "updated": results.updated,
        "unchanged": results.unchanged,
        "deleted": results.deleted,
        "kept": 0 if known is None else len(known.record_nos),
        "missing": dict(sorted(missing.items())),
    }


def _unchanged(calculation: dict[str, Any] | None) -> dict[str, Any] | None:
    if calculation is None:
        return None
    stands = calculation["inserted"] + calculation["updated"] + calculation["unchanged"]
    return {**calculation, "inserted": 0, "updated": 0, "deleted": 0, "unchanged": stands}


def _relied_on(alike: EarlierChunk | None, *loaded: Loaded | None) -> tuple[UUID, ...]:
    chunks: dict[UUID, None] = dict.fromkeys(alike.relies_on if alike else ())
    for each in loaded:
        chunks.update(dict.fromkeys(each.relies_on if each else ()))
    return tuple(chunks)


def _rows_sha256(records: pa.Table, refused: Sequence[int]) -> bytes:
    hashes = first_bytes(_without(records, refused)["row_hash"], hashlib.sha256().digest_size)
    return hashlib.sha256(hashes.tobytes()).digest()


COUNTS = (
    "read", "mapped", "skipped", "quarantined_raw",
    "produced", "inserted", "updated", "unchanged", "merged", "quarantined",
)  # fmt: skip


def _payload(ledger: dict[str, Any], span: ChunkSpan, *, beside: EarlierChunk | None = None) -> dict[str, Any]:
    """What the audit chain holds of a chunk: where it lies, its ledger, the hashes of what went in and what came out.

    `beside` names the chunk whose records were known by their raw hash, so that a replay leaves out the same ones.
    """
    relies_on = "".join(sorted(str(chunk) for chunk in ledger["relies_on"]))
    return {
        **{name: ledger[name].hex() for name in ("raw_sha256", "logic_hash", "rows_sha256")},
        **{name: ledger[name] for name in COUNTS},
        "calculation": ledger["calculation"],
        "span": [span.byte_start, span.byte_end, span.first_record, span.first_line, span.records],
        "reused": str(ledger["reused_chunk_id"]) if ledger["reused_chunk_id"] else None,
        "beside": str(beside.root) if beside else None,
        **{name: _digest(ledger[name]) for name in ("raw_hashes", "key_hashes")},
        "relies_on": hashlib.sha256(relies_on.encode()).hexdigest() if relies_on else None,
    }


def _digest(content: bytes | None) -> str | None:
    return hashlib.sha256(content).hexdigest() if content else None
