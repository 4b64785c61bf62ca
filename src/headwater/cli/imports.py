"""`headwater import` and `headwater run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.many import import_each_and_tell
from headwater.cli.printing import print_json
from headwater.cli.session import installation
from headwater.cli.trying import DryRun, Rows, refuse_rows, try_and_tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from headwater.pipeline.recipe import Recipe

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Between = Annotated[
    str, typer.Option("--delimiter", help='What stands between the cells of CSV: , ; | or tab. Some Excels want ";".')
]
MappingOrForm = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        "-m",
        help="Path of a mapping, the name of one that a pack brings, or a contract: activity@1.",
        show_default="what a workbook to fill in says",
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(
        help="The unit that its records belong to: path or id.", show_default="where the source belongs already"
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Of several files also those that are as they were loaded.")]
Drift = Annotated[
    Literal["evolve", "freeze", "quarantine", "stop"] | None,
    typer.Option(
        "--drift",
        help="What this one run does where columns changed: freeze takes them as they are.",
        show_default="as the recipe says, else freeze",
    ),
]
Queued = Annotated[
    bool, typer.Option("--queue", help="Have a worker do it: print the job's id, and do not wait. See: headwater jobs")
]


def import_(
    file: Annotated[str, typer.Argument(help="A file, a folder, or a pattern in quotes.", show_default=False)],
    *,
    mapping: MappingOrForm = None,
    name: Annotated[
        str | None,
        typer.Option(help="What the source is called from run to run.", show_default="the file's name"),
    ] = None,
    chunk_size: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Records a transaction.", show_default="the setting chunk_size"),
    ] = None,
    unit: Unit = None,
    drift: Drift = None,
    every: Every = False,
    dry_run: DryRun = False,
    rows: Rows = None,
    queued: Queued = False,
    as_json: AsJson = False,
) -> None:
    """Import a file, or all files of a folder or pattern, through a mapping.

    CSV, Excel, OpenDocument, JSON, XML and Parquet, plain or packed. Prints the run's id first and its ledger last.
    Records that break a rule go to quarantine, the others are loaded; importing the same file again changes nothing.
    Of a folder only new and changed files are read, each in a run of its own.

    A workbook of `headwater contracts template` needs no mapping: it says of which contract it is. Any other file whose
    columns are named as a contract's fields are is read by --mapping CONTRACT@VERSION.

    \b
    Examples:
      headwater import activity.xlsx
      headwater import sites/ --mapping meters.yaml
      headwater import "bills/2024-*.xlsx" --mapping bills.yaml
      headwater import meters.csv --mapping meters.yaml
      headwater import electricity_2024.csv --mapping laboratory_electricity --name electricity
      headwater import meters.csv --mapping meters.yaml --unit Europe/Berlin
      headwater import meters.csv --mapping meters.yaml --json
      headwater import meters.csv --mapping meters.yaml --dry-run
      headwater import meters.csv --mapping meters.yaml --queue

    \b
    Exit codes: 0 all loaded, 1 error or no file, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.contract_forms import contract_named_by
    from headwater.services.imports import file_recipe

    recipe = file_recipe(
        file, mapping or contract_named_by(Path(file)), source_name=name, chunk_size=chunk_size, unit=unit
    ).with_drift(drift)
    refuse_rows(rows, dry_run=dry_run)
    if dry_run:
        _try([(recipe, Path.cwd())], rows=rows, every=every, as_json=as_json)
    if queued:
        ask_and_tell([(recipe, Path.cwd())], every=every, as_json=as_json)
        return
    _carry_out(recipe, Path.cwd(), every=every, as_json=as_json)


def run(
    recipes: Annotated[
        list[Path], typer.Argument(metavar="RECIPE...", help="The recipe: a YAML or JSON file.", show_default=False)
    ],
    *,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=64, help="Of several recipes, how many at once.")] = 2,
    drift: Drift = None,
    every: Every = False,
    dry_run: DryRun = False,
    rows: Rows = None,
    queued: Queued = False,
    as_json: AsJson = False,
) -> None:
    """Run a recipe, or several at once.

    It says source, mapping, load strategy and factors in one document; paths in it are taken from its folder.
    Running the same recipe twice changes nothing.

    Several are carried out in no order of their own, each in a process with memory of its own; those that read through
    the same connector wait for each other, and one that reads records (source.contract) for those said before it that
    load some. What else one needs of another is loaded by a command before. The exit code is the worst of theirs.

    \b
    Examples:
      headwater run recipes/electricity.yaml
      headwater run recipes/electricity.yaml --json
      headwater run recipes/electricity.yaml --dry-run --rows 10000
      headwater run recipes/electricity.yaml --drift freeze
      headwater run sap.yaml workday.yaml plant.yaml --at-once 3

    \b
    Exit codes: 0 all loaded, 1 error or no file, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.pipeline.recipe import load_recipe

    refuse_rows(rows, dry_run=dry_run)
    if len(recipes) > 1 and not (dry_run or queued):
        from headwater.cli.several import run_each_and_tell

        options = [*(["--all"] if every else []), *(["--drift", drift] if drift else [])]
        run_each_and_tell(recipes, at_once=at_once, options=options, as_json=as_json)
    loaded = [(load_recipe(path).with_drift(drift), path.parent) for path in recipes]
    if dry_run:
        _try(loaded, rows=rows, every=every, as_json=as_json)
    if queued:
        ask_and_tell(loaded, every=every, as_json=as_json)
        return
    _carry_out(*loaded[0], every=every, as_json=as_json)


def ask_and_tell(recipes: Sequence[tuple[Recipe, Path]], *, every: bool, as_json: bool) -> None:
    """Ask workers to carry out recipes, each in a job of its own, and tell the ids of the jobs."""
    from headwater.services.jobs import ask_recipe

    with installation() as opened:
        asked = [ask_recipe(opened, recipe, base, every=every) for recipe, base in recipes]
    tell_asked(asked, as_json=as_json)


def tell_asked(asked: Sequence[UUID], *, as_json: bool) -> None:
    """The ids of jobs that workers were asked for."""
    if as_json:
        print_json({"jobs": asked})
        return
    for job_id in asked:
        typer.echo(f"job {job_id}")
    show = f"show {asked[0]}" if len(asked) == 1 else "list"
    typer.echo(f"A worker carries it out (headwater worker); look at it with: headwater jobs {show}", err=True)


def _try(recipes: Sequence[tuple[Recipe, Path]], *, rows: int | None, every: bool, as_json: bool) -> NoReturn:
    with installation() as opened:
        try_and_tell(opened, recipes, rows=rows, every=every, as_json=as_json)


def _carry_out(recipe: Recipe, base: Path, *, every: bool, as_json: bool) -> None:
    """One file as one run; of several each in a run of its own."""
    from headwater.services.imports import plan_source, source_files

    with installation() as opened:
        if recipe.source.connector is not None:
            from headwater.cli.connectors_syncing import sync_and_tell

            sync_and_tell(opened, recipe, base, every=every, as_json=as_json)
            return
        if recipe.source.contract is not None:
            from headwater.services.record_sources import plan_records

            carry_out_and_tell(opened, lambda: plan_records(opened, recipe, base), as_json=as_json)
            return
        files = source_files(opened, recipe, base)
        if not files[0].alone:
            import_each_and_tell(opened, recipe, base, files, again=every, as_json=as_json)
        carry_out_and_tell(opened, lambda: plan_source(opened, recipe, base, files[0]), as_json=as_json)
