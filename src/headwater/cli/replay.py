"""`headwater replay`: figures in a file that checks itself, for whoever has no Headwater and trusts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.replay.differences import Findings

app = typer.Typer(no_args_is_help=True, help="One file that computes its figures again, anywhere.")
export = typer.Typer(
    no_args_is_help=True, help="Write a figure, a run or an inventory into one file that checks itself."
)
app.add_typer(export, name="export")

Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write.", show_default="replay-….pyz")]


@export.command()
def emission(
    activity_id: Annotated[str, typer.Argument(help="The activity whose figure it is.", show_default=False)],
    out: Out = None,
    method: Annotated[str | None, typer.Option(help="Which figure, where an activity has several.")] = None,
    gwp_set: Annotated[str | None, typer.Option(help="Which figure, where an activity has several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export one figure: its raw record, mapping, contract, factors, formula, and the proof of the audit chain.

    The file runs wherever there is Python 3.11, without Headwater, database or network: `python FILE` computes the
    figure again from its cells. What was exported is checked at once.

    \b
    Examples:
      headwater replay export emission meter-7-2024-01
      headwater replay export emission meter-7-2024-01 --out january.pyz
    """
    from headwater.services.replay_export.export import check, export_emission

    path = out or Path(f"replay-{_plain(activity_id)}.pyz")
    with installation() as opened:
        export_emission(opened, activity_id, path, method=method, gwp_set=gwp_set)
    _tell(check(path), path, as_json=as_json)


@export.command()
def run(
    run: Annotated[str, typer.Argument(help="Id of the run, or enough of its beginning.", show_default=False)],
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Export a run: every record it read and what became of it, its rows and its figures.

    \b
    Examples:
      headwater replay export run 3f2a
      headwater replay export run 3f2a --out 2024.pyz
    """
    from headwater.services.replay_export.export import check, export_run

    path = out or Path(f"replay-{run[:8]}.pyz")
    with installation() as opened:
        export_run(opened, run, path)
    _tell(check(path), path, as_json=as_json)


@export.command()
def inventory(
    inventory: Annotated[str, typer.Argument(help="Its number, its name, or enough of its id.", show_default=False)],
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Export an inventory: its document, everything it pinned, its lines, and how each factor was chosen.

    \b
    Examples:
      headwater replay export inventory 1
      headwater replay export inventory laboratory_2020 --out laboratory.pyz
    """
    from headwater.services.replay_export.export import check, export_inventory

    path = out or Path(f"replay-inventory-{_plain(inventory)}.pyz")
    with installation() as opened:
        export_inventory(opened, inventory, path)
    _tell(check(path), path, as_json=as_json)


@app.command("check")
def check_(
    file: Annotated[Path, typer.Argument(help="A file of `replay export`.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Compute an exported file again, and name the first thing that differs: member, row, field.

    Needs no database. The script inside is compared with this version's own, and never run; `python FILE` runs it where
    there is no Headwater, and comes to the same.

    \b
    Examples:
      headwater replay check replay-3f2a.pyz
      headwater replay check replay-3f2a.pyz --json

    \b
    Exit codes: 0 everything agrees, 1 something does not, 2 usage.
    """
    from headwater.services.replay_export.export import check

    _tell(check(file), None, as_json=as_json)


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name)[:80]


def _tell(findings: Findings, written: Path | None, *, as_json: bool) -> None:
    from headwater.replay.told import lines_of

    if as_json:
        print_json(findings.as_json() | ({"written": str(written)} if written else {}))
    else:
        for line in lines_of(findings):
            typer.echo(line)
        if written:
            typer.echo(f"written to {written}; check it anywhere: python {written.name}")
    if not findings.ok:
        raise typer.Exit(exits.ERROR)
