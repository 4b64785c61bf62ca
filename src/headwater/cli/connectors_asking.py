"""Asking a source: whether it can be read, what its columns hold, the chunks a sync would read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.connectors.protocol import Problem, Unit
    from headwater.services.connectors.profiling import ColumnProfile, TableProfile
    from headwater.services.installation import Installation

Name = Annotated[str, typer.Argument(help="Name of the connector.", show_default=False)]
Window = Annotated[
    Literal["none", "month", "week", "day"] | None,
    typer.Option(help="What of the calendar chunks of a time end with.", show_default="by the table's size"),
]
TableName = Annotated[str, typer.Option("--table", "-t", help="The table, as `discover` calls it.", show_default=False)]


def validate(
    name: Name,
    table: Annotated[str | None, typer.Option("--table", "-t", help="Also whether this table may be read.")] = None,
    as_json: AsJson = False,
) -> None:
    """See whether a source can be reached and read, and if not, what stands in the way.

    \b
    Examples:
      headwater connectors validate crm
      headwater connectors validate crm --table public.meters

    \b
    Exit codes: 0 all well, 1 something stands in the way, 2 usage.
    """
    from dataclasses import asdict

    from headwater.services.connectors.viewing import validate as ask

    with installation() as opened:
        problems = ask(opened, name, table)
    if as_json:
        print_json({"connector": name, "problems": [asdict(each) for each in problems]})
    elif problems:
        _tell(problems)
    else:
        typer.echo(f"{name} can be reached and read.")
    if problems:
        raise typer.Exit(exits.ERROR)


def _tell(problems: Sequence[Problem]) -> None:
    print_table(
        ["cause", "what", "where", "valid", "what to do"],
        [(each.cause, each.what, each.where, each.valid, each.remedy) for each in problems],
        whole=["cause"],
    )


def profile(
    name: Name,
    *,
    table: Annotated[
        str | None,
        typer.Option(
            "--table", "-t", help="The table or file, as `discover` calls it.", show_default="the only one there is"
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many of the first rows to look at.")] = 10_000,
    every: Annotated[bool, typer.Option("--all", help="Look at all rows.")] = False,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            "-m",
            help="A mapping, by path or name, that tells too which columns hold personal data.",
            show_default="those of this connector's syncs",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the columns of a table or a file hold: blanks, different values, lowest, highest, sum, mean and more.

    The type is the source's own; beside it stands what the values look like, which a column of texts hides.
    No value is told of a column from which any mapping of this connector has ever filled a field that may hold personal
    data. Numbers are exact, the mean rounded to 12 decimals. Nothing is loaded.

    \b
    Examples:
      headwater connectors profile crm --table public.meters
      headwater connectors profile crm --table public.meters --all --json
      headwater connectors profile bills --table 2024/bills-01.csv
      headwater connectors profile hr --table Workers --mapping workers.yaml
    """
    from headwater.services.connectors.profiling import profile as ask

    with installation() as opened:
        found = ask(opened, name, table, rows=None if every else rows, mapping=mapping, base=Path.cwd())
    if as_json:
        print_json(found.as_json())
    else:
        _print_profile(found)


def _print_profile(found: TableProfile) -> None:
    print_table(
        ["column", "type", "holds", "blank", "different", "lowest", "highest", "sum", "mean", "longest",
         "most often, or looks"],
        [
            (each.name, each.type, each.holds, each.blank, each.distinct, each.low, each.high, each.total, each.mean,
             each.longest, "personal: not told" if each.personal else _frequent(each))
            for each in found.columns
        ],
        title=f"{found.table}, {'all' if found.is_whole else 'the first'} {counted(found.rows, 'row')}",
        numbers=["blank", "different", "longest"],
        whole=["column"],
    )  # fmt: skip
    if found.mappings:
        typer.echo(f"What is personal is known from: {', '.join(found.mappings)}")
    else:
        typer.echo(
            "No mapping of this connector is known, so that no column is known to be personal: --mapping names one."
        )


def _frequent(column: ColumnProfile) -> str:
    return ", ".join(f"{value} × {times:,}" for value, times in (column.most_often or column.patterns)[:3])


def plan(
    name: Name,
    *,
    table: Annotated[
        str | None, typer.Option("--table", "-t", help="The table, as `discover` calls it.", show_default=False)
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="The column that tells what changed.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what changed after this cursor.")] = None,
    chunk_size: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Rows a chunk.")] = None,
    window: Window = None,
    as_json: AsJson = False,
) -> None:
    """Show the chunks that a sync of a table would read, without reading any. A store of files has no plan.

    \b
    Examples:
      headwater connectors plan crm --table public.meters --cursor changed_at
    """
    from dataclasses import asdict

    from headwater.connectors.protocol import Selection
    from headwater.services.connectors.viewing import plan as ask

    with installation() as opened:
        if table is None:
            raise _no_table(opened, name)
        selection = Selection(table=table, cursor=cursor, since=since, chunk_rows=chunk_size, window=window)
        found = ask(opened, name, selection)
    if as_json:
        chunks = [asdict(each) for each in found.chunks]
        told = {"key": found.key, "upto": found.upto, "window": found.window, "notices": found.notices}
        print_json({"chunks": chunks, **told})
        return
    for line in found.notices:
        typer.echo(f"noticed: {line}")
    print_table(
        ["chunk", "rows, about", "where", "cursor to"],
        [(each.chunk_no, each.rows, _place(each.locator), each.cursor_to) for each in found.chunks],
        numbers=["chunk", "rows, about"],
    )
    if cursor is not None:
        typer.echo(_ends(found.window))


def _ends(window: Unit | None) -> str:
    """What of the calendar the chunks of a plan end with."""
    if window is None:
        return "Chunks end where they are full, not with the calendar."
    return f"Chunks end with a {window} of the calendar; one that has more rows than a chunk is cut within."


def _no_table(opened: Installation, name: str) -> Misuse:
    """What is wrong where a plan is asked for and no table is named."""
    from headwater.services.connectors.keeping import find, is_store
    from headwater.services.connectors.keeping import opened as source_of

    stored = find(opened, name)
    with source_of(opened, stored) as source:
        if is_store(source):
            return Misuse(
                "this connector brings files, and a plan is that of a table",
                where=f"connector {name}",
                value=stored.kind,
                remedy=f"In a sync each file is a run of its own. The files: headwater connectors discover {name}",
            )
    return Misuse(
        "a table must be said", where="--table", remedy=f"Those there are: headwater connectors discover {name}"
    )


def _place(locator: Any) -> str:
    """A locator of ours in words; that of a plug-in's own as it is."""
    by, low, high = locator.get("by"), _bound(locator.get("from")), _bound(locator.get("to"))
    limits = " ".join(part for part in (f"from {low}" if low else "", f"to before {high}" if high else "") if part)
    if by == "whole":
        return "the whole table"
    if by == "key_range":
        return f"by key ({', '.join(locator['key'])}) {limits}".rstrip()
    if by in {"time_window", "counter"} and "cursor" in locator:
        return f"by {locator['cursor']} {limits}".rstrip()
    if by == "blank":
        names = " or ".join(locator["columns"])
        return f"rows whose {names} has no end" if locator.get("endless") else f"rows without {names}"
    return ", ".join(f"{name} {value}" for name, value in locator.items() if value is not None)


def _bound(said: Any) -> str:
    return ", ".join(map(str, said)) if isinstance(said, list | tuple) else "" if said is None else str(said)
