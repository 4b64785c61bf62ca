"""A workbook of another format as XLSX: every sheet with its values and merged cells, numbers, dates and per cents as
such, so that it is read as the original is.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO
from xml.sax.saxutils import quoteattr

from headwater.connectors.marked_workbook.notes import MAIN, xml_text
from headwater.connectors.marked_workbook.package import TRANSITIONAL, TYPES
from headwater.connectors.workbook.formats import Shown
from headwater.connectors.workbook.grid import Row, Walked, letters
from headwater.connectors.workbook.opening import opened
from headwater.connectors.workbook.texts import number_text, percent_text, serial_text

_STYLES = ("General", "0.###############%", "yyyy\\-mm\\-dd", "yyyy\\-mm\\-dd\\Thh:mm:ss", "hh:mm:ss")
_PLAIN, _PERCENT, _DATE, _BOTH, _TIME = range(5)
_SHOWN = {_DATE: Shown(date=True), _BOTH: Shown(date=True, time=True), _TIME: Shown(time=True)}
_STATES = {"hidden": ' state="hidden"', "very hidden": ' state="veryHidden"'}
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)?T?(?:(\d\d):(\d\d):(\d\d)(\.\d{1,3})?)?")
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def as_xlsx(path: Path, out: IO[bytes], *, name: str, blank: Mapping[str, Collection[int]] | None = None) -> None:
    """Write the workbook as XLSX. Fonts, widths, formulas, pictures and charts are not taken along.

    blank: sheet -> numbers of rows that are left out; all others stay where they are.
    """
    blank = blank or {}
    with opened(path, name) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        grids = [sheet for sheet in book.sheets if sheet.is_grid]
        number = 0
        for number, walked in enumerate(book.walk(frozenset(sheet.name for sheet in grids), "."), start=1):
            with packed.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True) as part:
                for piece in _sheet(walked, blank.get(walked.sheet, ())):
                    part.write(piece.encode())
        listed = "".join(
            f'<sheet name={quoteattr(sheet.name)} sheetId="{place}"{_STATES.get(sheet.state, "")} r:id="rId{place}"/>'
            for place, sheet in enumerate(grids, start=1)
        )
        relations = "".join(
            _relation(place, "worksheet", f"worksheets/sheet{place}.xml") for place in range(1, number + 1)
        )
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{place}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            for place in range(1, number + 1)
        )
        parts = {
            TYPES: f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
            "_rels/.rels": _relations(_relation(1, "officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{TRANSITIONAL}">'
            f"<sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": _relations(relations + _relation(number + 1, "styles", "styles.xml")),
            "xl/styles.xml": _styles(),
        }
        for part_name, text in parts.items():
            packed.writestr(part_name, _HEAD + text)


def _sheet(walked: Walked, blank: Collection[int]) -> Iterator[str]:
    yield f'{_HEAD}<worksheet xmlns="{MAIN}"><sheetData>'
    for row in walked.rows:
        if row.number not in blank:
            yield _row(row)
    yield "</sheetData>"
    merged = [
        f'<mergeCell ref="{each}"/>' for each in walked.merged if (each.top, each.left) != (each.bottom, each.right)
    ]
    if merged:
        yield f'<mergeCells count="{len(merged)}">{"".join(merged)}</mergeCells>'
    yield "</worksheet>"


def _row(row: Row) -> str:
    cells = "".join(_cell(f"{letters(place)}{row.number}", text) for place, text in enumerate(row.texts) if text)
    return f'<row r="{row.number}">{cells}</row>'


def _cell(place: str, text: str) -> str:
    """As a number, date, per cent, truth or error where reading that gives the text again; else as a text."""
    found = _stored(text)
    if found is not None:
        style, value = found
        return f'<c r="{place}"{f" s={chr(34)}{style}{chr(34)}" if style else ""}><v>{value}</v></c>'
    if text in {"TRUE", "FALSE"}:
        return f'<c r="{place}" t="b"><v>{int(text == "TRUE")}</v></c>'
    if text in _ERRORS:
        return f'<c r="{place}" t="e"><v>{text}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{xml_text(text)}</t></is></c>'


def _stored(text: str) -> tuple[int, str] | None:
    """Style and stored number."""
    try:
        if _NUMBER.fullmatch(text) and number_text(float(text)) == text:
            return _PLAIN, repr(float(text)).removesuffix(".0")
        if text.endswith("%") and _NUMBER.fullmatch(text[:-1]):
            share = float(Decimal(text[:-1]).scaleb(-2))
            return (_PERCENT, repr(share)) if percent_text(share) == text else None
        return _moment(text)
    except (ValueError, OverflowError, InvalidOperation):
        return None


def _moment(text: str) -> tuple[int, str] | None:
    found = _MOMENT.fullmatch(text) if text else None
    if found is None or not (found[1] or found[2]):
        return None
    style = _TIME if not found[1] else _BOTH if found[2] else _DATE
    days = (datetime.date.fromisoformat(found[1]) - datetime.date(1899, 12, 30)).days if found[1] else 0
    seconds = sum(int(found[place] or 0) * weight for place, weight in ((2, 3600), (3, 60), (4, 1)))
    serial = days + (seconds + float(found[5] or 0)) / 86_400
    if serial_text(serial, _SHOWN[style], since_1904=False) != text:
        return None
    return style, repr(serial).removesuffix(".0")


def _styles() -> str:
    formats = "".join(
        f'<numFmt numFmtId="{163 + place}" formatCode={quoteattr(code)}/>'
        for place, code in enumerate(_STYLES)
        if place
    )
    styles = "".join(
        f'<xf numFmtId="{163 + place if place else 0}" fontId="0" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1"/>'
        for place in range(len(_STYLES))
    )
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts count="{len(_STYLES) - 1}">{formats}</numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(_STYLES)}">{styles}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _relations(inside: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{TRANSITIONAL}/{kind}" Target="{target}"/>'
