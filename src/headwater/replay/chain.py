"""The proof of an exported file: entries of the audit chain from the first of its run on, each linked to the last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headwater.audit.chain import Entry, entry_hash
from headwater.replay.container import Reader
from headwater.replay.differences import Difference, Findings

CHAIN = "chain.jsonl"
NAMES = ("seq", "at", "actor", "action", "resource", "result", "payload", "prev_hash", "entry_hash")


def entry_as_json(entry: Entry) -> list[Any]:
    """An entry as a line of the member: the names of `NAMES` in order."""
    return [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.resource,
        entry.result,
        entry.payload,
        entry.prev_hash.hex(),
        entry.entry_hash.hex(),
    ]


def _entry(tenant_id: UUID, line: list[Any]) -> Entry:
    body = dict(zip(NAMES, line, strict=True))
    return Entry(
        tenant_id=tenant_id,
        seq=body["seq"],
        at=datetime.fromisoformat(body["at"]),
        actor=body["actor"],
        action=body["action"],
        resource=body["resource"],
        result=body["result"],
        payload=body["payload"],
        prev_hash=bytes.fromhex(body["prev_hash"]),
        entry_hash=bytes.fromhex(body["entry_hash"]),
    )


class Chain:
    """The entries of the file, walked once; what later stages ask of it stays at hand."""

    def __init__(self, reader: Reader, findings: Findings, resource: str) -> None:
        self._reader = reader
        self._findings = findings
        self._resource = resource
        self.payloads: dict[tuple[str, str], dict[str, Any]] = {}
        """(action, resource) → payload of the last such entry, of the resource asked for and all that is part of it."""
        self.first = self.last = 0

    def walk(self) -> None:
        """Every entry is what its hash says, and continues the one before it; the last is the anchor."""
        facts = self._reader.manifest["chain"]
        last: Entry | None = None
        for entry in self._entries(UUID(facts["tenant_id"])):
            row = f"entry {entry.seq}"
            if last is not None and (entry.seq != last.seq + 1 or entry.prev_hash != last.entry_hash):
                self._findings.compare(
                    CHAIN, row, "prev_hash", stored=entry.prev_hash.hex(), recomputed=last.entry_hash.hex(),
                    why=f"it does not continue entry {last.seq}",
                )  # fmt: skip
            self._findings.compare(
                CHAIN, row, "entry_hash", stored=entry.entry_hash.hex(), recomputed=entry_hash(entry).hex(),
                why="SHA-256 of the entry and of the hash before it",
            )  # fmt: skip
            self.first = self.first or entry.seq
            last = entry
            if entry.resource == self._resource or entry.resource.startswith(f"{self._resource}/"):
                self.payloads[entry.action, entry.resource] = json.loads(entry.payload)
        if last is None:
            self._findings.differ(Difference(member=CHAIN, why="there is no entry"))
            return
        self.last = last.seq
        head = f"{last.seq}:{last.entry_hash.hex()}"
        why = "the chain ends where the export says it did"
        self._findings.compare(CHAIN, f"entry {last.seq}", "head", stored=facts["anchor"], recomputed=head, why=why)

    def committed(self) -> list[int]:
        """The chunks of the run that were committed."""
        chunks = (resource for action, resource in self.payloads if action == "chunk.committed")
        return sorted(int(resource.rpartition("/")[2]) for resource in chunks)

    def _entries(self, tenant_id: UUID) -> Iterator[Entry]:
        for _, line in self._reader.records(CHAIN):
            yield _entry(tenant_id, line)
