"""Workbooks made by hand where no library writes what is to be read."""

from __future__ import annotations

import zipfile
from pathlib import Path

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook, read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
# Styles 1 to 7: date, time, date and time, elapsed hours, per cent with decimals, a text, an amount with a unit.
_STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="#,##0.0&quot; days&quot;"/></numFmts><cellXfs>'
    + "".join(f'<xf numFmtId="{number}"/>' for number in (0, 14, 21, 22, 46, 10, 49, 164))
    + "</cellXfs>"
)


def xlsx(
    path: Path,
    sheets: dict[str, str],
    *,
    states: dict[str, str] | None = None,
    shared: str = "",
    behind: str = "",
    strict: bool = False,
    since_1904: bool = False,
    prolog: str = "",
    kinds: dict[str, str] | None = None,
) -> Path:
    """Write a workbook whose sheets have the given rows (`<row>…</row>`), `behind` standing behind them."""
    main, relations = (STRICT, _STRICT_RELATIONS) if strict else (MAIN, _RELATIONS)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{relations}/officeDocument" '
            'Target="/xl/workbook.xml"/></Relationships>',
        )
        listed, targets = "", ""
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            state = f' state="{states[name]}"' if states and name in states else ""
            listed += f'<sheet name="{name}" sheetId="{number}" r:id="s{number}"{state}/>'
            kind = (kinds or {}).get(name, "worksheet")
            targets += f'<Relationship Id="s{number}" Type="{relations}/{kind}" Target="worksheets/sheet{number}.xml"/>'
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'{prolog}<worksheet xmlns="{main}"><dimension ref="A1:ZZ9"/><sheetData>{rows}</sheetData>{behind}'
                "</worksheet>",
            )
        date = '<workbookPr date1904="1"/>' if since_1904 else ""
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}">{date}<sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}">{targets}<Relationship Id="t" Type="{relations}/styles" '
            f'Target="styles.xml"/><Relationship Id="h" Type="{relations}/sharedStrings" Target="shared.xml"/>'
            "</Relationships>",
        )
        archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{main}">{_STYLES}</styleSheet>')
        archive.writestr("xl/shared.xml", f'<sst xmlns="{main}">{shared}</sst>')
    return path


def row(number: int, *cells: str) -> str:
    """A row of cells; `None` leaves one out."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def text(place: str, value: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def number(place: str, value: str, style: int = 0) -> str:
    return f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def ods(path: Path, tables: str, *, styles: str = "", manifest: str = "") -> Path:
    """Write a workbook of OpenDocument with the given `<table:table>` elements."""
    spaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
    )
    calc = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces} {calc}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            f'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{manifest}</m:manifest>',
        )
    return path


def rows_of(
    path: Path, config: WorkbookConfig | None = None, *, decimal: str = "."
) -> list[tuple[str, int, dict[str, str]]]:
    """Sheet, row and texts of every record, by way of inspection."""
    inspected = inspect_workbook(path, config)
    table = read_workbook(path, inspected.config, name=path.name, decimal=decimal)
    assert table.columns == inspected.columns
    return [
        (batch.part, batch.first_number + offset, record)
        for batch in table.batches
        for offset, record in enumerate(batch.rows.to_pylist())
    ]
