"""`headwater inventory uncertainty`: how sure a total is, and which datum to improve next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.licences import print_licences
from headwater.cli.pages import present
from headwater.cli.printing import print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.services.uncertainty import Uncertainty

OWN = "the designated one"
CERTAIN = "they are certain"
Which = Annotated[
    str, typer.Argument(help="Its number, its name, or enough of its id's beginning.", show_default=False)
]
By = Annotated[
    list[str] | None,
    typer.Option(help="What the total is told apart by: scope, category, site, activity_type …", show_default="scope"),
]
Method = Annotated[str | None, typer.Option(help="The method of scope 2.", show_default=OWN)]
GwpSet = Annotated[str | None, typer.Option(help="The set of warming potentials.", show_default=OWN)]
Draws = Annotated[int, typer.Option(min=100, max=10_000_000, help="Draws of Monte Carlo.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same draws.")]
First = Annotated[int, typer.Option(min=1, max=10_000, help="How many data to improve are named.")]
AssumeActivity = Annotated[
    float | None,
    typer.Option(min=0, help="Half-width in per cent for activities that state none.", show_default=CERTAIN),
]
AssumeFactor = Annotated[
    float | None, typer.Option(min=0, help="Half-width in per cent for factors that state none.", show_default=CERTAIN)
]
Pedigrees = Annotated[
    str, typer.Option(help="By which table pedigrees are read: ecoinvent_3, ecoinvent_2, ghg_protocol.")
]


def uncertainty(
    inventory: Which,
    *,
    by: By = None,
    method: Method = None,
    gwp_set: GwpSet = None,
    draws: Draws = 20_000,
    seed: Seed = 0,
    first: First = 20,
    assume_activity: AssumeActivity = None,
    assume_factor: AssumeFactor = None,
    pedigree_table: Pedigrees = "ecoinvent_3",
    html: Annotated[Path | None, typer.Option(help="Write it as a page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how sure an inventory's total is, and which datum to improve next.

    Activities and factors are lognormal, and what lines share errs together. Means and variances are exact; an interval
    is drawn only where it has no closed form. Data that state no spread count as certain unless you assume one, and
    how much of the total states one is said.

    \b
    Examples:
      headwater inventory uncertainty 1
      headwater inventory uncertainty 1 --by site --seed 7 --html uncertainty.html
      headwater inventory uncertainty 1 --assume-activity 5 --assume-factor 10
    """
    from headwater.accounting.uncertainty import Assumed
    from headwater.services.inventory_lines import Wanted
    from headwater.services.uncertainty import inventory_uncertainty, page

    assumed = Assumed(activity_percent=assume_activity, factor_percent=assume_factor, table=pedigree_table)
    wanted = Wanted(method=method, gwp_set=gwp_set)
    with installation() as opened:
        found = inventory_uncertainty(
            opened, inventory, by=by or ["scope"], wanted=wanted, assumed=assumed, draws=draws, seed=seed, first=first
        )
        organisation = opened.settings.organisation
    present(
        page=lambda: page(found, organisation=organisation),
        html=html,
        body=found.as_json,
        as_json=as_json,
        tables=lambda: _print(found),
    )


def _print(found: Uncertainty) -> None:
    from headwater.services.uncertainty import (
        IMPROVE,
        INTERVAL,
        RATED,
        improve_rows,
        interval_rows,
        rating_rows,
        sentences,
    )

    print_table(
        [" ".join(found.by), *INTERVAL],
        interval_rows(found),
        title=f"{found.inventory}, {found.method}, {found.gwp_set}",
        numbers=INTERVAL[:-1],
    )
    if found.assessment.improve:
        print_table(IMPROVE, improve_rows(found), title="What to improve next", numbers=IMPROVE[2:])
    for what, ratings in (("activities", found.activity_ratings), ("factors", found.factor_ratings)):
        if ratings[0].overall is not None:
            heads = ["overall", *RATED, "rated, t CO2e"]
            title = f"Quality of {what}, 1 best to 5 worst"
            print_table([" ".join(found.by), *heads], rating_rows(ratings), title=title, numbers=heads)
    for sentence in sentences(found):
        typer.echo(sentence)
    print_licences(found.licences)
