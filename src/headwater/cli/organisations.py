"""`headwater organisations`: the organisations of an installation, for its operator."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation, read_settings

app = typer.Typer(
    no_args_is_help=True,
    help="The organisations of this installation; HEADWATER_OWNER_URL must be set where the database is not embedded.",
)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="1 to 63 of a-z, 0-9, _ and -, beginning with a letter.")],
    as_json: AsJson = False,
) -> None:
    """Make an organisation known. Nobody belongs to it yet.

    \b
    Examples:
      headwater organisations add acme
      HEADWATER_ORGANISATION=acme headwater people invite ann@example.org --name "Ann Lee" --role admin
    """
    from headwater.services.access.organisations import add_organisation

    tenant_id = add_organisation(read_settings(), name)
    if as_json:
        print_json({"organisation": name, "tenant_id": tenant_id})
        return
    typer.echo(f"organisation {name} is known. Invite its first administrator:")
    typer.echo(f"  HEADWATER_ORGANISATION={name} headwater people invite ADDRESS --name NAME --role admin")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the organisations by name.

    \b
    Examples:
      headwater organisations list
    """
    from headwater.services.access.organisations import list_organisations

    found = list_organisations(read_settings())
    if as_json:
        print_json([{"organisation": each.name, "added_at": each.added_at} for each in found])
    else:
        print_table(["organisation", "added"], [(each.name, each.added_at) for each in found], whole=["organisation"])


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the organisation that HEADWATER_ORGANISATION names.

    \b
    Examples:
      headwater organisations show
      HEADWATER_ORGANISATION=acme headwater organisations show --json
    """
    from headwater.services.access.organisations import show_organisation

    with installation() as opened:
        found = show_organisation(opened)
    if as_json:
        print_json(vars(found))
    else:
        print_facts(
            [
                ("organisation", found.name),
                ("id", found.tenant_id),
                ("people who may sign in", found.people),
                ("units", found.units),
                ("keys", found.keys),
            ]
        )
