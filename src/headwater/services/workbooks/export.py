"""The original workbook given back, with what was refused coloured, noted and listed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import write_text_of
from headwater.connectors.marked_workbook import Mark, Places, TableSheet, as_xlsx, cell_name, mark_workbook
from headwater.connectors.text_table.shape import FILE
from headwater.connectors.workbook.choice import OWN
from headwater.engine.expressions import render_value
from headwater.engine.readings import Readings
from headwater.errors import InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.imports import stored_logic
from headwater.services.sources import layout_from_json, reading_from_json
from headwater.services.whole_files import written_whole
from headwater.services.workbooks.rows import original, read_run
from headwater.store import quarantine, runs
from headwater.store.quarantine import AS_MENDED, Which
from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from headwater.mapping import Mapping as MappingDocument
    from headwater.services.installation import Installation
    from headwater.services.workbooks.row_matching import Cells, SheetRow
    from headwater.services.workbooks.rows import ReadRun
    from headwater.store.quarantine import Quarantined

FINDINGS = OWN
HEADER = ("sheet", "cell", "rule", "field", "value", "why", "what is valid", "how to mend it", "record", "run")
WIDTHS = (18, 8, 30, 18, 24, 50, 40, 50, 42, 38)
RECORD, RUN = HEADER.index("record"), HEADER.index("run")


@dataclass(frozen=True, kw_only=True)
class ExportedWorkbook:
    """What was written.

    elsewhere  open records chosen that this run's file does not hold
    unnoted    cells that are coloured and listed, and have no note, since a workbook bears only so many
    converted  the format it came in, where that is not XLSX
    """

    run_id: UUID
    records: int
    cells: int
    elsewhere: int
    unnoted: int
    converted: str | None


@dataclass(frozen=True, kw_only=True)
class Located:
    """A refused record, the row it stands in, and which of that row's records it is; what was wrong with it as it was
    mended last.
    """

    record: Quarantined
    tried: Sequence[Mapping[str, Any]]
    row: SheetRow
    place: int


def export_workbook(installation: Installation, output: Path, *, run: str, rule: str | None) -> ExportedWorkbook:
    """Write the workbook of a run with its open records marked. Misuse where there are none, or no place for it."""
    seen, tenant_id = installation.seeing(Right.WRITE), installation.tenant_id
    with seen.database.connect(tenant_id) as connection:
        found = runs.find_run(connection, tenant_id, run)
        which = Which(state="open", run_id=found.run_id, rule=rule)
        each_chosen = quarantine.each_quarantined(connection, tenant_id, which)
        records = list(quarantine.with_last_tries(connection, tenant_id, each_chosen))
    read = read_run(installation, found)
    located = locate(read, {str(record.key): record.raw for record, _ in records})
    here = [
        Located(record=record, tried=tried or (), row=row, place=place)
        for record, tried in records
        if (spot := located.get(str(record.key))) is not None
        for row, place in [spot]
    ]
    if not here:
        raise Misuse(
            "there is nothing to export: no record chosen is open in quarantine",
            where="quarantine",
            value=run,
            remedy="`headwater quarantine list` shows what is open.",
        )
    mapping = stored_logic(installation, found).mapping.for_columns(read.columns)
    kind = reading_from_json(dict(found.layout))
    converted = kind.format if kind is not None and kind.format != "xlsx" else None
    with original(installation, found) as came, TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / "plain.xlsx" if converted else came
        if converted:
            with path.open("wb") as out:
                as_xlsx(came, out, name=read.file)
        _check_ending(path, output)
        places = Places(path, read.reading.workbook, name=read.file)
        marks, table = marked(here, mapping, read, places)
        unnoted = _write(output, path, marks, table, read)
    return ExportedWorkbook(
        run_id=found.run_id,
        records=len(here),
        cells=len({(mark.sheet, mark.row, mark.column) for mark in marks}),
        elsewhere=len(records) - len(here),
        unnoted=unnoted,
        converted=converted,
    )


def locate(read: ReadRun, raws: Mapping[str, Mapping[str, str | None]]) -> dict[str, tuple[SheetRow, int]]:
    """Where records, by key, stand in the file of a run; of equal ones the first is occurrence 1, and so on."""
    wanted: dict[Cells, list[tuple[SheetRow, int]]] = defaultdict(list)
    cells = {key: tuple(raw.get(column) or "" for column in read.columns) for key, raw in raws.items()}
    asked = frozenset(cells.values())
    for row in read.rows:
        for place, record in enumerate(row.records):
            if record in asked:
                wanted[record].append((row, place))
    found = {}
    for key, record in cells.items():
        number = int(key.rpartition(".")[2])
        if number <= len(wanted[record]):
            found[key] = wanted[record][number - 1]
    return found


def blamed(record: Mapping[str, Any], mapping: MappingDocument, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that fill the fields a finding is about; () where no column does."""
    found: dict[str, None] = {}
    for field in str(record.get("field") or "").split(", "):
        rule = mapping.fields.get(field)
        if rule is None:
            continue
        if rule.expression is not None:
            used = render_value(rule.expression, columns, Readings(OWN_FORMAT), where="mapping").columns
            found.update(dict.fromkeys(used))
        found.update(dict.fromkeys(rule.names))
    return tuple(column for column in found if column in columns)


def marked(
    located: Sequence[Located], mapping: MappingDocument, read: ReadRun, places: Places
) -> tuple[list[Mark], TableSheet]:
    """Cells to be marked, and the sheet that lists every finding."""
    marks: list[Mark] = []
    rows: list[tuple[str, ...]] = []
    links: list[tuple[str, str]] = []
    order = {name: number for number, name in enumerate(places.sheets)}
    for each in sorted(located, key=lambda each: (order.get(each.row.sheet, 0), each.row.number, each.place)):
        for finding in (*each.record.findings, *map(_as_mended, each.tried)):
            cells = list(_cells(each, finding, mapping, read, places))
            note = _note(finding)
            marks += [
                Mark(sheet=each.row.sheet, row=row, column=column, note=note if not number else "")
                for number, (row, column) in enumerate(cells)
            ]
            first = cell_name(*cells[0]) if cells else f"A{each.row.number}"
            told = [str(finding.get(name) or "") for name in ("rule", "field", "value", "message", "valid")]
            rows.append((each.row.sheet, first, *told, _mend(finding), str(each.record.key), str(read.run.run_id)))
            links.append((each.row.sheet, first))
    name = FINDINGS
    while name.casefold() in {sheet.casefold() for sheet in places.sheets}:
        number = int(name.rpartition(" ")[2]) + 1 if name != FINDINGS else 2
        name = f"{FINDINGS} {number}"
    return marks, TableSheet(name=name, header=HEADER, rows=rows, link_column=1, links=links, widths=WIDTHS)


def _cells(
    each: Located, finding: Mapping[str, Any], mapping: MappingDocument, read: ReadRun, places: Places
) -> Iterator[tuple[int, int]]:
    """The cells to blame for a finding, or the whole row where there are none."""
    turned = read.reading.shape.unpivot
    sheet, row = each.row.sheet, each.row.number
    found = []
    for column in blamed(finding, mapping, read.columns):
        name: str | None = column
        if turned is not None and column in {turned.name, turned.value, turned.unit}:
            name = _turned_column(read, each)
        place = places.column(sheet, name) if name is not None else None
        if place is not None:
            found.append(place)
    for place in dict.fromkeys(found or places.columns(sheet)):
        yield places.cell(sheet, row, place)


def _turned_column(read: ReadRun, each: Located) -> str | None:
    """The column of the sheet that a record came from, where rows were turned into several records."""
    for part in layout_from_json(dict(read.run.layout)).parts:
        if part.name == each.row.sheet and part.columns:
            return part.columns[each.place]
    return None


def never_calculated(value: str) -> str | None:
    """What to say of a cell that was read as the text of a formula: a program wrote it that does not calculate."""
    if not value.startswith("="):
        return None
    return "a formula that was never calculated: open the workbook in Excel or LibreOffice and save it"


def _as_mended(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    """A finding on what was sent in place of a record: other cells than those that stand here."""
    return {**finding, "message": f"{AS_MENDED}: {finding['message']}"}


def _mend(finding: Mapping[str, Any]) -> str:
    """How to mend it, in this workbook."""
    return never_calculated(str(finding.get("value") or "")) or str(finding.get("mend") or "")


def _note(finding: Mapping[str, Any]) -> str:
    lines = [finding["rule"], finding["message"]]
    lines += [f"Valid: {finding['valid']}"] if finding.get("valid") else []
    lines += [mend] if (mend := _mend(finding)) else []
    return "\n".join(lines)


def _write(output: Path, path: Path, marks: Sequence[Mark], table: TableSheet, read: ReadRun) -> int:
    """Write the copy beside its place, see that it says what the original says, and move it there."""
    with written_whole(output) as beside:
        with beside.open("wb") as out:
            unnoted = mark_workbook(path, out, marks, table, name=read.file)
        _check(beside, read)
    return unnoted


def _check(copy: Path, read: ReadRun) -> None:
    """What is given back is read as the original was, to the last cell, or it is not given."""
    digest = hashlib.sha256()
    write_text_of(copy, read.reading, digest.update, name=name_in(read))
    if digest.digest() != read.run.text_sha256:
        raise InputRefused(
            "this workbook cannot be given back so that it says the same",
            where=read.file,
            remedy="Leave --workbook out: the records are exported as CSV.",
        )


def name_in(read: ReadRun) -> str:
    """The file's name as its records hold it, where they do."""
    if FILE in read.columns and read.rows:
        return read.rows[0].records[0][read.columns.index(FILE)]
    return read.file


def _check_ending(path: Path, output: Path) -> None:
    """A workbook with macros opens under its own ending only."""
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(path) as packed:
        types = packed.read("[Content_Types].xml")
    ending = ".xlsm" if b"macroEnabled" in types else ".xlsx"
    if output.suffix.lower() != ending:
        raise Misuse(
            "a spreadsheet would not open it under this name",
            where="--out",
            value=output.name,
            valid=f"a name that ends in {ending}",
        )
