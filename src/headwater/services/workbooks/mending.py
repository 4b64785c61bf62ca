"""Resubmission of an edited workbook: the rows that were refused are found again, and sent as they stand now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headwater.connectors.text_table import Part
from headwater.connectors.workbook.opening import opened
from headwater.errors import InputRefused, Misuse, cannot_open
from headwater.pipeline.mending import MendForm
from headwater.services.access.policy import Right
from headwater.services.access.within_units import unbound
from headwater.services.imports import plan_run, stored_logic
from headwater.services.logic import pinned
from headwater.services.quarantine.mended_text import keep_text, write_text
from headwater.services.sources import TakenIn, layout_from_json
from headwater.services.workbooks.export import (
    FINDINGS,
    HEADER,
    RECORD,
    RUN,
    blamed,
    locate,
    name_in,
    never_calculated,
)
from headwater.services.workbooks.row_matching import Asked, match
from headwater.services.workbooks.rows import in_format, read_copy, read_run
from headwater.store import quarantine, runs
from headwater.store.quarantine import Which

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from headwater.connectors.files import FileConfig
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.services.workbooks.row_matching import Cells, Matched, SheetRow
    from headwater.services.workbooks.rows import ReadRun
    from headwater.store.quarantine import Quarantined

Place = tuple[str, str, int, int]
"""Record, sheet, row, which record of the row."""


@dataclass(frozen=True, kw_only=True)
class WorkbookSent:
    """A planned resubmission, and what of the workbook is not part of it.

    origin   the run that refused the records, with its source and how its mapping is called
    sent     records found again, changed or not
    gone     records whose rows are not there any more, and that stay open
    unclear  sheet and row, in the original, of which it is not certain which row they are now: their records stay open
    others   other records that were changed or added; `missing` are gone
    """

    run_id: UUID
    origin: UUID
    source: str
    mapping: str
    sent: int
    gone: int
    unclear: tuple[str, ...]
    others: int
    missing: int


def is_workbook(path: Path) -> bool:
    """Whether a file to be resubmitted is a workbook, and not an edited CSV."""
    try:
        with path.open("rb") as file:
            return file.read(4) in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}
    except OSError as error:
        raise cannot_open(path, error) from error


def plan_workbook(installation: Installation, path: Path) -> WorkbookSent:
    """Plan the run of an edited workbook.

    InputRefused where it is not one that was exported, or its tables were changed in their columns; Misuse where none
    of its rows can be sent.
    """
    seen, tenant_id = installation.seeing(Right.WRITE), installation.tenant_id
    keys, run_id, form_of_file = _listed(path)
    if seen.units is not None:
        installation = unbound(installation)
    with seen.database.connect(tenant_id) as connection:
        run = runs.get_run(connection, tenant_id, run_id)
        records = _records(connection, tenant_id, keys, run_id)
        tried = quarantine.last_tries(connection, tenant_id, list(records.values()))
    read = read_run(installation, run)
    logic = stored_logic(installation, run)
    reading = in_format(read.reading, form_of_file)
    now = read_copy(path, reading, name=name_in(read))
    _check_columns(path, now.columns, read.columns)
    located = locate(read, {key: record.raw for key, record in records.items()})
    # What was wrong as it was mended last is marked in the workbook too.
    findings = {
        key: [*record.findings, *(again or ())] for (key, record), again in zip(records.items(), tried, strict=True)
    }
    matched = match(read.rows, now.rows, _to_mend(read, logic, findings, located), _key_columns(logic, read.columns))
    places = sorted(_places(located, matched), key=lambda place: place[1:])
    if not places:
        raise Misuse(
            "none of the rows that were refused is found again",
            where=path.name,
            value=", ".join(_told(place) for place in matched.unclear[:5]) or None,
            remedy="Export the workbook again and edit that, or mend the records as CSV.",
        )
    form = MendForm(
        columns=read.columns,
        dialect=layout_from_json(dict(run.layout)).dialect,
        has_record=False,
        settled_from=run.started_at,
        places=places,
        file=name_in(read),
    )
    is_open = [located[key][0].place for key, record in records.items() if record.state == "open" and key in located]
    return WorkbookSent(
        run_id=_plan(installation, path, logic, form, (read, reading, matched)),
        origin=run.run_id,
        source=run.source_name,
        mapping=logic.recipe.mapping,
        sent=len(places),
        gone=sum(place in matched.gone for place in is_open),
        unclear=tuple(_told(place) for place in matched.unclear if place in is_open),
        others=matched.others,
        missing=matched.missing,
    )


@dataclass(frozen=True, kw_only=True)
class RefusedAgain:
    """A finding on a row that was sent: where in the edited workbook it stands, and what is wrong there now."""

    sheet: str
    row: int
    field: str
    value: str
    why: str


def refused_again(installation: Installation, run_id: UUID) -> Iterator[RefusedAgain]:
    """What the resubmission of a workbook could not mend, in the order of its rows."""
    installation.require(Right.WRITE)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        form = MendForm.from_json(runs.get_run(connection, tenant_id, run_id).layout["mends"])
        refused = quarantine.refused_repairs(connection, tenant_id, run_id)
    for record_no, findings in refused:
        _, sheet, row, _ = (form.places or ())[record_no - 1]
        for finding in findings:
            field, value = (str(finding.get(name) or "") for name in ("field", "value"))
            yield RefusedAgain(
                sheet=sheet, row=row, field=field, value=value, why=never_calculated(value) or str(finding["message"])
            )


def write_again(
    path: Path, form: MendForm, reading: FileConfig, write: Callable[[bytes], object], *, name: str
) -> None:
    """Make the text of a resubmitted workbook again, from the workbook as it came and what is kept of the run; `name`
    stands for the original's where the run keeps none.
    """
    rows = {row.place: row for row in read_copy(path, reading, name=form.file or name).rows}
    write_text(form, _rows(form, rows), write)


def _plan(
    installation: Installation,
    path: Path,
    logic: Logic,
    form: MendForm,
    rows: tuple[ReadRun, FileConfig, Matched],
) -> UUID:
    read, reading, matched = rows
    found = {row.place: row for row in matched.found.values()}
    raw = installation.blobs.put_file(installation.tenant_id, path)
    text, plan = keep_text(installation, form, _rows(form, found), name=path.name)
    parts = tuple(
        Part(name=sheet, first_record=number, first_number=row)
        for number, (_, sheet, row, _) in enumerate(form.places or (), start=1)
    )
    taken = TakenIn(
        name=path.name, raw=raw, text=text, encoding="utf-8", reading=reading, plan=replace(plan, parts=parts)
    )
    now = pinned(installation, contract=logic.contract, mapping=logic.mapping, recipe=logic.recipe)
    return plan_run(installation, now, taken, source_id=read.run.source_id, source_name=path.name, mends=form)


def _rows(form: MendForm, rows: Mapping[tuple[str, int], SheetRow]) -> Iterator[Cells]:
    """The rows of the text, in order."""
    for key, sheet, row, place in form.places or ():
        there = rows.get((sheet, row))
        if there is None or place >= len(there.records):
            raise InputRefused("a row that was sent is not there", where=f"sheet {sheet}, row {row}", value=key)
        yield (key, "", f"{sheet}, row {row}", *there.records[place])


def _listed(path: Path) -> tuple[list[str], UUID, str]:
    """The records that the sheet of findings lists, the run that exported it, and the format of the workbook."""
    with opened(path, path.name) as book:
        names = [sheet.name for sheet in book.sheets if sheet.name.startswith(FINDINGS)]
        for walked in book.walk(frozenset(names[-1:]), "."):
            header, *rows = [[*row.texts, *[""] * len(HEADER)][: len(HEADER)] for row in walked.rows] or [[]]
            found = [(row[RECORD].strip().lower(), row[RUN].strip()) for row in rows]
            listed = [each for each in found if all(each)]
            if tuple(header) == HEADER and listed:
                run_id = _run_of([run for _, run in listed], path)
                return list(dict.fromkeys(key for key, _ in listed)), run_id, book.format
    raise InputRefused(
        "this is not a workbook that `headwater quarantine export --workbook` wrote",
        where=path.name,
        valid=f"a workbook with its sheet {FINDINGS!r}",
        remedy="Export the workbook, edit that one, and keep the sheet as it is.",
    )


def _run_of(named: Iterable[str], path: Path) -> UUID:
    runs_named = set(named)
    try:
        (only,) = {UUID(run) for run in runs_named}
    except ValueError as error:
        raise InputRefused(
            "the sheet of findings does not name one run",
            where=f"{path.name}, sheet {FINDINGS}",
            value=", ".join(sorted(runs_named)[:3]),
            remedy="Export the workbook again, and keep that sheet as it is.",
        ) from error
    return only


def _records(connection: Any, tenant_id: UUID, keys: Collection[str], run_id: UUID) -> dict[str, Quarantined]:
    """The records that are named and there."""
    wanted = frozenset(keys)
    which = Which(state=None, run_id=run_id)
    found = {
        str(record.key): record
        for record in quarantine.each_quarantined(connection, tenant_id, which)
        if str(record.key) in wanted
    }
    # A newer run may have refused some of them since.
    for key in quarantine.find_held(connection, tenant_id, wanted - found.keys(), run_id=None):
        found[key] = quarantine.get_quarantined(connection, tenant_id, quarantine.parse_key(key))[0]
    return found


def _check_columns(path: Path, columns: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    if columns != wanted:
        missing = [column for column in wanted if column not in columns]
        raise InputRefused(
            "the columns are not those of the original",
            where=path.name,
            value=f"{missing[0]!r} is missing" if missing else ", ".join(columns[:20]),
            valid=", ".join(wanted[:20]),
            remedy="Edit cells, delete or sort rows as you like; keep headers and columns as they are.",
        )


def _to_mend(
    read: ReadRun,
    logic: Logic,
    findings: Mapping[str, Sequence[Mapping[str, Any]]],
    located: Mapping[str, tuple[SheetRow, int]],
) -> dict[tuple[str, int], Asked]:
    """Place of each row that holds refused records -> these, and the cells that findings blame."""
    mapping = logic.mapping.for_columns(read.columns)
    turned = read.reading.shape.unpivot
    own = {turned.name, turned.value, turned.unit} if turned is not None else set()
    number_of = {column: number for number, column in enumerate(read.columns)}
    cells: dict[tuple[str, int], set[tuple[int, int]]] = {}
    refused: dict[tuple[str, int], set[int]] = {}
    for key, (row, place) in located.items():
        refused.setdefault(row.place, set()).add(place)
        here = cells.setdefault(row.place, set())
        for finding in findings[key]:
            for column in blamed(finding, mapping, read.columns):
                where = [place] if column in own else range(len(row.records))
                here.update((each, number_of[column]) for each in where)
    return {place: Asked(records=frozenset(refused[place]), cells=frozenset(found)) for place, found in cells.items()}


def _key_columns(logic: Logic, columns: tuple[str, ...]) -> frozenset[int]:
    """The columns that fill the fields by which a record is named."""
    mapping = logic.mapping.for_columns(columns)
    keys = [spec.name for spec in logic.contract.key]
    named = [column for key in keys for column in blamed({"field": key}, mapping, columns)]
    return frozenset(columns.index(column) for column in named)


def _places(located: Mapping[str, tuple[SheetRow, int]], matched: Matched) -> Iterator[Place]:
    for key, (row, place) in located.items():
        now = matched.found.get(row.place)
        if now is not None:
            yield key, now.sheet, now.number, place


def _told(place: tuple[str, int]) -> str:
    return f"{place[0]}, row {place[1]}"
