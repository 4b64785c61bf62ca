"""Where the kept files still speak of somebody: every record that says it is about them, read as its run read it.

Rows that stand name the file they came from, and no other: who came again with the very same values left no trace but
in the file. So every file is read that a run took under a contract which knows people by the same fields. Records that
were pinned for another recipe to read bear the hash of the row, by which theirs are known whatever was read of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.csv_file.read import parse_slice
from headwater.connectors.csv_file.redact import Range, filler_of, places_of
from headwater.engine.duck import engine
from headwater.errors import RetryLater
from headwater.mapping.compile import columns_read
from headwater.pipeline.mending import KEY, LINE, MendForm
from headwater.services.access.sealing import joined_texts
from headwater.services.imports import stored_logic
from headwater.services.logic import compile_logic
from headwater.services.run_texts import RunTexts, span_of
from headwater.store import runs
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import all_cited_blobs
from headwater.store.stored_rows import ROW_HASH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from headwater.connectors.csv_file import ChunkSpan, RawChunk
    from headwater.contracts import Document
    from headwater.pipeline.transform import ChunkTransform
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.erasures import Origin
    from headwater.store.runs import Run

OPEN_STATES = ("pending", "running")


@dataclass(kw_only=True)
class FileOfTheirs:
    """A kept text or extract that speaks of somebody.

    records, cells  of a text: bytes of their records, and of what is taken out of these
    rows            of an extract: row from 0 -> the columns that are taken out; of a text: record in the file from 1
    filler          what stands in place of each byte of a text
    runs            those that read it
    """

    sha256: bytes
    is_extract: bool
    records: set[Range] = field(default_factory=set)
    cells: set[Range] = field(default_factory=set)
    rows: dict[int, set[str]] = field(default_factory=dict)
    filler: bytes = b""
    runs: dict[UUID, Run] = field(default_factory=dict)


class Search:
    """Looks through files for whom records of a domain of subjects are about; `text` is how they are known there."""

    def __init__(self, installation: Installation, connection: Any, domain: str, text: str) -> None:
        self._installation = installation
        self._connection = connection
        self._domain = domain
        self._text = text
        self._contracts: dict[bytes, Document | None] = {}
        blobs = all_cited_blobs(connection, installation.tenant_id)
        self._erased = {blob.sha256 for blob in blobs if blob.state != "held"}
        self._names = {blob.sha256: blob.name for blob in blobs}
        self._seen: set[UUID] = set()
        self.gone: dict[bytes, str] = {}
        self.found: dict[bytes, FileOfTheirs] = {}

    def look(self, origins: Iterable[Origin], hashes: Collection[str]) -> None:
        """Fill `found`; `origins` and `hashes` are of rows known to be theirs, whatever their file says now. `gone` are
        files that may have spoken of them, by name, and that are not there.

        Stopped where one is there, or what its text was made of, and cannot be read: what it says of them would be
        left.
        """
        known: dict[UUID, set[int]] = {}
        for chunk_id, number in origins:
            known.setdefault(chunk_id, set()).add(number)
        for run in runs.all_runs(self._connection, self._installation.tenant_id):
            self._seen.add(run.run_id)
            if run.text_sha256 in self._erased:
                continue
            if run.kind != "sync" and self._may_speak(run) and self._is_gone(run.text_sha256, run.blob_sha256):
                continue
            if "records" in run.layout:
                self._look_in_records(run, hashes)
            elif (document := self._contract(run)) is not None:
                self._look_in(run, document, known)

    def refuse_planned_since(self) -> None:
        """RetryLater where a run was planned since `look` whose file may speak of them: it was not looked through.

        Asked once the audit chain was written to: until the transaction ends no other run is planned.
        """
        for run in runs.all_runs(self._connection, self._installation.tenant_id):
            if run.run_id not in self._seen and self._may_speak(run):
                raise RetryLater(
                    "a file that may speak of them came while the others were looked through",
                    where=f"run {run.run_id}",
                    value=run.source_name,
                    remedy="Erase them once it is loaded; nothing was erased yet.",
                )

    def _may_speak(self, run: Run) -> bool:
        return "records" in run.layout or self._contract(run) is not None

    def _is_gone(self, sha256: bytes, made_of: bytes) -> bool:
        """Whether a file is lost, and so is what it was made of; it is noted."""
        blobs, tenant_id = self._installation.blobs, self._installation.tenant_id
        if not (blobs.is_gone(tenant_id, sha256) and blobs.is_gone(tenant_id, made_of)):
            return False
        self.gone[sha256] = self._names.get(sha256, "")
        return True

    def _contract(self, run: Run) -> Document | None:
        """The newest minor version of what a run loaded, where it is about people known as these are."""
        if run.contract_hash not in self._contracts:
            logic = stored_logic(self._installation, run)
            newest = self._installation.contract(logic.contract.name, logic.contract.major)
            fits = newest.is_of_people and newest.subject_domain == self._domain
            self._contracts[run.contract_hash] = newest if fits else None
        return self._contracts[run.contract_hash]

    def _says_nothing(self, span: ChunkSpan) -> bool:
        """Whether a chunk's own file was erased wholly, or is lost."""
        if span.extract is None:
            return False
        sha256 = span.extract.sha256
        return sha256 in self._erased or self._is_gone(sha256, sha256)

    def _look_in(self, run: Run, document: Document, known: Mapping[UUID, set[int]]) -> None:
        installation = self._installation
        logic = stored_logic(installation, run)
        form = MendForm.from_json(run.layout["mends"]) if "mends" in run.layout else None
        with engine() as duck, RunTexts(installation, run) as texts:
            columns = form.columns if form else texts.layout.columns
            transform, _ = compile_logic(installation, duck, logic, columns=columns, source_id=run.source_id)
            taken_out = frozenset(texts.layout.columns) - _kept(document, logic, columns, form)
            for chunk in chunks_of(self._connection, installation.tenant_id, run.run_id):
                span = span_of(chunk)
                if (run.kind == "sync" and span.extract is None) or self._says_nothing(span):
                    continue
                data = texts.bytes_of(span)
                raw = parse_slice(data, span, texts.layout)
                numbers = self._theirs(raw, transform, document, form) | known.get(chunk.chunk_id, set())
                if numbers:
                    self._note(run, span, data, texts, dict.fromkeys(sorted(numbers), taken_out))

    def _look_in_records(self, run: Run, hashes: Collection[str]) -> None:
        """Records of a contract, and of those that they lead to, as they were pinned."""
        said = run.layout["records"]
        of = {"": said["contract"]} | {f"{field}.": contract for field, contract in said["follow"].items()}
        taken_out: set[str] = set()
        for prefix, (name, major) in of.items():
            document = self._installation.contract(name, major)
            subject = {spec.name for spec in document.subject_fields} if document.is_of_people else set()
            taken_out |= {f"{prefix}{field}" for field in document.personal.keys() | subject}
        with RunTexts(self._installation, run) as texts:
            taken_out &= set(texts.layout.columns)
            beside = [column for prefix in of if (column := f"{prefix}{ROW_HASH}") in texts.layout.columns]
            chunks = chunks_of(self._connection, self._installation.tenant_id, run.run_id)
            for span in map(span_of, chunks if taken_out else ()):
                if self._says_nothing(span):
                    continue
                data = texts.bytes_of(span)
                raw = parse_slice(data, span, texts.layout)
                told = [pc.is_in(raw.table[column], value_set=pa.array(list(hashes), pa.string())) for column in beside]
                is_theirs = np.array([column.to_numpy() for column in told], np.bool_).any(axis=0)
                if is_theirs.any():
                    numbers = raw.record_nos[is_theirs].tolist()
                    self._note(run, span, data, texts, dict.fromkeys(numbers, frozenset(taken_out)))

    def _theirs(self, raw: RawChunk, transform: ChunkTransform, document: Document, form: MendForm | None) -> set[int]:
        """The records of a chunk that say they are about them."""
        table = raw.table
        if not table.num_rows:
            return set()
        if form is not None:
            blank = ("",) * len(form.columns)
            sent = [each.cells or blank for each in form.rows(table)]
            table = pa.table(
                {
                    name: pa.array(cells, pa.string())
                    for name, cells in zip(form.columns, zip(*sent, strict=True), strict=True)
                }
            )
        names = [spec.name for spec in document.subject_fields]
        said = joined_texts(document.subject_fields, transform.values(table, raw.record_nos, names))
        is_theirs = np.array([each == self._text for each in said], np.bool_)
        return set(raw.record_nos[is_theirs].tolist())

    def _note(
        self, run: Run, span: ChunkSpan, data: bytes, texts: RunTexts, columns: Mapping[int, Collection[str]]
    ) -> None:
        sha256 = span.extract.sha256 if span.extract else run.text_sha256
        is_extract = span.extract is not None
        file = self.found.setdefault(sha256, FileOfTheirs(sha256=sha256, is_extract=is_extract))
        file.runs[run.run_id] = run
        first = 0 if is_extract else span.first_record
        for number, names in columns.items():
            file.rows.setdefault(first + number, set()).update(names)
        if not is_extract:
            places = places_of(data, span, texts.layout, columns)
            file.records.update(places.records)
            file.cells.update(places.cells)
            file.filler = filler_of(texts.layout.dialect)


def _kept(document: Document, logic: Logic, columns: Collection[str], form: MendForm | None) -> frozenset[str]:
    """Columns of which it is known that they say nothing personal: those that only other fields read."""
    taken = document.personal.keys() | {spec.name for spec in document.subject_fields}
    read = columns_read(logic.mapping, tuple(columns))
    kept = {column for column, fields in read.items() if not taken & set(fields)}
    return frozenset(kept | ({KEY, LINE} if form else set()))
