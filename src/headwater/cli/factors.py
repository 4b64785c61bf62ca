"""`headwater factors`: what emissions are calculated with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.imports import AsJson, Between
from headwater.cli.many import tell_each
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.documents.delimiters import delimiter_of

if TYPE_CHECKING:
    from headwater.services.answers.figures import FactorConflict
    from headwater.services.factors.library import Wanted

app = typer.Typer(no_args_is_help=True, help="Emission factors: import, list, compare and pass them on.")

Type = Annotated[str | None, typer.Option("--type", help="Only of this activity type.", show_default="all")]
Region = Annotated[str | None, typer.Option(help="Only of this region.", show_default="all")]
Source = Annotated[str | None, typer.Option(help="Only of this source.", show_default="all")]
Stage = Annotated[str | None, typer.Option(help="Only of this stage of the life cycle.", show_default="all")]
Status = Annotated[
    str | None, typer.Option(help="Only those that are current, superseded or stale.", show_default="all")
]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file of factors: CSV, Excel and others.", show_default=False)],
    mapping: Annotated[
        str,
        typer.Option(
            "--mapping", "-m", help="Path of a mapping, the name of one that a pack brings, or how several names begin."
        ),
    ] = "emission_factor_form",
    as_json: AsJson = False,
) -> None:
    """Import emission factors. Without a mapping, the columns are named as the contract's fields are.

    A workbook with many tables has a mapping for each; the word their names begin with stands for all of them.
    Activities that are loaded from then on are calculated with them; figures that stand do not change.

    \b
    Examples:
      headwater factors import factors.csv
      headwater factors import desnz_2020_condensed.xlsx --mapping desnz_2020
      headwater contracts show emission_factor        # the columns of such a file

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.factors.library import import_series, plan_factors, series
    from headwater.telemetry import progress

    with installation() as opened:
        mappings = series(opened, mapping)
        if len(mappings) > 1:
            each = import_series(opened, file, mappings, progress=progress())
            tell_each(each, len(mappings), as_json=as_json, what="mapping")
        carry_out_and_tell(opened, lambda: plan_factors(opened, file, mapping), as_json=as_json)


COLUMNS = (
    "factor_id", "activity_type", "region", "unit", "scope", "category", "stage", "method", "gwp_set",
    "co2e_kg_per_unit", "valid_from", "valid_to", "source", "status",
)  # fmt: skip


@app.command("list")
def list_(
    *,
    activity_type: Type = None,
    region: Region = None,
    source: Source = None,
    stage: Stage = None,
    status: Status = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the emission factors that stand.

    A factor is current where it is of its source's newest publication, superseded where a newer one has a factor for
    the same, stale where the newest has none any more. None is ever deleted.

    \b
    Examples:
      headwater factors list --type electricity --region DE
      headwater factors list --status stale
      headwater factors list --limit 1000 --json
    """
    from headwater.services.factors.library import list_factors

    with installation() as opened:
        factors, total = list_factors(opened, _wanted(activity_type, region, source, stage, status), limit=limit)
    if as_json:
        print_json({"factors": factors, "total": total})
        return
    print_table(
        [column.replace("_", " ") for column in COLUMNS],
        [[factor.get(column) for column in COLUMNS] for factor in factors],
        numbers=["co2e kg per unit"],
    )
    typer.echo(told_of(len(factors), total, "factor"))


@app.command("show")
def show(
    factor_id: Annotated[str, typer.Argument(help="The id of a factor.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show one factor: every field, its status, the factors it is in conflict with, and the regions its own lies in.

    \b
    Examples:
      headwater factors list --limit 5                # ids
      headwater factors show de-grid-2024 --json
    """
    from headwater.services.factors.library import show_factor

    with installation() as opened:
        factor: dict[str, Any] = {**show_factor(opened, factor_id)}
    if as_json:
        print_json(factor)
        return
    against = factor.pop("conflicts")
    regions = " < ".join([factor["region"], *factor.pop("broader_regions")])
    print_facts([*((name.replace("_", " "), value) for name, value in factor.items() if value is not None)])
    typer.echo(f"\nIts region lies in others; a factor of one is used for another only by a policy: {regions}")
    if against:
        _print_conflicts(against)


@app.command("conflicts")
def conflicts_(
    activity_type: Type = None,
    region: Region = None,
    stage: Stage = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the largest differences first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List factors of several sources for the same activity, region, stage, method and time that differ by over 10 %.

    Figures are compared per the same unit, after exact conversion. Superseded factors are left out.

    \b
    Examples:
      headwater factors conflicts
      headwater factors conflicts --type electricity --json
    """
    from headwater.services.factors.library import conflict_as_json, find_conflicts

    with installation() as opened:
        found = find_conflicts(opened, _wanted(activity_type, region, None, stage, None))
    told = [conflict_as_json(each) for each in found[:limit]]
    if as_json:
        print_json({"conflicts": told, "total": len(found)})
        return
    if told:
        _print_conflicts(told)
    typer.echo(told_of(len(told), len(found), "pair of factors in conflict", "pairs of factors in conflict"))


@app.command("licences")
def licences(
    activity_type: Type = None,
    region: Region = None,
    source: Source = None,
    status: Status = None,
    as_json: AsJson = False,
) -> None:
    """List the licences that the factors rest on, and whether they let them be passed on.

    \b
    Examples:
      headwater factors licences
      headwater factors licences --region GB --json
    """
    from dataclasses import asdict

    from headwater.services.factors.library import find_licences

    with installation() as opened:
        found = find_licences(opened, _wanted(activity_type, region, source, None, status))
    if as_json:
        print_json({"licences": [asdict(each) for each in found]})
        return
    words = {True: "yes", False: "no", None: "nobody has said"}
    print_table(
        ["source", "licence", "may be passed on", "factors"],
        [[each.source, each.licence, words[each.redistributable], each.factors] for each in found],
        numbers=["factors"],
    )


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the CSV.", show_default=False)],
    *,
    activity_type: Type = None,
    region: Region = None,
    source: Source = None,
    status: Status = None,
    delimiter: Between = ",",
    as_json: AsJson = False,
) -> None:
    """Write factors as a CSV that `factors import` reads, those alone that may be passed on; the others are named.

    A factor is left out where its licence does not let it be passed on, and where nobody has said (`redistributable`).

    \b
    Examples:
      headwater factors export factors.csv --status current
      headwater factors import factors.csv             # somewhere else
    """
    from headwater.services.factors.library import export_factors

    with installation() as opened:
        wanted = _wanted(activity_type, region, source, None, status)
        done = export_factors(opened, file, wanted, delimiter=delimiter_of(delimiter))
    if as_json:
        print_json({"file": str(file), **done.as_json()})
        return
    typer.echo(f"{counted(done.factors, 'factor')} in {file}")
    if done.left_out:
        print_table(
            ["left out", "source", "licence", "why"],
            [[each.factor_id, each.source, each.licence, each.why] for each in done.left_out],
            title=f"{counted(len(done.left_out), 'factor')} left out",
        )
    for each in done.licences:
        typer.echo(f"rests on: {each.licence or 'no licence said'} ({each.source}, {counted(each.factors, 'factor')})")


def _wanted(
    activity_type: str | None, region: str | None, source: str | None, stage: str | None, status: str | None
) -> Wanted:
    from headwater.services.factors.library import Wanted

    return Wanted(activity_type=activity_type, region=region, source=source, stage=stage, status=status)


def _print_conflicts(found: list[FactorConflict]) -> None:
    print_table(
        ["activity type", "region", "factor", "and", "kg CO2e", "and kg CO2e", "per", "differ by", "note"],
        [
            [
                each["activity_type"],
                each["region"],
                *each["factors"],
                *(figure.rstrip("0").rstrip(".") for figure in each["co2e_kg_per_unit"]),
                each["unit"],
                "from nothing" if each["difference_percent"] is None else f"{each['difference_percent']} %",
                each["why"],
            ]
            for each in found
        ],
        title="Factors in conflict",
        numbers=["kg CO2e", "and kg CO2e", "differ by"],
    )
