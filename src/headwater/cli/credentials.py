"""`headwater connectors credentials`: secrets kept encrypted, and never shown again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table, told_of
from headwater.cli.session import installation

app = typer.Typer(no_args_is_help=True, help="Secrets that configs refer to as stored:NAME; none is ever shown.")

Name = Annotated[str, typer.Argument(help="Name of the credential.", show_default=False)]


@app.command("set")
def set_(name: Name) -> None:
    """Store a secret, read from a hidden prompt or from standard input; one of that name is replaced.

    \b
    Examples:
      headwater connectors credentials set crm-password
      cat secret.txt | headwater connectors credentials set crm-password
    """
    from headwater.errors import Misuse
    from headwater.services.connectors.secrets import MAX_SECRET_BYTES, store_secret

    asked = sys.stdin.isatty()
    secret = typer.prompt("secret", hide_input=True) if asked else sys.stdin.read(MAX_SECRET_BYTES + 1).rstrip("\r\n")
    if not secret or len(secret) > MAX_SECRET_BYTES:
        raise Misuse("no secret was given, or one that is too long", where="credentials set", valid="1 to 65,536 signs")
    with installation() as opened:
        store_secret(opened, name, secret)
    typer.echo(f"stored; say in a config: stored:{name}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the names of stored secrets, which key encrypts each, and what refers to it: nothing does to one not used.

    \b
    Examples:
      headwater connectors credentials list
    """
    from dataclasses import asdict

    from headwater.services.connectors.secrets import stored

    with installation() as opened:
        found = stored(opened)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    print_table(
        ["credential", "key", "stored", "used by"],
        [(each.name, each.key, each.updated_at, ", ".join(each.used_by) or "nothing") for each in found],
        whole=["credential"],
    )


@app.command()
def remove(
    name: Name,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also where connectors or settings refer to it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a secret; one that a connector or a setting refers to is kept, and they are named.

    \b
    Examples:
      headwater connectors credentials remove crm-password
      headwater connectors credentials remove crm-password --force
    """
    from headwater.services.connectors.secrets import forget

    with installation() as opened:
        forget(opened, name, force=force)
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is forgotten.")


@app.command()
def rotate() -> None:
    """Encrypt by the first key of HEADWATER_CREDENTIALS_KEYS what an older one encrypts.

    That is credentials, keys of the organisation and secrets of notification channels. Syncs go on meanwhile.

    \b
    Examples:
      headwater connectors credentials rotate
    """
    from headwater.services.access.keys import encrypt_again as keys_again
    from headwater.services.connectors.secrets import rotate as encrypt_again
    from headwater.services.notifications.sealing import encrypt_again as channels_again

    with installation() as opened:
        count, keys, of_channels = encrypt_again(opened), keys_again(opened), channels_again(opened)
    typer.echo(
        f"Encrypted by the first key now: {told_of(count, count, 'credential')},"
        f" {told_of(keys, keys, 'key')} of the organisation, {told_of(of_channels, of_channels, 'secret')} of channels;"
        " older keys can go once this is done for every organisation."
    )
