"""Looking at what a source holds: first rows of a table or a file, or a file brought here."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli.connectors_asking import Name
from headwater.cli.imports import AsJson
from headwater.cli.printing import console, print_json, print_table, text_of, told_of
from headwater.cli.session import installation

GAP = 2
"""Spaces between the columns of a table."""
WIDEST = 30
"""So many signs of a value are thought to stand in a line; a longer one folds."""


def sample(
    name: Name,
    *,
    table: Annotated[
        str, typer.Option("--table", "-t", help="The table or file, as `discover` calls it.", show_default=False)
    ],
    rows: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    kept: Annotated[
        bool, typer.Option("--kept", help="Those kept when the table was discovered; the source is not asked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the first rows of a table, or the first records of a file of a store.

    What is too wide for the terminal is shown with one column a line. `discover` keeps up to 100 rows of each table
    of a source with at most 20 tables, or of the one that it is asked for, encrypted; they are forgotten with the
    connector, and whenever somebody is erased.

    \b
    Examples:
      headwater connectors sample crm --table public.meters
      headwater connectors sample bills --table 2024/bills-01.csv --rows 5
      headwater connectors sample crm --table public.meters --kept
    """
    from headwater.services.connectors.kept_samples import kept_rows
    from headwater.services.connectors.viewing import sample as ask

    with installation() as opened:
        if kept:
            found, taken_at = kept_rows(opened, name, table)
            found = found.slice(0, rows)
        else:
            found, taken_at = ask(opened, name, table, rows=rows), None
    if as_json:
        print_json(_rows(found))
        return
    if not found.num_rows:
        print_table(["column", "comes as"], [(each.name, str(each.type)) for each in found.schema], whole=["column"])
        typer.echo("0 rows")
        return
    _tell(found)
    if taken_at is not None:
        typer.echo(f"as they were at {taken_at:%Y-%m-%d %H:%M:%S} UTC")


def _tell(found: Any) -> None:
    cells = [tuple(map(_cell, row.values())) for row in _rows(found)]
    widths = [
        max(len(column), *(_width(row[place]) for row in cells)) for place, column in enumerate(found.column_names)
    ]
    width = console().width
    if sum(widths) + GAP * len(widths) <= width:
        print_table(found.column_names, cells)
        return
    kinds = [str(each.type) for each in found.schema]
    names = max(map(len, found.column_names)) + max(map(len, kinds)) + 2 * GAP
    values = [min(WIDEST, max(map(_width, row))) + GAP for row in cells]
    shown = max(1, next((n for n in range(len(values)) if names + sum(values[: n + 1]) > width), len(values)))
    print_table(
        ["column", "comes as", *(f"row {number}" for number in range(1, shown + 1))],
        [
            (column, kinds[place], *(row[place] for row in cells[:shown]))
            for place, column in enumerate(found.column_names)
        ],
        whole=["comes as"],
    )
    typer.echo(f"{told_of(shown, len(cells), 'row')}; --json has all columns of each.")


def _rows(found: Any) -> list[dict[str, Any]]:
    """Rows as Python has them. A number of four bytes is the shortest one that means it, as its source shows it: in the
    eight bytes that Python gives it 0.1 would be 0.10000000149011612.
    """
    for place, each in enumerate(found.schema):
        if each.type == "float":
            found = found.set_column(place, each.name, found.column(place).cast("string").cast("double"))
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _cell(value: object) -> str:
    """A value of the source, without signs for thousands: it may be a key or a year."""
    return str(value) if type(value) is int else text_of(value)


def _width(text: str) -> int:
    return max(map(len, text.split("\n")))


def fetch(
    name: Name,
    file: Annotated[str, typer.Argument(help="The file, as `discover` calls it.", show_default=False)],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write it: a file or a folder.", show_default="here")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Bring a file of a store here, to look at it or to write a mapping for its like. Nothing is loaded.

    \b
    Examples:
      headwater connectors fetch bills 2024/bills-01.csv
      headwater connectors fetch bills 2024/bills-01.csv --out samples/
    """
    from headwater.services.connectors.store_viewing import fetch as bring

    with installation() as opened:
        path = bring(opened, name, file, out, force=force)
    typer.echo(f"Written: {path}, {path.stat().st_size:,} bytes")
    typer.echo(f"Look at it with: headwater inspect {shlex.quote(str(path))}")
    typer.echo(f"Begin a mapping with: headwater map suggest {shlex.quote(str(path))}")
