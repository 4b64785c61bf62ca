"""`headwater datasets`: records handed to other organisations, and those that are public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(no_args_is_help=True, help="Records copied to another organisation, or public to all of them.")

Name = Annotated[str, typer.Argument(help="What the dataset is called.", show_default=False)]
Contract = Annotated[str, typer.Argument(help="The contract of its records, like activity.", show_default=False)]
Licence = Annotated[str, typer.Option(help="What others may do with it.", show_default=False)]
Filters = Annotated[list[str] | None, typer.Option("--filter", help="field:operator:value; may be said several times.")]
OfInstallation = Annotated[
    bool, typer.Option("--of-installation", help="In the name of the installation, not of the organisation at hand.")
]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List public datasets, and what this organisation has offered to others.

    \b
    Examples:
      headwater datasets list
    """
    from headwater.services import datasets

    with installation() as opened:
        public, offers = datasets.list_public(opened), datasets.list_offers(opened)
    if as_json:
        print_json({"public": public, "offers": offers})
        return
    columns = ["name", "version", "publisher", "contract", "records", "licence"]
    print_table(columns, [[each.get(column) for column in columns] for each in public], title="Public")
    columns = ["name", "contract", "records", "offered_at", "expires_at", "taken_at", "withdrawn_at", "offer_id"]
    print_table(columns, [[each.get(column) for column in columns] for each in offers], title="Offered to others")


@app.command()
def offer(
    name: Name,
    contract: Contract,
    *,
    to: Annotated[str, typer.Option("--to", help="Name of the organisation.", show_default=False)],
    licence: Licence,
    filters: Filters = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it can be taken.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Offer a copy of records to another organisation, and print once the text by which it takes them.

    Personal fields are left out, and so are factors that their licence keeps back.

    \b
    Examples:
      headwater datasets offer plant-2024 activity --to acme --licence "for its inventory only"
    """
    from headwater.services import datasets

    with installation() as opened:
        made = datasets.offer(opened, name, contract, to, licence=licence, filters=filters or (), days=days)
    if as_json:
        print_json(made.as_json())
        return
    print_facts([("records", f"{made.records:,}"), ("SHA-256", made.sha256), ("text", made.text)])
    typer.echo("Give them the text; it is shown this once: headwater datasets accept TEXT")


@app.command()
def withdraw(
    offer_id: Annotated[str, typer.Argument(help="Id of the offer.", show_default=False)], as_json: AsJson = False
) -> None:
    """Let nobody take an offer any more. What was taken is theirs.

    \b
    Examples:
      headwater datasets withdraw 01234567-89ab-cdef-0123-456789abcdef
    """
    from uuid import UUID

    from headwater.services import datasets

    try:
        found = UUID(offer_id)
    except ValueError:
        raise datasets.no_such_offer(offer_id) from None
    with installation() as opened:
        datasets.withdraw(opened, found)
    if as_json:
        print_json({"withdrawn": offer_id})
        return
    typer.echo(f"withdrawn: {offer_id}")


@app.command()
def accept(
    text: Annotated[str, typer.Argument(help="The text that whoever offered it has given.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Take what another organisation has offered to this one: rows of one's own, from a source that says whose it was.

    \b
    Examples:
      headwater datasets accept hwd_…
    """
    from headwater.services import datasets

    with installation() as opened:
        _tell(datasets.accept(opened, text), as_json=as_json)


@app.command()
def take(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="Which version.", show_default="the newest")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a public dataset in as rows of one's own.

    \b
    Examples:
      headwater datasets take country-factors
    """
    from headwater.services import datasets

    with installation() as opened:
        _tell(datasets.take_public(opened, name, version), as_json=as_json)


@app.command()
def publish(
    name: Name,
    contract: Contract,
    *,
    licence: Licence,
    filters: Filters = None,
    of_installation: OfInstallation = False,
    as_json: AsJson = False,
) -> None:
    """Make a copy of records public to all organisations, as the owner of the tables (HEADWATER_OWNER_URL).

    \b
    Examples:
      headwater datasets publish country-factors emission_factor --licence CC-BY-4.0 --of-installation
    """
    from headwater.services import datasets
    from headwater.services.schema import owner_of

    with installation() as opened, owner_of(opened.settings) as (owner_url, _):
        version = datasets.publish(
            opened, owner_url, name, contract, licence=licence, filters=filters or (), of_installation=of_installation
        )
    if as_json:
        print_json({"name": name, "version": version})
        return
    typer.echo(f"public: {name}, version {version}")


@app.command()
def retract(name: Name, of_installation: OfInstallation = False, as_json: AsJson = False) -> None:
    """Show a public dataset no more, as the owner of the tables (HEADWATER_OWNER_URL). What was taken stays.

    \b
    Examples:
      headwater datasets retract country-factors --of-installation
    """
    from headwater.services import datasets
    from headwater.services.schema import owner_of

    with installation() as opened, owner_of(opened.settings) as (owner_url, _):
        count = datasets.take_back(opened, owner_url, name, of_installation=of_installation)
    if as_json:
        print_json({"name": name, "versions": count})
        return
    typer.echo(f"not public any more: {name}, {counted(count, 'version')}")


def _tell(taken: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(taken)
        return
    print_facts([(name, taken[name]) for name in ("dataset", "records", "licence", "sha256", "run")])
