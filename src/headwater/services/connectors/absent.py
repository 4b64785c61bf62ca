"""Whether what a schedule is to read through a connector is there: asked once, when the schedule is made or changed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from headwater.connectors.protocol import Selection
from headwater.errors import HeadwaterError, Misuse
from headwater.services.connectors.keeping import find, is_store, opened, tables_of

if TYPE_CHECKING:
    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation


def refuse_absent(installation: Installation, recipe: Recipe) -> None:
    """Misuse where the source has no such table, or the table no such columns.

    A source that cannot be reached just now, or from here, is left to the worker: its login may be known to that alone.
    """
    said = recipe.source
    if said.connector is None:
        return
    stored = find(installation, said.connector)
    with ExitStack() as kept:
        try:
            source = kept.enter_context(opened(installation, stored))
        except HeadwaterError:
            return
        if said.table is None:
            if is_store(source):
                return
            raise Misuse(
                "a table must be said, for this connector has several",
                where=f"connector {stored.name}",
                remedy=f"`headwater connectors discover {stored.name}` lists them.",
            )
        tables = tables_of(source, stored)
        selection = Selection(table=said.table, columns=said.columns, key=said.key, cursor=said.cursor)
        try:
            problems = tables.validate(selection)
        except HeadwaterError:
            return
    for problem in problems:
        if problem.cause in {"not_found", "config"}:
            raise Misuse(
                problem.what,
                where=f"connector {stored.name}",
                value=said.table,
                valid=problem.valid,
                remedy=problem.remedy or f"`headwater connectors discover {stored.name}` lists what there is.",
            )
