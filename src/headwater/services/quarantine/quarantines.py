"""Quarantine as people use it: list and show, export to a spreadsheet, resubmit what was mended, dismiss."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headwater.connectors.csv_file import CsvConfig
from headwater.connectors.csv_file.read import read_chunk
from headwater.connectors.files import FileConfig, inspect_file
from headwater.errors import Conflict, InputRefused, Misuse, cannot_open
from headwater.mapping.compile import columns_read
from headwater.pipeline.mending import KEY, RECORD, MendForm
from headwater.services.access.policy import Right
from headwater.services.access.within_units import unbound
from headwater.services.connectors.null_cells import with_nulls
from headwater.services.imports import plan_run, stored_logic
from headwater.services.logic import pinned
from headwater.services.quarantine.exports import BYTE_ORDER_MARK, form_of, latest_of, which_records
from headwater.services.quarantine.repairs import changes_of
from headwater.services.sources import take_in
from headwater.services.tracing.places import place_of
from headwater.store import audit, quarantine, runs
from headwater.store.quarantine import Quarantined, Repair

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.quarantine.repairs import Changes
    from headwater.services.sources import TakenIn
    from headwater.store.database import TenantConnection
    from headwater.store.quarantine import QuarantineKey
    from headwater.store.runs import Run

AT_ONCE = 10_000
"""Records let go in one transaction, and named in one entry of the audit chain."""
DELIMITERS = {",", ";", "\t"}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a refused record came from: the file, table or contract, and where it stands there; of a record of a
    contract, which was refused as what a mapping made of it, how it is mended where `quarantine export` would not last.
    """

    source: str
    place: str
    mend: str | None

    def as_json(self) -> dict[str, str | None]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The first of the refused records chosen, in source order, with where each came from, and how many there are.

    tried  of each that is open and was mended in vain: what was wrong with it the last time
    cells  of each, None where a table has no value there, if that was asked for
    nulls  of each whether what its first reason blames is null at its source
    """

    records: Sequence[Quarantined]
    cells: Sequence[Mapping[str, str | None]]
    nulls: Sequence[bool]
    origins: Sequence[Origin]
    tried: Sequence[Sequence[Mapping[str, Any]] | None]
    total: int


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """A refused record with its cells in the order of its source, the run that refused it last, and its repairs, each
    with what it changed. A cell is None where a table has no value there, if that was asked for.
    """

    record: Quarantined
    cells: tuple[tuple[str, str | None], ...]
    repairs: tuple[Repair, ...]
    changes: tuple[Changes | None, ...]
    run: Run

    @property
    def origin(self) -> Origin:
        """Where it came from, in words."""
        return _origin(self.record, self.run)

    @property
    def tried(self) -> Sequence[Mapping[str, Any]] | None:
        """What was wrong with its last repair, where it is open for that."""
        is_refused = self.record.state == "open" and self.repairs and self.repairs[-1].outcome == "refused"
        return self.repairs[-1].findings if is_refused else None


def list_records(
    installation: Installation,
    *,
    state: str | None,
    run: str | None,
    rule: str | None,
    limit: int,
    tell_nulls: bool = False,
) -> Listing:
    """Refused records in source order; what is None does not restrict the choice.

    tell_nulls  whether their `cells` are to tell null from an empty text, for which what was read is looked at
    """
    seen = installation.seeing(Right.READ)
    with seen.database.connect(seen.tenant_id) as connection:
        which = which_records(connection, seen, state=state, run=run, rule=rule)
        records, total = quarantine.list_quarantined(connection, seen.tenant_id, which, limit=limit)
        last = quarantine.last_run_of_each(connection, seen.tenant_id, [record.key for record in records])
        found = {run_id: runs.get_run(connection, seen.tenant_id, run_id) for run_id in set(last.values())}
        tried = quarantine.last_tries(connection, seen.tenant_id, records)
        refused = [(found[last[record.key]], record) for record in records]
        cells = with_nulls(seen, connection, refused) if tell_nulls else [record.raw for record in records]
    nulls = [_is_null(seen, *each, told) for each, told in zip(refused, cells, strict=True)]
    origins = [_origin(record, origin) for origin, record in refused]
    return Listing(records=records, cells=cells, nulls=nulls, origins=origins, tried=tried, total=total)


def _is_null(installation: Installation, run: Run, record: Quarantined, cells: Mapping[str, str | None]) -> bool:
    """Whether all that fills the field of a record's first finding is null."""
    if None not in cells.values():
        return False
    read = columns_read(stored_logic(installation, run).mapping, list(cells))
    blamed = [column for column, fields in read.items() if record.findings[0]["field"] in fields]
    return bool(blamed) and all(cells[column] is None for column in blamed)


def _origin(record: Quarantined, run: Run) -> Origin:
    """`run` refused it last."""
    mend = None
    if "records" in run.layout:
        contract = run.layout["records"]["contract"][0]
        mend = f"correct the record of {contract} in the source that it came from, or the mapping; then run both again"
    return Origin(
        source=run.source_name,
        place=place_of(run.layout, record.record_no, record.line, record.raw),
        mend=mend,
    )


def show_record(installation: Installation, key: str, *, tell_nulls: bool = False) -> RecordView:
    """One refused record, named `<id>.<occurrence>`, as its source wrote it: for who may mend it.

    tell_nulls  whether its `cells` are to tell null from an empty text, for which what was read is looked at
    """
    seen, tenant_id = installation.seeing(Right.WRITE), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        record, repairs = quarantine.get_quarantined(connection, tenant_id, quarantine.parse_key(key))
        held = quarantine.find_held(connection, tenant_id, [str(record.key)], run_id=None)[str(record.key)]
        run = runs.get_run(connection, tenant_id, held.last_run_id)
        raw = with_nulls(seen, connection, [(run, record)])[0] if tell_nulls else record.raw
    order = {name: number for number, name in enumerate(run.layout["columns"])}
    cells = sorted(raw.items(), key=lambda cell: order.get(cell[0], len(order)))
    changes = tuple(changes_of(seen, record, repair) for repair in repairs)
    return RecordView(record=record, cells=tuple(cells), repairs=tuple(repairs), changes=changes, run=run)


def dismiss_records(installation: Installation, keys: Collection[str], *, reason: str) -> int:
    """Say of open records that they need no mending, and why; all of them or, where one is not open, none."""
    seen = installation.seeing(Right.WRITE)
    _check_reason(reason)
    named = list(dict.fromkeys(quarantine.parse_key(key) for key in keys))
    with seen.database.connect(seen.tenant_id) as connection:
        quarantine.dismiss(connection, seen.tenant_id, named, reason=reason)
        _note(seen, connection, "quarantine.dismissed", named, reason=reason)
    return len(named)


def dismiss_counted(installation: Installation, count: int, *, run: str | None, rule: str | None, reason: str) -> int:
    """Dismiss all open records that a run refused, or a rule, or the run for the rule. They were counted before:
    Conflict, and none is dismissed, where there are more or less of them by now.
    """
    seen, tenant_id = installation.seeing(Right.WRITE), installation.tenant_id
    _check_reason(reason)
    with seen.database.connect(tenant_id) as connection:
        which = which_records(connection, seen, state="open", run=run, rule=rule)
        keys = quarantine.lock_some(connection, tenant_id, which, limit=count + 1)
        if len(keys) != count:
            raise Conflict(
                "another number of records is open by now",
                where="records",
                value=count,
                valid=str(quarantine.count_quarantined(connection, tenant_id, which)),
                remedy="Look at them again, then dismiss them.",
            )
        quarantine.dismiss(connection, tenant_id, keys, reason=reason)
        _note(seen, connection, "quarantine.dismissed", keys, reason=reason)
    return count


def dismiss_chosen(installation: Installation, *, run: str | None, rule: str | None, reason: str) -> int:
    """Dismiss all open records that a run refused, or a rule, or the run for the rule, so many a transaction; how many
    there were.
    """
    _check_reason(reason)
    return _let_go(installation, run=run, rule=rule, reason=reason, older_than=None)


def open_records(
    installation: Installation, *, run: str | None, rule: str | None, older_than: timedelta | None = None
) -> tuple[int, dict[str, int]]:
    """How many records are open, and by rule; one that breaks two rules counts for both.

    older_than  of these only which no run has refused for longer
    """
    seen, tenant_id = installation.seeing(Right.READ), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        which = which_records(connection, seen, state="open", run=run, rule=rule, older_than=older_than)
        return (
            quarantine.count_quarantined(connection, tenant_id, which),
            quarantine.count_by_rule(connection, tenant_id, which),
        )


def expire_records(
    installation: Installation, older_than: timedelta, *, run: str | None, rule: str | None, reason: str
) -> int:
    """Let go of the open records that no run has refused for longer than this, so many a transaction; how many there
    were. One that is refused again later is open again.
    """
    return _let_go(installation, run=run, rule=rule, reason=reason, older_than=older_than)


def _let_go(
    installation: Installation, *, run: str | None, rule: str | None, reason: str, older_than: timedelta | None
) -> int:
    """Dismiss, or where an age is said let expire."""
    seen = installation.seeing(Right.WRITE)
    to, action = (
        (quarantine.dismiss, "quarantine.dismissed")
        if older_than is None
        else (quarantine.expire, "quarantine.expired")
    )
    gone = 0
    while True:
        with seen.database.connect(seen.tenant_id) as connection:
            which = which_records(connection, seen, state="open", run=run, rule=rule, older_than=older_than)
            keys = quarantine.lock_some(connection, seen.tenant_id, which, limit=AT_ONCE)
            if keys:
                to(connection, seen.tenant_id, keys, reason=reason)
                _note(seen, connection, action, keys, reason=reason)
        if not keys:
            return gone
        gone += len(keys)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Misuse("a dismissal needs a reason", where="reason", remedy="Say why the records need no mending.")


def _note(
    installation: Installation, connection: TenantConnection, action: str, keys: Sequence[QuarantineKey], *, reason: str
) -> None:
    payload = {"records": [str(key) for key in keys], "reason": reason}
    audit.append(connection, installation.tenant_id, action=action, resource="quarantine", payload=payload)


def plan_resubmission(installation: Installation, path: Path) -> UUID:
    """Plan the run of an edited export; its id, for `carry_out`.

    InputRefused where the file is no export. Misuse where its rows do not belong to one source read by one mapping.
    """
    seen = installation.seeing(Right.WRITE)
    if seen.units is not None:
        installation = unbound(installation)
    config = CsvConfig(encoding="utf-8", delimiter=_delimiter(path), quote='"', comment="", preamble=0, unnamed=0)
    found = inspect_file(path, FileConfig(format="csv", csv=config))
    taken = take_in(installation, path, found, chunk_size=installation.settings.chunk_size)
    origins = _origins(seen, taken)
    form = form_of(origins, has_record=taken.plan.header[3:4] == (RECORD,))
    if taken.plan.header != form.header:
        raise InputRefused(
            "the columns are not those of the export",
            where=f"{taken.name}, line {taken.plan.header_line}",
            value=_first_difference(taken.plan.header, form.header),
            valid=", ".join(form.header),
            remedy="Edit cells and leave out rows as you like; keep every column under its name and in its place.",
        )
    origin = latest_of(origins)
    before = stored_logic(installation, origin)
    logic = pinned(installation, contract=before.contract, mapping=before.mapping, recipe=before.recipe)
    return plan_run(installation, logic, taken, source_id=origin.source_id, source_name=taken.name, mends=form)


def _delimiter(path: Path) -> str:
    """The sign after the first header, by which the spreadsheet's settings show. InputRefused where it is no export."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise cannot_open(path, error) from error
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
