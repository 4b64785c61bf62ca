"""What the audit chain tells of records deleted by hand, done again beside what is stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.pipeline.replay.deleted import Mark, key_hash
from headwater.pipeline.replay.rows import shown_key
from headwater.store import deletions
from headwater.store.sealed import is_erased, opened_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headwater.audit.chain import Entry
    from headwater.pipeline.replay.deleted import Origin
    from headwater.pipeline.replay.differences import Differences
    from headwater.pipeline.replay.rows import ContractRows
    from headwater.pipeline.replay.store import Model
    from headwater.store.database import TenantConnection

DELETED, RESTORED, DESTROYED, ADMITTED = "records.deleted", "records.restored", "records.destroyed", "records.admitted"
ACTIONS = (DELETED, RESTORED, DESTROYED, ADMITTED)
SUBJECT_ERASED = "subject.erased"
"""What the audit chain calls it that somebody's values were made unreadable; their rows stay."""
TABLE = "deleted_records"


@dataclass(frozen=True, kw_only=True)
class ToldDeletion:
    """A deletion as the chain tells of it."""

    at: str
    actor: str
    contract: str
    action: str
    records: int
    reason: str


def origins_of(payload: Mapping[str, Any]) -> list[Origin]:
    """Where the rows came from that an entry of the chain names."""
    return [(UUID(chunk), int(number)) for chunk, numbers in payload["rows"] for number in numbers]


def as_payload(origins: Iterable[Origin]) -> list[list[Any]]:
    """The same as an entry holds it: chunk by chunk."""
    rows: dict[str, list[int]] = {}
    for chunk, number in sorted(origins):
        rows.setdefault(str(chunk), []).append(number)
    return [[chunk, numbers] for chunk, numbers in rows.items()]


class ReplayedDeletions:
    """Takes the entries of ACTIONS in order, between those of chunks."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._differences: Differences = model.differences
        self._origins: dict[str, dict[Origin, str]] = {}  # by contract, of what was ever destroyed
        self.told: list[ToldDeletion] = []

    def take(self, entry: Entry, payload: Mapping[str, Any]) -> None:
        """One entry."""
        contract = entry.resource.removeprefix("records/")
        rows = self._model.rows.get(contract)
        if rows is None:
            self._differences.missing("contract_registry", contract, "as the audit chain says")
            return
        does: Mapping[str, Callable[[Entry, Mapping[str, Any], ContractRows, str], Mapping[str, int]]] = {
            DELETED: self._delete, RESTORED: self._restore, DESTROYED: self._destroy, ADMITTED: self._admit,
        }  # fmt: skip
        came_to = does[entry.action](entry, payload, rows, contract)
        if not self._is_adopted(payload):
            for name, count in came_to.items():
                self._differences.compare(
                    "audit_entries", f"entry {entry.seq}, {entry.action}", name,
                    stored=payload["counts"].get(name, 0), expected=count, why="done again",
                )  # fmt: skip
        self.told.append(
            ToldDeletion(
                at=entry.at.isoformat(),
                actor=entry.actor,
                contract=contract,
                action=entry.action,
                records=len(payload["keys"]),
                reason=payload["reason"],
            )
        )

    def _delete(self, entry: Entry, payload: Mapping[str, Any], rows: ContractRows, contract: str) -> Mapping[str, int]:
        deletion_id, found = UUID(payload["deletion"]), rows.by_hand.keys_of(origins_of(payload))
        keys = list(found.values())
        self._mark(entry, payload, rows, found)
        return {contract: rows.by_hand.delete(keys, deletion_id)} | {
            name: each.by_hand.delete(keys, deletion_id, own=each.own_key_as(rows))
            for name, each in self._calculated(payload, contract)
        }

    def _restore(self, _: Entry, payload: Mapping[str, Any], rows: ContractRows, contract: str) -> Mapping[str, int]:
        deletion_id, keys = UUID(payload["deletion"]), list(rows.by_hand.keys_of(origins_of(payload)).values())
        for key in keys:
            rows.by_hand.marks.pop(key, None)
        return {contract: rows.by_hand.restore(keys, deletion_id)} | {
            name: each.by_hand.restore(keys, deletion_id, own=each.own_key_as(rows))
            for name, each in self._calculated(payload, contract)
        }

    def _destroy(
        self, entry: Entry, payload: Mapping[str, Any], rows: ContractRows, contract: str
    ) -> Mapping[str, int]:
        found = rows.by_hand.keys_of(origins_of(payload))
        self._origins.setdefault(contract, {}).update(found)
        self._mark(entry, payload, rows, found)
        keys = sorted(set(found.values()))
        return {contract: rows.by_hand.destroy(keys)} | {
            name: each.by_hand.destroy(keys, own=each.own_key_as(rows))
            for name, each in self._calculated(payload, contract)
        }

    def _admit(self, _: Entry, payload: Mapping[str, Any], rows: ContractRows, contract: str) -> Mapping[str, int]:
        known = self._origins.get(contract, {})
        for origin in origins_of(payload):
            rows.by_hand.marks.pop(known.get(origin, ""), None)
        return {}

    def _mark(self, entry: Entry, payload: Mapping[str, Any], rows: ContractRows, found: Mapping[Origin, str]) -> None:
        """`keys` names of each record the row that stood last."""
        for chunk, number in payload["keys"]:
            origin = (UUID(chunk), number)
            if origin in found:
                rows.by_hand.marks[found[origin]] = Mark(
                    key=found[origin], origin=origin, deletion_id=UUID(payload["deletion"]),
                    destroyed=entry.action == DESTROYED, reason=payload["reason"], actor=entry.actor,
                )  # fmt: skip

    def _calculated(self, payload: Mapping[str, Any], contract: str) -> list[tuple[str, ContractRows]]:
        return [(name, self._model.rows[name]) for name in payload["counts"] if name != contract]

    def _is_adopted(self, payload: Mapping[str, Any]) -> bool:
        """Whether a row came from a chunk that could not be done again: then what is gone of it nobody knows."""
        return any(UUID(chunk) in self._model.known.adopted for chunk, _ in payload["rows"])

    def finish(self, connection: TenantConnection, tenant_id: UUID) -> int:
        """What is kept of deleted keys is what the chain says; how many there are."""
        marked = [(row["contract"], row) for row in deletions.marks(connection, tenant_id)]
        stored = {(name, self._named(name, row) or row["key_hash"]): row for name, row in marked}
        expected = {
            (name, self._named(name, asdict(mark)) or key_hash(tenant_id, name, mark.key)): mark
            for name, rows in self._model.rows.items()
            for mark in rows.by_hand.marks.values()
        }
        for key in sorted(stored.keys() | expected.keys()):
            name = "|".join(key)
            if key not in stored:
                self._differences.missing(TABLE, name, "deleted by hand, as the audit chain says")
            elif key not in expected:
                if not self._model.known.adopted:
                    self._differences.unexplained(TABLE, name, "the audit chain does not know it")
            else:
                document = self._model.rows[key[0]].document
                opened = opened_key(connection, document, stored[key]["record_key"])
                if is_erased(opened):
                    opened = shown_key(expected[key].key)
                self._compare(name, {**stored[key], "record_key": opened}, expected[key])
        return len(stored)

    def _named(self, contract: str, told: Mapping[str, Any]) -> str | None:
        """Of a contract whose keys are personal, where the row came from: its hashes are those of ciphertexts."""
        rows = self._model.rows.get(contract)
        if rows is None or not any(spec.personal for spec in rows.document.key):
            return None
        chunk_id, number = told.get("origin") or (told["chunk_id"], told["record_no"])
        return f"{chunk_id}.{number}"

    def _compare(self, name: str, stored: Mapping[str, Any], mark: Mark) -> None:
        told = asdict(mark)
        facts = {
            "record_key": None if mark.destroyed else shown_key(mark.key),
            "chunk_id": mark.origin[0],
            "record_no": mark.origin[1],
            "deleted_by": mark.actor,
            **{column: told[column] for column in ("deletion_id", "destroyed", "reason")},
        }
        for column, expected in facts.items():
            why = "as the audit chain says"
            self._differences.compare(TABLE, name, column, stored=stored[column], expected=expected, why=why)


def destroyed_in(payload: Mapping[str, Any]) -> Sequence[tuple[UUID, set[int]]]:
    """The versions of records that an entry says were destroyed, by chunk."""
    return [(UUID(chunk), set(numbers)) for chunk, numbers in payload["rows"]]
