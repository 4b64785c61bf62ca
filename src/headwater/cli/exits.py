"""How commands end: exit codes, and errors as one text on standard error."""

from __future__ import annotations

import json
import os
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from headwater.errors import HeadwaterError, Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOADED = 0
ERROR = 1
USAGE = 2
OPEN_IN_QUARANTINE = 3
PARTIAL = 4
INTERRUPTED = 130
NOBODY_READS = 141  # as the shell says of a program that a closed pipe ends

OF_STATE = {
    "succeeded": LOADED,
    "succeeded_with_quarantine": OPEN_IN_QUARANTINE,
    "partial_success": PARTIAL,
}
"""Exit codes of the states in which a run ends; all others are errors."""


class Commands(TyperGroup):
    """Commands by what they are for, whose errors are told and not thrown."""

    GROUPS: Mapping[str, Sequence[str]] = {
        "Look around": ("demo", "inspect"),
        "Bring data in": ("map", "recipe", "import", "run", "runs", "connectors"),
        "Have it done by itself": ("jobs", "schedules", "worker", "notifications"),
        "Mend, and look after records": ("quarantine", "records", "datasets", "contracts"),
        "Calculate": ("factors", "inventory", "meters", "indicators"),
        "Show and prove": ("trace", "verify", "audit", "report", "replay", "compare"),
        "Serve": ("serve", "health"),
        "Look after the house": ("organisations", "units", "people", "tokens", "db"),
    }
    """What commands are for, in the order in which data go through."""

    def list_commands(self, ctx: Any) -> list[str]:
        """As `--help` lists them."""
        order = [name for names in self.GROUPS.values() for name in names]
        return sorted(super().list_commands(ctx), key=order.index)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as it is called
        """Under what they are for, each with its first sentence."""
        width = max(map(len, self.commands))
        for title, names in self.GROUPS.items():
            told = [(name, self.commands[name].get_short_help_str(formatter.width - width - 6)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), said) for name, said in told])

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of Headwater, or in how it was called, becomes text and an exit code."""
        as_json = "--json" in ctx.args
        try:
            ended = super().invoke(ctx)
            sys.stdout.flush()  # else nobody would hear that nobody reads
        except HeadwaterError as error:
            tell_error(error, as_json=as_json)
            raise typer.Exit(USAGE if isinstance(error, Misuse) else ERROR) from None
        except TyperException as error:
            if error.exit_code != USAGE or type(error).__name__ == "NoArgsIsHelpError":
                raise
            tell_error(_misuse(error), as_json=as_json)
            raise typer.Exit(USAGE) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # What is left to be written goes nowhere, at the end of the program too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(NOBODY_READS) from None
        return ended


def tell_error(error: HeadwaterError, *, as_json: bool = False, remedy: str | None = None) -> None:
    """One text on standard error, the word red on a terminal; or one line of JSON, which tells the first of several
    things wrong, and all of them as `errors`. `remedy` comes after its own.
    """
    if not as_json:
        typer.echo(f"{typer.style('error:', fg='red', bold=True)} {error}", err=True)
        if remedy:
            typer.echo(remedy, err=True)
        return
    faults = error.faults if isinstance(error, Misuse) else ()
    facts: dict[str, Any] = _facts(faults[0] if faults else error, remedy)
    if faults:
        facts["errors"] = [_facts(each) for each in faults]
    typer.echo(json.dumps({"error": facts}, ensure_ascii=False), err=True)


def _facts(error: HeadwaterError, remedy: str | None = None) -> dict[str, str | None]:
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "value": None if error.value is None else str(error.value),
        "valid": error.valid,
        "remedy": " ".join(part for part in (error.remedy, remedy) if part) or None,
    }


def _misuse(error: TyperException) -> Misuse:
    """What the parser of the command line found wrong, in the words of the house."""
    of_command, param = getattr(error, "ctx", None), getattr(error, "param", None)
    remedy = f"See: {of_command.command_path if of_command else 'headwater'} --help"
    if param is None:
        near = ", ".join(getattr(error, "possibilities", None) or ())
        return Misuse(error.message, where="the command line", valid=near or None, remedy=remedy)
    where = next((option for option in param.opts if option.startswith("--")), param.name)
    if not error.message:
        return Misuse("it is missing", where=where, remedy=remedy)
    cause: Any = error.__cause__ or error.__context__
    # Typer asks pydantic, which is too heavy to be imported for a look at its error.
    value = cause.errors()[0]["input"] if type(cause).__name__ == "ValidationError" else None
    valid = _valid(param)
    return Misuse("not a valid value" if valid else error.message, where=where, value=value, valid=valid, remedy=remedy)


def _valid(param: Any) -> str | None:
    """What a parameter takes, where it is one of a few words or a number."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(choice.value) for choice in annotation)
    if annotation is not int:
        return None
    low = "" if param.min is None else f" from {param.min:,}"
    return f"a whole number{low}" + ("" if param.max is None else f" to {param.max:,}")


def end(state: str) -> None:
    """Leave with the exit code that a run's state has."""
    raise typer.Exit(OF_STATE.get(state, ERROR))
