"""`headwater audit`: who did what, as the chain has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(no_args_is_help=True, help="The audit chain: who did what, and when.")

MOST = 1_000
LONG = 64
"""So many signs a hash has; what has as many is not shown between others."""
SHOWN = ("seq", "at", "actor", "action", "resource", "result")


@app.command("list")
def list_(
    *,
    who: Annotated[str | None, typer.Option(help="In whose name this stands.", show_default="all")] = None,
    action: Annotated[
        str | None, typer.Option(help="What was done, or how that begins: run.ended, connector.", show_default="all")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option("--object", help="To what, or how that begins: run/3f2a", show_default="all"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="From that day or time on, in UTC where no zone is said.", show_default="all")
    ] = None,
    before: Annotated[
        int | None, typer.Option(min=1, help="Before the entry of this number.", show_default="the end")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List entries of the audit chain, the latest first.

    Where more are told than shown, `--before` with the last number shown goes on. `headwater verify` proves that none
    was changed.

    \b
    Examples:
      headwater audit list
      headwater audit list --who ada --action connector. --since 2026-01-01
      headwater audit list --object run/3f2a --json
    """
    from headwater.services.house_lists import audit_entries
    from headwater.services.listing import Question

    asked = {
        "actor:contains": who, "action:starts": action, "resource:starts": about, "at:gte": _moment(since),
        "seq:lt": before,
    }  # fmt: skip
    filters = [f"{which}:{value}" for which, value in asked.items() if value is not None]
    with installation() as opened:
        page = audit_entries(opened, Question(filters=filters, limit=limit, count=True))
    if as_json:
        print_json({"entries": page.items, "total": page.total})
        return
    print_table(
        ["no.", "when", "who", "action", "object", "result", "what"],
        [(*(each[name] for name in SHOWN), _what(each["payload"])) for each in page.items],
        numbers=["no."], whole=["when"],
    )  # fmt: skip
    typer.echo(told_of(len(page.items), page.total or 0, "entry", "entries"))


def _moment(since: str | None) -> str | None:
    if since is None:
        return None
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        raise Misuse(
            "this is no time", where="--since", value=since, valid="2026-01-31, 2026-01-31T09:30:00Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def _what(payload: Mapping[str, object]) -> str:
    """What an entry says beside in few words; hashes and what is longer stand with --json."""
    short = {name: str(value) for name, value in payload.items() if isinstance(value, str | int)}
    return ", ".join(f"{name}: {text}" for name, text in short.items() if len(text) < LONG)
