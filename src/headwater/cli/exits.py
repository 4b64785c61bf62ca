"""How commands end: exit codes, and errors as one text on standard error."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from headwater.errors import HeadwaterError, Misuse

LOADED = 0
ERROR = 1
USAGE = 2
OPEN_IN_QUARANTINE = 3
PARTIAL = 4
INTERRUPTED = 130

OF_STATE = {
    "succeeded": LOADED,
    "succeeded_with_quarantine": OPEN_IN_QUARANTINE,
    "partial_success": PARTIAL,
}
"""Exit codes of the states in which a run ends; all others are errors."""


class Commands(TyperGroup):
    """Commands in the order of a day's work, whose errors are told and not thrown."""

    ORDER = (
        "demo",
        "inspect",
        "map",
        "recipe",
        "import",
        "run",
        "runs",
        "quarantine",
        "contracts",
        "factors",
        "trace",
        "verify",
        "report",
        "db",
    )

    def list_commands(self, ctx: Any) -> list[str]:
        """As `--help` lists them."""
        return sorted(super().list_commands(ctx), key=self.ORDER.index)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of Headwater becomes text and an exit code."""
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            tell_error(error)
            raise typer.Exit(USAGE if isinstance(error, Misuse) else ERROR) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None


def tell_error(error: HeadwaterError) -> None:
    """One text on standard error; the word is red on a terminal."""
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {error}", err=True)


def end(state: str) -> None:
    """Leave with the exit code that a run's state has."""
    raise typer.Exit(OF_STATE.get(state, ERROR))
