"""`headwater db`: the schema of the database."""

from __future__ import annotations

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json
from headwater.cli.session import read_settings, setting_up

app = typer.Typer(no_args_is_help=True, help="The schema of the database.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the schema is that of this version.

    Exit code 1 where it is behind.

    \b
    Examples:
      headwater db status
      headwater db status --json
    """
    from headwater.services.schema import schema_status

    settings = read_settings()
    with setting_up(settings):
        found, missing = schema_status(settings)
    is_behind = bool(found.pending or missing)
    if as_json:
        print_json(
            {
                "server_version": found.server_version,
                "embedded": settings.database_url is None,
                "up_to_date": not is_behind,
                "applied": [{"migration": name, "at": at.isoformat()} for name, at in found.applied],
                "pending": list(found.pending),
                "contracts": list(found.contracts),
                "contracts_missing": list(missing),
            }
        )
    else:
        where = f"embedded, in {settings.data_dir / 'postgres'}" if settings.database_url is None else "by URL"
        print_facts(
            [
                ("server", f"PostgreSQL {found.server_version // 10000}.{found.server_version % 10000}, {where}"),
                ("migrations applied", ", ".join(name for name, _ in found.applied)),
                ("migrations pending", ", ".join(found.pending) or "none"),
                ("contracts", ", ".join(found.contracts)),
                ("contracts missing", ", ".join(missing) or "none"),
            ]
        )
        typer.echo("Bring it up with: headwater db upgrade" if is_behind else "The schema is that of this version.")
    if is_behind:
        raise typer.Exit(exits.ERROR)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the schema up to this version.

    Migrations, tables of the contracts, rights; doing it again changes nothing. The embedded database is upgraded
    by itself whenever it is opened. For any other set HEADWATER_OWNER_URL.

    \b
    Examples:
      headwater db upgrade
      HEADWATER_OWNER_URL=postgresql://owner:secret@db:5432/headwater headwater db upgrade
    """
    from headwater.services.schema import upgrade_schema

    settings = read_settings()
    with setting_up(settings):
        done = upgrade_schema(settings)
    if as_json:
        print_json({"migrations": list(done.migrations), "contracts": list(done.contracts)})
        return
    if not done.migrations and not done.contracts:
        typer.echo("nothing to do: the schema is that of this version")
        return
    print_facts([("migrations", ", ".join(done.migrations)), ("contracts", ", ".join(done.contracts))])
