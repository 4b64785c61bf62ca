"""`headwater import` and `headwater run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.session import installation

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def import_(
    file: Annotated[Path, typer.Argument(help="The file to import.", show_default=False)],
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="Path of a mapping, or the name of one that a pack brings.")
    ],
    name: Annotated[
        str | None,
        typer.Option(help="What the source is called from run to run.", show_default="the file's name"),
    ] = None,
    chunk_size: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Records a transaction.", show_default="the setting chunk_size"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a file through a mapping.

    Prints the run's id first and its ledger last. Records that break a rule go to quarantine, the others are loaded;
    importing the same file again changes nothing.

    \b
    Examples:
      headwater import meters.csv --mapping meters.yaml
      headwater import electricity_2024.csv --mapping laboratory_electricity --name electricity
      headwater import meters.csv --mapping meters.yaml --json

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.imports import plan_file

    with installation() as opened:
        carry_out_and_tell(
            opened,
            lambda: plan_file(opened, file, mapping, source_name=name, chunk_size=chunk_size),
            as_json=as_json,
        )


def run(
    recipe: Annotated[Path, typer.Argument(help="The recipe: a YAML or JSON file.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Run a recipe.

    It says source, mapping, load strategy and factors in one document; paths in it are taken from its folder.
    Running the same recipe twice changes nothing.

    \b
    Examples:
      headwater run recipes/electricity.yaml
      headwater run recipes/electricity.yaml --json

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.imports import plan_recipe

    with installation() as opened:
        carry_out_and_tell(opened, lambda: plan_recipe(opened, recipe), as_json=as_json)
