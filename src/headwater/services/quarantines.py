"""Quarantine as people use it: list and show, export to a spreadsheet, resubmit what was mended, dismiss."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig
from headwater.connectors.csv_file.read import read_chunk
from headwater.connectors.files import FileConfig, inspect_file
from headwater.errors import InputRefused, Misuse
from headwater.pipeline.mending import KEY, RECORD, MendForm, guard
from headwater.pipeline.refusals import RAGGED_RULE, UNCUT
from headwater.services.imports import plan_run, stored_logic
from headwater.services.logic import pinned
from headwater.services.places import place_in_file
from headwater.services.repairs import changes_of
from headwater.services.sources import layout_from_json, take_in
from headwater.store import audit, quarantine, runs
from headwater.store.quarantine import Quarantined, Repair, Which

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.repairs import Changes
    from headwater.services.sources import TakenIn
    from headwater.store.runs import Run

BYTE_ORDER_MARK = "\ufeff"
"""Without it, spreadsheets read UTF-8 as something else."""
DELIMITERS = {",", ";", "\t"}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The first of the refused records chosen, in source order, and how many there are."""

    records: Sequence[Quarantined]
    total: int


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """A refused record with its cells in the order of its source, the run that refused it last, and its repairs, each
    with what it changed.
    """

    record: Quarantined
    cells: tuple[tuple[str, str | None], ...]
    repairs: tuple[Repair, ...]
    changes: tuple[Changes | None, ...]
    run: Run

    @property
    def place(self) -> str:
        """Where it stands in its file, in words."""
        return place_in_file(self.run.layout, self.record.record_no, self.record.line)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export holds."""

    rows: int
    run_id: UUID  # whose mapping and contract a resubmission uses
    columns: tuple[str, ...]


def list_records(
    installation: Installation, *, state: str | None, run: str | None, rule: str | None, limit: int
) -> Listing:
    """Refused records in source order; what is None does not restrict the choice."""
    with installation.database.connect(installation.tenant_id) as connection:
        which = _which(connection, installation, state=state, run=run, rule=rule)
        records, total = quarantine.list_quarantined(connection, installation.tenant_id, which, limit=limit)
    return Listing(records=records, total=total)


def show_record(installation: Installation, key: str) -> RecordView:
    """One refused record, named `<id>.<occurrence>`."""
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        record, repairs = quarantine.get_quarantined(connection, tenant_id, quarantine.parse_key(key))
        held = quarantine.find_held(connection, tenant_id, [str(record.key)], run_id=None)[str(record.key)]
        run = runs.get_run(connection, tenant_id, held.last_run_id)
    order = {name: number for number, name in enumerate(run.layout["columns"])}
    cells = sorted(record.raw.items(), key=lambda cell: order.get(cell[0], len(order)))
    changes = tuple(changes_of(installation, record, repair) for repair in repairs)
    return RecordView(record=record, cells=tuple(cells), repairs=tuple(repairs), changes=changes, run=run)


def dismiss_records(installation: Installation, keys: Collection[str], *, reason: str) -> int:
    """Say of open records that they need no mending, and why; all of them or, where one is not open, none."""
    if not reason.strip():
        raise Misuse("a dismissal needs a reason", where="reason", remedy="Say why the records need no mending.")
    named = list(dict.fromkeys(quarantine.parse_key(key) for key in keys))
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        quarantine.dismiss(connection, tenant_id, named, reason=reason)
        audit.append(
            connection,
            tenant_id,
            action="quarantine.dismissed",
            resource="quarantine",
            payload={"records": [str(key) for key in named], "reason": reason},
        )
    return len(named)


def export(installation: Installation, out: IO[str], *, run: str | None, rule: str | None) -> Exported:
    """Write open records as CSV: which, why, where, then their cells as they were read.

    Misuse where the records chosen do not all belong to one source read by one mapping, naming the runs to choose from,
    or where there are none.
    """
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        which = _which(connection, installation, state="open", run=run, rule=rule)
        origins = [
            runs.get_run(connection, tenant_id, run_id) for run_id in quarantine.last_runs(connection, tenant_id, which)
        ]
        if not origins:
            raise Misuse(
                "there is nothing to export: no record chosen is open in quarantine",
                where="quarantine",
                value=run,
                remedy="`headwater quarantine list` shows what is open.",
            )
        form = _form(origins, has_record=quarantine.has_uncut(connection, tenant_id, which))
        rows = _write(out, form, quarantine.each_quarantined(connection, tenant_id, which))
    return Exported(rows=rows, run_id=_latest(origins).run_id, columns=form.header)


def plan_resubmission(installation: Installation, path: Path) -> UUID:
    """Plan the run of an edited export; its id, for `carry_out`.

    InputRefused where the file is no export. Misuse where its rows do not belong to one source read by one mapping.
    """
    config = CsvConfig(encoding="utf-8", delimiter=_delimiter(path), quote='"', comment="", preamble=0, unnamed=0)
    found = inspect_file(path, FileConfig(format="csv", csv=config))
    taken = take_in(installation, path, found, chunk_size=installation.settings.chunk_size)
    origins = _origins(installation, taken)
    form = _form(origins, has_record=taken.plan.header[3:4] == (RECORD,))
    if taken.plan.header != form.header:
        raise InputRefused(
            "the columns are not those of the export",
            where=f"{taken.name}, line {taken.plan.header_line}",
            value=_first_difference(taken.plan.header, form.header),
            valid=", ".join(form.header),
            remedy="Edit cells and leave out rows as you like; keep every column under its name and in its place.",
        )
    origin = _latest(origins)
    before = stored_logic(installation, origin)
    logic = pinned(installation, contract=before.contract, mapping=before.mapping, recipe=before.recipe)
    return plan_run(installation, logic, taken, source_id=origin.source_id, source_name=taken.name, mends=form)


def _which(
    connection: Any, installation: Installation, *, state: str | None, run: str | None, rule: str | None
) -> Which:
    run_id = runs.find_run(connection, installation.tenant_id, run).run_id if run else None
    if rule is not None:
        _check_rule(connection, installation, rule)
    return Which(state=state, run_id=run_id, rule=rule)


def _check_rule(connection: Any, installation: Installation, rule: str) -> None:
    """Misuse where no contract has such a rule and no record was ever refused for it."""
    documents = [document for pack in installation.packs for document in pack.documents()]
    known = {RAGGED_RULE} | {spec.id for document in documents for spec in document.rules}
    known |= {f"mapping.{spec.name}.values" for document in documents for spec in document.fields}
    known |= {f"{document.name}.{rule}" for document in documents for rule in ("key.conflict", "version.older")}
    if rule in known:
        return
    known |= quarantine.count_by_rule(connection, installation.tenant_id, Which(state=None)).keys()
    if rule not in known:
        raise Misuse(
            "no contract has such a rule, and no record was refused for it",
            where="rule",
            value=rule,
            valid=", ".join(difflib.get_close_matches(rule, sorted(known), n=5, cutoff=0.4)) or None,
            remedy="`headwater contracts show CONTRACT` lists rules; `headwater quarantine list` names those broken.",
        )


def _form(origins: Sequence[Run], *, has_record: bool) -> MendForm:
    """How records refused by these runs stand in a file; Misuse where they would not share their columns."""
    latest = _latest(origins)
    other = next((run for run in origins if _kind(run) != _kind(latest)), None)
    if other is not None:
        raise Misuse(
            "the records come from different sources, or from runs that read one source in different ways",
            where="quarantine",
            value=f"{latest.source_name} in run {latest.run_id}, {other.source_name} in run {other.run_id}",
            valid="records of one source, mapping and contract",
            remedy="Choose one with --run.",
        )
    layout = layout_from_json(dict(latest.layout))
    return MendForm(
        columns=layout.columns,
        dialect=layout.dialect,
        has_record=has_record,
        settled_from=min(run.started_at for run in origins),
    )


def _kind(run: Run) -> tuple[Any, ...]:
    return run.source_id, run.contract_hash, run.mapping_hash, tuple(run.layout["columns"]), run.layout["dialect"]


def _latest(origins: Sequence[Run]) -> Run:
    return max(origins, key=lambda run: run.started_at)


def _write(out: IO[str], form: MendForm, records: Iterable[Quarantined]) -> int:
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(form.header)
    rows = 0
    for record in records:
        cells = [record.raw.get(column) or "" for column in form.columns]
        uncut = [record.raw.get(UNCUT) or ""] if form.has_record else []
        writer.writerow(map(guard, [str(record.key), reasons(record), str(record.line), *uncut, *cells]))
        rows += 1
    return rows


def reasons(record: Quarantined) -> str:
    """Why a record was refused and how to mend it, a line a finding."""
    return "\n".join(
        " ".join(part for part in (_named(finding), finding["message"], finding["mend"]) if part)
        for finding in record.findings
    )


def _named(finding: Any) -> str:
    return f"{finding['field']}:" if finding["field"] else ""


def _delimiter(path: Path) -> str:
    """The sign after the first header, by which the spreadsheet's settings show. InputRefused where it is no export."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise Misuse(
            f"the file cannot be opened: {error.strerror}", where=str(path), valid="a file that exists and may be read"
        ) from error
    text = head.decode("utf-8", "replace").removeprefix(BYTE_ORDER_MARK).replace('"', "")
    delimiter = text[len(KEY) : len(KEY) + 1]
    if not text.startswith(KEY) or delimiter not in DELIMITERS:
        raise InputRefused(
            "this is not a file that `headwater quarantine export` wrote",
            where=path.name,
            value=text.splitlines()[0] if text else "",
            valid=f"CSV whose first column is {KEY}",
            remedy="Export the records, edit that file, and save it as CSV in UTF-8.",
        )
    return delimiter


def _origins(installation: Installation, taken: TakenIn) -> list[Run]:
    """The runs that last refused the records a file names; Misuse where it names none."""
    tenant_id = installation.tenant_id
    found: set[UUID] = set()
    with (
        installation.blobs.open(tenant_id, taken.text.sha256) as file,
        installation.database.connect(tenant_id) as connection,
    ):
        for span in taken.plan.chunks:
            keys = MendForm.keys(read_chunk(file, span, taken.plan).table)
            held = quarantine.find_held(connection, tenant_id, keys, run_id=None)
            found.update(record.last_run_id for record in held.values())
        if not found:
            raise Misuse(
                "none of the rows names a record in quarantine",
                where=f"{taken.name}, column {KEY}",
                remedy="Keep the first column of the export as it is.",
            )
        return [runs.get_run(connection, tenant_id, run_id) for run_id in found]


def _first_difference(header: Sequence[str], wanted: Sequence[str]) -> str:
    for number, name in enumerate(wanted, start=1):
        if number > len(header):
            return f"column {number}, {name}, is missing"
        if header[number - 1] != name:
            return f"column {number} is {header[number - 1]!r} instead of {name!r}"
    return f"column {len(wanted) + 1}, {header[len(wanted)]!r}, does not belong there"
