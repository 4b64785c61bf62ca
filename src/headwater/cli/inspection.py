"""`headwater inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.reading import Delimiter, Encoding, Format, Header, Member, Preamble, Records, Sheet, hints
from headwater.cli.session import read_settings
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.connectors.inspection import SheetInfo
    from headwater.mapping.profile import ColumnProfile, Convention
    from headwater.services.inspections import Inspected

ROWS = 5
MERGED = 8


def inspect(
    file: Annotated[Path, typer.Argument(help="The file to look at.", show_default=False)],
    *,
    file_format: Format = None,
    member: Member = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    preamble: Preamble = None,
    sheet: Sheet = None,
    header: Header = None,
    records: Records = None,
    html: Annotated[
        Path | None, typer.Option(help="Write all of it as one HTML page.", show_default="not written")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a file is before anything is loaded.

    Format, encoding, header, sheets, columns and what they hold: every finding comes with its evidence. What cannot be
    read safely is refused in words, with the option that settles it. Nothing is stored, and no database is needed.

    \b
    Examples:
      headwater inspect meters.csv
      headwater inspect export.txt --encoding cp1252 --delimiter ";"
      headwater inspect report.xlsx --sheet "20*" --header 5 --html report.html
      headwater inspect meters.csv --json
    """
    from headwater.services.inspections import inspect as look
    from headwater.services.reports.inspection_page import write_page

    read_settings()
    found = look(
        file,
        hints(
            file_format=file_format,
            member=member,
            encoding=encoding,
            delimiter=delimiter,
            preamble=preamble,
            sheet=sheet,
            header=header,
            records=records,
        ),
    )
    if html is not None:
        write_page(found, html)
    if as_json:
        print_json(found.as_json())
        return
    _tell(found)
    if html is not None:
        typer.echo(f"Written: {html}")
    if found.mappings:
        typer.echo(f"Load it with: headwater import {file} --mapping {found.mappings[0]}")
    else:
        typer.echo(f"Begin a mapping with: headwater map suggest {file}")


def _tell(found: Inspected) -> None:
    from headwater.services.reports.inspection_page import how_it_is_written, share_of, where_word

    seen, profile = found.file, found.profile
    print_facts(
        [
            ("file", f"{seen.name}, {seen.size:,} bytes"),
            *how_it_is_written(found),
            ("decimal sign", _convention(profile.decimal)),
            ("thousands", profile.group or "not grouped"),
            ("order of dates", _convention(profile.date_order)),
            ("confidence", f"{seen.confidence:.0%}"),
            ("because", "\n".join(seen.evidence)),
            ("warnings", "\n".join(seen.warnings) or "none"),
            ("mappings that fit", ", ".join(found.mappings) or "none of those brought along"),
        ]
    )
    if seen.sheets:
        _tell_sheets(seen.sheets)
    print_table(
        ["column", "holds", "unit", "blank", "different", "no value"],
        [
            (each.name, _kind(each), each.unit, share_of(each.blanks), each.distinct, _absent(each))
            for each in profile.columns
        ],
        title=f"Columns, over {counted(profile.records, 'record')}",
        numbers=["blank", "different"],
    )
    lines = seen.sample_lines[:ROWS]
    print_table(
        ["column", *(f"{where_word(found).lower()} {line}" for line in lines)],
        [(column, *(row[number] for row in seen.sample[:ROWS])) for number, column in enumerate(seen.columns)],
        title="First records",
    )
    if len(seen.sample) > ROWS:
        typer.echo(f"{told_of(ROWS, len(seen.sample), 'sample record')}; --json and --html have them all.")


def _tell_sheets(sheets: Sequence[SheetInfo]) -> None:
    print_table(
        ["sheet", "state", "read", "header in row", "rows", "columns", "merged"],
        [
            (each.name, each.state, each.is_read, each.header_row, each.rows, each.columns, _merged(each))
            for each in sheets
        ],
        title="Sheets",
        numbers=["header in row", "rows", "columns"],
    )


def _merged(sheet: SheetInfo) -> str:
    shown = ", ".join(sheet.merged[:MERGED])
    return shown if len(sheet.merged) <= MERGED else f"{shown}: {told_of(MERGED, len(sheet.merged), 'range')}"


def _convention(found: Convention) -> str:
    examples = f" ({', '.join(found.examples)})" if found.examples else ""
    if found.is_sure:
        return f"{found.value}: {found.because}{examples}"
    if found.confidence == 1:
        return found.because
    perhaps = f", perhaps {found.value}" if found.value else ""
    return f"in doubt{perhaps}: {found.because}{examples}; the mapping's locale says it"


def _kind(column: ColumnProfile) -> str:
    return "years" if column.is_year else column.kind


def _absent(column: ColumnProfile) -> str:
    return ", ".join(f"{word} × {count:,}" for word, count in column.absent.items())
