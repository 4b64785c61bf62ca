"""What a workbook is, before anything is loaded: found with evidence, or refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headwater.connectors.csv_file.layout import visible
from headwater.connectors.inspection import SAMPLE_ROWS, Inspection, SheetInfo
from headwater.connectors.workbook.choice import Choice, Table, choose
from headwater.connectors.workbook.config import WorkbookConfig
from headwater.connectors.workbook.grid import NUMBER, TEXT, Walked, columns_of, letters
from headwater.connectors.workbook.opening import opened
from headwater.connectors.workbook.records import Heading, heading, records
from headwater.connectors.workbook.scan import Scan, scans
from headwater.documents.counted import counted
from headwater.errors import InputRefused

_SHOWN = 5


def inspect_workbook(
    path: Path, hints: WorkbookConfig | None = None, *, name: str | None = None
) -> Inspection[WorkbookConfig]:
    """Inspect a workbook; what `hints` say is taken as said.

    Every sheet is read whole, so that its size, the columns with values and the warnings are those of its cells.
    Raises InputRefused for what is no workbook, is damaged or encrypted, and for a guess that would not be sure enough
    (naming the option that settles it). Misuse where there is no such file.
    """
    hints = hints or WorkbookConfig()
    name = name or path.name
    with opened(path, name) as book:
        found_format = book.format
        if hints.format is not None and hints.format != found_format:
            raise InputRefused(
                f"this is a workbook of the format {found_format}",
                where=name,
                value=hints.format,
                valid=f"format: {found_format}",
                remedy="Leave source.format out; it is found.",
            )
        found = scans(book)
    choice = choose(found, hints, name)
    layouts = tuple(table.layout for table in choice.tables)
    first = choice.tables[0]
    headings = [heading(table.layout, table.scan.head) for table in choice.tables]
    sample = _sample(first, headings[0], name)
    return Inspection(
        format=found_format,
        name=name,
        size=path.stat().st_size,
        encoding="",
        confidence=choice.confidence,
        evidence=choice.evidence,
        config=WorkbookConfig(
            format=found_format,
            sheets=tuple(layout.name for layout in layouts),
            header=layouts[0].header,
            header_rows=layouts[0].header_rows,
            units_row=layouts[0].units_row,
            layouts=layouts,
        ),
        header_line=layouts[0].header,
        preamble=_preamble(first),
        columns=_columns(headings),
        sample=tuple(texts for _, texts in sample),
        sample_lines=tuple(number for number, _ in sample),
        warnings=(*choice.warnings, *_about_cells(choice), *_about_names(headings, choice.tables)),
        units=_units(headings),
        sheets=_sheets(found, choice),
        contract=choice.contract,
    )


def _columns(headings: Sequence[Heading]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for found in headings for column in found.names))


def _units(headings: Sequence[Heading]) -> tuple[tuple[str, str], ...]:
    units: dict[str, str] = {}
    for found in headings:
        for column, unit in found.unit_names:
            units.setdefault(column, unit)
    return tuple(units.items())


def _preamble(table: Table) -> tuple[str, ...]:
    """The rows above the header, one line each; a cell merged over several shows once."""
    rows = (row for row in table.scan.own.values() if row.number < table.layout.header)
    return tuple(" ".join(filter(None, map(visible, row.texts))) for row in rows)


def _sample(table: Table, found: Heading, name: str) -> list[tuple[int, tuple[str, ...]]]:
    """The first records that are not blank, with the columns that units make."""
    scan = table.scan
    walked = Walked(sheet=scan.sheet.name, rows=iter(scan.own.values()), merged=list(scan.merged))
    sample = []
    for row in records(walked, table.layout, f"{name}, sheet {scan.sheet.name}"):
        if not any(row.texts):
            continue
        texts: list[str] = []
        for place, text in zip(found.places, row.texts, strict=True):
            texts.append(text)
            if place in found.units:
                texts.append(found.units[place])
        sample.append((row.number, tuple(texts)))
        if len(sample) == SAMPLE_ROWS:
            break
    return sample


def _sheets(found: Sequence[Scan], choice: Choice) -> tuple[SheetInfo, ...]:
    read = {table.scan.sheet.name for table in choice.tables}
    return tuple(
        SheetInfo(
            name=scan.sheet.name,
            state=scan.sheet.state,
            rows=scan.rows,
            columns=scan.columns,
            merged=tuple(map(str, scan.merged[:1000])),
            header_row=choice.header_rows.get(scan.sheet.name),
            is_read=scan.sheet.name in read,
        )
        for scan in found
    )


def _about_cells(choice: Choice) -> list[str]:
    warnings = []
    for table in choice.tables:
        scan, where = table.scan, f"sheet {table.scan.sheet.name}"
        if scan.rows <= max(table.layout.header + table.layout.header_rows - 1, table.layout.units_row):
            warnings.append(f"{where}: there are no records below the header")
        if scan.tally.errors:
            told = counted(scan.tally.errors, "cell holds an error", "cells hold an error")
            warnings.append(f"{where}: {told}, the first {scan.tally.first_error}")
        if scan.tally.uncached:
            how_many = counted(scan.tally.uncached, "formula was saved", "formulas were saved")
            instead = f"the first {scan.tally.first_uncached[:80]}; their text is read instead"
            warnings.append(f"{where}: {how_many} without their value, {instead}")
        if scan.tally.hidden_rows:
            told = counted(scan.tally.hidden_rows, "row is", "rows are")
            told += f" hidden, the first row {scan.tally.first_hidden}"
            warnings.append(f"{where}: {told}; they are records like all others")
        totals = [row for row in scan.totals if row > table.layout.header]
        if totals:
            rows = ", ".join(map(str, totals[:_SHOWN])) + (" …" if len(totals) > _SHOWN else "")
            told = f"{counted(len(totals), 'row looks like a total', 'rows look like totals')} (row {rows})"
            warnings.append(f"{where}: {told}; they are records unless the mapping skips them")
        warnings += _merged_numbers(table, where)
        warnings += _text_numbers(table, where)
    return warnings


def _merged_numbers(table: Table, where: str) -> list[str]:
    """Merged cells below the header that hold a number: whoever sums the column sums it more than once."""
    own, bottom = table.scan.own, table.layout.header + table.layout.header_rows - 1
    found = [
        merged
        for merged in table.scan.merged
        if merged.top > bottom
        and merged.bottom > merged.top
        and merged.top in own
        and own[merged.top].kinds[merged.left : merged.left + 1] == NUMBER
    ]
    if not found:
        return []
    first, times = found[0], found[0].bottom - found[0].top + 1
    value = own[first.top].texts[first.left]
    cells = counted(len(found), "merged cell holds", "merged cells hold")
    what = f"{cells} one number for several rows, and each row is read with all of it"
    return [f"{where}: {what}: the first is {first}, {value} in {times} rows; see that it is not summed {times} times"]


def _text_numbers(table: Table, where: str) -> list[str]:
    """Columns whose figures are kept as text in some cells; told by the top rows."""
    counts: dict[int, int] = {}
    for row in table.scan.own.values():
        if row.number <= table.layout.header:
            continue
        for column, (text, kind) in enumerate(zip(row.texts, row.kinds, strict=False)):
            if kind == TEXT and text.strip().lstrip("+-").replace(".", "", 1).replace(",", "").isdecimal():
                counts[column] = counts.get(column, 0) + 1
    columns = [column for column in columns_of(table.layout.columns) if counts.get(column)]
    if not columns:
        return []
    named = ", ".join(map(letters, columns[:_SHOWN])) + (" …" if len(columns) > _SHOWN else "")
    cells = counted(sum(counts[column] for column in columns), "cell")
    return [f"{where}: numbers stored as text in column {named} (first rows: {cells})"]


def _about_names(headings: Sequence[Heading], tables: Sequence[Table]) -> list[str]:
    warnings = []
    for found, table in zip(headings, tables, strict=True):
        unnamed = [place for place, cell in zip(found.places, found.cells, strict=True) if not cell]
        if unnamed:
            named = ", ".join(map(letters, unnamed[:_SHOWN]))
            warnings.append(
                f"sheet {table.scan.sheet.name}: columns with values but no name: {named}; they are numbered"
            )
    everywhere = set.intersection(*(set(found.names) for found in headings))
    some = [column for column in _columns(headings) if column not in everywhere]
    if some:
        warnings.append(f"columns that not every sheet has are blank in the others: {', '.join(some[:_SHOWN])}")
    return warnings
