"""A figure or a run of the river in one file that checks itself: raw records, documents, factors, proof, the script.

Documents and factors come by the hashes that the run cites, records from the kept file, rows and figures from the
tables they stand in, the proof from the audit chain.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from headwater import __version__
from headwater.accounting.calculation import FORMULA, FORMULA_VERSION
from headwater.accounting.units import registry_text
from headwater.connectors.csv_file.read import READER_VERSION
from headwater.engine.duck import ENGINE_VERSION, engine
from headwater.errors import InputRefused, Misuse, Stopped
from headwater.mapping.compile import COMPILER_VERSION
from headwater.pipeline.transform import TRANSFORM_VERSION
from headwater.replay import evidence as members
from headwater.replay.chain import CHAIN, entry_as_json
from headwater.replay.chunks import WITHHELD
from headwater.replay.container import Writer
from headwater.services.imports import stored_logic
from headwater.services.logic import compile_logic
from headwater.services.quarantine.mending import mending_of
from headwater.services.replay_export.chunks import ChunkMaker
from headwater.services.replay_export.factors import gated, lines_of
from headwater.services.replay_export.instructions import instructions
from headwater.services.replay_export.script import script
from headwater.services.replay_export.withheld import MAY_GO_OUT, RunGate
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.sources import file_of, layout_from_json
from headwater.store import audit, chunk_rows
from headwater.store.chunks import chunks_of
from headwater.store.cited_blobs import get_cited_blob
from headwater.store.documents import get_contract, get_document
from headwater.values import PARSER_VERSION, sha256
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.contracts import Document
    from headwater.services.installation import Installation
    from headwater.services.replay_export.chunks import MadeChunk
    from headwater.store.chunks import Chunk
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.store.stored_rows import StoredRow


@dataclass(frozen=True, kw_only=True)
class OneFigure:
    """The figure that a file is about: its activity as it stands, itself, and which record of the chunk they are."""

    chunk_id: UUID
    record_no: int  # in the chunk, from 0
    activity: StoredRow
    figure: StoredRow


class RiverExport:
    """Writes the file of one run, or of one figure of it."""

    def __init__(self, installation: Installation, connection: TenantConnection, run: Run, out: IO[bytes]) -> None:
        self._installation = installation
        self._connection = connection
        self._run = run
        self._tenant_id = installation.tenant_id
        self._logic = stored_logic(installation, run)
        self._layout = layout_from_json(dict(run.layout))
        self._writer = Writer(out)
        self._entries = audit.entries_of(connection, self._tenant_id, f"run/{run.run_id}")
        self._left_out: list[dict[str, Any]] = []
        self._licences: list[dict[str, Any]] = []
        self._notes: list[str] = []

    def write(self, about: dict[str, Any], one: OneFigure | None = None) -> None:
        """Write everything, and the seal."""
        with self._writer:
            self._write(about, one)

    def _write(self, about: dict[str, Any], one: OneFigure | None) -> None:
        self._refuse_what_is_gone()
        for name, content in script().items():
            self._writer.add(name, content)
        self._documents()
        written, part = self._chunks(one)
        anchor = self._chain()
        self._tell_what_is_taken_on_trust()
        self._writer.seal(
            {
                "kind": "run" if one is None else "emission",
                "about": about,
                "made_by": f"headwater {__version__}",
                "run": {"run_id": str(self._run.run_id), "versions": self._versions()},
                "chain": {"tenant_id": str(self._tenant_id), "anchor": anchor},
                "chunks": written,
                "left_out": self._left_out,
                "licences": self._licences,
                "notes": self._notes,
                **({"part": part} if part else {}),
            }
        )

    def _refuse_what_is_gone(self) -> None:
        blob = get_cited_blob(self._connection, self._tenant_id, self._run.blob_sha256)
        text = get_cited_blob(self._connection, self._tenant_id, self._run.text_sha256)
        if blob.state != "held" or text.copy_sha256 is not None:
            raise InputRefused(
                "the file was erased, or somebody in it, and with it records that the figures came from",
                where=f"run {self._run.run_id}",
                value=blob.name,
                remedy="`headwater verify` still holds its rows against their hashes.",
            )

    def _documents(self) -> None:
        run, connection = self._run, self._connection
        self._writer.add(members.CONTRACT, get_contract(connection, run.contract_hash).body.encode())
        for name, digest in ((members.MAPPING, run.mapping_hash), (members.RECIPE, run.recipe_hash)):
            self._writer.add(name, get_document(connection, self._tenant_id, digest).body.encode())
        if run.reference_codes is not None:
            self._writer.add_lines(members.CODES, lines_of(self._blob(run.reference_codes)))
        if run.factor_set is not None:
            self._writer.add(members.RESULTS, self._results.to_json().encode())
            self._writer.add_lines(members.UNITS, lines_of(registry_text().encode()))
            self._factors(self._blob(run.factor_set))

    @cached_property
    def _results(self) -> Document:
        return self._installation.contract("emission", 1)

    def _factors(self, content: bytes) -> None:
        factors = gated(content)
        self._licences, self._left_out = factors.licences, factors.left_out
        self._writer.add_lines(members.FACTORS, lines_of(factors.content))

    def _chunks(self, one: OneFigure | None) -> tuple[list[int], dict[str, Any]]:
        """Every committed chunk, or the one of the figure; their numbers, and where that figure stands in the lists."""
        run = self._run
        every = chunks_of(self._connection, self._tenant_id, run.run_id)
        committed = [chunk for chunk in every if chunk.state == "committed"]
        if len(committed) < len(every):
            open_ones = len(every) - len(committed)
            are_not = "was not" if open_ones == 1 else "were not"
            self._notes.append(
                f"{open_ones:,} of the run's {len(every):,} chunks {are_not} loaded when it was exported"
            )
        planned = committed if one is None else [chunk for chunk in committed if chunk.chunk_id == one.chunk_id]
        mending = mending_of(self._installation, run, self._logic.contract)
        columns = mending.form.columns if mending else self._layout.columns
        memory = f"{self._installation.settings.memory_limit // 2**20}MiB"
        part: dict[str, Any] = {}
        with ExitStack() as stack:
            duck = stack.enter_context(engine(memory_limit=memory))
            texts = stack.enter_context(RunTexts(self._installation, run))
            transform, _ = compile_logic(
                self._installation,
                duck,
                self._logic,
                columns=columns,
                source_id=run.source_id,
                layout=run.layout,
            )
            program = instructions(duck, self._logic, columns)
            self._writer.add(members.PROGRAM, _json(program))
            gate = self._gate(program)
            maker = ChunkMaker(
                connection=self._connection, duck=duck, run=run, tenant_id=self._tenant_id, texts=texts,
                layout=self._layout, transform=transform, mending=mending,
            )  # fmt: skip
            for chunk in planned:
                made = maker.make(chunk, span_of(chunk), self._payload(chunk))
                part = self._write_one(chunk, made, one) if one else self._write_chunk(chunk, made, gate)
        if gate is not None:
            self._left_out, self._licences = gate.told()
        return [chunk.chunk_no for chunk in planned], part

    def _gate(self, program: dict[str, Any]) -> RunGate | None:
        """Of a run of factors or instruments, whose rows say whether they may be passed on."""
        contract = self._logic.contract
        if MAY_GO_OUT not in contract.by_name:
            return None
        return RunGate(contract, program, self._logic.recipe.load.version)

    def _payload(self, chunk: Chunk) -> dict[str, Any]:
        resource = f"run/{self._run.run_id}/chunk/{chunk.chunk_no}"
        payload: dict[str, Any] = json.loads(
            next(entry.payload for entry in self._entries if entry.resource == resource)
        )
        return payload

    def _write_chunk(self, chunk: Chunk, made: MadeChunk, gate: RunGate | None) -> dict[str, Any]:
        folder, contract = f"chunks/{chunk.chunk_no}", self._logic.contract
        self._writer.add(f"{folder}/chunk.json", _json({"uncut": made.uncut}))
        self._writer.add_records(f"{folder}/records.jsonl", (_record(record, gate) for record in made.records))
        stored = self._stored(contract, chunk)
        if len(stored) < (chunk.inserted or 0) + (chunk.updated or 0):
            raise Stopped(
                "records that the run has loaded were destroyed by hand; what is left proves nothing elsewhere",
                where=f"run {self._run.run_id}, chunk {chunk.chunk_no}",
                remedy="`headwater verify` proves here what stands.",
            )
        self._writer.add_records(
            f"{folder}/rows.jsonl",
            (_row(contract, number, row_hash, stored.get(number), gate) for number, row_hash in made.manifest),
        )
        if self._run.factor_set is not None:
            figures = self._stored(self._results, chunk)
            self._writer.add_records(
                f"{folder}/figures.jsonl",
                (_figure(self._results, number, figures[number]) for number in sorted(figures)),
            )
        return {}

    def _write_one(self, chunk: Chunk, made: MadeChunk, one: OneFigure) -> dict[str, Any]:
        """Of a figure's chunk: its record, and the lists in which the record's hashes stand."""
        folder, number = f"chunks/{chunk.chunk_no}", chunk.first_record + one.record_no
        numbers = [each for each, _ in made.manifest]
        record = next(record for record in made.records if record[0] == number)
        row_hash = dict(made.manifest)[number]
        if row_hash != one.activity.row_hash:
            raise Misuse(
                "the activity was changed since the figure was calculated",
                where="activity",
                value=one.figure.values["activity_id"],
                remedy="Export the run that calculated it: its rows stand in the history.",
            )
        self._writer.add_records(f"{folder}/records.jsonl", [_record(record)])
        self._writer.add_records(f"{folder}/rows.jsonl", [_row(self._logic.contract, number, row_hash, one.activity)])
        self._writer.add_records(f"{folder}/figures.jsonl", [_figure(self._results, number, one.figure)])
        self._writer.add(f"{folder}/manifest.bin", b"".join(row_hash for _, row_hash in made.manifest))
        self._writer.add(f"{folder}/standing.bin", made.standing)
        return {
            "manifest_place": numbers.index(number),
            "standing_place": made.standing_numbers.index(number),
        }

    def _stored(self, document: Document, chunk: Chunk) -> dict[int, StoredRow]:
        """The rows that a chunk wrote, by their record's number in the file."""
        found = chunk_rows.rows_of_chunks(self._connection, self._tenant_id, document, [chunk.chunk_id])
        return {chunk.first_record + row.record_no: row for _, rows in found for row in rows}

    def _chain(self) -> str:
        """The entries from the run's first to the head; the anchor of the head."""
        head = audit.head(self._connection, self._tenant_id)
        entries = audit.entries(self._connection, self._tenant_id, first=self._entries[0].seq)
        self._writer.add_records(CHAIN, map(entry_as_json, entries))
        return str(head)

    def _versions(self) -> dict[str, str] | None:
        """The versions of the code behind the run; None where this version of Headwater did not make it."""
        planned = next(entry.payload for entry in self._entries if entry.action == "run.planned")
        if self._logic.hash.hex() != json.loads(planned)["logic"]:
            return None
        rooms = (
            f"reader {READER_VERSION}, values {PARSER_VERSION}, mapping {COMPILER_VERSION}, "
            f"transform {TRANSFORM_VERSION}"
        )
        return {"code": f"{rooms}, {ENGINE_VERSION}", "formula": f"{FORMULA} {FORMULA_VERSION}"}

    def _tell_what_is_taken_on_trust(self) -> None:
        run, name = self._run, file_of(self._run.layout)
        how = "it was" if run.blob_sha256 == run.text_sha256 else f"it was made the text {run.text_sha256.hex()} and"
        self._notes.append(
            f"the file {name} (SHA-256 {run.blob_sha256.hex()}) is known by its hash; how {how} cut into cells is not"
            " done again here, `headwater verify` does it"
        )

    def _blob(self, sha256: bytes) -> bytes:
        with self._installation.blobs.open(self._tenant_id, sha256) as file:
            return file.read()


def _record(record: tuple[int, int, Sequence[str], str, Any], gate: RunGate | None = None) -> list[Any]:
    number, line, cells, fate, detail = record
    shown = list(cells) if gate is None else gate.cells(number, cells)
    return [number, line, sha256(SEPARATOR.join(cells)).hex(), shown, fate, detail]


def _row(
    contract: Document, number: int, row_hash: bytes, stored: StoredRow | None, gate: RunGate | None = None
) -> list[Any]:
    """A row as it is stored; only the hash of one that was found unchanged, or may not be passed on."""
    if stored is None:
        return [number, None, None, row_hash.hex()]
    if gate is not None and number in gate.withheld:
        return [number, WITHHELD, None, stored.row_hash.hex()]
    return [number, _texts(contract, stored), stored.absent, stored.row_hash.hex()]


def _figure(results: Document, number: int, stored: StoredRow) -> list[Any]:
    return [number, _texts(results, stored), stored.row_hash.hex()]


def _texts(contract: Document, stored: StoredRow) -> list[str | None]:
    values = [(spec.kind, stored.values[spec.name]) for spec in contract.fields]
    return [None if value is None else kind.canonical(value) for kind, value in values]


def _json(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
