"""Which sheets of a workbook make the table: as said, or the one that clearly is it; else refused, with the choices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from headwater.connectors.inspection import CONFIDENT
from headwater.connectors.workbook.config import SheetLayout, WorkbookConfig
from headwater.connectors.workbook.grid import MAX_COLUMNS, columns_text
from headwater.connectors.workbook.header import Header, find_header
from headwater.connectors.workbook.records import heading
from headwater.connectors.workbook.scan import Scan
from headwater.documents.counted import counted
from headwater.errors import InputRefused

OWN = "Headwater findings"
"""The sheet that lists what was refused in a workbook given back: no table of whoever imports that, unless named."""
FORM, FORM_DATA = "Headwater fields", "data"
"""Of a workbook to fill in, the sheet that says what its fields are, whose first row names the contract, and the sheet
for the records.
"""
_REFERENCE = re.compile(r"[a-z][a-z0-9_.]{0,62}@\d{1,5}\.\d{1,5}\.\d{1,5}")
_DOMINATES = 5
"""Times the cells of all other tables together that a sheet must have to be taken without being named."""
_LISTED = 12


@dataclass(frozen=True, kw_only=True)
class Table:
    """A sheet with its header."""

    scan: Scan
    header: Header
    layout: SheetLayout


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The sheets that are read, in the order of the workbook, and why; `header_rows`: sheet -> row of its header;
    `contract`: the one that a workbook to fill in was made for.
    """

    tables: tuple[Table, ...]
    confidence: float
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]
    contract: str | None = None
    header_rows: dict[str, int] = field(default_factory=dict)


def choose(found: Sequence[Scan], hints: WorkbookConfig, name: str) -> Choice:
    """Raise InputRefused where sheets or headers cannot be told, naming source.sheets or source.header."""
    grids = [scan for scan in found if scan.rows]
    if not grids:
        _refuse_empty(found, name)
    headers = {scan.sheet.name: _header(scan, hints, is_form=_contract(found) is not None) for scan in grids}
    chosen, confidence, evidence = _chosen(found, headers, hints, name)
    tables = []
    for scan in chosen:
        header = headers.get(scan.sheet.name)
        if header is None or header.confidence < CONFIDENT:
            _refuse_header(scan, header, hints, name)
        else:
            tables.append(Table(scan=scan, header=header, layout=_layout(scan, header, hints, name)))
    read = {table.scan.sheet.name for table in tables}
    return Choice(
        tables=tuple(tables),
        confidence=min(confidence, *(table.header.confidence for table in tables)),
        evidence=(*evidence, *_because(tables)),
        contract=_contract(found),
        warnings=(*_left_out(found, read), *(w for table in tables for w in _warned(table))),
        header_rows={
            sheet: header.row for sheet, header in headers.items() if header and header.confidence >= CONFIDENT
        },
    )


def _header(scan: Scan, hints: WorkbookConfig, *, is_form: bool) -> Header | None:
    for layout in hints.layouts or ():
        if layout.name == scan.sheet.name:
            return Header(
                row=layout.header, rows=layout.header_rows, units_row=layout.units_row, confidence=1.0, evidence=()
            )
    row = 1 if hints.header is None and is_form and scan.sheet.name == FORM_DATA else hints.header
    return find_header(scan.head, scan.merged, row=row, rows=hints.header_rows)


def _chosen(
    found: Sequence[Scan], headers: dict[str, Header | None], hints: WorkbookConfig, name: str
) -> tuple[list[Scan], float, tuple[str, ...]]:
    if hints.layouts is not None:
        names = [layout.name for layout in hints.layouts]
        return [_named(found, sheet, name)[0] for sheet in names], 1.0, ("sheets and rows as said",)
    if hints.sheets is not None:
        matched = {scan.sheet.name for pattern in hints.sheets for scan in _named(found, pattern, name)}
        chosen = [scan for scan in found if scan.sheet.name in matched]
        return chosen, 1.0, (f"{len(chosen)} of {len(found)} sheets said by source.sheets",)
    visible = [scan for scan in found if scan.sheet.state == "visible" and scan.rows and not _is_own(scan)]
    filled_in = [scan for scan in visible if scan.sheet.name == FORM_DATA and _contract(found)]
    if filled_in:
        return filled_in, 1.0, (f"a workbook to fill in for {_contract(found)}: its records stand in {FORM_DATA}",)
    if not visible:
        raise _choose_among(found, "all sheets with values are hidden", name)
    if len(visible) == 1:
        return visible, 1.0, (f"{visible[0].sheet.name} is the one visible sheet with values",)
    sure = [scan for scan in visible if _is_sure(headers[scan.sheet.name])]
    many = [scan for scan in sure if scan.columns > 1]
    if not sure:
        raise _choose_among(visible, "several sheets have values, and none has a header that is sure", name)
    largest = max(many or sure, key=lambda scan: scan.cells)
    others = sum(scan.cells for scan in visible if scan is not largest)
    alike = _with_the_same_header(visible, headers)
    if len(alike) * 2 >= len(many) and len(alike) > 1:
        raise _choose_among(visible, f"{len(alike)} sheets have the same header", name, one_table=alike)
    if largest.cells >= _DOMINATES * others:
        share = largest.cells / (largest.cells + others)
        evidence = f"{largest.sheet.name} holds {share:.0%} of the cells; the other sheets are taken for notes"
        return [largest], 0.9, (evidence,)
    if many == [largest] and all(scan.columns <= 2 for scan in visible if scan is not largest):
        return [largest], 0.85, (f"{largest.sheet.name} is the one visible sheet with a table; the others hold notes",)
    raise _choose_among(visible, "several sheets hold different tables", name)


def _is_own(scan: Scan) -> bool:
    return scan.sheet.name.startswith((OWN, FORM))


def _contract(found: Sequence[Scan]) -> str | None:
    """What the first row of the sheet of fields says, in a workbook to fill in."""
    first = next((scan.own[1].texts for scan in found if scan.sheet.name == FORM and 1 in scan.own), ())
    return next((text for text in first if _REFERENCE.fullmatch(text)), None)


def _is_sure(header: Header | None) -> bool:
    return header is not None and header.confidence >= CONFIDENT


def _named(found: Sequence[Scan], pattern: str, name: str) -> list[Scan]:
    """The sheet of that name, hidden or not; else the visible sheets that the pattern fits."""
    exact = [scan for scan in found if scan.sheet.name == pattern]
    fitting = exact or [
        scan
        for scan in found
        if scan.sheet.state == "visible" and scan.rows and fnmatchcase(scan.sheet.name, pattern) and not _is_own(scan)
    ]
    if not fitting:
        raise InputRefused(
            "the workbook has no such sheet",
            where=f"{name}, source.sheets",
            value=pattern,
            valid=_list(found),
            remedy="Name one of these in source.sheets; patterns with * and ? take visible sheets with values.",
        )
    for scan in exact:
        if not scan.rows:
            kind = "is empty" if scan.sheet.is_grid else "holds a chart or a macro, no cells"
            raise InputRefused(f"the sheet {kind}", where=f"{name}, sheet {pattern}", valid=_list(found))
    return fitting


def _with_the_same_header(found: Sequence[Scan], headers: dict[str, Header | None]) -> list[Scan]:
    """The largest group of sheets with tables whose headers are alike."""
    groups: dict[tuple[str, ...], list[Scan]] = {}
    for scan in found:
        header = headers[scan.sheet.name]
        row = next((row for row in scan.head if header and row.number == header.bottom), None)
        names = tuple(text.strip().lower() for text in row.texts if text.strip()) if row else ()
        if len(names) > 1:
            groups.setdefault(names, []).append(scan)
    return max(groups.values(), key=len, default=[])


def _layout(scan: Scan, header: Header, hints: WorkbookConfig, name: str) -> SheetLayout:
    units_row = header.units_row if hints.units_row is None or hints.layouts is not None else hints.units_row
    below = max(header.bottom, units_row if units_row > header.bottom else 0)
    own = [row for number, row in scan.own.items() if header.row <= number <= header.bottom]
    places = {column for row in own for column, text in enumerate(row.texts) if text.strip()}
    places |= {column for column, last in enumerate(scan.last_of) if last > header.bottom and last != units_row}
    if units_row and not any(row.number == units_row for row in scan.head):
        raise InputRefused(
            "there is nothing in the row with the units",
            where=f"{name}, sheet {scan.sheet.name}",
            value=f"row {units_row}",
            remedy="Correct source.units_row, or set it to 0 where there is none.",
        )
    if not places:
        raise _no_header(scan, name, f"rows {header.row} to {header.bottom} are blank, and so is what is below")
    if len(places) > MAX_COLUMNS:
        raise AssertionError("readers refuse columns beyond the limit")
    layout = SheetLayout(
        name=scan.sheet.name,
        header=header.row,
        header_rows=header.rows,
        units_row=units_row,
        columns=columns_text(sorted(places)),
    )
    if not any(heading(layout, scan.head).cells):
        raise _no_header(scan, name, f"row {below} names no column")
    return layout


def _because(tables: Sequence[Table]) -> list[str]:
    if len(tables) == 1:
        return list(tables[0].header.evidence)
    return [f"sheet {table.scan.sheet.name}: {reason}" for table in tables for reason in table.header.evidence[:1]]


def _warned(table: Table) -> list[str]:
    return [f"sheet {table.scan.sheet.name}: {warning}" for warning in table.header.warnings]


def _left_out(found: Sequence[Scan], read: set[str]) -> list[str]:
    left_out = [scan for scan in found if scan.sheet.name not in read and (scan.rows or not scan.sheet.is_grid)]
    if not left_out:
        return []
    named = [
        scan.sheet.name if scan.sheet.state == "visible" else f"{scan.sheet.name} ({scan.sheet.state})"
        for scan in left_out
    ]
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    return [f"sheets that are not read: {', '.join(named[:_LISTED])}{more}"]


def _list(found: Sequence[Scan]) -> str:
    names = [
        f"{scan.sheet.name} ({'' if scan.sheet.state == 'visible' else f'{scan.sheet.state}, '}"
        f"{counted(scan.rows, 'row')})"
        for scan in found
        if scan.rows
    ]
    more = f" and {len(names) - 3 * _LISTED} more" if len(names) > 3 * _LISTED else ""
    return ", ".join(names[: 3 * _LISTED]) + more


def _choose_among(found: Sequence[Scan], what: str, name: str, one_table: Sequence[Scan] = ()) -> InputRefused:
    names = [scan.sheet.name for scan in one_table or found]
    listed = ", ".join(f'"{sheet}"' for sheet in names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    said = " ".join(f'--sheet "{sheet}"' for sheet in names[: _LISTED if one_table else 1])
    listed = listed if one_table else f'"{names[0]}"'
    remedy = f"Name the sheets to read, or patterns of names, in the mapping: source.sheets: [{listed}]"
    if one_table:
        remedy += "; named together they become one table, in which the sheet of each record is known"
    remedy += f". To headwater inspect they are named by {said}."
    refused = InputRefused(what, where=name, valid=f"a sheet that is named: {_list(found)}", remedy=remedy)
    return refused.settled_by("source.sheets", (scan.sheet.name for scan in found if scan.rows))


def _refuse_empty(found: Sequence[Scan], name: str) -> None:
    charts = [scan.sheet.name for scan in found if not scan.sheet.is_grid]
    what = (
        "the workbook holds charts or macros only" if charts and len(charts) == len(found) else "the workbook is empty"
    )
    raise InputRefused(
        what,
        where=name,
        value=f"sheets: {', '.join(scan.sheet.name for scan in found[:_LISTED]) or 'none'}",
        valid="a sheet with a header and records",
        remedy="Fetch it again, or leave it out.",
    )


def _refuse_header(scan: Scan, header: Header | None, hints: WorkbookConfig, name: str) -> None:
    if hints.header is not None:
        raise _no_header(scan, name, f"row {hints.header}, said by source.header, is blank")
    if header is None:
        raise _no_header(scan, name, f"{counted(scan.rows, 'row')}, none of which names columns")
    row = next((row for row in scan.head if row.number == header.row), None)
    texts = " | ".join(text for text in row.texts if text)[:80] if row else ""
    raise InputRefused(
        f"it is not sure enough where the header stands: row {header.row} with {header.confidence:.0%}",
        where=f"{name}, sheet {scan.sheet.name}",
        value=texts,
        valid=f"a header that is at least {CONFIDENT:.0%} sure ({'; '.join(header.evidence)})",
        remedy="Set source.header to the row of the names (and source.header_rows where it has several), or choose "
        "another sheet with source.sheets.",
    ).settled_by("source.header")


def _no_header(scan: Scan, name: str, value: str) -> InputRefused:
    return InputRefused(
        "there is no header",
        where=f"{name}, sheet {scan.sheet.name}",
        value=value,
        valid="a row with the names of the columns above the records",
        remedy="Set source.header to the row of the names, choose another sheet with source.sheets, or add a header.",
    ).settled_by("source.header")
