"""`headwater trace`, `verify` and `report`: where a figure comes from, and proof that nothing was changed since."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli import exits
from headwater.cli.imports import AsJson
from headwater.cli.printing import console, print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.errors import Misuse

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from headwater.pipeline.replay.differences import Difference
    from headwater.services.inventories.tracing import LineTrace
    from headwater.services.tracing.trace import Node, Trace
    from headwater.services.verification import Verification

EMISSION = "emission"
SHOWN = 48
"""So much of a value is shown."""


def trace(
    contract: Annotated[
        str,
        typer.Argument(
            help="What to trace: emission, another contract, like activity, or inventory_line.", show_default=False
        ),
    ],
    key: Annotated[
        str,
        typer.Argument(help="Its key, of an emission the activity's; | between fields.", show_default=False),
    ],
    method: Annotated[str | None, typer.Option(help="Which figure, where an activity has several.")] = None,
    gwp_set: Annotated[str | None, typer.Option(help="Which figure, where an activity has several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a figure or a record back to the line it came from.

    Formula with its numbers, factor, activity, mapping, raw record with its file's SHA-256 and line, run, audit entry:
    all read anew from what is kept, and the figure computed again.

    \b
    Examples:
      headwater trace emission meter-7-2024-01
      headwater trace emission meter-7-2024-01 --method location_based --gwp-set AR5 --json
      headwater trace activity meter-7-2024-01
      headwater trace inventory_line 'laboratory_2020|meter-7-2020-01|location_based|AR5'
    """
    from headwater.services.inventories.tracing import LINE, trace_line
    from headwater.services.tracing.tracer import trace_emission, trace_record

    is_figure = contract.partition("@")[0] == EMISSION
    if not is_figure and (method or gwp_set):
        raise Misuse("only an emission has a method and a GWP set", where=contract, value=method or gwp_set)
    found: Trace | LineTrace
    with installation() as opened:
        if contract == LINE:
            found = trace_line(opened, key)
        else:
            found = trace_emission(opened, key, method, gwp_set) if is_figure else trace_record(opened, contract, key)
    if as_json:
        print_json(found.as_json())
        return
    console().print(_tree(found.tree()))


def verify(
    anchor: Annotated[
        str | None, typer.Option(help="Head of the chain as noted earlier: shows whether its tail was cut since.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many differences to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Prove that nothing was changed.

    Checks the audit chain and every hash, and computes every figure again from its raw file. Names the first things
    that differ, by table, key and column. Note the anchor it ends with, or that of a report, somewhere else: with
    it, a chain whose end was cut off does not pass.

    \b
    Examples:
      headwater verify
      headwater verify --anchor 42:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      headwater verify --json

    \b
    Exit codes: 0 everything agrees, 1 something does not, 2 usage.
    """
    from headwater.services.verification import verify as check
    from headwater.telemetry import progress

    with installation() as opened:
        found = check(opened, progress=progress(), anchor=anchor, shown=limit)
    if as_json:
        print_json(found.as_json())
    else:
        _print_verification(found)
    if not found.ok:
        raise typer.Exit(exits.ERROR)


def _print_verification(found: Verification) -> None:
    print_table(["checked", "how many"], found.checked.items(), numbers=["how many"])
    if found.differences:
        typer.echo(typer.style("Differences", bold=True))
        for difference in found.differences:
            typer.echo(f"- {_told(difference)}")
        typer.echo(told_of(len(found.differences), found.found, "difference") + "; --json has both values whole\n")
    if found.deletions:
        print_table(
            ["when", "who", "contract", "what", "records", "why"],
            [(d.at, d.actor, d.contract, d.action.partition(".")[2], d.records, d.reason) for d in found.deletions],
            title="Deleted by hand",
            numbers=["records"],
        )
    for name in found.erased:
        typer.echo(f"erased: {name}; what was loaded from it is held against its hashes only")
    for name in found.redacted:
        typer.echo(f"erased in parts: {name}; what was loaded from those records is held against its hashes only")
    for run, why in found.not_recomputed.items():
        typer.echo(f"not computed again: {run}: {why}")
    if found.of_other_versions:
        typer.echo(
            f"{counted(len(found.of_other_versions), 'run was', 'runs were')} made by another version of Headwater"
            " or of its engine; this version has computed all of that again"
        )
    good = "Everything agrees: nothing was changed since it was loaded."
    typer.echo(good if found.ok else typer.style("The evidence does not hold.", fg="red", bold=True))
    if found.anchor is not None:
        typer.echo(f"anchor {found.anchor}")


def _told(found: Difference) -> str:
    """A difference in one sentence. Of long values it shows where they part."""
    from headwater.pipeline.replay.differences import ABSENT

    place = f"{found.table}, {found.key}"
    if not found.column:
        return f"{place}: the row is {'missing' if found.stored == ABSENT else 'one too many'} ({found.why})"
    stored, expected = found.stored or "nothing", found.expected or "nothing"
    alike = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(stored, expected, strict=False))))
    stored, expected = _part(stored, alike), _part(expected, alike)
    return f"{place}: {found.column} is {stored} and should be {expected} ({found.why})"


def _part(text: str, alike: int) -> str:
    if len(text) <= SHOWN:
        return text
    begin = max(0, min(alike - SHOWN // 3, len(text) - SHOWN))
    end = begin + SHOWN
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"


def report(
    run: Annotated[str, typer.Argument(help="Id of the run, or enough of its beginning.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write.", show_default="report-RUN.html")
    ] = None,
) -> None:
    """Write a run's report, one HTML page that needs nothing else.

    What was read and loaded, findings by rule with samples, emissions by scope and period as charts with tables, and
    the head of the audit chain.

    \b
    Examples:
      headwater report 3f2a
      headwater report 3f2a --out 2024.html
    """
    from headwater.services.reports.of_run import write_report
    from headwater.services.runs_view import find_run_id

    with installation() as opened:
        run_id = find_run_id(opened, run)
        path = output or Path(f"report-{str(run_id)[:8]}.html")
        write_report(opened, str(run_id), path)
    typer.echo(f"written to {path}")


def _tree(node: Node) -> Tree:
    from rich.tree import Tree

    tree = Tree(_line(node))
    for child in node.children:
        tree.add(_tree(child))
    return tree


def _line(node: Node) -> Text:
    from rich.text import Text

    return Text.assemble((node.title, "bold"), "  " if node.value else "", node.value)
