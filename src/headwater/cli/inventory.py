"""`headwater inventory`: what is emitted in all, by a written policy, frozen and numbered when it is published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson, Between, Queued, tell_asked
from headwater.cli.licences import print_licences
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.documents.delimiters import delimiter_of

if TYPE_CHECKING:
    from decimal import Decimal

    from headwater.services.inventories.viewing import Differences, InventoryView
    from headwater.store.inventories import StoredFinding

app = typer.Typer(no_args_is_help=True, help="Inventories: calculate, show and publish what is emitted in all.")

Which = Annotated[
    str, typer.Argument(help="Its number, its name, or enough of its id's beginning.", show_default=False)
]
NOT_AVAILABLE = "not available"
SHOWN = 20
"""Findings shown where nobody asks for more."""
Limit = Annotated[int, typer.Option(min=1, help="How many to show.")]


@app.command()
def calculate(
    document: Annotated[Path, typer.Argument(help="An inventory document, in YAML.", show_default=False)],
    *,
    queued: Queued = False,
    as_json: AsJson = False,
) -> None:
    """Calculate an inventory from the activities, factors and instruments that stand now.

    All of them are pinned first, so that it can be computed again whatever is loaded later. The same again changes
    nothing.

    \b
    Examples:
      headwater inventory calculate laboratory_2020.yaml
      headwater inventory calculate laboratory_2020.yaml --queue

    \b
    Exit codes: 0 calculated, 1 error, 2 usage, 3 calculated, and something is missing from its total.
    """
    from headwater.services.inventories.calculating import calculate as work_out
    from headwater.services.inventories.viewing import show_inventory
    from headwater.telemetry import progress

    if queued:
        _ask(document, as_json=as_json)
        return
    with installation() as opened:
        made = work_out(opened, document, progress=progress())
        view = show_inventory(opened, str(made.inventory_id))
    if as_json:
        print_json({"is_new": made.is_new, **view.as_json()})
    else:
        if not made.is_new:
            back = ", which had been discarded and is back" if made.was_discarded else ""
            typer.echo(f"nothing that it is made of has changed: the same inventory as before{back}", err=True)
        _print_view(view, SHOWN)
    if view.left_out:
        raise typer.Exit(exits.OPEN_IN_QUARANTINE)


def _ask(document: Path, *, as_json: bool) -> None:
    from headwater.services.inventories.sending import ask_inventory_of_file

    with installation() as opened:
        tell_asked([ask_inventory_of_file(opened, document)], as_json=as_json)


@app.command("list")
def list_(
    discarded: Annotated[bool, typer.Option("--discarded", help="Those that were discarded too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List inventories, the latest first.

    \b
    Examples:
      headwater inventory list
      headwater inventory list --discarded
    """
    from headwater.services.inventories.viewing import inventory_json, list_inventories

    with installation() as opened:
        found = list_inventories(opened, discarded=discarded)
    if as_json:
        print_json({"inventories": [inventory_json(each) for each in found]})
        return
    more = ["discarded"] if discarded else []
    print_table(
        ["number", "name", "id", "calculated", "published", *more, "activities", "lines"],
        [
            (
                i.number, i.name, str(i.inventory_id)[:8], i.calculated_at, i.published_at,
                *([i.discarded_at] if discarded else []), i.activity_count, i.line_count,
            )
            for i in found
        ],
        numbers=["number", "activities", "lines"],
        whole=["calculated", "published", *more],
    )  # fmt: skip
    typer.echo(told_of(len(found), len(found), "inventory", "inventories"))


@app.command()
def show(
    inventory: Which,
    differences: Annotated[
        bool, typer.Option("--differences", help="Its own total beside each other one, activity by activity.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, help="How many findings to show, and differing activities of each.")
    ] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show an inventory: totals by set, method, scope and category; findings; the licences it rests on.

    \b
    Examples:
      headwater inventory show 1
      headwater inventory show laboratory_2020 --differences
      headwater inventory show laboratory_2020 --limit 500
    """
    from dataclasses import asdict

    from headwater.services.inventories.viewing import differences as compared
    from headwater.services.inventories.viewing import show_inventory

    with installation() as opened:
        view = show_inventory(opened, inventory)
        found = compared(opened, inventory, limit=limit) if differences else []
    if as_json:
        more = {"differences": [asdict(each) for each in found]} if differences else {}
        print_json({**view.as_json(), **more})
        return
    _print_view(view, limit)
    for each in found:
        _print_differences(each)


@app.command()
def lines(
    inventory: Which,
    *,
    activity: Annotated[str | None, typer.Option(help="Only of this activity.", show_default="all")] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this site.", show_default="all")] = None,
    gwp_set: Annotated[str | None, typer.Option(help="Only in this set.", show_default="all")] = None,
    method: Annotated[str | None, typer.Option(help="Only by this method.", show_default="all")] = None,
    scope: Annotated[int | None, typer.Option(min=1, max=3, help="Only of this scope.", show_default="all")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the lines of an inventory: one figure of one activity, by one method, in one set.

    \b
    Examples:
      headwater inventory lines 1 --scope 2 --limit 10
      headwater inventory lines 1 --activity meter-7-2020-01 --json
    """
    from headwater.services.inventories.viewing import list_lines

    with installation() as opened:
        found, total = list_lines(
            opened,
            inventory,
            activity=activity,
            facility=facility,
            gwp_set=gwp_set,
            method=method,
            scope=scope,
            limit=limit,
        )
    if as_json:
        print_json({"lines": found, "total": total})
        return
    names = ("activity_id", "method", "gwp_set", "stage", "part", "scope", "category", "co2e_kg", "basis")
    print_table(
        [*(name.replace("_", " ") for name in names), "rests on"],
        [(*(line[name] for name in names), line["instrument_id"] or line["factor_id"]) for line in found],
        numbers=["co2e kg"],
    )
    typer.echo(told_of(len(found), total, "line"))


@app.command()
def choices(
    inventory: Which,
    activity: Annotated[str, typer.Argument(help="An activity of it.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show every factor that was looked at for an activity: the one taken, and why each other was not.

    \b
    Examples:
      headwater inventory choices 1 meter-7-2020-01
    """
    from dataclasses import asdict

    from headwater.services.inventories.choosing import choices as considered

    with installation() as opened:
        found = considered(opened, inventory, activity)
    if as_json:
        print_json({"choices": [asdict(each) for each in found]})
        return
    if not found:
        typer.echo("its figure came as CO2e: no factor was looked for")
    for each in found:
        title = f"{each.stage}, {each.method}: {each.region}, {each.unit}, {each.day}"
        print_table(
            ["factor", "source", "why not"],
            [(factor, source, reason or "taken") for factor, source, reason in each.candidates],
            title=title,
        )
        for words in (*each.substitutions, each.explanation):
            if words:
                typer.echo(words)


@app.command()
def publish(inventory: Which, as_json: AsJson = False) -> None:
    """Publish an inventory: it gets the next number, for good. Nothing that is loaded later changes it.

    \b
    Examples:
      headwater inventory publish laboratory_2020
    """
    from headwater.services.inventories.publishing import publish as give_number

    with installation() as opened:
        number = give_number(opened, inventory)
    if as_json:
        print_json({"number": number})
    else:
        typer.echo(f"published under the number {number}")


@app.command()
def discard(inventory: Which, as_json: AsJson = False) -> None:
    """Discard a draft: it is listed no more, and its name finds another or none. What is published is never discarded.

    Nothing is deleted: its id still finds it, `headwater verify` still checks it, the audit chain says who discarded it
    and when. The same calculated again brings it back.

    \b
    Examples:
      headwater inventory discard 7f3a2c10
    """
    from headwater.services.inventories.publishing import discard as put_away

    with installation() as opened:
        found = put_away(opened, inventory)
    if as_json:
        print_json({"inventory_id": str(found.inventory_id), "name": found.name})
    else:
        typer.echo(f"discarded: {found.name}, {found.inventory_id}")


@app.command()
def export(
    inventory: Which,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write.", show_default="inventory-WHICH.html")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="The lines as CSV, instead of the report.")] = False,
    delimiter: Between = ",",
) -> None:
    """Write an inventory's report, one HTML page that needs nothing else; or its lines as CSV.

    Quantity and CO2e of a line together are its factor: lines whose factor may not be passed on, or of which nobody has
    said that it may, go into the CSV without their figures, which is told. `headwater inventory lines` has them all.

    \b
    Examples:
      headwater inventory export 1
      headwater inventory export 1 --csv --out lines.csv
    """
    from headwater.services.inventories.exporting import REASON, LinesWritten, write_lines, write_report

    path = output or Path(f"inventory-{inventory}.{'csv' if as_csv else 'html'}")
    written, sign = LinesWritten(), delimiter_of(delimiter)
    with installation() as opened:
        if as_csv:
            written = write_lines(opened, inventory, path, delimiter=sign)
        else:
            write_report(opened, inventory, path)
    typer.echo(f"written to {path}")
    if written.left_out:
        names = "; ".join(f"{each.source}, {each.licence or 'no licence stated'}" for each in written.licences)
        typer.echo(
            f"the figures of {counted(written.left_out, 'line')} are left out, {_tonnes(written.left_out_kg)} t CO2e of"
            f" the inventory's own total: what they rest on may not be passed on, or nobody has said that it may"
            f" ({names}). The column {REASON} says which.",
            err=True,
        )


def _print_view(view: InventoryView, limit: int) -> None:
    found, document = view.inventory, view.document
    number = f", number {found.number}" if found.number is not None else ", not published"
    number = ", discarded" if found.discarded_at is not None else number
    print_facts(
        [
            ("inventory", f"{found.name}{number}"),
            ("id", found.inventory_id),
            ("organisation", document.organisation),
            ("boundary", document.boundary.approach.replace("_", " ")),
            ("period", f"{document.period.start} to before {document.period.end}"),
            ("activities", found.activity_count),
            ("told", view.heading),
            ("lines", f"{found.line_count:,}, SHA-256 {found.lines.hex()}"),
        ]
    )
    for total in view.totals:
        own = ", the inventory's own" if total.is_designated else ""
        rows = [(f"scope {scope}", _tonnes(kg)) for scope, kg in total.scopes.items()]
        rows += [
            (f"  category {number}" if number else "  no category", _tonnes(kg))
            for number, kg in total.categories.items()
        ]
        rows += [("total", view.without_total if total.co2e_kg is None else _tonnes(total.co2e_kg))]
        rows += [("biogenic CO2, outside the scopes", _tonnes(total.outside_kg))] if total.outside_kg else []
        print_table(
            ["", "t CO2e"], rows, numbers=["t CO2e"], title=f"{total.gwp_set}, {total.method.replace('_', '-')}{own}"
        )
    if view.findings:
        print_table(
            ["finding", "about", "activities", "how much", "message"],
            [
                (each.rule_id.partition(".")[2], _about(each), each.activities or None, each.how_much, each.message)
                for each in view.findings[:limit]
            ],
            numbers=["activities", "how much"],
            title="Findings",
        )
        typer.echo(told_of(min(limit, len(view.findings)), len(view.findings), "finding"))
    print_licences(view.licences)
    typer.echo(f"anchor {view.anchor}")


def _about(finding: StoredFinding) -> str:
    """The subject, and by which method and of which stage, where that matters."""
    stage = finding.stage if finding.stage != "use" else None
    more = ", ".join(words.replace("_", "-") for words in (finding.method, stage) if words)
    return f"{finding.subject}; {more}" if more else finding.subject


def _print_differences(found: Differences) -> None:
    own, other = (f"{gwp_set}, {method.replace('_', '-')}" for gwp_set, method in (found.own, found.other))
    in_all = NOT_AVAILABLE if found.difference_kg is None else f"{found.difference_kg} kg CO2e"
    print_table(
        ["activity", "stage", "kg here", "kg there", "difference", "rests on here", "rests on there"],
        [
            (
                each.activity_id,
                each.stage,
                *(NOT_AVAILABLE if kg is None else kg for kg in (each.kg_a, each.kg_b, each.difference_kg)),
                each.rests_on_a,
                each.rests_on_b,
            )
            for each in found.lines
        ],
        numbers=["kg here", "kg there", "difference"],
        title=f"{other} beside {own}: {in_all}",
    )
    for (count, kg), has, lacks in ((found.only_own, own, other), (found.only_other, other, own)):
        if count:
            typer.echo(f"left out of the difference, as {lacks} has no figure: {count:,} with {kg} kg CO2e in {has}")
    typer.echo(told_of(len(found.lines), found.differing, "differing activity", "differing activities"))


def _tonnes(kg: Decimal) -> str:
    from headwater.services.reports.figures import tonnes

    return tonnes(kg)
