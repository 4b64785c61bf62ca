"""`--dry-run`: what a run would do, told with its reasons, and nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from headwater.cli import exits
from headwater.cli.printing import print_facts, print_json, print_table, text_of
from headwater.cli.several import WORSE_AND_WORSE
from headwater.documents.counted import counted
from headwater.errors import HeadwaterError, Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.services.trials.keys import KeysInTwo
    from headwater.services.trials.sources import Tried
    from headwater.services.trials.trial import Refused, Trial, TriedSweep

_IN_WORDS = {
    "succeeded": "would be loaded",
    "succeeded_with_quarantine": "would be loaded, with records open in quarantine",
    "partial_success": "would be loaded in part",
    "failed": "would fail",
    "refused": "would be refused",
    "unchanged": "would be left out: it is as it was when it was loaded last",
}
KEYS_TOLD, PAIRS_TOLD = 5, 5
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be loaded and refused; leave nothing behind.")]
Rows = Annotated[int | None, typer.Option("--rows", min=1, help="With --dry-run: so many records are enough.")]


def refuse_rows(rows: int | None, *, dry_run: bool) -> None:
    """Misuse where a number of rows is said of a run that is carried out."""
    if rows is not None and not dry_run:
        raise Misuse("it is said of a dry run only", where="--rows", value=rows, remedy="Add --dry-run.")


def try_and_tell(
    installation: Installation,
    recipes: Sequence[tuple[Recipe, Path]],
    *,
    rows: int | None,
    as_json: bool,
    every: bool = False,
) -> NoReturn:
    """Try recipes one after another, each with its folder, and leave with the exit code their runs would have."""
    from headwater.services.trials.keys import KeysTried
    from headwater.services.trials.sources import Tried, try_each
    from headwater.telemetry import progress

    in_two: list[KeysInTwo] = []
    told: list[Tried] = []
    codes: list[int] = []
    not_looked_at = 0
    for recipe, base in recipes:
        tried: list[Tried] = []
        keys = KeysTried()
        try:
            for each in try_each(installation, recipe, base, rows=rows, every=every, progress=progress(), keys=keys):
                tried.append(each)
                if not as_json:
                    _tell_source(each)
            codes.append(_exit_code(tried))
            not_looked_at += tried[-1].count - tried[-1].number
        except HeadwaterError as error:
            if len(recipes) == 1:
                raise
            # Of several recipes each is run by a program of its own, and the error of one ends no other.
            typer.echo(f"{recipe.recipe}: {error}", err=True)
            codes.append(exits.USAGE if isinstance(error, Misuse) else exits.ERROR)
            tried.append(Tried(source=recipe.recipe, error=error))
        told += tried
        in_two += keys.in_two()
    if as_json:
        print_json(
            {
                "dry_run": [each.as_json() for each in told],
                "not_looked_at": not_looked_at,
                "keys_in_two_files": [each.as_json() for each in in_two],
            }
        )
    else:
        _tell_rest(told, in_two, not_looked_at)
    raise typer.Exit(max(codes, key=WORSE_AND_WORSE.index))


def _tell_rest(told: Sequence[Tried], in_two: Sequence[KeysInTwo], not_looked_at: int) -> None:
    for common in in_two[:PAIRS_TOLD]:
        typer.echo(_in_two(common))
    if len(in_two) > PAIRS_TOLD:
        typer.echo(f"and {counted(len(in_two) - PAIRS_TOLD, 'more pair', 'more pairs')} of files: --json has all")
    if not_looked_at:
        files = counted(not_looked_at, "more file was", "more files were")
        typer.echo(f"{files} not looked at: those above hold records enough.")
    if all(each.state == "unchanged" for each in told):
        typer.echo("There is nothing to do: nothing is new since then. To try it all the same, add --all.")
    typer.echo("Nothing was written.")


def _tell_source(tried: Tried) -> None:
    if tried.count > 1 or tried.last is not None:
        by = "" if tried.last is None else f", by run {tried.last.run_id} of {text_of(tried.last.started_at)}"
        place = f"{tried.number} of {tried.count}  " if tried.count > 1 else ""
        typer.echo(f"{place}{tried.source}: {_IN_WORDS[tried.state]}{by}")
    for said in (tried.error, tried.notice):
        if said is not None:
            typer.echo(f"  {said}", err=True)
    if tried.trial is not None:
        _tell(tried.trial)


def _tell(trial: Trial) -> None:
    def counts(of: dict[str, int]) -> str:
        return "\n".join(f"{count:,} {what}" for what, count in of.items()) or "none"

    looked_at = (
        f"all {counted(trial.read, 'record')}"
        if trial.is_whole
        else f"{trial.read:,} of about {counted(trial.planned, 'record')}"
    )
    figures = {} if trial.figures is None else trial.figures
    sweep = [] if trial.sweep is None else [("would be deleted", _deleted(trial.sweep))]
    print_facts(
        [
            ("source", f"{trial.source} by mapping {trial.mapping} to {trial.contract}"),
            ("looked at", looked_at),
            ("would be loaded", f"{trial.loaded:,}" + (f", {trial.merged:,} merged" if trial.merged else "")),
            *([("unchanged", f"{trial.unchanged:,} as they stand already")] if trial.unchanged else []),
            *sweep,
            ("skipped", counts(dict(trial.skipped))),
            ("noticed", counts(dict(trial.noticed.most_common()))),
            *([("figures", "\n".join(f"{kg / 1000:,.3f} t CO2e, {name}" for name, kg in figures.items()))]
              if figures else []),
        ]
    )  # fmt: skip
    for line in (*trial.warnings, *trial.drift):
        typer.echo(f"noticed: {line}")
    for number, why in trial.gaps.items():
        typer.echo(f"chunk {number} cannot be read: {why}")
    if trial.broken_off is not None:
        typer.echo(f"the run would end here: {trial.broken_off}")
    if trial.nothing is not None:
        typer.echo(f"There is nothing to do: {trial.nothing}.")
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
    if trial.settled:
        were, stay = ("was", "stays") if trial.settled == 1 else ("were", "stay")
        left = counted(trial.quarantined - trial.settled, "record", "records")
        typer.echo(
            f"{trial.settled:,} of them {were} dismissed or resubmitted before, and {stay} so. "
            f"The rules count {'it' if trial.settled == 1 else 'them'}, too; {left} would be open."
        )


def _deleted(sweep: TriedSweep) -> str:
    if sweep.rows is None:
        return f"not known: {sweep.why}"
    if sweep.why is not None:
        return f"none: {sweep.why}"
    if not sweep.rows:
        return "none"
    more = f" and {sweep.rows - KEYS_TOLD:,} more (--json names them)" if sweep.rows > KEYS_TOLD else ""
    keys = f": {', '.join(sweep.keys[:KEYS_TOLD])}{more}" if sweep.keys else ""
    return f"{sweep.rows:,} that the source no longer holds{keys}"


def _in_two(common: KeysInTwo) -> str:
    one, other = common.files
    keys, records = (
        ("1 key stands", "one record") if common.keys == 1 else (f"{common.keys:,} keys stand", "one record each")
    )
    return f"{keys} in {one} and in {other}: {records}, that of the file that is loaded last"


def _said(refused: Refused) -> str:
    value = f" ({refused.value})" if refused.value else ""
    return f"{refused.place}: {refused.field}{': ' if refused.field else ''}{refused.message}{value}"


def _exit_code(tried: Sequence[Tried]) -> int:
    """As of imports: error where nothing could be read, partial success where some of it could not."""
    codes = [
        exits.LOADED if each.state == "unchanged" else exits.OF_STATE.get(each.state, exits.ERROR) for each in tried
    ]
    if all(code == exits.ERROR for code in codes):
        return exits.ERROR
    return exits.PARTIAL if exits.ERROR in codes else max(codes)
