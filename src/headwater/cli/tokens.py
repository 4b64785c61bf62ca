"""`headwater tokens`: what opens the API for scripts and services."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation
from headwater.services.access.policy import Right, Role

app = typer.Typer(no_args_is_help=True, help="API tokens of people and services; each is shown once, when it is made.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", show_default=False)],
    *,
    role: Annotated[Role | None, typer.Option(help="For a service: what it is.", show_default=False)] = None,
    person: Annotated[str | None, typer.Option(help="For a person: their address or id.", show_default=False)] = None,
    unit: Annotated[
        str | None, typer.Option(help="A unit, by path or id, that the role is in; left out: the organisation.")
    ] = None,
    scope: Annotated[
        list[Right] | None,
        typer.Option(help="A right it may use; may be said again. Left out: read for a person, all of a role's."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="How long it holds; left out: HEADWATER_TOKEN_DAYS.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, for a service with a role of its own or for a person, who can do no more by it than without.

    \b
    Examples:
      headwater tokens create "meter gateway" --role data_analyst --scope write --days 30
      headwater tokens create "Ann's notebook" --person ann@example.org --scope read --scope query
    """
    from headwater.errors import Misuse
    from headwater.services.access.people import named
    from headwater.services.access.units import named as unit_named
    from headwater.services.sign_in import tokens

    if (role is None) == (person is None) or (person and unit):
        message = "a token is a service's, with --role and perhaps --unit, or a person's"
        raise Misuse(message, where="tokens create", valid="either --role or --person")
    with installation() as opened:
        if role:
            unit_id = unit_named(opened, unit) if unit else None
            new = tokens.create_for_service(opened, name, role, unit_id=unit_id, scopes=scope or None, days=days)
        else:
            whose = named(opened, str(person))
            new = tokens.create_personal(opened, name, scopes=scope or (Right.READ,), days=days, person_id=whose)
    if as_json:
        print_json({"token_id": new.token_id, "token": new.text, "expires_at": new.expires_at})
        return
    print_facts([("id", new.token_id), ("until", new.expires_at)])
    typer.echo(f"\n{new.text}\n\nKeep it now: it is not shown again.")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that are revoked or expired too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List tokens, the newest first; never what they open by.

    \b
    Examples:
      headwater tokens list
      headwater tokens list --all --json
    """
    from headwater.services.sign_in import tokens

    with installation() as opened:
        found = tokens.list_tokens(opened, everybody=True)
    shown = [each for each in found if every or not (each.revoked_at or each.is_expired)]
    if as_json:
        print_json([vars(each) for each in shown])
        return
    rows = [
        (str(each.token_id), each.name, each.role or "person", " ".join(each.scopes), each.expires_at, each.seen_at)
        for each in shown
    ]
    print_table(["token", "name", "role", "scopes", "until", "seen"], rows, whole=["token"])


@app.command()
def revoke(token: Annotated[UUID, typer.Argument(help="Its id: `headwater tokens list` has it.")]) -> None:
    """Revoke a token: it opens nothing any more.

    \b
    Examples:
      headwater tokens revoke 6f1c2c3e-8f0a-4f3b-9b70-9f5f2b8c1d11
    """
    from headwater.services.sign_in import tokens

    with installation() as opened:
        tokens.revoke(opened, token)
    typer.echo(f"{token} is revoked.")
