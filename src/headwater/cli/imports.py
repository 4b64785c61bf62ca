"""`headwater import` and `headwater run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.many import import_each_and_tell
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.pipeline.recipe import Recipe

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Every = Annotated[bool, typer.Option("--all", help="Of several files also those that are as they were loaded.")]


def import_(
    file: Annotated[str, typer.Argument(help="A file, a folder, or a pattern in quotes.", show_default=False)],
    *,
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
    every: Every = False,
    as_json: AsJson = False,
) -> None:
    """Import a file, or all files of a folder or pattern, through a mapping.

    CSV, Excel, OpenDocument, JSON, XML and Parquet, plain or packed. Prints the run's id first and its ledger last.
    Records that break a rule go to quarantine, the others are loaded; importing the same file again changes nothing.
    Of a folder only new and changed files are read, each in a run of its own.

    \b
    Examples:
      headwater import sites/ --mapping meters.yaml
      headwater import "bills/2024-*.xlsx" --mapping bills.yaml
      headwater import meters.csv --mapping meters.yaml
      headwater import electricity_2024.csv --mapping laboratory_electricity --name electricity
      headwater import meters.csv --mapping meters.yaml --json

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.imports import file_recipe

    recipe = file_recipe(file, mapping, source_name=name, chunk_size=chunk_size)
    _carry_out(recipe, Path.cwd(), every=every, as_json=as_json)


def run(
    recipe: Annotated[Path, typer.Argument(help="The recipe: a YAML or JSON file.", show_default=False)],
    every: Every = False,
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
    from headwater.pipeline.recipe import load_recipe

    _carry_out(load_recipe(recipe), recipe.parent, every=every, as_json=as_json)


def _carry_out(recipe: Recipe, base: Path, *, every: bool, as_json: bool) -> None:
    """One file as one run; of several each in a run of its own."""
    from headwater.services.imports import plan_source, source_files

    with installation() as opened:
        if recipe.source.connector is not None:
            from headwater.cli.connectors_syncing import sync_and_tell

            sync_and_tell(opened, recipe, base, as_json=as_json)
            return
        if recipe.source.contract is not None:
            from headwater.services.record_sources import plan_records

            carry_out_and_tell(opened, lambda: plan_records(opened, recipe, base), as_json=as_json)
            return
        files = source_files(opened, recipe, base)
        if not files[0].alone:
            import_each_and_tell(opened, recipe, base, files, again=every, as_json=as_json)
        carry_out_and_tell(opened, lambda: plan_source(opened, recipe, base, files[0]), as_json=as_json)
