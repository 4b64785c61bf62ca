"""The audit chain walked entry by entry, and everything it tells of done again beside what is stored."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

import duckdb

from headwater.connectors.csv_file.read import read_slice
from headwater.engine.duck import engine
from headwater.errors import HeadwaterError, Stopped
from headwater.pipeline.mending import MendForm, Mending
from headwater.pipeline.prepare import Preparation
from headwater.pipeline.replay.chunks_known import KnownChunk
from headwater.pipeline.replay.store import EarlierChunk, ReplayedRun, ReplayStore, compare_with_chain
from headwater.pipeline.seen import SeenKeys
from headwater.pipeline.work import ReadChunk
from headwater.pipeline.writer import ChunkWriter
from headwater.services.chain_entries import layout_digest, plan_digest
from headwater.services.imports import span_of, stored_logic
from headwater.services.logic import compile_logic
from headwater.services.sources import layout_from_json
from headwater.store.chunks import chunks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headwater.audit.chain import Entry
    from headwater.pipeline.replay.store import Model, StandingHashes
    from headwater.services.evidence import Evidence
    from headwater.services.installation import Installation
    from headwater.store.chunks import Chunk
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

OPEN_RUNS = 2
"""Engines kept open at once: chunks of two runs may come in turns, seldom of more."""
CHAINED = "as the audit chain says"


@dataclass(kw_only=True)
class SeenRun:
    """A run as the chain tells of it so far."""

    run: Run
    chunks: dict[int, Chunk]
    state: str = "pending"
    lineage: str | None = None
    error: Mapping[str, Any] | None = None
    committed: list[int] = field(default_factory=list)


@dataclass(kw_only=True)
class OpenRun:
    """What the chunks of one run are done again with."""

    stack: ExitStack
    file: BinaryIO
    store: ReplayStore
    preparation: Preparation
    writer: ChunkWriter


class Replay:
    """Takes the entries of the chain in order."""

    def __init__(
        self,
        installation: Installation,
        connection: TenantConnection,
        model: Model,
        evidence: Evidence,
        *,
        runs: Mapping[UUID, Run],
        standing: StandingHashes,
        progress: Progress,
    ) -> None:
        self._installation = installation
        self._connection = connection
        self._model = model
        self._evidence = evidence
        self._stored = runs
        self._standing = standing
        self._progress = progress
        self._open: dict[UUID, OpenRun] = {}
        self.seen: dict[UUID, SeenRun] = {}
        self.not_recomputed: dict[str, str] = {}
        self.records = 0
        self._actions: dict[str, Callable[[Entry, dict[str, Any]], None]] = {
            "run.planned": self._planned,
            "run.started": self._started,
            "chunk.committed": self._committed,
            "run.ended": self._ended,
            "quarantine.dismissed": self._dismissed,
        }

    def take(self, entry: Entry) -> None:
        """One entry; those that change no evidence are passed over."""
        action = self._actions.get(entry.action)
        if action is not None:
            action(entry, json.loads(entry.payload))

    def close(self) -> None:
        """Let go of engines and files."""
        for opened in self._open.values():
            opened.stack.close()
        self._open.clear()

    def _planned(self, entry: Entry, payload: dict[str, Any]) -> None:
        run_id = UUID(entry.resource.split("/")[1])
        run = self._stored.get(run_id)
        if run is None:
            self._model.differences.missing("runs", str(run_id), CHAINED)
            return
        chunks = chunks_of(self._connection, self._installation.tenant_id, run_id)
        self.seen[run_id] = SeenRun(run=run, chunks={chunk.chunk_no: chunk for chunk in chunks})
        self._compare_run(run, chunks, payload)
        self._evidence.check_transcoding(payload["blob"], payload["text"], payload["encoding"])

    def _compare_run(self, run: Run, chunks: list[Chunk], payload: dict[str, Any]) -> None:
        facts: dict[str, tuple[object, object]] = {
            "kind": (run.kind, payload["kind"]),
            "source_id": (run.source_id.hex(), payload["source_id"]),
            "source_name": (run.source_name, payload["source"]),
            "contract_hash": (run.contract_hash.hex(), payload["contract"]),
            "mapping_hash": (run.mapping_hash.hex(), payload["mapping"]),
            "recipe_hash": (run.recipe_hash.hex(), payload["recipe"]),
            "factor_set": (run.factor_set.hex() if run.factor_set else None, payload["factor_set"]),
            "blob_sha256": (run.blob_sha256.hex(), payload["blob"]),
            "text_sha256": (run.text_sha256.hex(), payload["text"]),
            "encoding": (run.encoding, payload["encoding"]),
            "layout": (layout_digest(run.layout), payload["layout"]),
            "chunks_planned": (run.chunks_planned, payload["chunks"]),
            "records_planned": (run.records_planned, payload["records"]),
            "started_at": (run.started_at.isoformat(), payload["started_at"]),
        }
        for column, (stored, expected) in facts.items():
            self._differ("runs", str(run.run_id), column, stored, expected)
        plan = f"run {run.run_id}, its plan"
        self._differ("chunks", plan, "chunk_no, chunk_id and span", plan_digest(chunks), payload["plan"])

    def _started(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen = self._seen(entry)
        if seen is not None:
            seen.state, seen.error, seen.lineage = "running", None, payload["lineage"]

    def _ended(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen = self._seen(entry)
        if seen is None:
            return
        seen.state = payload["state"]
        if "gaps" in payload:
            seen.error = {"gaps": payload["gaps"]} if payload["gaps"] else None
            if payload["gaps"] == 0 and seen.run.kind == "import":
                self._model.quarantines.expire_unseen(seen.run.run_id, seen.run.source_id)
        else:
            seen.error = {name: value for name, value in payload.items() if name != "state"}
        opened = self._open.pop(seen.run.run_id, None)
        if opened is not None:
            opened.stack.close()

    def _dismissed(self, _: Entry, payload: dict[str, Any]) -> None:
        self._model.quarantines.dismiss(payload["records"], payload["reason"])

    def _committed(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen, number = self._seen(entry), int(entry.resource.split("/")[3])
        chunk = seen.chunks.get(number) if seen else None
        if seen is None or chunk is None:
            self._model.differences.missing("chunks", entry.resource.replace("/", " "), CHAINED)
            return
        try:
            self._do_again(seen, chunk, payload)
        except (HeadwaterError, duckdb.Error) as error:
            self._adopt(seen, chunk, payload, error)
        seen.committed.append(number)
        self.records += chunk.records
        self._progress.advance(chunk.records)

    def _do_again(self, seen: SeenRun, chunk: Chunk, payload: dict[str, Any]) -> None:
        if seen.run.blob_sha256.hex() in self._evidence.erased:
            raise Stopped("its file was erased", where=f"run {seen.run.run_id}")
        opened = self._opened(seen)
        opened.store.expect(chunk, payload)
        if payload["reused"] is None:
            opened.writer.write(opened.preparation.prepare(opened.preparation.read(span_of(chunk), afresh=True)))
            return
        digest = hashlib.sha256(read_slice(opened.file, span_of(chunk))).digest()
        earlier = self._reused(chunk, UUID(payload["reused"]))
        self._differ(
            "chunks", _place(chunk), "reused_chunk_id", earlier.raw_sha256.hex(), digest.hex(),
            why="SHA-256 of the slice, and of the one it was found equal to",
        )  # fmt: skip
        read = ReadChunk(span=span_of(chunk), raw_sha256=digest, raw=None, earlier=earlier)
        opened.writer.reuse(read, earlier)

    def _reused(self, chunk: Chunk, root: UUID) -> EarlierChunk:
        """The older chunk with the same bytes, from whose ledger this one's follows."""
        known = self._model.known.by_id.get(root)
        if known is None:
            raise Stopped("the chunk it reuses was not committed before it", where=_place(chunk), value=root)
        older = self.seen[known.run_id].chunks[known.chunk_no]
        return EarlierChunk(
            chunk_id=root,
            raw_sha256=older.raw_sha256 or b"",
            root=root,
            ledger={each.name: getattr(older, each.name) for each in fields(older)},
            relies_on={UUID(str(relied)): int(count) for relied, count in chunk.relies_on},
        )

    def _adopt(self, seen: SeenRun, chunk: Chunk, payload: dict[str, Any], error: Exception) -> None:
        """A chunk that cannot be done again: what is stored of it is taken over, and held against its own hashes."""
        if seen.run.blob_sha256.hex() not in self._evidence.erased:
            self.not_recomputed.setdefault(str(seen.run.run_id), str(error).splitlines()[0])
        compare_with_chain(self._model.differences, chunk, payload, _place(chunk))
        for rows in self._model.rows.values():
            rows.adopt(chunk.chunk_id)
            rows.check_hashes(chunk.chunk_id)
        self._model.quarantines.adopt(chunk.chunk_id)
        self._model.known.add(
            KnownChunk(
                chunk_id=chunk.chunk_id,
                run_id=seen.run.run_id,
                run_started=seen.run.started_at,
                source=seen.run.source_name,
                chunk_no=chunk.chunk_no,
                first_record=chunk.first_record,
                reused=chunk.reused_chunk_id,
            )
        )

    def _opened(self, seen: SeenRun) -> OpenRun:
        run = seen.run
        if run.run_id not in self._open:
            while len(self._open) >= OPEN_RUNS:
                self._open.pop(next(iter(self._open))).stack.close()
            self._open[run.run_id] = self._open_run(seen, ExitStack())
        return self._open[run.run_id]

    def _open_run(self, seen: SeenRun, stack: ExitStack) -> OpenRun:
        run = seen.run
        try:
            duck = stack.enter_context(engine())
            file = stack.enter_context(self._installation.blobs.open(self._installation.tenant_id, run.text_sha256))
            logic = stored_logic(self._installation, run)
            layout = layout_from_json(dict(run.layout))
            form = MendForm.from_json(run.layout["mends"]) if "mends" in run.layout else None
            columns = form.columns if form else layout.columns
            transform, calculation = compile_logic(
                self._installation, duck, logic, columns=columns, source_id=run.source_id
            )
            store = ReplayStore(
                self._model,
                ReplayedRun(
                    run_id=run.run_id,
                    started=run.started_at,
                    source_name=run.source_name,
                    source_id=run.source_id,
                    contract=logic.contract.reference,
                    settled_from=form.settled_from if form else None,
                ),
                self._standing,
            )
            store.done_before([seen.chunks[number].chunk_id for number in seen.committed])
            seen_keys = stack.enter_context(SeenKeys(store.key_hashes))
        except BaseException:
            stack.close()
            raise
        mending = Mending(form, self._model.quarantines.finder(run.run_id)) if form else None
        return OpenRun(
            stack=stack,
            file=file,
            store=store,
            preparation=Preparation(
                file=file, layout=layout, transform=transform, store=store, source_id=run.source_id, mending=mending
            ),
            writer=ChunkWriter(
                store=store,
                seen=seen_keys,
                document=logic.contract,
                results=calculation.document if calculation else None,
                source_id=run.source_id,
                logic_hash=logic.hash,
            ),
        )

    def finish(self) -> None:
        """What must be true of runs and chunks once the whole chain was walked."""
        for run_id in self._stored.keys() - self.seen.keys():
            self._model.differences.unexplained("runs", str(run_id), "the audit chain does not know it")
        for seen in self.seen.values():
            run, key = seen.run, str(seen.run.run_id)
            lineage = run.lineage_hash.hex() if run.lineage_hash else None
            self._differ("runs", key, "state", run.state, seen.state)
            self._differ("runs", key, "error", _plain(run.error), _plain(seen.error))
            self._differ("runs", key, "lineage_hash", lineage, seen.lineage)
            for chunk in seen.chunks.values():
                lost = self._model.known.superseded[chunk.chunk_id]
                why = "rows that later chunks replaced or deleted"
                self._differ("chunks", _place(chunk), "superseded", chunk.superseded, lost, why=why)
                if chunk.chunk_no not in seen.committed and chunk.state == "committed":
                    self._model.differences.unexplained("chunks", _place(chunk), "the audit chain does not know it")

    def _seen(self, entry: Entry) -> SeenRun | None:
        return self.seen.get(UUID(entry.resource.split("/")[1]))

    def _differ(
        self, table: str, key: str, column: str, stored: object, expected: object, *, why: str = CHAINED
    ) -> None:
        self._model.differences.compare(table, key, column, stored=stored, expected=expected, why=why)


def _place(chunk: Chunk) -> str:
    return f"run {chunk.run_id}, chunk {chunk.chunk_no}"


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
