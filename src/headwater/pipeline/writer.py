"""Writing one chunk: records, results, quarantine, findings, ledger and audit entry in one transaction."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.pipeline.chained import chunk_payload
from headwater.pipeline.hash_columns import first_bytes
from headwater.pipeline.refusals import (
    NO_KEY,
    REFUSED_SCHEMA,
    Conflict,
    conflict_rows,
    hashes_as_bytes,
    held_keys,
)
from headwater.pipeline.replacing import firsts, replaced_findings, told_of
from headwater.pipeline.source_rows import rows_loaded
from headwater.pipeline.transform import Standing
from headwater.pipeline.work import PreparedChunk, ReadChunk, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    import numpy.typing as npt

    from headwater.contracts.document import Document
    from headwater.pipeline.known_rows import RowNames
    from headwater.pipeline.ports import ChunkStore, ChunkTransaction, EarlierChunk, Loaded, Refusal, Replaced
    from headwater.pipeline.seen import SeenKeys

CALCULATION_RULES = "calculation."
OLDER_VERSION = "older_version"
"""Why a record was skipped: a higher version of its key stands."""
DELETED = "deleted"
"""Why a record was skipped: it was deleted by hand."""


class ChunkWriter:
    """Writes the chunks of one run, one after the other."""

    def __init__(
        self,
        *,
        store: ChunkStore,
        seen: SeenKeys,
        document: Document,
        results: Document | None,
        names: RowNames,
        logic_hash: bytes,
        version: str | None = None,
        in_order: range = range(0),
    ) -> None:
        self._store = store
        self._seen = seen
        self._document = document
        self._results = results
        self._names = names
        self._logic_hash = logic_hash
        self._version = version
        self._in_order = in_order

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
                "span": chunk.span,
            }
            transaction.commit(ledger, payload=chunk_payload(ledger))
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
            loaded, results = self._load(transaction, chunk)
            refused = [*(refusal.record_no for refusal in (*loaded.refused, *loaded.older)), *loaded.left_out]
            repeats = _repeats(chunk, loaded)
            keys = self._put_away(transaction, chunk, repeats)
            findings = _without(chunk.transformed.findings, refused)
            findings = pa.concat_tables(
                [findings, replaced_findings(loaded.replaced, self._document, chunk.transformed.records)]
            )
            transaction.findings(_numbered(findings, chunk.span.first_record))
            read_only = [*(refusal.record_no for refusal in loaded.older), *loaded.left_out]
            older_keys = _keys_of(standing, read_only)
            standing = _standing(standing, chunk.known, refused)
            ledger = {
                **_counts(chunk, loaded, repeats),
                "calculation": None if results is None else self._calculation(results, findings, chunk.known),
                "raw_sha256": chunk.raw_sha256,
                "logic_hash": self._logic_hash_of(chunk, loaded),
                "rows_sha256": _rows_sha256(chunk.transformed.records, refused),
                "reused_chunk_id": None,
                "raw_hashes": standing.raw_hashes.tobytes(),
                "key_hashes": standing.key_hashes.tobytes() + older_keys.tobytes(),
                "relies_on": _relied_on(chunk.relies_on, loaded, results),
                "span": chunk.span,
            }
            corrected = transaction.expire_corrected(partial(rows_loaded, chunk, standing))
            payload = chunk_payload(
                ledger,
                beside=chunk.relies_on,
                replaced=len(loaded.replaced),
                corrected=corrected,
                keys_told=len(repeats.conflicts),
                later_is_newer=bool(self._in_order),
            )
            transaction.commit(ledger, payload=payload | held_keys(keys, transaction.held))
        self._seen.add(lambda: standing.key_hashes)
        return Written(committed=True)

    def _logic_hash_of(self, chunk: PreparedChunk, loaded: _Rounds) -> bytes:
        """A chunk whose records merged with rows of other chunks, took the place of another source's, or were refused
        or older for them, is not its bytes' doing alone; and one that replaced rows of its own would find them older
        the next time. It is marked so that no later run finds itself equal to it.
        """
        met = (loaded.merged, loaded.refused, loaded.older, loaded.left_out, loaded.replaced)
        leans = any(met) or chunk.transformed.rounds
        return hashlib.sha256(self._logic_hash + b"beside other chunks").digest() if leans else self._logic_hash

    def _is_committed(self) -> Written:
        """The answer to an earlier attempt's commit was lost on its way, and with it what that chunk had read."""
        self._seen.forget()
        return Written(committed=False)

    def _repeated(self, chunk: PreparedChunk, numbers: Sequence[int]) -> list[int]:
        """Which of these records have a key that an earlier chunk of this run has read; or, where later chunks are
        newer, a later one, as of a chunk that failed and is loaded after all.
        """
        standing = chunk.transformed.standing
        wanted = np.sort(np.array(numbers, np.int32))
        hashes = standing.key_hashes[np.searchsorted(standing.record_nos, wanted)]
        if chunk.span.chunk_no in self._in_order:
            is_read = np.zeros(hashes.size, np.bool_)
            for later in self._store.key_hashes(after=chunk.span.chunk_no):
                is_read |= np.isin(hashes, later)
        else:
            is_read = self._seen.among(hashes)
        again: list[int] = wanted[is_read].tolist()
        return again

    def _load(self, transaction: ChunkTransaction, chunk: PreparedChunk) -> tuple[_Rounds, _Rounds | None]:
        """Round by round: one for the first record of each key, one for each higher version of it after that."""
        records, results = chunk.transformed.records, chunk.transformed.results
        loaded, calculated = _Rounds(), _Rounds()
        for rows in _rounds(records, chunk.transformed.rounds):
            one = transaction.load(
                self._document,
                rows,
                repeated=lambda numbers: self._repeated(chunk, numbers),
                version=self._version,
            )
            loaded.add(one)
            if self._results is not None and results is not None:
                out = [*(refusal.record_no for refusal in (*one.refused, *one.older)), *one.left_out]
                figures = _without(results, out)
                if chunk.transformed.rounds:
                    figures = figures.filter(pc.is_in(figures["record_no"], rows["record_no"]))
                calculated.add(
                    transaction.load(
                        self._results, figures, repeated=lambda _: (), parent=self._document, version=self._version
                    )
                )
        return loaded, calculated if self._results is not None and results is not None else None

    def _calculation(self, results: _Rounds, findings: pa.Table, known: Standing | None) -> dict[str, Any]:
        """A figure that is the same for a record's next version is unchanged."""
        ledger = _calculation(results, findings, known)
        is_ordered = self._version is not None or bool(self._in_order)
        return ledger if not is_ordered else {**ledger, "unchanged": results.unchanged + results.merged}

    def _put_away(self, transaction: ChunkTransaction, chunk: PreparedChunk, repeats: _Repeats) -> list[bytes]:
        """Refused records go to quarantine, or for a resubmission into the history of what they mend; the keys of those
        in quarantine.
        """
        in_conflict = conflict_rows(
            repeats.conflicts,
            chunk.raw,
            chunk.record_nos,
            chunk.lines,
            document=self._document,
            names=self._names,
            first_record=chunk.span.first_record,
            keys=_keys_read(chunk),
            told=told_of(repeats.conflicts, chunk.transformed, self._document),
        )
        broken = _placed(chunk.transformed.refused, chunk)
        refused = pa.concat_tables([broken, in_conflict])
        quarantined = pa.concat_tables([chunk.ragged, refused]) if chunk.mends is None else chunk.ragged
        transaction.quarantine(quarantined)
        if chunk.mends is not None:
            transaction.mend(_mended(chunk, refused, repeats))
        return [key for key in quarantined["key_hash"].to_pylist() if key is not None]


@dataclass(frozen=True, kw_only=True)
class _Repeats:
    """What became of records whose key was read before: equal to the row that stands, in conflict with it, or older;
    and of those deleted by hand.

    Of a resubmission, what is older or deleted is in conflict too: its record in quarantine must end somehow.
    """

    older: int
    deleted: int
    merged: frozenset[int]
    conflicts: tuple[Conflict, ...]  # in order


@dataclass(kw_only=True)
class _Rounds:
    """What became of all rows given to one table, round by round; see `ports.Loaded`."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    deleted: int = 0
    refused: list[Refusal] = field(default_factory=list)
    older: list[Refusal] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)
    relies_on: list[UUID] = field(default_factory=list)

    def add(self, loaded: Loaded) -> None:
        """One more round."""
        self.inserted += loaded.inserted
        self.updated += loaded.updated
        self.unchanged += loaded.unchanged
        self.merged += loaded.merged
        self.deleted += loaded.deleted
        self.refused.extend(loaded.refused)
        self.older.extend(loaded.older)
        self.left_out.extend(loaded.left_out)
        self.replaced.extend(loaded.replaced)
        self.relies_on.extend(loaded.relies_on)


def _rounds(records: pa.Table, rounds: Mapping[int, int]) -> Iterator[pa.Table]:
    """The records round by round."""
    if not rounds:
        yield records
        return
    yield _without(records, list(rounds))
    for number in range(1, max(rounds.values()) + 1):
        of_round = pa.array([record for record, its in rounds.items() if its == number], pa.int32())
        yield records.filter(pc.is_in(records["record_no"], of_round))


def _placed(refused: pa.Table, chunk: PreparedChunk) -> pa.Table:
    """Record numbers within the chunk become those of the file, and the line is added."""
    numbers = refused["record_no"].to_numpy()
    lines = chunk.lines[np.searchsorted(chunk.record_nos, numbers)]
    columns = {name: refused[name] for name in refused.column_names} | {
        "record_no": pa.array(numbers.astype(np.int64) + chunk.span.first_record),
        "line": pa.array(lines, pa.int64()),
        "key_hash": hashes_as_bytes(refused["key_hash"].combine_chunks()),
    }
    return pa.table({name: columns[name] for name in REFUSED_SCHEMA.names}).cast(REFUSED_SCHEMA)


def _mended(chunk: PreparedChunk, refused: pa.Table, repeats: _Repeats) -> pa.Table:
    """For each record of a resubmission: what it stands for, and how it ended."""
    findings = dict(zip(refused["record_no"].to_pylist(), refused["findings"].to_pylist(), strict=True))
    # What the mapping skips is neither loaded nor refused: its record stays open.
    taken = {*chunk.transformed.standing.record_nos.tolist(), *repeats.merged}
    first, keys = chunk.span.first_record, _keys_read(chunk)
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
            "key_hash": pa.array([keys.get(number - first, NO_KEY) for number in numbers], pa.binary()),
        }
    )


def _keys_read(chunk: PreparedChunk) -> dict[int, bytes]:
    """The hashes of the keys of a chunk's records; one that merged has that of the first."""
    standing = chunk.transformed.standing
    hashes = hashes_as_bytes(pa.array(standing.key_hashes)).to_pylist()
    keys = dict(zip(standing.record_nos.tolist(), hashes, strict=True))
    return keys | {number: keys[first] for number, first in firsts(chunk.transformed).items()}


def _repeats(chunk: PreparedChunk, loaded: _Rounds) -> _Repeats:
    """Where the first record of a key was refused for a row that stands, the later ones of the chunk meet that row;
    where it was deleted by hand, so were they.
    """
    conflicts = [_conflict(refusal.record_no, refusal) for refusal in loaded.refused]
    conflicts += [_conflict(refusal.record_no, refusal, is_older=True) for refusal in loaded.older]
    conflicts += [_deleted(record_no) for record_no in loaded.left_out]
    merged: set[int] = set()
    _follow(chunk, loaded, conflicts, merged)
    conflicts.sort(key=lambda conflict: conflict.record_no)
    if chunk.mends is not None:
        return _Repeats(older=0, deleted=0, merged=frozenset(merged), conflicts=tuple(conflicts))
    return _Repeats(
        older=sum(conflict.is_older for conflict in conflicts),
        deleted=sum(conflict.is_deleted for conflict in conflicts),
        merged=frozenset(merged),
        conflicts=tuple(each for each in conflicts if not (each.is_older or each.is_deleted)),
    )


def _follow(chunk: PreparedChunk, loaded: _Rounds, conflicts: list[Conflict], merged: set[int]) -> None:
    """What becomes of records whose key an earlier one of the chunk has."""
    refused = {refusal.record_no: refusal for refusal in loaded.refused}
    older = {refusal.record_no: refusal for refusal in loaded.older}
    gone = set(loaded.left_out)
    for record_no, first in chunk.transformed.older.items():
        stands = f"record {chunk.span.first_record + first:,} of this source"
        is_older = Conflict(record_no=record_no, stands=stands, is_older=True)
        conflicts.append(_deleted(record_no) if first in gone else is_older)
    for record_no, first in chunk.transformed.merged.items():
        if first in gone:
            conflicts.append(_deleted(record_no))
        elif first in refused or first in older:
            refusal = refused.get(first) or older[first]
            conflicts.append(_conflict(record_no, refusal, is_older=first in older))
        else:
            merged.add(record_no)
    for conflict in chunk.transformed.conflicts:
        first = -1 if conflict.first is None else conflict.first
        if first in gone:
            conflicts.append(_deleted(conflict.record_no))
        elif first in older:
            conflicts.append(_conflict(conflict.record_no, older[first], is_older=True))
        elif first not in refused:
            conflicts.append(conflict)
        elif conflict.row_hash == refused[first].stored_hash:
            merged.add(conflict.record_no)
        else:
            conflicts.append(_conflict(conflict.record_no, refused[first]))


def _deleted(record_no: int) -> Conflict:
    return Conflict(record_no=record_no, stands="nothing", is_deleted=True)


def _conflict(record_no: int, refusal: Refusal, *, is_older: bool = False) -> Conflict:
    stands = f"record {refusal.stored_record:,} of {refusal.stored_source}"
    return Conflict(record_no=record_no, stands=stands, newer=refusal.newer, is_older=is_older)


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


def _keys_of(standing: Standing, record_nos: Sequence[int]) -> npt.NDArray[np.uint64]:
    return standing.key_hashes[np.isin(standing.record_nos, np.array(record_nos, np.int32))]


def _counts(chunk: PreparedChunk, loaded: _Rounds, repeats: _Repeats) -> dict[str, Any]:
    known = 0 if chunk.known is None else len(chunk.known.record_nos)
    left = {OLDER_VERSION: repeats.older, DELETED: repeats.deleted}
    skipped = dict(Counter(chunk.skipped) + Counter(left))
    mapped = chunk.span.records - sum(skipped.values()) - chunk.ragged.num_rows
    return {
        "read": chunk.span.records,
        "mapped": mapped,
        "skipped": skipped,
        "quarantined_raw": chunk.ragged.num_rows,
        "produced": known + chunk.raw.num_rows - sum(chunk.transformed.skipped.values()) - sum(left.values()),
        "inserted": loaded.inserted,
        "updated": loaded.updated,
        "unchanged": loaded.unchanged + known,
        "merged": loaded.merged + len(repeats.merged),
        "quarantined": chunk.transformed.refused.num_rows + len(repeats.conflicts),
    }


def _calculation(results: _Rounds, findings: pa.Table, known: Standing | None) -> dict[str, Any]:
    """The calculation's own ledger; `kept` counts records known by their raw hash, whose results stand with them, and
    `refused`, where there are any, figures that a newer run has put in another's place.
    """
    rules = findings["rule_id"].filter(pc.starts_with(findings["rule_id"], CALCULATION_RULES))
    counted = rules.value_counts()
    missing = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    return {
        "inserted": results.inserted,
        "updated": results.updated,
        "unchanged": results.unchanged,
        "deleted": results.deleted,
        **({"refused": len(results.refused)} if results.refused else {}),
        "kept": 0 if known is None else len(known.record_nos),
        "missing": dict(sorted(missing.items())),
    }


def _unchanged(calculation: dict[str, Any] | None) -> dict[str, Any] | None:
    if calculation is None:
        return None
    stands = calculation["inserted"] + calculation["updated"] + calculation["unchanged"]
    return {**calculation, "inserted": 0, "updated": 0, "deleted": 0, "unchanged": stands}


def _relied_on(alike: EarlierChunk | None, *loaded: _Rounds | None) -> tuple[UUID, ...]:
    chunks: dict[UUID, None] = dict.fromkeys(alike.relies_on if alike else ())
    for each in loaded:
        chunks.update(dict.fromkeys(each.relies_on if each else ()))
    return tuple(chunks)


def _rows_sha256(records: pa.Table, refused: Sequence[int]) -> bytes:
    hashes = first_bytes(_without(records, refused)["row_hash"], hashlib.sha256().digest_size)
    return hashlib.sha256(hashes.tobytes()).digest()
