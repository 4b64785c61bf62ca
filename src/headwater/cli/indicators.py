"""`headwater indicators`: sums, ratios and what is made of them, each with what it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.licences import print_licences
from headwater.cli.pages import present
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.accounting.indicators import Computed

app = typer.Typer(no_args_is_help=True, help="Indicators: list, show and compute them.")

Documents = Annotated[
    list[Path] | None,
    typer.Option("--document", "-d", help="A document with indicators of your own; may be given several times."),
]


@app.command("list")
def list_(document: Documents = None, as_json: AsJson = False) -> None:
    """List the indicators there are.

    \b
    Examples:
      headwater indicators list
      headwater indicators list --document mine.yaml
    """
    from headwater.services.indicators import defined_indicators

    found = defined_indicators(document or ())
    if as_json:
        print_json(
            [
                {"name": each.name, "kind": each.indicator.kind, "title": each.indicator.title, "where": each.where}
                for each in found.values()
            ]
        )
        return
    print_table(
        ["name", "kind", "title", "unit", "by", "defined in"],
        [
            (
                each.name,
                each.indicator.kind.replace("_", " "),
                each.indicator.title,
                each.indicator.unit,
                ", ".join(each.indicator.by),
                each.where,
            )
            for each in found.values()
        ],
        whole=["name"],
    )


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of the indicator.", show_default=False)],
    document: Documents = None,
    as_json: AsJson = False,
) -> None:
    """Show what an indicator is made of.

    \b
    Examples:
      headwater indicators show intensity_by_headcount
    """
    from headwater.services.indicators import defined_indicators, made_of

    found = defined_indicators(document or ())
    parts = made_of(found, name)
    each = found[name]
    definition = each.indicator.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if as_json:
        print_json({"name": name, "where": each.where, "definition": definition, "made_of": parts[:-1]})
        return
    kind = each.indicator.kind
    print_facts(
        [
            ("name", name),
            ("title", each.indicator.title),
            *([("description", each.indicator.description.strip())] if each.indicator.description else []),
            ("defined in", each.where),
            ("kind", kind.replace("_", " ")),
            (kind.replace("_", " "), _definition(definition[kind])),
            ("unit", each.indicator.unit or "as it comes"),
            ("places", each.indicator.places),
            *([("by", ", ".join(each.indicator.by))] if each.indicator.by else []),
            *([("made of", ", ".join(parts[:-1]))] if parts[:-1] else []),
        ]
    )


def _definition(definition: object) -> str:
    if not isinstance(definition, dict):
        return str(definition)
    return "\n".join(f"{name}: {value}" for name, value in definition.items())


@app.command("compute")
def compute(
    names: Annotated[list[str] | None, typer.Argument(help="Names of indicators.", show_default="all")] = None,
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(help="What values are told apart by: scope, category, site, year, month, activity_type …"),
    ] = None,
    inventory: Annotated[
        list[str] | None,
        typer.Option(help="An inventory by number, id or name; several make a series.", show_default="what stands"),
    ] = None,
    method: Annotated[str | None, typer.Option(help="The method of scope 2: location_based or market_based.")] = None,
    gwp_set: Annotated[str | None, typer.Option(help="The set of warming potentials, as AR6.")] = None,
    document: Documents = None,
    html: Annotated[Path | None, typer.Option(help="Write them as a page with charts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute indicators.

    What cannot be had is not available, and says why; it is never 0. Every value names the rows it rests on.

    \b
    Examples:
      headwater indicators compute
      headwater indicators compute emissions --by site --by year --gwp-set AR5
      headwater indicators compute emissions_by_scope renewable_share --inventory 1
      headwater indicators compute intensity_by_headcount --html intensity.html
    """
    from headwater.services.indicators import as_json as json_of
    from headwater.services.indicators import compute_indicators, defined_indicators, page
    from headwater.services.inventory_lines import Wanted

    defined = defined_indicators(document or ())
    with installation() as opened:
        wanted = Wanted(method=method, gwp_set=gwp_set)
        found = compute_indicators(opened, defined, names or (), by=by, wanted=wanted, inventories=inventory or ())
        organisation = opened.settings.organisation
    of = " and ".join(f"inventory {each}" for each in inventory or ()) or "what stands"
    present(
        page=lambda: page(found, organisation=organisation, of=of),
        html=html,
        body=lambda: [json_of(each) for each in found],
        as_json=as_json,
        tables=lambda: _print(found),
    )


def _print(found: list[Computed]) -> None:
    from headwater.services.indicators import WORDS, common_notes, key_words, remarks, rests_on
    from headwater.services.reports.licences import together

    for each in found:
        heads = [WORDS.get(name, name) for name in each.dimensions]
        print_table(
            [*heads, "value", "unit", "remarks"],
            [
                (
                    *key_words(figure),
                    "not available" if figure.figure is None else f"{figure.figure:,f}",
                    figure.unit,
                    remarks(each, figure),
                )
                for figure in each.figures
            ],
            title=f"{each.indicator.title} ({each.name})",
            numbers=["value"],
        )
        for note in common_notes(each):
            typer.echo(note)
        for line in rests_on(each):
            typer.echo(f"rests on {line}")
    print_licences(together(each.licences for each in found))
