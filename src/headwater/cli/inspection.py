"""`headwater inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import read_settings

ROWS = 5


def inspect(
    file: Annotated[Path, typer.Argument(help="The file to look at.", show_default=False)],
    encoding: Annotated[
        str | None, typer.Option(help="Take it as this encoding, like utf-8 or cp1252.", show_default="found")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Take this sign between fields.", show_default="found")] = None,
    preamble: Annotated[int | None, typer.Option(min=0, help="Lines above the header.", show_default="found")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a file is before anything is loaded.

    Encoding, delimiter, header, columns, first records: every finding comes with its evidence. What cannot be read
    safely is refused in words, with the option that settles it. Nothing is stored, and no database is needed.

    \b
    Examples:
      headwater inspect meters.csv
      headwater inspect export.txt --encoding cp1252 --delimiter ";"
      headwater inspect meters.csv --json
    """
    from headwater.connectors.csv_file import CsvConfig
    from headwater.services.inspections import inspect as look

    read_settings()
    found = look(file, CsvConfig(encoding=encoding, delimiter=delimiter, preamble=preamble))
    if as_json:
        print_json(found.as_json())
        return
    seen = found.file
    print_facts(
        [
            ("file", f"{seen.name}, {seen.size:,} bytes"),
            ("encoding", seen.encoding),
            ("delimiter", {"\t": "tab"}.get(seen.config.delimiter or "", seen.config.delimiter)),
            ("header", f"line {seen.header_line}, {len(seen.columns)} columns"),
            ("confidence", f"{seen.confidence:.0%}"),
            ("because", "\n".join(seen.evidence)),
            ("warnings", "\n".join(seen.warnings) or "none"),
            ("mappings that fit", ", ".join(found.mappings) or "none of those brought along"),
        ]
    )
    lines = seen.sample_lines[:ROWS]
    print_table(
        ["column", *(f"line {line}" for line in lines)],
        [(column, *(row[number] for row in seen.sample[:ROWS])) for number, column in enumerate(seen.columns)],
        title="First records",
    )
    if found.mappings:
        typer.echo(f"Load it with: headwater import {file} --mapping {found.mappings[0]}")
