"""From a stored record or figure back to everything it came from, read anew from documents, factor set and raw file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.accounting.calculation import FORMULA, FORMULA_VERSION, calculate
from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.timeline import GASES, FactorPolicy
from headwater.connectors.csv_file import ChunkSpan
from headwater.contracts import Document as Contract
from headwater.contracts.row_text import canonical_texts
from headwater.errors import Misuse, NotFound
from headwater.services.access.policy import Right
from headwater.services.factors import factor_sets
from headwater.services.imports import stored_logic
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.quarantine.mending import mending_of
from headwater.services.record_sources import Origin, origins_of
from headwater.services.run_texts import RunTexts, span_of
from headwater.services.sources import decimal_written, file_of
from headwater.services.tracing import trace
from headwater.services.tracing.field_origins import field_origins
from headwater.services.tracing.places import place_of
from headwater.store import audit, findings, quarantine
from headwater.store.one_connection import one_snapshot
from headwater.store.stored_rows import StoredRow, find_past, find_rows
from headwater.store.traced import about_row, chunk_origin
from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import pyarrow as pa

    from headwater.audit.chain import Entry
    from headwater.connectors.csv_file import RawChunk
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.chunks import Chunk
    from headwater.store.cited_blobs import CitedBlob
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run


def trace_emission(
    installation: Installation, key: str, method: str | None = None, gwp_set: str | None = None
) -> trace.Trace:
    """The figure of an activity, back to the line it came from.

    NotFound where there is none, saying why the calculation gave none; Misuse where there are several, naming them.
    """
    seen = installation.seeing(Right.READ)
    with one_snapshot(seen.database, seen.tenant_id) as database:
        return _Tracer(replace(seen, database=database)).emission(key, method, gwp_set)


def trace_record(installation: Installation, contract: str, key: str, *, row_hash: str | None = None) -> trace.Trace:
    """A record of a contract (`activity`, or `activity@1` for one major version), back to its line.

    A key of several fields is written with `|` between them. By `row_hash` the version that has it, also one that was
    replaced or deleted since; where there is none, the one that stands.
    """
    seen = installation.seeing(Right.READ)
    name, _, major = contract.partition("@")
    if name == RESULTS[0]:
        activity, method, gwp_set = (*key.split("|"), None, None)[:3]
        return trace_emission(seen, str(activity), method, gwp_set)
    document = seen.contract(name, int(major) if major.isdigit() else 1)
    with one_snapshot(seen.database, seen.tenant_id) as database:
        tracer = _Tracer(replace(seen, database=database))
        return tracer.record_of(document, key, bytes.fromhex(row_hash) if row_hash else None)


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """The chunk and run of a stored row, with the logic of that run, what its rows were read from, and what the chain
    notes of the chunk.
    """

    chunk: Chunk
    run: Run
    logic: Logic
    blob: CitedBlob
    entry: Entry | None

    @property
    def span(self) -> ChunkSpan:
        return span_of(self.chunk)


class _Tracer:
    """Reads what a trace holds, by an installation that shows it as it was at the first question."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._tenant_id = installation.tenant_id
        self._origins: dict[UUID, _Origin] = {}  # a figure's is its activity's, mostly

    def record_of(self, contract: Contract, key: str, row_hash: bytes | None) -> trace.Trace:
        parsed = parse_key(contract, key)
        with self._connect() as connection:
            rows = find_rows(connection, self._tenant_id, contract, parsed)
            if row_hash is not None and row_hash not in {row.row_hash for row in rows}:
                past = find_past(connection, self._tenant_id, contract, parsed, row_hash=row_hash)
                rows = [past] if past else rows
            anchor = audit.head(connection, self._tenant_id)
        if not rows:
            raise no_such_record(contract, key)
        return trace.Trace(key=key, figure=None, record=self.record(contract, rows[0]), anchor=str(anchor))

    def emission(self, key: str, method: str | None, gwp_set: str | None) -> trace.Trace:
        emission, activity = self._installation.contract(*RESULTS), self._installation.contract(CALCULATED, 1)
        given = {"activity_id": key, "method": method, "gwp_set": gwp_set}
        wanted = {name: value for name, value in given.items() if value is not None}
        with self._connect() as connection:
            figures = find_rows(connection, self._tenant_id, emission, wanted)
            activities = find_rows(connection, self._tenant_id, activity, {"activity_id": key})
            anchor = audit.head(connection, self._tenant_id)
        if not activities:
            raise no_such_record(activity, key)
        if not figures:
            raise self._no_figure(key, activities[0], wanted)
        if len(figures) > 1:
            raise several_figures(key, figures)
        record = self.record(activity, activities[0])
        figure = self._figure(emission, figures[0], activities[0])
        return trace.Trace(key=key, figure=figure, record=record, anchor=str(anchor))

    def record(self, contract: Contract, row: StoredRow) -> trace.RecordTrace:
        origin = self._origin(row.chunk_id)
        record_no = origin.chunk.first_record + row.record_no
        raw = self._raw(origin, row.record_no)
        values = canonical_texts(contract, row.values)
        key = {spec.name: row.values[spec.name] for spec in contract.key}
        with self._connect() as connection:
            about = about_row(connection, self._tenant_id, contract, key, chunk_id=row.chunk_id, record_no=record_no)
            mended = quarantine.get_quarantined(connection, self._tenant_id, about.mended)[0] if about.mended else None
        mapping, own = origin.logic.mapping, origin.logic.contract
        return trace.RecordTrace(
            contract=trace.Document(name=own.name, version=own.version, hash=origin.run.contract_hash.hex()),
            key="|".join(str(values[name]) for name in key),
            values=values,
            row_hash=row.row_hash.hex(),
            mapping=trace.Document(name=mapping.mapping, version=mapping.version, hash=origin.run.mapping_hash.hex()),
            fields=field_origins(own, mapping, values, row.absent, raw.cells),
            raw=raw,
            run=self._run_ref(origin),
            findings=tuple(f"{rule}: {message}" for rule, message in about.noticed),
            past=about.past,
            mended=self._mended(mended) if mended else None,
            made_from=self._made_from(origin, raw, mended),
        )

    def _made_from(
        self, origin: _Origin, raw: trace.RawRecord, refused: quarantine.Quarantined | None
    ) -> tuple[trace.MadeFrom, ...]:
        """The records that were read for it. One that was mended was read by the run that refused it."""
        layout, cells = origin.run.layout, raw.cells
        if refused is not None:
            layout = self._origin(refused.chunk_id).run.layout
            cells = {name: text or "" for name, text in refused.raw.items()}
        return tuple(map(self._made_of, origins_of(layout, cells))) if cells else ()

    def _made_of(self, origin: Origin) -> trace.MadeFrom:
        """The record as it was read, also where it was replaced or deleted since; else as it stands."""
        contract = self._installation.contract(origin.contract, origin.major)
        key = parse_key(contract, origin.key)
        row_hash = bytes.fromhex(origin.row_hash) if origin.row_hash else None
        with self._connect() as connection:
            now = next(iter(find_rows(connection, self._tenant_id, contract, key)), None)
            read = now
            if row_hash is not None and (now is None or now.row_hash != row_hash):
                read = find_past(connection, self._tenant_id, contract, key, row_hash=row_hash)
        was: Mapping[str, str | None] = origin.cells
        if read is not None and row_hash is not None:
            was = canonical_texts(contract, read.values)
        standing = canonical_texts(contract, now.values) if now else {}
        changed = [name for name in origin.cells if now and (standing[name] or "") != (was[name] or "")]
        found = read or now
        return trace.MadeFrom(
            contract=origin.contract,
            key=origin.key,
            record=self.record(contract, found) if found else None,
            changed=tuple(changed),
            taken_off=origin.taken_off,
            is_gone=now is None,
            is_lost=read is None,
        )

    def _figure(self, emission: Contract, row: StoredRow, activity: StoredRow) -> trace.FigureTrace:
        origin = self._origin(row.chunk_id)
        factor_set = origin.run.factor_set
        if factor_set is None:
            raise AssertionError("a run that calculates has pinned its factors")
        choice = origin.logic.recipe.factors
        policy = FactorPolicy(methods=choice.methods, sources=choice.sources)
        factors = factor_sets.of_pair(self._installation, factor_set, activity.values, policy)
        again = calculate(activity.values, factors.timeline)
        figures = dict(zip((f"{gas}_kg" for gas in GASES), again.figures, strict=True))
        return trace.FigureTrace(
            contract=trace.Document(name=emission.name, version=emission.version, hash=emission.hash.hex()),
            values=canonical_texts(emission, row.values),
            row_hash=row.row_hash.hex(),
            formula=again.formula(),
            formula_name=f"{FORMULA} {FORMULA_VERSION}",
            recomputed=again.outcome is CalculationOutcome.CALCULATED
            and figures == {name: row.values[name] for name in figures},
            factor=self._factor(factors.texts, str(row.values["factor_id"]), factor_set),
            run=self._run_ref(origin),
        )

    def _factor(
        self, texts: Sequence[Mapping[str, str | None]], factor_id: str, factor_set: bytes
    ) -> trace.FactorTrace:
        """The factor as pinned, and how it came here where the same still stands."""
        contract = self._installation.contract(*factor_sets.FACTORS)
        values = next((row for row in texts if row["factor_id"] == factor_id), None)
        if values is None:
            raise Misuse("the pinned factor set does not hold the figure's factor", where="emission", value=factor_id)
        with self._connect() as connection:
            rows = find_rows(connection, self._tenant_id, contract, {"factor_id": factor_id})
        stands = rows and canonical_texts(contract, rows[0].values) == values
        record = self.record(contract, rows[0]) if stands else None
        return trace.FactorTrace(values=values, factor_set=factor_set.hex(), record=record)

    def _raw(self, origin: _Origin, record_no: int) -> trace.RawRecord:
        """A record of a chunk (from 0) as its file has it."""
        run, span, blob = origin.run, origin.span, origin.blob
        text, cells, line = None, None, span.first_line
        remote = run.layout.get("remote", {})
        if blob.state == "held":
            with RunTexts(self._installation, run) as texts:
                record = texts.record(span, record_no)
            line, text, cells = record.line, record.text, self._cells(origin, record.alone)
        return trace.RawRecord(
            origin="sync" if span.extract else "records" if "records" in run.layout else "file",
            file=file_of(run.layout) or blob.name,
            address=remote.get("address"),
            version=remote.get("version"),
            sha256=blob.sha256.hex(),
            encoding=run.encoding,
            line=line,
            record_no=span.first_record + record_no,
            place=place_of(run.layout, span.first_record + record_no, line, cells),
            text=text,
            cells=cells,
            decimal=decimal_written(run.layout),
        )

    def _cells(self, origin: _Origin, alone: RawChunk) -> Mapping[str, str] | None:
        """The record's cells by column; those of a resubmitted file without the columns that say what it mends."""
        if not alone.table.num_rows:
            return None  # it could not be cut into columns
        mending = mending_of(self._installation, origin.run, origin.logic.contract)
        return _row(alone.table if mending is None else mending.again(alone, [0]))

    def _mended(self, record: quarantine.Quarantined) -> trace.Refused:
        origin = self._origin(record.chunk_id)
        return trace.Refused(
            key=str(record.key),
            reasons=[" ".join(str(finding[part]) for part in ("rule", "message")) for finding in record.findings],
            cells=record.raw,
            raw=self._raw(origin, record.record_no - origin.chunk.first_record),
            run_id=str(origin.run.run_id),
        )

    def _origin(self, chunk_id: UUID) -> _Origin:
        if chunk_id not in self._origins:
            self._origins[chunk_id] = self._read_origin(chunk_id)
        return self._origins[chunk_id]

    def _read_origin(self, chunk_id: UUID) -> _Origin:
        with self._connect() as connection:
            found = chunk_origin(connection, self._tenant_id, chunk_id)
        if found is None:
            raise Misuse(
                "the record names a chunk that does not exist",
                where="chunk",
                value=chunk_id,
                remedy="`headwater verify` shows what was changed.",
            )
        return _Origin(
            chunk=found.chunk,
            run=found.run,
            logic=stored_logic(self._installation, found.run),
            blob=found.blob,
            entry=found.entry,
        )

    @staticmethod
    def _run_ref(origin: _Origin) -> trace.RunRef:
        run, chunk, entry = origin.run, origin.chunk, origin.entry
        return trace.RunRef(
            run_id=str(run.run_id),
            kind=run.kind,
            source=run.source_name,
            started_at=run.started_at.isoformat(timespec="seconds"),
            chunk_no=chunk.chunk_no,
            chunk_id=str(chunk.chunk_id),
            lineage=run.lineage_hash.hex() if run.lineage_hash else None,
            audit=trace.AuditEntry(
                seq=entry.seq,
                entry_hash=entry.entry_hash.hex(),
                at=entry.at.isoformat(timespec="seconds"),
                action=entry.action,
            )
            if entry
            else None,
        )

    def _no_figure(self, key: str, activity: StoredRow, wanted: Mapping[str, Any]) -> NotFound:
        """Why there is none, in the words of the finding that the calculation left."""
        chunk = self._origin(activity.chunk_id).chunk
        with self._connect() as connection:
            found = findings.of_record(
                connection, self._tenant_id, activity.chunk_id, chunk.first_record + activity.record_no
            )
        why = " ".join(message for rule, message in found if rule.startswith("calculation."))
        asked = ", ".join(str(value) for name, value in wanted.items() if name != "activity_id")
        return NotFound(
            "the activity has no figure" + (f" by {asked}" if asked else ""),
            where="emission",
            value=key,
            remedy=why or f"`headwater trace {CALCULATED} KEY` shows the activity itself.",
        )

    def _connect(self) -> TenantConnection:
        return self._installation.database.connect(self._tenant_id)


def parse_key(contract: Contract, text: str) -> dict[str, object]:
    """The values of a key's fields from its text, `|` between them; NotFound where no record can have it."""
    parts = text.split("|") if len(contract.key) > 1 else [text]
    names = "|".join(spec.name for spec in contract.key)
    parsed = [spec.kind.parse(part, OWN_FORMAT).value for spec, part in zip(contract.key, parts, strict=False)]
    if len(parts) != len(contract.key) or any(value is None for value in parsed):
        raise NotFound("this is not a key of the contract", where=contract.name, value=text, valid=names)
    return {spec.name: value for spec, value in zip(contract.key, parsed, strict=True)}


def _row(table: pa.Table) -> dict[str, str]:
    return {name: table[name][0].as_py() for name in table.column_names}


def several_figures(activity_id: str, figures: Sequence[StoredRow]) -> Misuse:
    """Where one figure of an activity is asked for and more than one stands."""
    return Misuse(
        "the activity has more than one figure",
        where="emission",
        value=activity_id,
        valid="; ".join(f"{row.values['method']}, {row.values['gwp_set']}" for row in figures),
        remedy="Say which with --method and --gwp-set.",
    )


def no_such_record(contract: Contract, key: str) -> NotFound:
    """What is said where there is none, or none that is seen."""
    return NotFound(
        "there is no such record",
        where=contract.name,
        value=key,
        valid=f"the {'|'.join(spec.name for spec in contract.key)} of a record that was loaded",
        remedy=f"If it was deleted, `headwater records deleted {contract.name}` shows it; if it was refused, "
        "`headwater quarantine list` does.",
    )
