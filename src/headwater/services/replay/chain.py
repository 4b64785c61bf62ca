"""The audit chain walked entry by entry, and everything it tells of done again beside what is stored."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from headwater.connectors.csv_file import ChunkSpan
from headwater.connectors.csv_file.redact import records_at
from headwater.engine.duck import engine
from headwater.errors import HeadwaterError, Stopped
from headwater.pipeline.chained import COUNTS
from headwater.pipeline.mending import MendForm, Mending
from headwater.pipeline.prepare import Preparation
from headwater.pipeline.replay.store import (
    SPAN,
    EarlierChunk,
    ExpectedChunk,
    ReplayedRun,
    ReplayStore,
    compare_with_chain,
    relied_on,
)
from headwater.pipeline.seen import SeenKeys
from headwater.pipeline.source_rows import chunks_in_order, identity_in
from headwater.pipeline.work import ReadChunk
from headwater.pipeline.writer import ChunkWriter
from headwater.services.chain_entries import layout_digest, plan_digest, run_of_chain
from headwater.services.full_loads import MOVED
from headwater.services.imports import stored_logic
from headwater.services.logic import compile_logic, fingerprint
from headwater.services.replay.corrections import take_over_corrected
from headwater.services.replay.deletions import ACTIONS, SUBJECT_ERASED, ReplayedDeletions
from headwater.services.replay.runs import OpenRun, SeenRun, known_chunk, place_in, span_in
from headwater.services.replay.sweeps import holders, keys_read
from headwater.services.run_texts import RunTexts
from headwater.services.sources import layout_from_json, reading_from_json
from headwater.store import audit
from headwater.store.chunks import chunks_of
from headwater.store.connectors import source_chunks_of
from headwater.store.kept_errors import as_it_stands
from headwater.store.source_units import ASSIGNED
from headwater.store.sweep import MENDED, SETTLED, swept_with
from headwater.values import record_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

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
NOTHING: dict[str, Any] = {
    **dict.fromkeys((*COUNTS, "raw_sha256", "logic_hash", "rows_sha256", "calculation", "reused_chunk_id")),
    "extract_sha256": None,
    "last_row_id": None,
    "skipped": {},
    "relies_on": [],
    "superseded": 0,
}
"""A chunk that was never committed."""


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
        self._loading: dict[UUID, tuple[str, bool]] = {}
        self._taken_over: set[UUID] = set()  # chunks, whole
        self.seen: dict[UUID, SeenRun] = {}
        self.not_recomputed: dict[str, str] = {}
        self.of_other_versions: set[str] = set()
        self.records = self.erased = 0
        self.deletions = ReplayedDeletions(model)
        self._actions: dict[str, Callable[[Entry, dict[str, Any]], None]] = {
            "run.planned": self._planned,
            "run.started": self._started,
            "chunk.committed": self._committed,
            "run.swept": self._swept,
            "run.ended": self._ended,
            "quarantine.dismissed": self._closed,
            "quarantine.expired": self._closed,
            **dict.fromkeys(ACTIONS, self.deletions.take),
            ASSIGNED: self._assigned,
            SUBJECT_ERASED: self._subject_erased,
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
        is_whole = self._compare_run(run, chunks, payload)
        right = run_of_chain(payload)
        self.seen[run_id] = SeenRun(
            run=replace(run, **right),
            stored=run,
            chunks={chunk.chunk_no: chunk for chunk in chunks},
            is_whole=is_whole,
            logic=bytes.fromhex(payload["logic"]),
        )
        if is_whole:
            reading = reading_from_json(dict(run.layout))
            form = MendForm.from_json(run.layout["mends"]) if "mends" in run.layout else None
            self._evidence.check_text(
                payload["blob"], payload["text"], name=payload["file"], reading=reading, form=form
            )

    def _compare_run(self, run: Run, chunks: list[Chunk], payload: dict[str, Any]) -> bool:
        """Whether the layout is as it was; whatever else differs, the chain knows."""
        key = str(run.run_id)
        for column, expected in run_of_chain(payload).items():
            self._differ("runs", key, column, getattr(run, column), expected)
        self._differ("runs", key, "chunks_planned", run.chunks_planned, payload["chunks"])
        self._differ("runs", key, "records_planned", run.records_planned, payload["records"])
        of_source = source_chunks_of(self._connection, self._installation.tenant_id, run.run_id)
        plan = plan_digest(chunks, of_source)
        self._differ("chunks", f"run {key}, its plan", "chunk_no, chunk_id and span", plan, payload["plan"])
        return self._differ("runs", key, "layout", layout_digest(run.layout), payload["layout"])

    def _started(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen = self._seen(entry)
        if seen is not None:
            seen.state, seen.error, seen.lineage = "running", None, payload["lineage"]
            seen.logic = bytes.fromhex(payload["logic"])
            self._model.quarantines.keys_refused.runs[seen.run.run_id].add(seen.logic)
            self._close(seen)

    def _ended(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen = self._seen(entry)
        if seen is None:
            return
        seen.state = payload["state"]
        seen.reconciliation = payload.get("reconciliation")
        if "gaps" in payload:
            seen.error = {"gaps": payload["gaps"]} if payload["gaps"] else None
            has_moved = (seen.reconciliation or {}).get("nothing_deleted") == MOVED
            if payload["gaps"] == 0 and not has_moved and self._closes(seen.run):
                self._model.quarantines.expire_unseen(seen.run.run_id, seen.run.started_at, seen.run.source_id)
        else:
            seen.error = {name: value for name, value in payload.items() if name not in {"state", audit.BY}}
        self._close(seen)

    def _close(self, seen: SeenRun) -> None:
        opened = self._open.pop(seen.run.run_id, None)
        if opened is not None:
            opened.stack.close()

    def _swept(self, entry: Entry, payload: dict[str, Any]) -> None:
        """The end of a full load: rows of older runs of the source that this one has not read are deleted."""
        seen = self._seen(entry)
        if seen is None:
            return
        last = seen.committed[max(seen.committed)].chunk_id
        if last in self._taken_over:  # and with it what was deleted in its name
            self._model.quarantines.adopt_swept(swept_with(seen.run.run_id))
            return
        try:
            opened = self._opened(seen)
            others = list(holders(seen.run, self.seen.values(), self._loads))
        except HeadwaterError as error:
            self.not_recomputed.setdefault(str(seen.run.run_id), str(error))
            for rows in self._model.rows.values():
                rows.adopt_deleted(last)
            self._model.quarantines.adopt_swept(swept_with(seen.run.run_id))
            return
        records, gone = self._model.rows[opened.contract], []
        with (
            SeenKeys(lambda: self._keys([seen], SETTLED)) as read,
            SeenKeys(lambda: self._keys(others, MENDED)) as held,
        ):

            def is_held(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
                found = read.among(hashes) | held.among(hashes)
                gone.append(hashes[~found])
                return found

            deleted = records.sweep(
                last,
                run_id=seen.run.run_id,
                source_id=seen.run.source_id,
                among=is_held,
            )
        self._model.quarantines.expire_swept(swept_with(seen.run.run_id), opened.contract, gone)
        results = self._model.rows[opened.results].delete_orphans(records, last) if opened.results else 0
        for column, number in (("records", deleted), ("results", results)):
            key = f"entry {entry.seq}, run.swept"
            self._differ("audit_entries", key, column, payload[column], number, why="swept again")

    def _keys(self, runs: Sequence[SeenRun], settled: Sequence[str]) -> Iterator[npt.NDArray[np.uint64]]:
        return keys_read(self._model, self._standing, (seen.committed.values() for seen in runs), settled)

    def _loads(self, run: Run) -> tuple[str, bool]:
        """The contract's table a run loads, and whether it is a full load."""
        if run.run_id not in self._loading:
            logic = stored_logic(self._installation, run)
            table = f"{logic.contract.name}@{logic.contract.major}"
            self._loading[run.run_id] = table, logic.recipe.load.strategy == "full"
        return self._loading[run.run_id]

    def _closes(self, run: Run) -> bool:
        """Whether a run without gaps has read all of its source: see `services.run_ends`."""
        return run.kind == "import" or (run.kind == "sync" and self._loads(run)[1])

    def _assigned(self, entry: Entry, payload: dict[str, Any]) -> None:
        """Records of a source belong to another unit from now on."""
        unit = UUID(payload["unit"]) if payload["unit"] else None
        self._model.known.belongs(bytes.fromhex(entry.resource.partition("/")[2]), unit)

    def _subject_erased(self, _: Entry, payload: dict[str, Any]) -> None:
        """Whoever comes again under a key that was theirs is somebody new."""
        for contract, rows in payload["rows"].items():
            self._model.rows[contract].lose_keys([(UUID(chunk), number) for chunk, each in rows for number in each])

    def _closed(self, entry: Entry, payload: dict[str, Any]) -> None:
        state = entry.action.removeprefix("quarantine.")
        self._model.quarantines.close(payload["records"], state=state, reason=payload["reason"])

    def _committed(self, entry: Entry, payload: dict[str, Any]) -> None:
        seen, number = self._seen(entry), int(entry.resource.split("/")[3])
        stored = seen.chunks.get(number) if seen else None
        if seen is None or stored is None:
            self._model.differences.missing("chunks", f"run {entry.resource.split('/')[1]}, chunk {number}", CHAINED)
            return
        extract = stored.extract_sha256.hex() if stored.extract_sha256 else None
        self._differ("chunks", place_in(seen, number), "extract_sha256", extract, payload.get("extract"))
        self._differ("chunks", place_in(seen, number), "last_row_id", stored.last_row_id, payload.get("last_row"))
        if seen.run.kind == "sync":
            span = [getattr(stored, name) for name in SPAN]
            self._differ("chunks", place_in(seen, number), ", ".join(SPAN), span, payload["span"])
        chunk = self._expected(seen, stored, payload, entry.actor)
        try:
            self._do_again(seen, chunk)
        except (HeadwaterError, duckdb.Error) as error:
            self._adopt(seen, chunk, error)
        seen.committed[number] = chunk
        self.records += payload["span"][4]
        self._progress.advance(payload["span"][4])

    def _expected(self, seen: SeenRun, stored: Chunk, payload: dict[str, Any], actor: str) -> ExpectedChunk:
        place = (str(self._installation.tenant_id), str(seen.run.run_id), str(stored.chunk_no))
        return ExpectedChunk(
            chunk_id=record_id(*place),
            chunk_no=stored.chunk_no,
            first_record=payload["span"][2],
            payload=payload,
            actor=actor,
            stored=stored,
            relies_on=relied_on(stored.relies_on),
        )

    def _do_again(self, seen: SeenRun, chunk: ExpectedChunk) -> None:
        if self._is_erased(seen, chunk):
            raise Stopped("its file was erased", where=f"run {seen.run.run_id}")
        if not seen.is_whole:
            raise Stopped("its layout was changed", where=f"run {seen.run.run_id}")
        opened, span = self._opened(seen), span_in(chunk)
        if gone := self.theirs(seen, span, opened.texts):
            self._without(seen, chunk, opened, gone)
            return
        opened.store.expect(chunk)
        if chunk.payload["reused"] is None:
            opened.writer.write(opened.preparation.prepare(opened.preparation.read(span, afresh=True)))
            return
        earlier = self._reused(chunk, UUID(chunk.payload["reused"]))
        digest = hashlib.sha256(opened.texts.bytes_of(span)).digest()
        self._differ(
            "chunks", place_in(seen, chunk.chunk_no), "reused_chunk_id", earlier.raw_sha256.hex(), digest.hex(),
            why="SHA-256 of the slice, and of the one it was found equal to",
        )  # fmt: skip
        opened.writer.reuse(ReadChunk(span=span, raw_sha256=digest, raw=None, earlier=earlier), earlier)

    def theirs(self, seen: SeenRun, span: ChunkSpan, texts: RunTexts) -> list[int]:
        """Records of a chunk, by number in it, that were erased from its file."""
        digest = (span.extract.sha256 if span.extract else seen.run.text_sha256).hex()
        redaction = self._evidence.redacted.get(digest)
        if redaction is None:
            return []
        if span.extract:
            return sorted(redaction.rows)
        return records_at(texts.bytes_of(span), span, texts.layout, redaction.records)

    def _without(self, seen: SeenRun, chunk: ExpectedChunk, opened: OpenRun, gone: list[int]) -> None:
        """A chunk of a redacted file: what is stored of it is taken over, and rows of all other records are what these
        come to again.
        """
        self.erased += len(gone)
        self._take_over(seen, chunk, opened)
        opened.store.done_before([chunk.chunk_id])
        if "mends" in seen.run.layout:
            return
        raw = opened.texts.chunk(span_in(chunk))
        kept = ~np.isin(raw.record_nos, gone)
        made = opened.transform.run(
            raw.table.filter(pa.array(kept)), raw.record_nos[kept], first_record=chunk.first_record
        )
        self._model.rows[opened.contract].hold_against(made.records, chunk.chunk_id, gone)
        if opened.results and made.results is not None:
            self._model.rows[opened.results].hold_against(made.results, chunk.chunk_id, gone)

    def _is_erased(self, seen: SeenRun, chunk: ExpectedChunk) -> bool:
        digest = chunk.payload.get("extract") or seen.run.text_sha256.hex()
        return digest in self._evidence.erased

    def _reused(self, chunk: ExpectedChunk, root: UUID) -> EarlierChunk:
        """The older chunk with the same bytes, from whose ledger this one's follows."""
        known = self._model.known.by_id.get(root)
        if known is None:
            raise Stopped("the chunk it reuses was not committed before it", where="chunk", value=root)
        payload = self.seen[known.run_id].committed[known.chunk_no].payload
        return EarlierChunk(
            chunk_id=root,
            raw_sha256=bytes.fromhex(payload["raw_sha256"]),
            root=root,
            ledger={**payload, "rows_sha256": bytes.fromhex(payload["rows_sha256"])},
            relies_on=chunk.relies_on,
        )

    def _adopt(self, seen: SeenRun, chunk: ExpectedChunk, error: Exception) -> None:
        """A chunk that cannot be done again: what is stored of it is taken over, and held against its own hashes."""
        if not self._is_erased(seen, chunk):
            self.not_recomputed.setdefault(str(seen.run.run_id), str(error).splitlines()[0])
        self._take_over(seen, chunk)
        self._taken_over.add(chunk.chunk_id)

    def _take_over(self, seen: SeenRun, chunk: ExpectedChunk, opened: OpenRun | None = None) -> None:
        """`opened` where its file is there but for somebody: what was done to it later is then done again."""
        compare_with_chain(self._model.differences, chunk, place_in(seen, chunk.chunk_no), self._standing)
        for name, rows in self._model.rows.items():
            parent = self._model.rows[opened.contract] if opened and name == opened.results else None
            rows.adopt(chunk.chunk_id, sweeps=opened is None, parent=parent)
            rows.check_hashes(chunk.chunk_id)
        self._model.quarantines.adopt(chunk.chunk_id, run_id=seen.run.run_id, is_held="refused_keys" in chunk.payload)
        standing, place = self._standing(chunk.chunk_id), place_in(seen, chunk.chunk_no)
        take_over_corrected(self._installation, self._model, seen, chunk, standing)
        self._model.quarantines.compare_keys(chunk.chunk_id, place, chunk.payload, standing[1])
        self._model.known.adopted.add(chunk.chunk_id)
        self._model.known.add(known_chunk(seen.run, chunk))

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
            texts = stack.enter_context(RunTexts(self._installation, run))
            logic = stored_logic(self._installation, run)
            layout = layout_from_json(dict(run.layout))
            form = MendForm.from_json(run.layout["mends"]) if "mends" in run.layout else None
            columns = form.columns if form else layout.columns
            transform, calculation = compile_logic(
                self._installation, duck, logic, columns=columns, source_id=run.source_id, layout=run.layout
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
                    identity=identity_in(run.layout),
                    in_order=chunks_in_order(run.layout),
                ),
                self._standing,
            )
            if logic.hash != seen.logic:
                self.of_other_versions.add(str(run.run_id))
            store.done_before([chunk.chunk_id for chunk in seen.committed.values()])
            seen_keys = stack.enter_context(SeenKeys(store.key_hashes))
        except BaseException:
            stack.close()
            raise
        finder = self._model.quarantines.finder(run.run_id)
        mending = Mending(form, finder, references=logic.contract.reference_rules) if form else None
        return OpenRun(
            stack=stack,
            texts=texts,
            store=store,
            preparation=Preparation(texts=texts, layout=layout, transform=transform, store=store, mending=mending),
            writer=ChunkWriter(
                store=store,
                seen=seen_keys,
                document=logic.contract,
                results=calculation.document if calculation else None,
                names=transform.names,
                logic_hash=fingerprint(seen.logic, layout, calculation.document if calculation else None),
                version=logic.recipe.load.version,
                in_order=chunks_in_order(run.layout),
            ),
            seen=seen_keys,
            transform=transform,
            contract=f"{logic.contract.name}@{logic.contract.major}",
            results=f"{calculation.document.name}@{calculation.document.major}" if calculation else None,
        )

    def finish(self) -> None:
        """What must be true of runs and chunks once the whole chain was walked."""
        for run_id in self._stored.keys() - self.seen.keys():
            self._model.differences.unexplained("runs", str(run_id), "the audit chain does not know it")
        for seen in self.seen.values():
            run, key = seen.stored, str(seen.run.run_id)
            lineage = run.lineage_hash.hex() if run.lineage_hash else None
            self._differ("runs", key, "state", run.state, seen.state)
            self._differ("runs", key, "error", _plain(run.error), _plain(as_it_stands(run.error, seen.error)))
            self._differ("runs", key, "reconciliation", _plain(run.reconciliation), _plain(seen.reconciliation))
            self._differ("runs", key, "lineage_hash", lineage, seen.lineage)
            for chunk in seen.chunks.values():
                self._finish_chunk(seen, chunk)

    def _finish_chunk(self, seen: SeenRun, chunk: Chunk) -> None:
        """What it has lost; one that the chain does not know must have nothing to show for."""
        place, expected = place_in(seen, chunk.chunk_no), seen.committed.get(chunk.chunk_no)
        if expected is not None:
            lost = self._model.known.superseded[expected.chunk_id]
            why = "rows that later chunks replaced or deleted"
            self._differ("chunks", place, "superseded", chunk.superseded, lost, why=why)
        elif chunk.state == "committed":
            self._model.differences.unexplained("chunks", place, "the audit chain does not know it")
        else:
            for column, nothing in NOTHING.items():
                self._differ("chunks", place, column, _plain(getattr(chunk, column)), nothing, why="not committed yet")

    def _seen(self, entry: Entry) -> SeenRun | None:
        return self.seen.get(UUID(entry.resource.split("/")[1]))

    def _differ(
        self, table: str, key: str, column: str, stored: object, expected: object, *, why: str = CHAINED
    ) -> bool:
        return self._model.differences.compare(table, key, column, stored=stored, expected=expected, why=why)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value
