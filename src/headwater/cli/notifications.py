"""`headwater notifications`: who is told when something fails, and whether it got there."""

from __future__ import annotations

from typing import Annotated

import typer

from headwater.cli import channels
from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table, told_of
from headwater.cli.runs import Limit
from headwater.cli.session import installation

app = typer.Typer(no_args_is_help=True, help="Channels that are told what happened, and the messages to them.")
app.add_typer(channels.app, name="channels")


@app.command("list")
def list_(
    state: Annotated[
        str | None,
        typer.Option(help="Those of this state only: pending, held, sent, failed, dropped.", show_default="all"),
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List messages, the latest first: to which channel, about what, whether they got there.

    \b
    Examples:
      headwater notifications list
      headwater notifications list --state failed --json
    """
    from headwater.services.notifications.delivering import list_deliveries

    with installation() as opened:
        found, total = list_deliveries(opened, state=state, limit=limit)
    if as_json:
        print_json({"messages": found, "total": total})
        return
    print_table(
        ["message", "channel", "event", "told", "state", "tries", "why"],
        [
            (str(each["delivery_id"])[:8], each["channel"], each["event"], each["told"], each["state"],
             each["attempts"], each["last_error"])
            for each in found
        ],
        numbers=["told", "tries"],
        whole=["message"],
    )  # fmt: skip
    typer.echo(told_of(len(found), total, "message"))


@app.command()
def retry(
    message: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="Its id, or enough of its beginning.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Send a message again that failed, under the same id.

    \b
    Examples:
      headwater notifications retry 3f2a
    """
    from dataclasses import asdict

    from headwater.services.notifications import delivering

    with installation() as opened:
        found = delivering.retry(opened, message)
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(f"message {found.delivery_id}: {found.state}")
