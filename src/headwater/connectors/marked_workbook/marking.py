"""A copy of an XLSX workbook with cells marked and a sheet added.

The package's XML is edited in place: the sheets marked (styles of the marked cells, a legacy drawing), the styles
(marked copies at the end), notes, the list of sheets. Every other part is copied as it is: formulas, charts, pictures,
pivot tables, macros, validations, what no library knows.
"""

from __future__ import annotations

import mmap
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from xml.sax.saxutils import quoteattr

from headwater.connectors.marked_workbook import notes as note_parts
from headwater.connectors.marked_workbook.cells import drawing_of, write_marked
from headwater.connectors.marked_workbook.package import STRICT, Package
from headwater.connectors.marked_workbook.styles import EMPTY, Styles
from headwater.connectors.workbook.archive import Archive, corrupt
from headwater.connectors.workbook.grid import letters

MAX_NOTES = 5_000
"""Notes in one workbook: with many more, spreadsheets take minutes to open it. Cells beyond are coloured, too."""
MAX_CELL = 32_000
"""Characters of a note or a cell: what Excel holds, with room to spare."""
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A cell to be coloured; row from 1, column from 0. `note` is "" for none."""

    sheet: str
    row: int
    column: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class TableSheet:
    """A sheet to be added: texts, with a link from a cell of each row to a place in the workbook.

    link_column  which cell of a row is the link
    links        for each row the sheet and the cell it leads to
    widths       of the columns, in characters
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    link_column: int
    links: Sequence[tuple[str, str]]
    widths: Sequence[int]


def mark_workbook(path: Path, out: IO[bytes], marks: Iterable[Mark], table: TableSheet, *, name: str) -> int:
    """Write the copy; how many marks got no note, since there are more than a workbook bears.

    InputRefused where the package is damaged, or has no sheet that a mark names.
    """
    by_sheet: dict[str, dict[int, dict[int, list[str]]]] = {}
    for mark in marks:
        cell = by_sheet.setdefault(mark.sheet, {}).setdefault(mark.row, {}).setdefault(mark.column, [])
        cell += [mark.note] if mark.note and mark.note not in cell else []
    with Archive(path, name) as archive, TemporaryDirectory(prefix="headwater-") as folder:
        package = Package(archive, name)
        sheets = package.sheets()
        styles_part = next(
            (part for kind, part in package.relations(package.book).values() if kind.endswith("/styles")), None
        )
        styles = Styles(package.read(styles_part) if styles_part else EMPTY, name)
        left, unnoted = MAX_NOTES, 0
        for number, (sheet, rows) in enumerate(by_sheet.items()):
            if sheet not in sheets:
                raise corrupt(name, f"it has no sheet {sheet!r}")
            noted = {
                (row, column): "\n\n".join(texts)[:MAX_CELL]
                for row, columns in sorted(rows.items())
                for column, texts in sorted(columns.items())
                if texts
            }
            kept = dict(list(noted.items())[:left])
            left, unnoted = left - len(kept), unnoted + len(noted) - len(kept)
            copy = Path(folder) / f"sheet{number}"
            _mark_sheet(package, sheets[sheet], rows, kept, styles, copy)
        if styles_part:
            package.put(styles_part, styles.data())
        else:
            styles_part = _free(package, "styles")
            package.put(styles_part, styles.data(), kind=STYLES_TYPE)
            package.relate(package.book, "styles", styles_part)
        _add_sheet(package, table)
        package.write(out)
    return unnoted


def _mark_sheet(  # noqa: PLR0917  one sheet's worth
    package: Package,
    part: str,
    rows: Mapping[int, Mapping[int, object]],
    notes: Mapping[tuple[int, int], str],
    styles: Styles,
    copy: Path,
) -> None:
    original = copy.with_suffix(".original")
    with original.open("wb") as taken:
        taken.writelines(package.archive.stream(part))
    marks = {row: dict.fromkeys(columns, True) for row, columns in rows.items()}
    where = f"{package.name}, part {part}"
    with (
        original.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        copy.open("wb") as out,
    ):
        relation = _note(package, part, notes, drawing_of(mapped, where)) if notes else None
        element = partial(_drawing_element, package.namespace, relation)
        write_marked(mapped, marks, styles.marked, out, drawing=element, where=where)
    package.put(part, copy)


def _drawing_element(namespace: str, relation: str | None, prefix: str) -> bytes:
    if relation is None:
        return b""
    return f'<{prefix}legacyDrawing xmlns:hw="{namespace}" hw:id="{relation}"/>'.encode()


def _note(package: Package, part: str, notes: Mapping[tuple[int, int], str], drawing: str | None) -> str | None:
    """Notes on a sheet; the relation of a drawing that is new."""
    related = package.relations(part)
    comments = next((target for kind, target in related.values() if kind.endswith("/comments")), None)
    if comments is not None:
        package.put(comments, note_parts.with_comments(package.read(comments), notes, package.name))
    else:
        comments = _free(package, "comments")
        strict = package.namespace == STRICT
        package.put(comments, note_parts.comments(notes, strict=strict), kind=note_parts.COMMENTS_TYPE)
        package.relate(part, "comments", comments)
    shown = related.get(drawing or "", ("", ""))[1]
    if shown:
        package.put(shown, note_parts.with_boxes(package.read(shown), notes, package.name))
        return None
    shown = _free(package, "notes", ending="vml")
    package.default_type("vml", note_parts.DRAWING_TYPE)
    package.put(shown, note_parts.drawing(notes))
    return package.relate(part, "vmlDrawing", shown)


def _add_sheet(package: Package, table: TableSheet) -> None:
    """At the end, so that nothing that counts sheets counts otherwise."""
    part = _free(package, "findings")
    package.put(part, _sheet(table, strict=package.namespace == STRICT), kind=SHEET_TYPE)
    relation = package.relate(package.book, "worksheet", part)
    book = package.read(package.book).decode()
    end = re.search(r"</(\w+:)?sheets\s*>", book)
    if end is None:
        raise corrupt(package.name, "its list of sheets has no end")
    number = max((int(found) for found in re.findall(r"""\ssheetId\s*=\s*["'](\d+)["']""", book)), default=0) + 1
    added = (
        f'<{end[1] or ""}sheet xmlns:hw="{package.namespace}" name={quoteattr(table.name)} sheetId="{number}" '
        f'hw:id="{relation}"/>'
    )
    package.put(package.book, f"{book[: end.start()]}{added}{book[end.start() :]}".encode())


def _sheet(table: TableSheet, *, strict: bool) -> bytes:
    main = note_parts.MAIN_STRICT if strict else note_parts.MAIN
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>'
        for place, width in enumerate(table.widths, start=1)
    )
    rows = "".join(_row(number, cells) for number, cells in enumerate([table.header, *table.rows], start=1))
    links = "".join(
        f'<hyperlink ref="{letters(table.link_column)}{number}" location={quoteattr(_location(sheet, cell))}/>'
        for number, (sheet, cell) in enumerate(table.links, start=2)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{main}">'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" '
        f'state="frozen"/></sheetView></sheetViews><cols>{widths}</cols><sheetData>{rows}</sheetData>'
        f"{f'<hyperlinks>{links}</hyperlinks>' if links else ''}</worksheet>"
    ).encode()


def _row(number: int, cells: Sequence[str]) -> str:
    listed = "".join(
        f'<c r="{letters(place)}{number}" t="inlineStr"><is><t xml:space="preserve">'
        f"{note_parts.xml_text(cell[:MAX_CELL])}</t></is></c>"
        for place, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}">{listed}</row>'


def _location(sheet: str, cell: str) -> str:
    return "'" + sheet.replace("'", "''") + f"'!{cell}"


def _free(package: Package, stem: str, ending: str = "xml") -> str:
    """A name that no part has."""
    folder = posixpath.dirname(package.book)
    number = 1
    while package.has(part := posixpath.join(folder, f"headwater_{stem}{number}.{ending}")):
        number += 1
    return part
