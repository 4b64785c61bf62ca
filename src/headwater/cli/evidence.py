"""`headwater trace`, `verify` and `report`: where a figure comes from, and proof that nothing was changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.printing import console, print_json
from headwater.cli.session import installation
from headwater.errors import Misuse

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from headwater.services.trace import Node

EMISSION = "emission"


def trace(
    contract: Annotated[
        str, typer.Argument(help="What to trace: emission, or another contract, like activity.", show_default=False)
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
    """
    from headwater.services.tracing import trace_emission, trace_record

    is_figure = contract.partition("@")[0] == EMISSION
    if not is_figure and (method or gwp_set):
        raise Misuse("only an emission has a method and a GWP set", where=contract, value=method or gwp_set)
    with installation() as opened:
        found = trace_emission(opened, key, method, gwp_set) if is_figure else trace_record(opened, contract, key)
    if as_json:
        print_json(found.as_json())
        return
    console().print(_tree(found.tree()))


def _tree(node: Node) -> Tree:
    from rich.tree import Tree

    tree = Tree(_line(node))
    for child in node.children:
        tree.add(_tree(child))
    return tree


def _line(node: Node) -> Text:
    from rich.text import Text

    return Text.assemble((node.title, "bold"), "  " if node.value else "", node.value)
