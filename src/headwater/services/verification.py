"""Proof that nothing was changed: the audit chain, all it cites, and every stored row computed again from raw files.

The chain is walked in its order, which is the order in which chunks were committed. Each chunk is taken from the raw
file through the documents and factors its run cites, by the code that loads, into a model beside the database; what the
model comes to is compared with what is stored, value by value, and nothing may be missing or left over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headwater.audit.chain import START, Anchor, parse_anchor, verify_entries
from headwater.contracts import Document
from headwater.engine.duck import engine
from headwater.pipeline.replay.chunks_known import KnownChunks
from headwater.pipeline.replay.differences import ROW, Difference, Differences
from headwater.pipeline.replay.quarantines import Quarantines
from headwater.pipeline.replay.rows import ContractRows
from headwater.pipeline.replay.store import Model
from headwater.services.access.keys import seals_of
from headwater.services.access.policy import Right
from headwater.services.emissions import kept_and_summed
from headwater.services.evidence import Evidence
from headwater.services.inventories.verifying import InventoryCheck
from headwater.services.replay.chain import Replay
from headwater.services.replay.pinned_records import PinnedRecords
from headwater.store import audit, chunks, runs, source_units
from headwater.store.stored_rows import house_batches, stored_batches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import duckdb

    from headwater.audit.chain import Break, Entry
    from headwater.services.answers.records import Verified
    from headwater.services.installation import Installation
    from headwater.services.replay.deletions import ToldDeletion
    from headwater.store.database import TenantConnection
    from headwater.telemetry import Progress

SHOWN = 20

NOT_EVIDENCE: Mapping[str, str] = {
    "created_at": "when a row was written: the chain has its own times, and no figure rests on this one",
    "updated_at": "when a row was last touched",
    "committed_at": "when a chunk was committed: the chain has its own time",
    "finished_at": "when a run ended: the chain has its own time",
    "deleted_at": "when a record was deleted by hand: the chain has its own time",
    "calculated_at": "when an inventory was calculated: the chain has its own time",
    "published_at": "when an inventory was published: the chain has its own time",
    "given_up": "keys that later chunks of a file hold no longer, made of these: told of, and no row rests on them",
    "attempts": "how often a chunk was tried; what it came to is evidence, how hard it was is not",
    "correlation_id": "by what log entries call the request that planned a run; who planned it the chain has",
}
"""Columns of evidence tables that nothing rests on, and that `verify` leaves alone, with the reason."""

TABLES_NOT_EVIDENCE: Mapping[str, str] = {
    "tenants": "the names of organisations; every row of evidence bears the id, which is part of the chain",
    "schema_migrations": "how the tables were made, not what is in them",
    "connectors": "where sources are; what was read of them, and how, each run keeps itself",
    "credentials": "secrets, which no figure rests on",
    "refused_syncs": "that a sync came to no run, which left nothing behind",
    "source_circuits": "whether a source is well just now",
    "source_turns": "how often a source was asked just now",
    "source_requests": "how often a source was asked just now",
    "source_schema_cache": "the columns that sources had; those that a run read stand with the run",
    "dead_letters": "which copies of what was refused were made outside; what was refused stands with its chunk",
    "jobs": "what workers were asked to do; the chain has each, and the runs stand for themselves",
    "job_runs": "which job planned a run",
    "scheduled_jobs": "what workers are asked to do over and over; the chain has each change",
    "schedule_dependencies": "which schedules come after which",
    "schedule_history": "what was done about the times of schedules; the chain has each job",
    "update_log": "what jobs did, counted from runs and chunks",
    "api_requests": "answers kept for a day, so that what is sent twice is done once",
    "imports": "files on their way to a run, which keeps all that it rests on itself",
    "connector_sync_state": "how far a source was read: made of its chunks, for whoever reads on",
    "units": "where people belong; no figure rests on it, and the chain has each change",
    "organisation_keys": "keys that encrypt personal data, encrypted themselves",
    "people": "who may sign in, as ciphertext; the chain names them by id",
    "subject_keys": "keys that encrypt personal values of records, encrypted themselves; erasing takes them away",
    "person_keys": "keys that encrypt personal data, encrypted themselves; erasing takes them away",
    "memberships": "who may do what now; the chain has each change",
    "grants": "who may do what now; the chain has each change",
    "passwords": "how people sign in",
    "sign_in_identities": "how people sign in",
    "sign_in_failures": "who failed to sign in just now; the chain has each attempt",
    "one_time_links": "links that open once",
    "sessions": "who is signed in now",
    "api_tokens": "what opens the API; the chain has each one made and revoked",
    "notification_channels": "where people are told what happened; the chain has each change",
    "notification_secrets": "secrets of those channels, encrypted",
    "notifications": "what channels were told of; runs, jobs and imports stand for themselves",
    "notification_deliveries": "whether channels could be told",
    "notification_delivery_items": "which message told of what",
    "dataset_offers": "copies made for others; the chain has the hash of each, and what was taken is a run",
    "public_datasets": "copies that all read; the chain of whoever published has each with its hash",
    "emission_sums": "sums kept for whoever asks again; those that are shown are held against the rows all the same",
    "organisation_names": "the names of organisations, for the owner of the tables",
}
"""Tables that hold no evidence, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was checked, and what did not agree.

    checked         how many of each: audit entries, documents, files, runs, chunks, records read, rows by table
    differences     the first of `found`, as many as were asked for
    by_table        how many differences there are in each table
    erased          files that were erased: what was loaded from them is held against its hashes only
    redacted        files in which somebody's records were erased: these are held against their hashes only
    not_recomputed  runs that could not be done again, and why
    of_other_versions  runs made by another version of Headwater or its engine; this one computed them again
    anchor          the head of the chain, to be noted elsewhere: with it a cut tail shows; None where the chain was
                    changed
    deletions       what people deleted by hand, restored, destroyed and let in again, as the chain tells it
    """

    checked: Mapping[str, int]
    differences: tuple[Difference, ...]
    by_table: Mapping[str, int]
    erased: tuple[str, ...]
    redacted: tuple[str, ...]
    not_recomputed: Mapping[str, str]
    of_other_versions: tuple[str, ...]
    anchor: str | None
    deletions: tuple[ToldDeletion, ...] = ()

    @property
    def found(self) -> int:
        """How many differences there are, shown or not."""
        return sum(self.by_table.values())

    @property
    def ok(self) -> bool:
        """Whether everything agrees and everything that was not erased was computed again."""
        return not self.found and not self.not_recomputed

    def as_json(self) -> Verified:
        """Plain values."""
        told: Any = {**asdict(self), "ok": self.ok, "found": self.found}
        shown: Verified = told
        return shown


def verify(
    installation: Installation, *, progress: Progress, anchor: str | None = None, shown: int = SHOWN
) -> Verification:
    """Check all evidence of the organisation. `anchor` is a head of the chain noted earlier, as `seq:hash`."""
    installation.require(Right.QUERY)  # all evidence is calculated again
    noted = [parse_anchor(anchor)] if anchor else []
    memory = f"{installation.settings.memory_limit // 2**20}MiB"
    with (
        installation.database.snapshot(installation.tenant_id) as connection,
        engine(memory_limit=memory) as duck,
    ):
        return _Verifier(installation, connection, duck, progress, Differences(limit=shown)).run(noted)


class _Verifier:
    def __init__(
        self,
        installation: Installation,
        connection: TenantConnection,
        duck: duckdb.DuckDBPyConnection,
        progress: Progress,
        differences: Differences,
    ) -> None:
        self._installation = installation
        self._tenant_id = installation.tenant_id
        self._connection = connection
        self._duck = duck
        self._progress = progress
        self._differences = differences
        self._evidence = Evidence(installation=installation, connection=connection, differences=differences)
        self._checked: dict[str, int] = {}
        self._last = START
        self._of_other_versions: list[str] = []
        self._deletions: list[ToldDeletion] = []

    def run(self, noted: list[Anchor]) -> Verification:
        not_recomputed: dict[str, str] = {}
        head = audit.head(self._connection, self._tenant_id)
        chain_holds = self._chain_holds(head, noted)
        if chain_holds:
            for entry in audit.entries(self._connection, self._tenant_id):
                self._evidence.note(entry)
            self._evidence.check_documents()
            self._evidence.check_blobs(self._progress)
            not_recomputed = self._replay() | self._inventories()
            self._evidence.check_citations()
        else:
            not_recomputed["everything"] = "the audit chain is broken, so that nothing can be held against it"
        return Verification(
            checked=self._checked,
            differences=tuple(self._differences.shown),
            by_table=dict(self._differences.by_table),
            erased=self._named(self._evidence.erased),
            redacted=self._named(self._evidence.redacted),
            not_recomputed=not_recomputed,
            of_other_versions=tuple(self._of_other_versions),
            anchor=str(head) if chain_holds else None,
            deletions=tuple(self._deletions),
        )

    def _named(self, digests: Iterable[str]) -> tuple[str, ...]:
        blobs = self._evidence.blobs
        return tuple(blobs[digest].name if digest in blobs else digest for digest in sorted(digests))

    def _chain_holds(self, head: Anchor, noted: list[Anchor]) -> bool:
        entries = self._counted(audit.entries(self._connection, self._tenant_id))
        broken = verify_entries(entries, tenant_id=self._tenant_id, head=head, anchors=noted)
        if broken is None:
            return True
        self._name_break(broken, head)
        return False

    def _name_break(self, broken: Break, head: Anchor) -> None:
        """A head that has the last entry's number or hash, or points before it, was changed itself."""
        last = self._last
        if "its head says" not in broken.what or (head.seq > last.seq and head.entry_hash != last.entry_hash):
            self._differences.add(
                Difference(
                    table="audit_entries", key=f"entry {broken.seq}", column=ROW, stored=None, expected=None,
                    why=broken.what,
                )
            )  # fmt: skip
            return
        if head == START:
            self._differences.missing("audit_heads", f"entry {last.seq}", broken.what)
            return
        for column in ("seq", "entry_hash"):
            stored, expected = getattr(head, column), getattr(last, column)
            key = f"entry {last.seq}"
            self._differences.compare("audit_heads", key, column, stored=stored, expected=expected, why=broken.what)

    def _counted(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        self._checked["audit entries"] = 0
        for entry in entries:
            self._checked["audit entries"] += 1
            self._last = Anchor(seq=entry.seq, entry_hash=entry.entry_hash)
            yield entry

    def _replay(self) -> dict[str, str]:
        model = self._model()
        stored = {run.run_id: run for run in runs.all_runs(self._connection, self._tenant_id)}
        replay = Replay(
            self._installation,
            self._connection,
            model,
            self._evidence,
            runs=stored,
            standing=self._standing,
            progress=self._progress,
        )
        self._progress.start("verifying records", total=sum(run.records_planned for run in stored.values()))
        try:
            for entry in audit.entries(self._connection, self._tenant_id):
                replay.take(entry)
        finally:
            replay.close()
            self._progress.finish()
        replay.finish()
        for rows in model.rows.values():
            rows.finish()
        model.quarantines.finish()
        pinned = PinnedRecords(self._installation, model.rows, self._differences)
        pinned.check(replay.seen.values(), self._evidence.erased, theirs=replay.theirs)
        self._count(replay, model)
        if pinned.checked:
            self._checked["pinned records"] = pinned.checked
        self._units(model)
        self._sums()
        if deleted := replay.deletions.finish(self._connection, self._tenant_id):
            self._checked["deleted records"] = deleted
        self._deletions = replay.deletions.told
        self._of_other_versions = sorted(replay.of_other_versions)
        return replay.not_recomputed

    def _units(self, model: Model) -> None:
        """Each source belongs to the unit that the chain says, and each row to the unit of its source."""
        stored = source_units.all_units(self._connection, self._tenant_id)
        for source in sorted(stored.keys() | model.known.source_units.keys()):
            self._differences.compare(
                "source_units", source.hex(), "unit_id",
                stored=stored.get(source), expected=model.known.source_units.get(source), why="as the audit chain says",
            )  # fmt: skip
        for rows in model.rows.values():
            for table in (rows.table, rows.history):
                for key, unit, expected in source_units.misplaced(
                    self._connection, self._tenant_id, rows.document, table
                ):
                    self._differences.compare(
                        table, key, "unit_id", stored=unit, expected=expected, why="the unit of the source it came from"
                    )

    def _sums(self) -> None:
        """What is kept, so that it need not be summed up for each who asks, is what the rows come to."""
        found = kept_and_summed(self._installation, self._connection)
        if found is not None:
            stored, expected = found
            self._differences.compare(
                "emission_sums", "all units", "sums", stored=stored, expected=expected, why="the sums of the rows"
            )

    def _inventories(self) -> dict[str, str]:
        check = InventoryCheck(
            installation=self._installation,
            connection=self._connection,
            differences=self._differences,
            erased=self._evidence.erased,
        )
        for entry in audit.entries(self._connection, self._tenant_id):
            check.take(entry)
        self._checked |= check.finish()
        return check.not_recomputed

    def _count(self, replay: Replay, model: Model) -> None:
        held = [blob for blob in self._evidence.blobs.values() if blob.sha256.hex() not in self._evidence.erased]
        self._checked |= {
            "contracts": len(self._evidence.contracts),
            "documents": len(self._evidence.documents),
            "files": len(held),
            "runs": len(replay.seen),
            "chunks": sum(len(seen.committed) for seen in replay.seen.values()),
            "records": replay.records,
            **{rows.table: rows.count for rows in model.rows.values() if rows.count},
            "quarantine": model.quarantines.count,
            "findings": model.quarantines.findings_count,
            **({"records erased from files": replay.erased} if replay.erased else {}),
            **({"rows of erased subjects": erased} if (erased := self._erased_rows()) else {}),
        }

    def _erased_rows(self) -> int:
        """How many rows hold values that nobody opens any more, as the chain tells."""
        of_chunks = (rows for chunks in self._evidence.erased_rows.values() for rows in chunks.values())
        return sum(map(len, of_chunks))

    def _model(self) -> Model:
        known = KnownChunks(connection=self._duck)
        versions = self._versions()
        rows = {}
        for document in self._documents():
            table = ContractRows(self._duck, document, known, self._differences, versions=versions)
            for past in (False, True):
                table.add_stored(stored_batches(self._connection, document, past=past), past=past)
            rows[f"{document.name}@{document.major}"] = table
            table.erased.rows = self._evidence.erased_rows.get(f"{document.name}@{document.major}", {})
        keyed = seals_of(self._installation.settings, self._connection, self._tenant_id).held
        quarantines = Quarantines(self._duck, self._differences, keyed=keyed)
        quarantines.destroyed = self._evidence.destroyed
        quarantines.erased_rows = self._evidence.erased_findings()
        quarantines.erased = frozenset(self._evidence.erased_refusals)
        for name, source in (("quarantine", "quarantine"), ("repairs", "quarantine_repairs"), ("findings", "findings")):
            quarantines.add_stored(name, house_batches(self._connection, source))
        return Model(rows=rows, quarantines=quarantines, known=known, differences=self._differences)

    def _versions(self) -> set[str]:
        """The fields by which recipes tell versions of a record apart."""
        versions = set()
        for document in self._evidence.documents.values():
            if document.kind == "recipe" and hashlib.sha256(document.body.encode()).digest() == document.hash:
                versions.add(json.loads(document.body)["load"].get("version"))
        return versions - {None}

    def _documents(self) -> list[Document]:
        """The newest minor version of each major one: its table has the fields of all."""
        newest: dict[tuple[str, int], Document] = {}
        for contract in self._evidence.contracts.values():
            document = self._evidence.sound_contract(contract)
            if document is None:
                continue
            key = (document.name, document.major)
            if key not in newest or _release(document) > _release(newest[key]):
                newest[key] = document
        return list(newest.values())

    def _standing(self, chunk_id: UUID) -> tuple[bytes, bytes]:
        return chunks.standing(self._connection, self._tenant_id, chunk_id)


def _release(document: Document) -> tuple[int, ...]:
    return tuple(int(part) for part in document.version.split("."))
