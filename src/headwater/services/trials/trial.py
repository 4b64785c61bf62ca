"""What a run would do, without doing it: read, mapped, checked and calculated as a run does, and nothing left behind.

Records are met with those of the same source, and told apart from what stands already just as they are; any other whose
key stands takes its place in a run, unless a newer run has brought it.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.csv_file import ChunkSpan
from headwater.engine.duck import engine
from headwater.errors import HeadwaterError, RetryLater, Stopped
from headwater.mapping import compile_mapping
from headwater.pipeline.hash_columns import first_bytes
from headwater.pipeline.known_rows import RowNames
from headwater.pipeline.prepare import Preparation
from headwater.pipeline.refusals import NO_KEY, Conflict, conflict_rows
from headwater.pipeline.replacing import told_of
from headwater.pipeline.source_rows import later_is_newer
from headwater.pipeline.writer import DELETED, OLDER_VERSION
from headwater.services.connectors.extraction import SyncTexts, first_record
from headwater.services.connectors.planning import found_sync
from headwater.services.drift import drift_in_words
from headwater.services.imports import ENGINE_THREADS, found_file, source_id
from headwater.services.logic import compile_logic
from headwater.services.run_texts import RunTexts
from headwater.services.scratch import scratch
from headwater.services.sources import layout_as_json
from headwater.services.tracing.places import place_of
from headwater.services.trials.deletions import deleted_hashes, leave_out
from headwater.services.trials.standing import as_they_stand
from headwater.services.trials.sweeps import rows_to_go
from headwater.store import runs
from headwater.store.blobs import BlobStore
from headwater.store.quarantine import find_held
from headwater.store.sweep import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb
    import numpy.typing as npt

    from headwater.pipeline.recipe import Recipe
    from headwater.pipeline.work import PreparedChunk
    from headwater.services.connectors.planning import FoundSync
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.services.trials.keys import KeysTried
    from headwater.telemetry import Progress

SAMPLES = 3
"""So many refused records are shown of each rule."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A record that would be refused: its number and place in the source, the text that breaks a rule, what is said."""

    record: int
    place: str
    field: str
    value: str
    message: str
    cells: Mapping[str, str | None]


@dataclass(kw_only=True)
class Rule:
    """A rule that records break: how many do, and the first of them."""

    records: int = 0
    samples: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TriedSweep:
    """How many rows a full load would delete since the source no longer holds them; None where that is not known.
    `why` nothing is deleted, or why it is not known. `keys` are the first of them, none where a key is personal.
    """

    rows: int | None
    why: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Trial:
    """What a run would do with what was looked at.

    planned     records as the plan counts or estimates them; `is_whole`: all of them were looked at
    chunks      chunks that were gone through
    loaded      records that would be loaded
    unchanged   records that stand already as they are; of a contract with personal keys they count as `loaded`
    merged      equal to an earlier record of the same key
    refused     rule -> records; one record may break several rules, `quarantined` counts records
    settled     of those quarantined, records that were dismissed or resubmitted before and stay so
    noticed     rule -> findings on records that would be loaded
    warnings    what is noticed about the source as a whole
    figures     method and set of potentials -> kg of CO2e that would be calculated; None where nothing is
    gaps        chunk -> why it could not be read
    sweep       what would be deleted; None where the load is not a full one
    broken_off  the error that would end the run, if any
    nothing     why there is nothing to do, if there is nothing
    """

    source: str
    contract: str
    mapping: str
    planned: int
    is_whole: bool = True
    chunks: int = 0
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    merged: int = 0
    quarantined: int = 0
    settled: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: dict[str, Rule] = field(default_factory=dict)
    noticed: Counter[str] = field(default_factory=Counter)
    figures: dict[str, Decimal] | None = None
    gaps: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    sweep: TriedSweep | None = None
    broken_off: str | None = None
    nothing: str | None = None

    @property
    def state(self) -> str:
        """In which the run would end, if the rest is as what was looked at."""
        if self.broken_off is not None or (self.gaps and not self.chunks):
            return "failed"
        if self.gaps:
            return "partial_success"
        return "succeeded_with_quarantine" if self.quarantined > self.settled else "succeeded"

    def as_json(self) -> dict[str, Any]:
        """Plain values; figures as texts, exactly."""
        figures = None if self.figures is None else {name: str(kg) for name, kg in self.figures.items()}
        counts = {"skipped": dict(self.skipped), "noticed": dict(self.noticed)}
        return {**asdict(self), **counts, "figures": figures, "state": self.state}


@dataclass(frozen=True, kw_only=True)
class _Text:
    """What `RunTexts` asks of a run; see `run_texts.HasTexts`."""

    layout: Mapping[str, Any]
    text_sha256: bytes = b""


def try_sync(installation: Installation, recipe: Recipe, base: Path, *, rows: int | None, progress: Progress) -> Trial:
    """Try the sync that a recipe describes; `rows` are enough, None looks at all."""
    with _leaving_nothing(installation) as trying:
        found = found_sync(trying, recipe, base)
        spans = [
            ChunkSpan(
                chunk_no=chunk.chunk_no,
                byte_start=0,
                byte_end=0,
                first_record=first_record(chunk.chunk_no),
                first_line=first_record(chunk.chunk_no),
                records=chunk.records,
            )
            for chunk in found.chunks
        ]
        texts = SyncTexts(
            trying, _Text(layout=found.layout), found.stored, found.chunks,
            to_do=[span.chunk_no for span in spans], read_ahead=0 if rows else recipe.load.read_ahead, most_rows=rows,
        )  # fmt: skip
        trial = _Trying(
            trying, found.logic, texts, layout=found.layout, source_id=found.source_id, name=found.name, rows=rows
        )
        done = trial.through(spans, progress)
        nothing = _nothing_new(trying, found) or _no_records(done)
        warnings, drift = tuple(found.layout["warnings"]), drift_in_words(found.layout.get("drift"))
        return replace(done, warnings=warnings, drift=drift, nothing=nothing)


def try_file(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    file: SourceFile,
    *,
    rows: int | None,
    progress: Progress,
    keys: KeysTried | None = None,
) -> Trial:
    """Try the import of one file; `keys` takes those that were read of it."""
    with _leaving_nothing(installation) as trying:
        size = recipe.load.chunk_size or installation.settings.chunk_size
        smaller = recipe.load.model_copy(update={"chunk_size": min(size, rows or size)})
        found = found_file(trying, recipe.model_copy(update={"load": smaller}), base, file)
        compile_mapping(found.logic.mapping, found.logic.contract, found.taken.plan.columns)
        body = layout_as_json(found.taken)
        texts = RunTexts(trying, _Text(layout=body, text_sha256=found.taken.text.sha256))
        source = source_id(installation, recipe, found.logic.mapping, found.name)
        trial = _Trying(trying, found.logic, texts, layout=body, source_id=source, name=found.name, rows=rows)
        done = trial.through(found.taken.plan.chunks, progress)
        if keys is not None:
            keys.add(file.name, trial.keys)
        return replace(done, drift=drift_in_words(found.noted.get("drift")), nothing=_no_records(done))


def _nothing_new(installation: Installation, found: FoundSync) -> str | None:
    """Why a sync by a cursor would bring in nothing, where the source has nothing later than was read."""
    cursor, since = (found.layout["selection"][name] for name in ("cursor", "since"))
    if since is None or any(chunk.cursor_to not in {None, since} for chunk in found.chunks):
        return None
    with installation.database.connect(installation.tenant_id) as connection:
        last = runs.latest_of_source(connection, installation.tenant_id, found.source_id)
    by = "" if last is None else f", by run {last.run_id} of {last.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    again = "; only what was read then is read again" if found.chunks else ""
    return f"nothing at the source has a {cursor} after {since}, up to which it was read{by}{again}"


def _no_records(done: Trial) -> str | None:
    is_empty = not (done.planned or done.read or done.gaps or done.broken_off)
    return f"{done.source} holds no records" if is_empty else None


@contextmanager
def _leaving_nothing(installation: Installation) -> Iterator[Installation]:
    """The installation for trying: what is kept is kept in a folder that goes."""
    with scratch(installation.settings.data_dir, "tried") as folder:
        yield replace(installation, blobs=BlobStore(folder), keeps=False)


class _Trying:
    """Takes the chunks of one source through reading and the engine, and counts what becomes of their records."""

    def __init__(
        self,
        installation: Installation,
        logic: Logic,
        texts: RunTexts,
        *,
        layout: Mapping[str, Any],
        source_id: bytes,
        name: str,
        rows: int | None,
    ) -> None:
        self._installation = installation
        self._logic = logic
        self._texts = texts
        self._layout = layout
        self._source_id = source_id
        self._name = name
        self._rows = rows
        self._seen: list[_Seen] = []
        self.keys: list[npt.NDArray[np.uint64]] = []
        self._settled_keys: list[bytes] = []
        self._refused_so_far: Counter[str] = Counter()
        self._deleted = deleted_hashes(installation, logic.contract)

    def through(self, spans: Sequence[ChunkSpan], progress: Progress) -> Trial:
        """All chunks in order, or as many as hold enough rows. A chunk whose input is refused is a gap; what would end
        the run ends the trial, and is told in it.
        """
        mapping, contract = self._logic.mapping, self._logic.contract
        trial = Trial(
            source=self._name,
            contract=contract.reference,
            mapping=f"{mapping.mapping} {mapping.version}",
            planned=sum(span.records for span in spans),
        )
        try:
            self._try(trial, spans, progress)
        except HeadwaterError as error:
            trial.broken_off, trial.is_whole = str(error), False
        return trial

    def _try(self, trial: Trial, spans: Sequence[ChunkSpan], progress: Progress) -> None:
        memory = f"{self._installation.settings.memory_limit // 2**20}MiB"
        progress.start(f"trying {self._name}", total=trial.planned)
        with engine(memory_limit=memory, threads=ENGINE_THREADS) as duck, self._texts as texts:
            transform, calculation = compile_logic(
                self._installation,
                duck,
                self._logic,
                columns=texts.layout.columns,
                source_id=self._source_id,
                layout=self._layout,
            )
            trial.figures = None if calculation is None else {}
            preparation = Preparation(texts=texts, layout=texts.layout, transform=transform, store=None)
            try:
                for span in spans:
                    if self._rows is not None and trial.read >= self._rows:
                        break
                    self._one(trial, preparation, span)
                    progress.advance(span.records)
            finally:
                progress.finish()
            trial.is_whole = self._rows is None or trial.read < self._rows
            if self._logic.recipe.load.strategy == "full":
                trial.sweep = self._sweep(trial, duck)

    def _sweep(self, trial: Trial, duck: duckdb.DuckDBPyConnection) -> TriedSweep:
        if trial.gaps:
            return TriedSweep(rows=0, why="a chunk cannot be read")
        if trial.quarantined > len(self._settled_keys):
            return TriedSweep(rows=0, why="records would be refused")
        if NO_KEY in self._settled_keys:
            return TriedSweep(rows=0, why="of a record that was dismissed no key can be read")
        if not trial.is_whole:
            return TriedSweep(rows=None, why="only a part of the records was looked at")
        if not trial.chunks:
            return TriedSweep(rows=0, why="the source holds no records")
        read = [*self.keys, np.frombuffer(b"".join(self._settled_keys), np.uint64)]
        found = rows_to_go(self._installation, duck, self._logic.contract, self._source_id, read)
        if found is None:
            return TriedSweep(rows=0, why="another source sends records that were mended before their keys were kept")
        return TriedSweep(rows=found.rows, keys=found.keys)

    def _one(self, trial: Trial, preparation: Preparation, span: ChunkSpan) -> None:
        try:
            chunk = preparation.prepare(preparation.read(span))
        except (RetryLater, Stopped):
            raise
        except HeadwaterError as error:
            trial.gaps[span.chunk_no] = str(error)
            return
        done = chunk.transformed
        gone = leave_out(self._installation, self._logic.contract, done.records, self._deleted)
        again = self._again(chunk)
        trial.chunks += 1
        self.keys.append(done.standing.key_hashes)
        conflicts = [each for each in again.conflicts if each.record_no not in gone]
        out = pa.array(sorted({*again.merged, *gone, *(each.record_no for each in conflicts)}), pa.int32())
        trial.read += chunk.span.records
        unchanged = as_they_stand(self._installation, self._logic.contract, done.records) - set(out.to_pylist())
        trial.unchanged += len(unchanged)
        trial.loaded += done.records.num_rows - len(out) - len(unchanged)
        trial.merged += len(done.merged) + len(set(again.merged) - gone)
        trial.skipped.update(chunk.skipped)
        if done.older:
            trial.skipped[OLDER_VERSION] += len(done.older)
        if gone:
            trial.skipped[DELETED] += len(gone)
        trial.noticed.update(map(str, done.findings["rule_id"].to_pylist()))
        self._refuse(trial, chunk, sorted([*done.conflicts, *conflicts], key=lambda each: each.record_no))
        if done.results is not None and trial.figures is not None:
            self._add_figures(trial.figures, done.results.filter(pc.invert(pc.is_in(done.results["record_no"], out))))

    def _refuse(self, trial: Trial, chunk: PreparedChunk, conflicts: Sequence[Conflict]) -> None:
        first = chunk.span.first_record
        in_conflict = conflict_rows(
            conflicts,
            chunk.raw,
            chunk.record_nos,
            chunk.lines,
            document=self._logic.contract,
            names=RowNames.of_run(self._source_id, self._layout),
            first_record=first,
            keys={},
            told=told_of(conflicts, chunk.transformed, self._logic.contract),
        )
        for table, offset in ((chunk.ragged, 0), (chunk.transformed.refused, first), (in_conflict, 0)):
            trial.quarantined += table.num_rows
            trial.settled += self._settled([str(each) for each in table["quarantine_id"].to_pylist()])
            for row in table.to_pylist():
                # What the engine refuses has no line yet: it stands with the chunk.
                line = row.get("line") or chunk.lines[np.searchsorted(chunk.record_nos, row["record_no"])]
                self._note(trial, row["record_no"] + offset, int(line), row["raw"], json.loads(row["findings"]))

    def _note(self, trial: Trial, record: int, line: int, raw: str, findings: Sequence[Mapping[str, Any]]) -> None:
        for name in dict.fromkeys(str(finding["rule"]) for finding in findings):
            rule = trial.refused.setdefault(name, Rule())
            rule.records += 1
            if len(rule.samples) < SAMPLES:
                said, cells = next(finding for finding in findings if finding["rule"] == name), json.loads(raw)
                rule.samples.append(
                    Refused(
                        record=record,
                        place=place_of(self._layout, record, line, cells),
                        field=said["field"],
                        value=str(said["value"] or ""),
                        message=said["message"],
                        cells=cells,
                    )
                )

    def _settled(self, ids: Sequence[str]) -> int:
        """How many of these refused records are in quarantine already, dismissed or resubmitted."""
        if not ids:
            return 0
        keys: list[str] = []
        for found in ids:
            self._refused_so_far[found] += 1
            keys.append(f"{UUID(found)}.{self._refused_so_far[found]}")
        tenant_id = self._installation.tenant_id
        with self._installation.database.connect(tenant_id) as connection:
            held = find_held(connection, tenant_id, keys, run_id=None)
        settled = [record for record in held.values() if record.state in SETTLED]
        self._settled_keys += [record.key_hash for record in settled if record.key_hash is not None]
        return len(settled)

    def _add_figures(self, figures: dict[str, Decimal], results: pa.Table) -> None:
        for row in results.group_by(["method", "gwp_set"]).aggregate([("co2e_kg", "sum")]).to_pylist():
            name = f"{row['method']} {row['gwp_set']}"
            figures[name] = figures.get(name, Decimal(0)) + row["co2e_kg_sum"]

    def _again(self, chunk: PreparedChunk) -> _Again:
        """Records whose key an earlier chunk has brought. Where the later may stand, that is left open."""
        if self._logic.recipe.load.version is not None or later_is_newer(self._layout):
            return _Again()
        records, standing = chunk.transformed.records, chunk.transformed.standing
        by_number = np.argsort(records["record_no"].to_numpy())
        rows = _halves(first_bytes(records["row_hash"], 8))[by_number]
        again, is_new = _Again(), np.ones(len(rows), np.bool_)
        for seen in self._seen:
            place = np.minimum(np.searchsorted(seen.keys, standing.key_hashes), max(len(seen.keys) - 1, 0))
            is_same = (seen.keys[place] == standing.key_hashes) & is_new if len(seen.keys) else np.zeros_like(is_new)
            is_equal = is_same.copy()
            is_equal[is_same] = seen.rows[place[is_same]] == rows[is_same]
            again.merged.extend(standing.record_nos[is_equal].tolist())
            for number, record in zip(
                standing.record_nos[is_same & ~is_equal].tolist(),
                seen.records[place[is_same & ~is_equal]].tolist(),
                strict=True,
            ):
                again.conflicts.append(Conflict(record_no=number, stands=f"record {record:,} of {self._name}"))
            is_new &= ~is_same
        order = np.argsort(standing.key_hashes[is_new])
        self._seen.append(
            _Seen(
                keys=standing.key_hashes[is_new][order],
                rows=rows[is_new][order],
                records=standing.record_nos[is_new][order] + np.int64(chunk.span.first_record),
            )
        )
        return again


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The keys of a chunk in order, each with the hash of its record and the record's number."""

    keys: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.uint64]
    records: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Again:
    """Records, by number in the chunk, whose key was read before: with the same content, and with other."""

    merged: list[int] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def _halves(hashes: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(hashes.tobytes(), np.uint64)
