"""`headwater health`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation, read_settings

if TYPE_CHECKING:
    from headwater.services.watching.report import Health


def health(as_json: AsJson = False) -> None:
    """Tell how the installation is: database, disk, memory, queue and pipeline, each in order or not, and what to do.

    Runs, quality and schedules are those of the organisation at hand. Ends with 1 where something is bad. From where on
    it warns, the setting health_limits says.

    \b
    Examples:
      headwater health
      headwater health --json
    """
    found = _found()
    if as_json:
        print_json(found.as_json())
    else:
        print_table(
            ["part", "state", "what is", "what to do"],
            [(part.name, part.state, part.says, part.remedy) for part in found.parts],
            whole=["part", "state"],
        )
        typer.echo(f"health: {found.state}")
    if found.state == "bad":
        raise typer.Exit(1)


def _found() -> Health:
    from headwater.errors import HeadwaterError, Misuse
    from headwater.services.watching import machine
    from headwater.services.watching.measuring import Measured
    from headwater.services.watching.report import judged, report

    settings = read_settings()
    try:
        with installation() as opened:
            return report(opened)
    except Misuse:
        raise
    except HeadwaterError as error:  # that it cannot be opened is what is to be told
        measured = Measured(disks=machine.disks(settings), memory=machine.memory(), unreachable=error)
        return judged(measured, settings)
