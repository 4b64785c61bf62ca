"""`headwater recipe`: many files at once, grouped by layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import read_settings
from headwater.cli.suggesting import Force

if TYPE_CHECKING:
    from headwater.services.layouts import Group

app = typer.Typer(no_args_is_help=True, help="Recipes: what a run does with a source.")


@app.callback()
def _group() -> None:
    """Recipes: what a run does with a source."""


@app.command()
def init(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of them.", show_default=False)],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for mappings and recipes.")] = Path("recipes"),
    contract: Annotated[
        str | None, typer.Option("--contract", "-c", help="Map all onto this contract.", show_default="what fits")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write mappings and recipes for many files.

    Files with the same columns are one layout and share a mapping: one that a pack brings where it fits, else a
    suggested one, with what is open as comments; where no contract fits well nothing is written. Each layout gets a
    recipe; its pattern takes later files of the same name too. What is there already with other content is never
    written over without --force.

    \b
    Examples:
      headwater recipe init inbox
      headwater recipe init inbox/*.xlsx --out recipes --contract activity
      headwater recipe init inbox --json

    \b
    Exit codes: 0 all files grouped, 1 error, 2 usage, 4 some files cannot be read.
    """
    from headwater.services.layouts import init_recipes

    read_settings()
    found = init_recipes(files, out, contract=contract, force=force)
    if as_json:
        print_json(found.as_json())
    else:
        print_table(
            ["layout", "files", "columns", "mapping", "contract", "required, open"],
            [
                (
                    group.name,
                    len(group.files),
                    group.columns,
                    _mapping(group),
                    group.contract,
                    ", ".join(group.open),
                )
                for group in found.groups
            ],
            title="Layouts",
            numbers=["files", "columns"],
            whole=["layout"],
        )
        if found.refused:
            print_table(["file", "why"], [(each.file, each.why) for each in found.refused], title="Not read")
        recipes = [recipe for group in found.groups for recipe in group.recipes]
        if recipes:
            first = Path(found.folder) / recipes[0]
            typer.echo(f"Written to {found.folder}. Fill what is open, then: headwater run {first}")
    if found.refused:
        raise typer.Exit(exits.PARTIAL)


def _mapping(group: Group) -> str:
    if not group.mapping:
        return "none: no contract fits well; name one with --contract"
    return f"{group.mapping} (brought along)" if group.is_shipped else group.mapping
