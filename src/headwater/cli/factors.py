"""`headwater factors`: what emissions are calculated with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table, told_of
from headwater.cli.session import installation

app = typer.Typer(no_args_is_help=True, help="Emission factors: import and list them.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV of factors.", show_default=False)],
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="Path of a mapping, or the name of one that a pack brings.")
    ] = "emission_factor_form",
    as_json: AsJson = False,
) -> None:
    """Import emission factors. Without a mapping, the columns are named as the contract's fields are.

    Activities that are loaded from then on are calculated with them; figures that stand do not change.

    \b
    Examples:
      headwater factors import factors.csv
      headwater contracts show emission_factor        # the columns of such a file

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.factors import plan_factors

    with installation() as opened:
        carry_out_and_tell(opened, lambda: plan_factors(opened, file, mapping), as_json=as_json)


COLUMNS = (
    "factor_id", "activity_type", "region", "unit", "scope", "category", "method", "gwp_set", "co2e_kg_per_unit",
    "valid_from", "valid_to", "source",
)  # fmt: skip


@app.command("list")
def list_(
    activity_type: Annotated[
        str | None, typer.Option("--type", help="Only of this activity type.", show_default="all")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Only of this region.", show_default="all")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the emission factors that stand.

    \b
    Examples:
      headwater factors list --type electricity --region DE
      headwater factors list --limit 1000 --json
    """
    from headwater.services.factors import list_factors

    with installation() as opened:
        factors, total = list_factors(opened, activity_type=activity_type, region=region, limit=limit)
    if as_json:
        print_json({"factors": factors, "total": total})
        return
    print_table(
        [column.replace("_", " ") for column in COLUMNS],
        [[factor[column] for column in COLUMNS] for factor in factors],
        numbers=["co2e kg per unit"],
    )
    typer.echo(told_of(len(factors), total, "factors"))
