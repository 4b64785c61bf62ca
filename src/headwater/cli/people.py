"""`headwater people`: who belongs to an organisation, and what they may do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.services.access.policy import Right, Role

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.people_view import PersonView
    from headwater.services.installation import Installation

app = typer.Typer(no_args_is_help=True, help="Who belongs to an organisation, and what they may do.")
roles_app = typer.Typer(no_args_is_help=True, help="Roles, in the organisation or in a unit and all below it.")
grants_app = typer.Typer(no_args_is_help=True, help="Single rights beside the roles, for a while if so said.")
keys_app = typer.Typer(no_args_is_help=True, help="The keys that personal data is encrypted by.")
app.add_typer(roles_app, name="roles")
app.add_typer(grants_app, name="grants")
app.add_typer(keys_app, name="keys")

Whom = Annotated[str, typer.Argument(metavar="PERSON", help="Their address or id.", show_default=False)]
InUnit = Annotated[str | None, typer.Option("--unit", help="A unit, by path or id; left out: the organisation.")]
Clear = Annotated[bool, typer.Option("--clear", help="Names and addresses in clear, which the audit chain notes.")]


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Their address.", show_default=False)],
    name: Annotated[str, typer.Option(help="Their name.", show_default=False)],
    role: Annotated[Role, typer.Option(help="What they are.")] = Role.VIEWER,
    unit: InUnit = None,
    as_json: AsJson = False,
) -> None:
    """Invite somebody. The link that is printed works once; it is shown this once only.

    \b
    Examples:
      headwater people invite ann@example.org --name "Ann Lee" --role data_engineer
      headwater people invite bob@example.org --name "Bob Roe" --role reviewer --unit Europe/Berlin
    """
    from headwater.services.access import people
    from headwater.services.sign_in.links import link_for

    with installation() as opened:
        person_id = people.invite(opened, email, name, role, _unit(opened, unit))
        link = link_for(opened, person_id)
    if as_json:
        print_json({"person_id": person_id, "link": link.url, "expires_at": link.expires_at})
    else:
        print_facts([("person", person_id), ("link", link.url), ("until", link.expires_at)])


@app.command("list")
def list_(
    clear: Clear = False,
    erased: Annotated[bool, typer.Option("--erased", help="Only those who were erased.")] = False,
    as_json: AsJson = False,
) -> None:
    """List people in the order they came, masked unless --clear is said.

    \b
    Examples:
      headwater people list
      headwater people list --clear --json
    """
    from headwater.services.access import people

    found: list[PersonView] = []
    with installation() as opened:
        while page := people.list_people(
            opened, state="erased" if erased else None, after=found[-1].person_id if found else None,
            limit=people.MOST, clear=clear,
        ):  # fmt: skip
            found += page
    if as_json:
        print_json([each.as_json() for each in found])
        return
    rows = [
        (each.email, each.name, each.state, ", ".join(sorted({role.role for role in each.roles})), str(each.person_id))
        for each in found
    ]
    print_table(["address", "name", "state", "roles", "id"], rows, whole=["id"])


@app.command()
def show(whom: Whom, clear: Clear = False, as_json: AsJson = False) -> None:
    """Show somebody with their roles and grants.

    \b
    Examples:
      headwater people show ann@example.org
      headwater people show ann@example.org --clear --json
    """
    from headwater.services.access import people

    with installation() as opened:
        found = people.person(opened, people.named(opened, whom), clear=clear)
    _tell(found, as_json=as_json)


@app.command()
def change(
    whom: Whom,
    name: Annotated[str | None, typer.Option(help="Their name from now on.")] = None,
    email: Annotated[str | None, typer.Option(help="Their address from now on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change somebody's name or address.

    \b
    Examples:
      headwater people change ann@example.org --name "Ann Lee-Roe"
      headwater people change ann@example.org --email ann.lee@example.org
    """
    from headwater.services.access import people

    with installation() as opened:
        found = people.change(opened, people.named(opened, whom), name=name, email=email)
    _tell(found, as_json=as_json)


@app.command()
def suspend(whom: Whom) -> None:
    """Let somebody in no more: sessions end, tokens are refused. The last administrator stays.

    \b
    Examples:
      headwater people suspend ann@example.org
    """
    from headwater.services.access import people

    with installation() as opened:
        people.suspend(opened, people.named(opened, whom))
    typer.echo(f"suspended; let them in again with: headwater people resume {whom}")


@app.command()
def resume(whom: Whom) -> None:
    """Let somebody in again who was suspended.

    \b
    Examples:
      headwater people resume ann@example.org
    """
    from headwater.services.access import people

    with installation() as opened:
        people.resume(opened, people.named(opened, whom))
    typer.echo("let in again")


@app.command()
def erase(whom: Whom, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete somebody's key and all that is known of them, for good. What they did stays, under a number.

    \b
    Examples:
      headwater people erase ann@example.org
      headwater people erase ann@example.org --yes
    """
    from headwater.services.access import people

    with installation() as opened:
        person_id = people.named(opened, whom)
        if not yes:
            typer.confirm("Erase them? Nobody can bring this back.", abort=True, err=True)
        people.erase(opened, person_id)
    typer.echo(f"erased; what they did is noted as by person/{person_id}")


@roles_app.command("give")
def give_role(whom: Whom, role: Role, unit: InUnit = None) -> None:
    """Give somebody a role.

    \b
    Examples:
      headwater people roles give ann@example.org data_analyst
      headwater people roles give ann@example.org admin --unit Europe/Berlin
    """
    from headwater.services.access import people, roles

    with installation() as opened:
        given = roles.give_role(opened, people.named(opened, whom), role, _unit(opened, unit))
    typer.echo("given" if given else "they have it already")


@roles_app.command("take")
def take_role(whom: Whom, role: Role, unit: InUnit = None) -> None:
    """Take a role away. The last administrator stays.

    \b
    Examples:
      headwater people roles take ann@example.org data_analyst
    """
    from headwater.services.access import people, roles

    with installation() as opened:
        taken = roles.take_role(opened, people.named(opened, whom), role, _unit(opened, unit))
    typer.echo("taken away" if taken else "they do not have it")


@grants_app.command("give")
def give_grant(
    whom: Whom,
    right: Right,
    unit: InUnit = None,
    until: Annotated[datetime | None, typer.Option(help="When it ends, in UTC; left out: when it is revoked.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody one right more.

    \b
    Examples:
      headwater people grants give ann@example.org delete --until 2027-01-01
      headwater people grants give ann@example.org write --unit Europe/Berlin
    """
    from datetime import UTC

    from headwater.services.access import people, roles

    ends = until.replace(tzinfo=UTC) if until and until.tzinfo is None else until
    with installation() as opened:
        grant_id = roles.grant(opened, people.named(opened, whom), right, _unit(opened, unit), expires_at=ends)
    if as_json:
        print_json({"grant_id": grant_id})
    else:
        typer.echo(f"given; end it with: headwater people grants revoke {grant_id}")


@grants_app.command("revoke")
def revoke(grant: Annotated[str, typer.Argument(help="Its id: `headwater people show` has it.")]) -> None:
    """End a grant before its time.

    \b
    Examples:
      headwater people grants revoke 0b0f3a0e-7d0b-4c0e-9a55-3d8f5f5d1c11
    """
    from uuid import UUID

    from headwater.errors import Misuse
    from headwater.services.access import roles

    try:
        grant_id = UUID(grant)
    except ValueError:
        raise Misuse("this is no id", where="grant", value=grant, valid="as `headwater people show` has it") from None
    with installation() as opened:
        roles.revoke(opened, grant_id)
    typer.echo("revoked")


@keys_app.command()
def rotate(as_json: AsJson = False) -> None:
    """Make a new key for the organisation; fields, files and the index of addresses stay as they are.

    \b
    Examples:
      headwater people keys rotate
    """
    from headwater.services.access.encrypting_files import encrypt_files_again
    from headwater.services.access.keys import rotate as rotate_keys

    with installation() as opened:
        organisation, people = rotate_keys(opened)
        files = encrypt_files_again(opened)
    if as_json:
        print_json({"organisation_keys": organisation, "person_keys": people, "file_keys": files})
    else:
        typer.echo(
            f"Encrypted anew: {told_of(organisation, organisation, 'key')} of the organisation, {people:,} of people, "
            f"{files:,} of files."
        )


@keys_app.command()
def encrypt_records(as_json: AsJson = False) -> None:
    """Encrypt what is personal in records that were loaded before it was encrypted. Needed once, after an upgrade.

    \b
    Examples:
      headwater people keys encrypt-records
    """
    from headwater.services.access.encrypting import encrypt_records as encrypt

    with installation() as opened:
        done = encrypt(opened)
    if as_json:
        print_json(done)
    else:
        typer.echo(", ".join(f"{name} {count:,}" for name, count in done.items()) or "Nothing stood in clear.")


@keys_app.command()
def encrypt_files(as_json: AsJson = False) -> None:
    """Encrypt files that were kept before files were encrypted. Needed once, after an upgrade, while nothing is loaded.

    \b
    Examples:
      headwater people keys encrypt-files
    """
    from headwater.services.access.encrypting_files import encrypt_files as encrypt

    with installation() as opened:
        files = encrypt(opened)
    if as_json:
        print_json({"files": files})
    else:
        typer.echo(f"Encrypted: {told_of(files, files, 'file')}." if files else "No file lay in clear.")


def _unit(opened: Installation, reference: str | None) -> UUID | None:
    from headwater.services.access import units

    return units.named(opened, reference) if reference else None


def _tell(found: PersonView, *, as_json: bool) -> None:
    if as_json:
        print_json(found.as_json())
        return
    print_facts(
        [
            ("person", found.person_id),
            ("address", found.email),
            ("name", found.name),
            ("state", found.state),
            ("version", found.version),
        ]
    )
    if found.roles:
        print_table(["role", "unit", "given by"], [(each.role, each.unit_id, each.given_by) for each in found.roles])
    if found.grants:
        rows = [(each.right_name, each.unit_id, each.expires_at, str(each.grant_id)) for each in found.grants]
        print_table(["right", "unit", "until", "id"], rows, whole=["id"])
