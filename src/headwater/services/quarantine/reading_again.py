"""How a source is read through another mapping: all of it, or only tried."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.store.connectors import get_connector

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.runs import Run

BY_COMMAND = "sync"
"""What the recipe of a sync is called that a command described, or a request over HTTP."""
MAPPING = "--mapping FILE"


@dataclass(frozen=True, kw_only=True)
class ReadingAgain:
    """What to do, in words that go on with a sentence.

    whole  to have all of the source read
    trial  to see what that would do, without doing it
    """

    whole: str
    trial: str

    def trial_of(self, mapping: Path) -> str:
        """`trial`, with the file of the mapping."""
        return self.trial.replace(MAPPING, f"--mapping {shlex.quote(str(mapping))}")


def reading_again(installation: Installation, run: Run, recipe: Recipe) -> ReadingAgain:
    """As the run has read it."""
    if run.connector_id is None:
        named = shlex.quote(run.source_name)
        return ReadingAgain(whole="import the file through it", trial=f"headwater import {named} {MAPPING} --dry-run")
    if recipe.recipe != BY_COMMAND:
        named = f"name it in the recipe {recipe.recipe}" + (
            ", without its cursor for once" if recipe.source.cursor else ""
        )
        return ReadingAgain(whole=f"{named}, and run that", trial=f"{named}, then headwater run RECIPE --dry-run")
    with installation.database.connect(installation.tenant_id) as connection:
        connector = get_connector(connection, installation.tenant_id, run.connector_id).name
    table = ["--table", recipe.source.table] if recipe.source.table is not None else []
    sync = shlex.join(["headwater", "connectors", "sync", connector, *table]) + f" {MAPPING}"
    return ReadingAgain(whole=f"have all of it read through it: {sync}", trial=f"{sync} --dry-run")
