"""`--dry-run`: what a run would do, told with its reasons, and nothing left behind."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from headwater.cli import exits
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.services.trials import Refused, Trial

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be loaded and refused; leave nothing behind.")]
Rows = Annotated[int | None, typer.Option("--rows", min=1, help="With --dry-run: so many records are enough.")]


def refuse_rows(rows: int | None, *, dry_run: bool) -> None:
    """Misuse where a number of rows is said of a run that is carried out."""
    if rows is not None and not dry_run:
        raise Misuse("it is said of a dry run only", where="--rows", value=rows, remedy="Add --dry-run.")


def try_and_tell(
    installation: Installation, recipes: Sequence[tuple[Recipe, Path]], *, rows: int | None, as_json: bool
) -> NoReturn:
    """Try recipes one after another, each with its folder, and leave with the exit code their runs would have."""
    trials = [trial for recipe, base in recipes for trial in _trials(installation, recipe, base, rows)]
    if as_json:
        print_json({"dry_run": [trial.as_json() for trial in trials]})
    else:
        for trial in trials:
            _tell(trial)
        typer.echo("Nothing was written.")
    raise typer.Exit(max(map(_exit_code, trials), default=exits.LOADED))


def _trials(installation: Installation, recipe: Recipe, base: Path, rows: int | None) -> Iterator[Trial]:
    """Of what a recipe reads: a table, or file by file."""
    from headwater.services.connectors.keeping import find, is_store, opened
    from headwater.services.connectors.syncing import fetched_files
    from headwater.services.imports import source_files
    from headwater.services.trials import try_file, try_sync
    from headwater.telemetry import progress

    if recipe.source.contract is not None:
        raise Misuse(
            "records of a contract are read from the database itself, which a dry run does not do",
            where=f"recipe {recipe.recipe}, source.contract",
            valid="a recipe with a path or a connector",
        )
    if recipe.source.connector is None:
        for file in source_files(installation, recipe, base):
            yield try_file(installation, recipe, base, file, rows=rows, progress=progress())
        return
    stored = find(installation, recipe.source.connector)
    with opened(installation, stored) as source:
        if recipe.source.table is not None or not is_store(source):
            yield try_sync(installation, recipe, base, rows=rows, progress=progress())
            return
        with TemporaryDirectory(prefix="headwater-") as folder:
            for file in fetched_files(installation, stored, source, Path(folder)):
                yield try_file(installation, recipe, base, file, rows=rows, progress=progress())


def _tell(trial: Trial) -> None:
    def counts(of: dict[str, int]) -> str:
        return "\n".join(f"{count:,} {what}" for what, count in of.items()) or "none"

    looked_at = (
        f"all {trial.read:,} records" if trial.is_whole else f"{trial.read:,} of about {trial.planned:,} records"
    )
    figures = {} if trial.figures is None else trial.figures
    print_facts(
        [
            ("source", f"{trial.source} by mapping {trial.mapping} to {trial.contract}"),
            ("looked at", looked_at),
            ("would be loaded", f"{trial.loaded:,}" + (f", {trial.merged:,} merged" if trial.merged else "")),
            ("skipped", counts(dict(trial.skipped))),
            ("noticed", counts(dict(trial.noticed.most_common()))),
            *([("figures", "\n".join(f"{kg / 1000:,.3f} t CO2e, {name}" for name, kg in figures.items()))]
              if figures else []),
        ]
    )  # fmt: skip
    for line in trial.drift:
        typer.echo(f"noticed: {line}")
    for number, why in trial.gaps.items():
        typer.echo(f"chunk {number} cannot be read: {why}")
    if not trial.quarantined:
        typer.echo("No record would be quarantined.")
        return
    rules = sorted(trial.refused.items(), key=lambda item: -item[1].records)
    print_table(
        ["rule", "records", "for example"],
        [(name, rule.records, "\n".join(map(_said, rule.samples))) for name, rule in rules],
        title=f"{trial.quarantined:,} of {trial.read:,} would be quarantined, because",
        numbers=["records"],
        whole=["rule"],
    )


def _said(refused: Refused) -> str:
    value = f" ({refused.value})" if refused.value else ""
    return f"record {refused.record}: {refused.field}{': ' if refused.field else ''}{refused.message}{value}"


def _exit_code(trial: Trial) -> int:
    if trial.gaps:
        return exits.PARTIAL if trial.read else exits.ERROR
    return exits.OPEN_IN_QUARANTINE if trial.quarantined else exits.LOADED
