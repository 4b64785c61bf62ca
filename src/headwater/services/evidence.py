"""What runs rest on, held against its own hash: contracts, documents, blobs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.connectors.files import write_text_of
from headwater.contracts import Document
from headwater.errors import HeadwaterError
from headwater.services.access.redacting import BLOB_REDACTED, ranges_of
from headwater.services.inventories.verifying import BLOBS as INVENTORY_BLOBS
from headwater.services.inventories.verifying import CALCULATED as INVENTORY
from headwater.services.kept_files import clear_file
from headwater.services.replay.deletions import DESTROYED, SUBJECT_ERASED, destroyed_in
from headwater.services.workbooks.mending import write_again
from headwater.store.blobs import NO_CONTENT
from headwater.store.cited_blobs import all_cited_blobs
from headwater.store.documents import all_contracts, all_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.audit.chain import Entry
    from headwater.connectors.csv_file.redact import Range
    from headwater.connectors.files import FileConfig
    from headwater.pipeline.mending import MendForm
    from headwater.pipeline.replay.differences import Differences
    from headwater.services.installation import Installation
    from headwater.store.cited_blobs import CitedBlob
    from headwater.store.database import TenantConnection
    from headwater.store.documents import PublishedContract, StoredDocument
    from headwater.telemetry import Progress

OWN = "as its own text says"
UNSETTLED = "it was erased, and the file is not replaced yet: to erase anybody, or them again, replaces it"
LEFT = "it was erased, and is still there beside its redacted copy: to erase anybody, or them again, removes it"
NAMES = {"mapping": ("mapping", "version"), "recipe": ("recipe", "version"), "column_lineage": ("name", "sql"),
         "inventory": ("inventory", "version")}  # fmt: skip
"""Where a document of a kind says its name and its version."""
PINNED = {"factor_set", "reference_codes"}
"""Kinds of blobs that are noted before the run that cites them is planned; all else is cited as it is noted."""


@dataclass(frozen=True, kw_only=True)
class Citation:
    """How the first run that cites a blob calls it."""

    kind: str
    name: str | None


@dataclass(kw_only=True)
class Redaction:
    """What the chain says of a blob that a redacted copy stands for, after one erasure or several.

    copy     the hash of the copy, in hexadecimal digits
    records  bytes of a text that were records of somebody
    rows     rows of an extract, from 0
    """

    copy: str
    records: list[Range] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Evidence:
    """Contracts, documents and blobs as stored; filled with who cites them while the chain is walked."""

    installation: Installation
    connection: TenantConnection
    differences: Differences
    contracts: dict[str, PublishedContract] = field(default_factory=dict)
    documents: dict[str, StoredDocument] = field(default_factory=dict)
    blobs: dict[str, CitedBlob] = field(default_factory=dict)
    cited_documents: dict[str, str] = field(default_factory=dict)  # hash -> kind
    cited_blobs: dict[str, Citation] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # by the chain
    redacted: dict[str, Redaction] = field(default_factory=dict)  # by the chain
    destroyed: dict[UUID, set[int]] = field(default_factory=dict)  # by the chain: records, by chunk
    erased_rows: dict[str, dict[UUID, set[int]]] = field(default_factory=dict)  # by the chain: by contract and chunk
    erased_refusals: set[UUID] = field(default_factory=set)  # by the chain: ids in quarantine
    made_again: set[tuple[str, str]] = field(default_factory=set)  # raw, text

    def note(self, entry: Entry) -> None:
        """What an entry of the chain cites, and what it says was erased. The first to cite a blob named it."""
        if entry.action == "blob.erased":
            self.erased.add(entry.resource.removeprefix("blob/"))
        elif entry.action == BLOB_REDACTED:
            self._note_redacted(entry.resource.removeprefix("blob/"), json.loads(entry.payload))
        elif entry.action in {DESTROYED, SUBJECT_ERASED}:
            self._note_gone(entry.action, json.loads(entry.payload))
        elif entry.action == "run.planned":
            self._note_plan(json.loads(entry.payload))
        elif entry.action == "chunk.committed":
            payload = json.loads(entry.payload)
            if "extract" in payload:
                self.cited_blobs.setdefault(payload["extract"], Citation(kind="extract", name=None))
        elif entry.action == "mapping.kept":
            self.cited_documents.setdefault(json.loads(entry.payload)["hash"], "mapping")
        elif entry.action == "run.started":
            self.cited_documents.setdefault(json.loads(entry.payload)["lineage"], "column_lineage")
        elif entry.action == INVENTORY:
            self._note_inventory(json.loads(entry.payload))

    def _note_redacted(self, digest: str, payload: Mapping[str, Any]) -> None:
        if payload["copy"] is None:
            self.erased.add(digest)
            self.redacted.pop(digest, None)
            return
        found = self.redacted.setdefault(digest, Redaction(copy=payload["copy"]))
        found.copy = payload["copy"]
        found.records += ranges_of(payload)
        found.rows.update(payload.get("rows", ()))

    def erased_findings(self) -> dict[UUID, set[int]]:
        """The rows of erased subjects by chunk, of whatever contract."""
        found: dict[UUID, set[int]] = {}
        for chunks in self.erased_rows.values():
            for chunk, numbers in chunks.items():
                found.setdefault(chunk, set()).update(numbers)
        return found

    def _note_inventory(self, payload: Mapping[str, Any]) -> None:
        self.cited_documents.setdefault(payload["document"], "inventory")
        for name, kind in INVENTORY_BLOBS.items():
            if payload[name] is not None:
                self.cited_blobs.setdefault(payload[name], Citation(kind=kind, name=None))

    def _note_gone(self, action: str, payload: Mapping[str, Any]) -> None:
        if action == DESTROYED:
            for chunk, numbers in destroyed_in(payload):
                self.destroyed.setdefault(chunk, set()).update(numbers)
            return
        self.erased_refusals.update(map(UUID, payload["refused"]))
        for contract, rows in payload["rows"].items():
            of_contract = self.erased_rows.setdefault(contract, {})
            for chunk, numbers in rows:
                of_contract.setdefault(UUID(chunk), set()).update(numbers)

    def _note_plan(self, payload: Mapping[str, Any]) -> None:
        for kind in ("mapping", "recipe", "contract"):
            self.cited_documents.setdefault(payload[kind], kind)
        self.cited_blobs.setdefault(payload["blob"], Citation(kind="raw", name=payload["file"]))
        self.cited_blobs.setdefault(payload["text"], Citation(kind="utf8", name=payload["file"]))
        if payload["factor_set"] is not None:
            self.cited_blobs.setdefault(payload["factor_set"], Citation(kind="factor_set", name=None))
        if "reference_codes" in payload:
            self.cited_blobs.setdefault(payload["reference_codes"], Citation(kind="reference_codes", name=None))

    def check_documents(self) -> None:
        """Each contract and document is what its hash says, and bears the name that stands in it."""
        for contract in all_contracts(self.connection):
            self.contracts[contract.hash.hex()] = contract
            self._check_body("contract_registry", contract, ("name", "version"))
        for document in all_documents(self.connection, self.installation.tenant_id):
            self.documents[document.hash.hex()] = document
            self._check_body("documents", document, NAMES.get(document.kind, ("name", "version")))

    def _check_body(self, table: str, document: PublishedContract, names: tuple[str, str]) -> None:
        key = f"{document.name} {document.version}"
        digest = hashlib.sha256(document.body.encode()).digest()
        if digest != document.hash:
            # Of text and hash, the one that runs cite or a pack brings is the one to trust.
            column, stored, expected = "body", digest, document.hash
            if digest.hex() in self._known():
                column, stored, expected = "hash", document.hash, digest
            self.differences.compare(table, key, column, stored=stored, expected=expected, why="SHA-256 of the text")
            return
        body = json.loads(document.body)
        for column, name in zip(("name", "version"), names, strict=True):
            self.differences.compare(
                table, key, column, stored=getattr(document, column), expected=body.get(name), why=OWN
            )

    def _known(self) -> set[str]:
        """Hashes of documents from elsewhere than the tables they stand in."""
        brought = {document.hash.hex() for pack in self.installation.packs for document in pack.documents()}
        return brought | self.cited_documents.keys()

    def sound_contract(self, contract: PublishedContract) -> Document | None:
        """The contract as it was published: as stored, or else as a pack of this installation brings it."""
        if hashlib.sha256(contract.body.encode()).digest() == contract.hash:
            return Document.from_json(contract.body)
        brought = (document for pack in self.installation.packs for document in pack.documents())
        return next((document for document in brought if document.hash == contract.hash), None)

    def check_blobs(self, progress: Progress) -> None:
        """Each file in the blob store is what its name says, or what the chain says of its redacted copy, to the last
        byte; of what was erased nothing is there.
        """
        tenant_id = self.installation.tenant_id
        found = all_cited_blobs(self.connection, tenant_id)
        waiting = self.installation.blobs.prepared(tenant_id)
        progress.start("verifying files", total=sum(blob.size for blob in found), unit="bytes")
        try:
            for blob in found:
                digest = blob.sha256.hex()
                self.blobs[digest] = blob
                if digest not in self.erased and blob.state == "held":
                    self._check_file(blob)
                elif (blob.sha256, NO_CONTENT) in waiting:
                    self.differences.unexplained("blob store", f"{blob.name} ({digest})", UNSETTLED)
                if self.installation.blobs.is_beside_its_copy(tenant_id, blob.sha256):
                    self.differences.unexplained("blob store", f"{blob.name} ({digest})", LEFT)
                progress.advance(blob.size)
        finally:
            progress.finish()

    def _check_file(self, blob: CitedBlob) -> None:
        key = f"{blob.name} ({blob.sha256.hex()})"
        try:
            measured = self.installation.blobs.measure(self.installation.tenant_id, blob.sha256)
        except HeadwaterError as error:
            self.differences.missing("blob store", key, error.what)
            return
        redaction = self.redacted.get(blob.sha256.hex())
        expected = blob.sha256 if redaction is None else bytes.fromhex(redaction.copy)
        why = "SHA-256 of the file" if redaction is None else "SHA-256 of its redacted copy"
        if redaction is not None and measured.sha256 == blob.sha256:
            why = UNSETTLED
        whole = self.differences.compare(
            "blob store", key, "content", stored=measured.sha256, expected=expected, why=why
        )
        if whole and redaction is None:
            self.differences.compare(
                "blobs", key, "size", stored=blob.size, expected=measured.size, why="bytes of the file"
            )

    def check_text(
        self, raw: str, text: str, *, name: str, reading: FileConfig | None, form: MendForm | None = None
    ) -> None:
        """The text of a file is made again from the file as it came; `form` where it is resubmitted."""
        gone = self.erased | self.redacted.keys()
        usable = all(digest in self.blobs and digest not in gone for digest in (raw, text))
        if raw == text or (raw, text) in self.made_again or not usable or reading is None:
            return
        self.made_again.add((raw, text))
        digest = hashlib.sha256()
        try:
            with clear_file(self.installation, bytes.fromhex(raw)) as path:
                if form is not None and form.places is not None:
                    write_again(path, form, reading, digest.update, name=name)
                else:
                    write_text_of(path, reading, digest.update, name=name)
            made = digest.hexdigest()
        except HeadwaterError as error:
            made = str(error)
        self.differences.compare(
            "runs", f"text {text}", "text_sha256", stored=text, expected=made,
            why=f"the file {raw} brought to text again",
        )  # fmt: skip

    def check_citations(self) -> None:
        """Nothing cited is missing, and nothing is there that no run cites."""
        for digest, kind in self.cited_documents.items():
            if kind == "contract":
                if digest not in self.contracts:
                    self.differences.missing("contract_registry", digest, "a run cites it")
            elif digest not in self.documents:
                self.differences.missing("documents", f"{kind} {digest}", "a run cites it")
        for digest, document in self.documents.items():
            key = f"{document.name} {document.version}"
            cited_as = self.cited_documents.get(digest)
            if cited_as is None:
                self.differences.unexplained("documents", key, f"no run cites {digest}")
            else:
                self.differences.compare(
                    "documents",
                    key,
                    "kind",
                    stored=document.kind,
                    expected=cited_as,
                    why="as the run that cites it says",
                )
        for digest in self.cited_blobs.keys() - self.blobs.keys():
            self.differences.missing("blobs", digest, "a run cites it")
        for digest, blob in self.blobs.items():
            self._check_blob(digest, blob)

    def _check_blob(self, digest: str, blob: CitedBlob) -> None:
        key = f"{blob.name} ({digest})"
        citation = self.cited_blobs.get(digest)
        if citation is None and blob.kind not in PINNED:
            self.differences.unexplained("blobs", key, "no run cites it")
        elif citation is not None:
            facts = {"kind": (blob.kind, citation.kind)}
            facts |= {"name": (blob.name, citation.name)} if citation.name is not None else {}
            for column, (stored, expected) in facts.items():
                self.differences.compare(
                    "blobs", key, column, stored=stored, expected=expected, why="as the first run that cites it says"
                )
        state = "erased" if digest in self.erased else "held"
        self.differences.compare(
            "blobs", key, "state", stored=blob.state, expected=state, why="as the audit chain says"
        )
        redaction = self.redacted.get(digest)
        copy = blob.copy_sha256.hex() if blob.copy_sha256 else None
        self.differences.compare(
            "blobs", key, "copy_sha256", stored=copy, expected=redaction and redaction.copy,
            why="as the audit chain says",
        )  # fmt: skip
