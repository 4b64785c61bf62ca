"""`headwater notifications channels`: where people and programs are told what happened."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_facts, print_json, print_table
from headwater.cli.session import installation

if TYPE_CHECKING:
    from headwater.services.answers.notifications import ChannelShown, QuietShown
    from headwater.services.notifications.channels import ChannelView
    from headwater.services.notifications.wishes import Kind, Target

app = typer.Typer(no_args_is_help=True, help="Where people and programs are told what happened.")

Name = Annotated[str, typer.Argument(help="Name of the channel.", show_default=False)]
Webhook = Annotated[str | None, typer.Option(metavar="URL", help="A program: an address that takes signed messages.")]
Slack = Annotated[
    bool, typer.Option("--slack", help="A chat that takes Slack's form: its address is asked for, or read from stdin.")
]
Email = Annotated[list[str] | None, typer.Option(metavar="ADDRESS", help="People; may be said again.")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event", metavar="EVENT", help="What it is told, as run.failed; may be said again. See the examples."
    ),
]
Least = Annotated[str | None, typer.Option(metavar="SEVERITY", help="info, warning, error or critical.")]
Above = Annotated[
    float | None, typer.Option(metavar="PERCENT", help="Told of runs that refuse more of their records than this.")
]
QuietOption = Annotated[
    str | None, typer.Option("--quiet", metavar="HH:MM-HH:MM", help="Hours in which nothing comes; `never` for none.")
]
TimeZone = Annotated[str | None, typer.Option(help="Whose clocks the quiet hours are of, as Europe/Berlin.")]
Urgent = Annotated[
    bool | None,
    typer.Option("--urgent-passes/--urgent-waits", help="Whether what is critical comes in quiet hours too."),
]
Group = Annotated[
    int | None, typer.Option(metavar="SECONDS", help="What is of one event and comes within this time is one message.")
]


@app.command()
def add(
    name: Name,
    *,
    webhook: Webhook = None,
    slack: Slack = False,
    email: Email = None,
    event: Events = None,
    least: Least = None,
    quarantine_above: Above = None,
    quiet: QuietOption = None,
    time_zone: TimeZone = None,
    urgent: Urgent = None,
    group: Group = None,
    as_json: AsJson = False,
) -> None:
    """Add a channel. Where nothing else is said it is told of all that goes wrong, and once a minute at most.

    Events: run.completed, run.partial, run.failed (sync.failed, import.failed and schedule.failed are such, too),
    import.completed, quarantine.above, job.stuck. The secret of a webhook is printed once.

    \b
    Examples:
      headwater notifications channels add oncall --webhook https://example.org/hooks/headwater
      headwater notifications channels add team --slack --event run.failed --quiet 22:00-07:00 --time-zone Europe/Berlin
      headwater notifications channels add data --email ann@example.org --email bo@example.org --least error
    """
    from headwater.errors import Misuse
    from headwater.services.notifications import channels
    from headwater.services.notifications.wishes import wishes_of

    said = _said(event, least, quarantine_above, group) | _quiet(quiet, time_zone, urgent, before=None)
    target = _target(webhook, slack=slack, email=email)
    if target is None:
        raise Misuse("a channel leads somewhere", where="channels add", valid="one of --webhook, --slack and --email")
    kind: Kind = "webhook" if webhook else "slack" if slack else "email"
    with installation() as opened:
        made = channels.add(opened, name, kind, target, wishes_of(said))
    _tell(made, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List channels, by name.

    \b
    Examples:
      headwater notifications channels list
    """
    from headwater.services.notifications import channels

    with installation() as opened:
        found = [each.as_json() for each in channels.list_channels(opened)]
    if as_json:
        print_json(found)
        return
    print_table(
        ["channel", "kind", "to", "events", "from", "quiet"],
        [
            (each["name"], each["kind"], _where(each), ", ".join(each["events"]), each["least_severity"], _hours(each))
            for each in found
        ],
    )


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a channel; never its secret.

    \b
    Examples:
      headwater notifications channels show oncall
    """
    from headwater.services.notifications import channels

    with installation() as opened:
        found = channels.show(opened, name)
    _tell(found, as_json=as_json)


@app.command()
def edit(
    name: Name,
    *,
    webhook: Webhook = None,
    slack: Slack = False,
    email: Email = None,
    event: Events = None,
    least: Least = None,
    quarantine_above: Above = None,
    quiet: QuietOption = None,
    time_zone: TimeZone = None,
    urgent: Urgent = None,
    group: Group = None,
    as_json: AsJson = False,
) -> None:
    """Change a channel; what is not said stays. A webhook keeps its secret.

    \b
    Examples:
      headwater notifications channels edit oncall --least critical
      headwater notifications channels edit team --quiet never
      headwater notifications channels edit data --email ann@example.org
    """
    from headwater.services.notifications import channels

    target = _target(webhook, slack=slack, email=email)
    with installation() as opened:
        before = channels.show(opened, name).as_json()["quiet"]
        said = _said(event, least, quarantine_above, group) | _quiet(quiet, time_zone, urgent, before=before)
        changed = channels.change(opened, name, said, target=target)
    _tell(changed, as_json=as_json)


@app.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a channel. What waits for it is dropped; what it was told stays listed.

    \b
    Examples:
      headwater notifications channels remove oncall
    """
    from headwater.services.notifications import channels

    with installation() as opened:
        channels.remove(opened, name)
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"{name} is removed")


@app.command("test")
def try_(name: Name, as_json: AsJson = False) -> None:
    """Send a test at once, and say whether it got there.

    \b
    Examples:
      headwater notifications channels test oncall
    """
    from headwater.cli.exits import ERROR
    from headwater.services.notifications import delivering

    with installation() as opened:
        outcome = delivering.send_test(opened, name)
    if as_json:
        print_json({"ok": outcome.is_sent, "status": outcome.status, "error": outcome.error})
    else:
        typer.echo(f"{name} was told" if outcome.is_sent else f"{name} was not told: {outcome.error}")
    if not outcome.is_sent:
        raise typer.Exit(ERROR)


@app.command("new-secret")
def new_secret(
    name: Name,
    keep_hours: Annotated[float, typer.Option(min=0, help="How long the one before signs beside it.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Make another secret for a webhook, printed once. Until the one before ends, messages are signed by both.

    \b
    Examples:
      headwater notifications channels new-secret oncall
      headwater notifications channels new-secret oncall --keep-hours 0
    """
    from headwater.services.notifications import channels

    with installation() as opened:
        made = channels.new_secret(opened, name, keep_hours=keep_hours)
    _tell(made, as_json=as_json)


def _said(event: list[str] | None, least: str | None, above: float | None, group: int | None) -> dict[str, Any]:
    said = {"events": event or None, "least_severity": least, "quarantine_above": above, "group_seconds": group}
    return {name: value for name, value in said.items() if value is not None}


def _quiet(
    quiet: str | None, time_zone: str | None, urgent: bool | None, *, before: QuietShown | None
) -> dict[str, Any]:
    """Quiet hours as said; of those there are, what is not said stays."""
    from headwater.errors import Misuse

    if quiet == "never":
        return {"quiet": None}
    if quiet is None and time_zone is None and urgent is None:
        return {}
    found = dict(before or {"time_zone": "UTC"})
    if quiet is not None:
        found["from"], _, found["to"] = quiet.partition("-")
    if "from" not in found:
        raise Misuse("there are no quiet hours", where="--time-zone", valid="with --quiet, as in --quiet 22:00-07:00")
    found |= {"time_zone": time_zone} if time_zone is not None else {}
    found |= {"urgent_passes": urgent} if urgent is not None else {}
    return {"quiet": found}


def _target(webhook: str | None, *, slack: bool, email: list[str] | None) -> Target | None:
    from headwater.errors import Misuse
    from headwater.services.notifications.wishes import Target

    if sum((webhook is not None, slack, bool(email))) > 1:
        raise Misuse("a channel leads to one place", where="channels", valid="one of --webhook, --slack and --email")
    if slack:
        asked = sys.stdin.isatty()
        url = typer.prompt("address", hide_input=True) if asked else sys.stdin.readline(2100).strip()
        if not 1 <= len(url) <= 2000:
            raise Misuse("no address was given, or one that is too long", where="--slack", valid="1 to 2,000 signs")
        return Target(url=url)
    if webhook is not None:
        if not 1 <= len(webhook) <= 2000:
            raise Misuse("this is no address", where="--webhook", valid="1 to 2,000 signs")
        return Target(url=webhook)
    return Target(to=email) if email else None


def _tell(view: ChannelView, *, as_json: bool) -> None:
    found = view.as_json()
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("channel", found["name"]),
            ("kind", found["kind"]),
            ("to", _where(found)),
            ("told of", ", ".join(found["events"])),
            ("from", f"{found['least_severity']} on"),
            ("quarantine", f"above {found['quarantine_above']:g} % of a run's records"),
            ("quiet", _hours(found) or "never"),
            ("grouped", f"within {found['group_seconds']} s"),
        ]
    )
    if view.secret:
        typer.echo(f"\n{view.secret}\n\nKeep it now: it is not shown again. The receiver checks signatures by it.")


def _where(found: ChannelShown) -> str:
    target = found["target"]
    return ", ".join(target["to"]) if "to" in target else str(target.get("url") or target.get("host"))


def _hours(found: ChannelShown) -> str:
    quiet = found["quiet"]
    if quiet is None:
        return ""
    return f"{quiet['from']}-{quiet['to']} {quiet['time_zone']}{', urgent passes' if quiet['urgent_passes'] else ''}"
