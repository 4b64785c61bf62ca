"""The audit chain: what an entry's hash covers, and the check that finds the first entry that was changed.

Every entry's hash covers the whole entry and the hash before it, so a change anywhere breaks the chain from there on. A
cut tail breaks nothing that is left: it shows against an anchor, the head as it was when a report was written.
Personal values go into a payload only as ciphertext, so that erasing a key erases them and leaves the chain whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from headwater.errors import Misuse

GENESIS = bytes(32)  # stands for the hash before the first entry
RESULTS = ("done", "refused", "failed")

_SURROGATE = re.compile("[\ud800-\udfff]")
_ANCHOR = re.compile(r"(?P<seq>0|[1-9][0-9]{0,18}):(?P<hash>[0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One action, as stored."""

    tenant_id: UUID
    seq: int  # from 1, without gaps
    at: datetime  # with time zone
    actor: str
    action: str  # run.started, chunk.committed, …
    resource: str
    result: str  # one of RESULTS
    payload: str  # canonical JSON
    prev_hash: bytes
    entry_hash: bytes


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The head of a chain at some time: its last entry's number and hash. Its text form is `seq:hash`."""

    seq: int
    entry_hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.entry_hash.hex()}"


@dataclass(frozen=True, kw_only=True)
class Break:
    """The first place where a chain is not what it was."""

    seq: int
    what: str


START = Anchor(seq=0, entry_hash=GENESIS)


def parse_anchor(text: str) -> Anchor:
    """The anchor written as `seq:hash`."""
    match = _ANCHOR.fullmatch(text.strip())
    if match is None:
        raise Misuse(
            "this is not an anchor",
            where="anchor",
            value=text,
            valid="the number of an entry, a colon, and 64 hexadecimal digits",
            remedy="Copy it from the end of a report or from `headwater verify`.",
        )
    return Anchor(seq=int(match["seq"]), entry_hash=bytes.fromhex(match["hash"]))


def canonical_payload(payload: Mapping[str, object]) -> str:
    """JSON in the one form that is stored and hashed: keys sorted, no spaces, not-a-number refused."""
    try:
        return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Misuse(
            f"the payload cannot be written as JSON: {error}",
            where="audit entry",
            valid="text, whole numbers, true, false, null, lists and objects of them",
            remedy="Write exact decimals, times and ids as text.",
        ) from error


def canonical_text(entry: Entry) -> str:
    """All that an entry's hash covers. A JSON list keeps the parts apart, whatever they contain."""
    return json.dumps(
        [
            str(entry.tenant_id),
            entry.seq,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.actor,
            entry.action,
            entry.resource,
            entry.result,
            entry.payload,
            entry.prev_hash.hex(),
        ],
        separators=(",", ":"),
        ensure_ascii=False,
    )


def entry_hash(entry: Entry) -> bytes:
    """SHA-256 of the entry's canonical text; the stored hash plays no part."""
    return sha256(canonical_text(entry).encode("utf-8", "surrogatepass")).digest()


def next_entry(
    last: Anchor,
    *,
    tenant_id: UUID,
    at: datetime,
    actor: str,
    action: str,
    resource: str,
    payload: Mapping[str, object],
    result: str,
) -> Entry:
    """The entry that continues a chain; Misuse where it could not be stored as it was hashed."""
    if result not in RESULTS:
        raise Misuse("unknown result", where="audit entry", value=result, valid=", ".join(RESULTS))
    if at.tzinfo is None:
        raise Misuse("the time has no time zone", where="audit entry", value=at, valid="a time with time zone")
    entry = Entry(
        tenant_id=tenant_id,
        seq=last.seq + 1,
        at=at,
        actor=actor,
        action=action,
        resource=resource,
        result=result,
        payload=canonical_payload(payload),
        prev_hash=last.entry_hash,
        entry_hash=GENESIS,
    )
    for name in ("actor", "action", "resource", "payload"):
        text: str = getattr(entry, name)
        if "\0" in text or (not text.isascii() and _SURROGATE.search(text)):
            raise Misuse(
                f"{name} holds a character that PostgreSQL cannot store",
                where="audit entry",
                value=ascii(text),
                valid="text without U+0000 and half surrogate pairs",
            )
    return replace(entry, entry_hash=entry_hash(entry))


def verify_entries(
    entries: Iterable[Entry], *, tenant_id: UUID, head: Anchor | None = None, anchors: Iterable[Anchor] = ()
) -> Break | None:
    """Walk a chain in its order; the first entry that is missing, changed or out of place, or None.

    `head` is what the database says the chain ends with; `anchors` are heads noted elsewhere, earlier.
    """
    wanted: dict[int, list[bytes]] = {}
    for anchor in anchors:
        wanted.setdefault(anchor.seq, []).append(anchor.entry_hash)
    last = START
    if any(noted != GENESIS for noted in wanted.pop(0, ())):
        return Break(seq=0, what="the anchor is of another chain")
    for entry in entries:
        wrong = _wrong_with(entry, tenant_id=tenant_id, last=last)
        if wrong is None and any(noted != entry.entry_hash for noted in wanted.pop(entry.seq, ())):
            wrong = "the chain was written anew: the anchor holds another hash for this entry"
        if wrong is not None:
            return Break(seq=last.seq + 1, what=wrong)
        last = Anchor(seq=entry.seq, entry_hash=entry.entry_hash)
    if wanted:
        return Break(seq=last.seq + 1, what=f"the tail was cut: an anchor names entry {max(wanted)}")
    if head is not None and head != last:
        return Break(seq=last.seq + 1, what=f"the chain ends at entry {last.seq}, its head says {head.seq}")
    return None


def _wrong_with(entry: Entry, *, tenant_id: UUID, last: Anchor) -> str | None:
    if entry.seq != last.seq + 1:
        return f"the entry is missing: entry {entry.seq} follows entry {last.seq}"
    if entry.tenant_id != tenant_id:
        return "the entry belongs to another organisation"
    if entry.prev_hash != last.entry_hash:
        return "the entry does not continue the one before it"
    if entry_hash(entry) != entry.entry_hash:
        return "the entry is not what was written: its hash differs"
    return None
