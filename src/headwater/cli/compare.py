"""`headwater compare`: what moved between two inventories or two runs, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.licences import print_licences
from headwater.cli.pages import present
from headwater.cli.printing import print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.accounting.comparison.causes import Comparison, Mover

Side = Annotated[
    str, typer.Argument(help="Number, name or id of an inventory, or id of a run; its beginning will do.",
                        show_default=False)
]  # fmt: skip


def compare(
    a: Side,
    b: Side,
    html: Annotated[
        Path | None, typer.Option(help="Also write it as a page with the way from A to B as a picture.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what moved between two inventories or two runs in t CO2e, and why.

    Causes are replaced one after another, always in this order: boundary, input, mapping, method, factor, GWP set. What
    they moved adds up to the difference with no rest. Of inventories the designated totals are compared, from what each
    had pinned; of runs what their files give.

    \b
    Examples:
      headwater compare 3f2a 77c1
      headwater compare 1 2 --html 2019-2020.html
      headwater compare laboratory_2019 laboratory_2020 --json
    """
    from headwater.services.comparison.compare import compare as found_by
    from headwater.services.comparison.page import page_of

    with installation() as opened:
        found = found_by(opened, a, b)
    present(page=lambda: page_of(found), html=html, body=found.as_json, as_json=as_json, tables=lambda: _print(found))


def _print(found: Comparison) -> None:
    from headwater.accounting.comparison.causes import MEANING
    from headwater.services.comparison.page import named, tonnes

    rows: list[Sequence[object]] = [
        (found.a.name, "", tonnes(found.a.co2e_kg), f"{found.a.gwp_set or ''}  {found.a.what}")
    ]
    rows += [
        (
            f"  {named(move.cause)}",
            tonnes(move.co2e_kg, sign=True),
            "",
            f"{MEANING[move.cause]}; {move.note}".rstrip("; "),
        )
        for move in found.moves
    ]
    rows += [
        (found.b.name, "", tonnes(found.b.co2e_kg), f"{found.b.gwp_set or ''}  {found.b.what}"),
        ("difference", tonnes(found.difference, sign=True), "", "the sum of the causes, with no rest"),
    ]
    print_table(["", "moved", "t CO2e", ""], rows, numbers=["moved", "t CO2e"], title="What moved, and why")
    _print_movers("activity type", found.by_type)
    _print_movers("activity", found.by_activity)
    typer.echo(f"{counted(found.moved_activities, 'activity', 'activities')} moved")
    for note in found.notes:
        typer.echo(f"note: {note}")
    print_licences(found.licences)


def _print_movers(what: str, movers: Sequence[Mover]) -> None:
    from headwater.accounting.comparison.causes import CAUSES
    from headwater.services.comparison.page import named, tonnes

    if not movers:
        return
    moved = [cause for cause in CAUSES if any(mover.moves[cause] for mover in movers)]
    columns = [what, "scope", "before, t", "after, t", *map(named, moved)]
    rows = [
        (
            mover.name,
            mover.scope,
            tonnes(mover.a_kg),
            tonnes(mover.b_kg),
            *(tonnes(mover.moves[cause], sign=True) if mover.moves[cause] else "" for cause in moved),
        )
        for mover in movers
    ]
    print_table(
        columns, rows, numbers=columns[1:], title=f"By {what}: the {len(rows)} that moved most, t CO2e by cause"
    )
