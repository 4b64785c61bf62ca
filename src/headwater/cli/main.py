"""The program `headwater`: every command in its place. What a command needs is imported when it is called."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from headwater import __version__, memory
from headwater.cli import (
    audit,
    compare,
    connectors,
    contracts,
    credentials,
    database,
    datasets,
    demo,
    evidence,
    exits,
    factors,
    health,
    imports,
    indicators,
    inspection,
    inventory,
    jobs,
    mapping,
    meters,
    notifications,
    organisations,
    people,
    quarantine,
    recipes,
    records,
    replay,
    runs,
    schedules,
    serve,
    signing_in,
    tokens,
    uncertainty,
    units,
    worker,
)

HELP = """Sustainability data, from messy files to figures that can be traced and computed again.

\b
A first day:
  headwater demo                                          # see all of it on files made to be nasty
  headwater inspect meters.csv                            # what is this file?
  headwater import meters.csv --mapping meters.yaml       # load it
  headwater quarantine list                               # what was refused, and why
  headwater trace emission ACTIVITY                       # where a figure comes from
  headwater verify                                        # prove that nothing was changed since

Settings come from HEADWATER_* variables and headwater.toml; without any, a database is brought along.
"""

app = typer.Typer(
    cls=exits.Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=HELP,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"headwater {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """See HELP, which `app` shows in place of this."""


app.command("demo")(demo.demo)
app.command("inspect")(inspection.inspect)
app.add_typer(mapping.app, name="map")
app.add_typer(recipes.app, name="recipe")
app.command("import")(imports.import_)
app.command("run")(imports.run)
connectors.app.add_typer(credentials.app, name="credentials")
app.add_typer(connectors.app, name="connectors")
app.add_typer(runs.app, name="runs")
app.add_typer(jobs.app, name="jobs")
app.add_typer(schedules.app, name="schedules")
app.command("worker")(worker.worker)
app.add_typer(notifications.app, name="notifications")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(records.app, name="records")
app.add_typer(datasets.app, name="datasets")
app.add_typer(contracts.app, name="contracts")
app.add_typer(factors.app, name="factors")
app.add_typer(meters.app, name="meters")
app.add_typer(indicators.app, name="indicators")
inventory.app.command("uncertainty")(uncertainty.uncertainty)
app.add_typer(inventory.app, name="inventory")
app.command("trace")(evidence.trace)
app.command("verify")(evidence.verify)
app.add_typer(audit.app, name="audit")
app.command("report")(evidence.report)
app.add_typer(replay.app, name="replay")
app.command("compare")(compare.compare)
app.command("serve")(serve.serve)
app.command("health")(health.health)
app.add_typer(organisations.app, name="organisations")
app.add_typer(units.app, name="units")
people.app.command("sessions")(signing_in.sessions)
people.app.command("end-sessions")(signing_in.end_sessions)
people.app.command("reset-link")(signing_in.reset_link)
people.app.command("first-admin")(signing_in.first_admin)
app.add_typer(people.app, name="people")
app.add_typer(tokens.app, name="tokens")
app.add_typer(database.app, name="db")


def run() -> None:
    """Start the program. Told to end (SIGTERM, SIGHUP) it does as by Ctrl-C: what is open is closed, the run noted."""
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) == signal.SIG_DFL:  # as by nohup it may be ignored
            signal.signal(told, _interrupt)
    memory.begin()
    app(prog_name="headwater")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
