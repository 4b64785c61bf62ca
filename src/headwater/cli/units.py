"""`headwater units`: divisions, departments, laboratories and sites of an organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.services.access.kinds import UnitKind

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.units import UnitView
    from headwater.services.installation import Installation

app = typer.Typer(no_args_is_help=True, help="Divisions, departments, laboratories and sites, of any depth.")

Unit = Annotated[str, typer.Argument(help="Its path, like Europe/Berlin, or its id.", show_default=False)]
TOP = "-"


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the unit.", show_default=False)],
    kind: Annotated[UnitKind, typer.Option(help="What it is.")] = UnitKind.DEPARTMENT,
    below: Annotated[str | None, typer.Option(help="The unit that it is part of; left out: the organisation.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a unit.

    \b
    Examples:
      headwater units add Europe --kind division
      headwater units add Berlin --kind site --below Europe
    """
    from headwater.services.access import units

    with installation() as opened:
        parent = units.named(opened, below) if below else None
        _tell([units.add(opened, name, kind, parent)], as_json=as_json)


@app.command("list")
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the units, each below the one it is part of.

    \b
    Examples:
      headwater units list
      headwater units list --archived --json
    """
    from headwater.services.access import units

    with installation() as opened:
        found = units.list_units(opened, archived=archived)
    _tell(found, as_json=as_json, many=True)


@app.command()
def rename(
    unit: Unit,
    name: Annotated[str, typer.Argument(help="Its new name.", show_default=False)],
    kind: Annotated[UnitKind | None, typer.Option(help="What it is, where that changes too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a unit another name.

    \b
    Examples:
      headwater units rename Europe/Berlin "Berlin Mitte"
    """
    from headwater.services.access import units

    with installation() as opened:
        renamed = units.change(opened, units.named(opened, unit), name=name, kind=kind)
    _tell([renamed], as_json=as_json)


@app.command()
def move(
    unit: Unit,
    below: Annotated[str, typer.Argument(help="The unit it is to be part of; - for the organisation.")],
    as_json: AsJson = False,
) -> None:
    """Move a unit, with all below it, to another place.

    \b
    Examples:
      headwater units move Europe/Berlin Germany
      headwater units move Germany/Berlin -
    """
    from headwater.services.access import units

    with installation() as opened:
        parent = None if below == TOP else units.named(opened, below)
        _tell([units.change(opened, units.named(opened, unit), moves=True, parent_id=parent)], as_json=as_json)


@app.command()
def archive(
    unit: Unit,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a unit and all below it out of use; what hangs on it is told first.

    \b
    Examples:
      headwater units archive Europe/Berlin
      headwater units archive Europe/Berlin --yes
    """
    from headwater.services.access import units

    with installation() as opened:
        unit_id = units.named(opened, unit)
        _confirm(opened, unit_id, unit, yes=yes)
        count = units.archive(opened, unit_id)
    if as_json:
        print_json({"unit_id": unit_id, "archived": count})
    else:
        typer.echo(f"{counted(count, 'unit is', 'units are')} archived. Back again: headwater units restore {unit_id}")


@app.command()
def restore(
    unit: Annotated[str, typer.Argument(help="Its id: `headwater units list --archived` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Take a unit, and what was archived together with it, into use again.

    \b
    Examples:
      headwater units restore 6f1c1c9e-5a86-4a6e-9d0a-0f4a5b1e7c11
    """
    from headwater.services.access import units

    with installation() as opened:
        unit_id = units.named(opened, unit)
        count = units.restore(opened, unit_id)
    if as_json:
        print_json({"unit_id": unit_id, "restored": count})
    else:
        typer.echo(f"{counted(count, 'unit is', 'units are')} in use again.")


def _confirm(opened: Installation, unit_id: UUID, unit: str, *, yes: bool) -> None:
    from headwater.services.access import units

    hangs = units.hanging_on(opened, unit_id)
    typer.echo(
        f"on {unit} hang {counted(hangs.units, 'unit')} below it, {counted(hangs.roles, 'role')},"
        f" {counted(hangs.grants, 'grant')} and {counted(hangs.tokens, 'token')} of services",
        err=True,
    )
    if not yes:
        typer.confirm("Archive it?", abort=True, err=True)


@app.command()
def sources(as_json: AsJson = False) -> None:
    """List the sources that records came from, each with the unit that its records belong to.

    \b
    Examples:
      headwater units sources
    """
    from headwater.services.access import record_units

    with installation() as opened:
        found = record_units.list_sources(opened)
        paths = {str(unit_id): path for unit_id, path in unit_paths(opened).items()}
    if as_json:
        print_json(found)
        return
    rows = [(each["name"], paths.get(each["unit_id"] or "", ""), each["last_at"], each["source_id"]) for each in found]
    print_table(["source", "unit", "last run", "id"], rows)


@app.command()
def assign(
    source: Annotated[str, typer.Argument(help="Name or id of the source.", show_default=False)],
    unit: Annotated[
        str, typer.Argument(help=f"The unit's path or id; {TOP} for the organisation itself.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Give a source to a unit, with all records that came from it and will come.

    Who has rights in that unit, or in one above it, sees its records from then on, and of others none.

    \b
    Examples:
      headwater units assign meters_berlin.csv Europe/Berlin
      headwater units assign meters_berlin.csv -
    """
    from headwater.services.access import record_units, units

    with installation() as opened:
        unit_id = None if unit == TOP else units.named(opened, unit)
        done = record_units.assign(opened, source, unit_id)
    if as_json:
        print_json(done)
        return
    typer.echo(f"{counted(done['rows'], 'row')} of {done['name']} moved, older versions and figures included")


def unit_paths(opened: Installation) -> dict[UUID, str]:
    """How units are called, archived ones too."""
    from headwater.services.access.units import list_units

    return {each.unit_id: "/".join(each.path) for each in list_units(opened, archived=True)}


def _tell(found: list[UnitView], *, as_json: bool, many: bool = False) -> None:
    if as_json:
        shown = [each.as_json() for each in found]
        print_json(shown if many else shown[0])
        return
    rows = [
        ("  " * (len(each.path) - 1) + each.name, each.kind, "archived" if each.archived_at else "", str(each.unit_id))
        for each in found
    ]
    print_table(["unit", "kind", "", "id"], rows, whole=["id"])
