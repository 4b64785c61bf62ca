"""Whether a file was loaded as it would be loaded now, and is left out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from headwater.services.imports import logic_of, source_id, source_name, stored_logic
from headwater.store import runs
from headwater.store.quarantine import open_of_run

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.runs import Run

LOADED = ("succeeded", "succeeded_with_quarantine")


def was_loaded(installation: Installation, recipe: Recipe, base: Path, file: SourceFile) -> Run | None:
    """The source's last run, where it loaded this very file as it would be loaded now: see `is_as_then`."""
    logic = logic_of(installation, recipe, base)
    last = last_of_source(installation, recipe, logic, source_name(recipe, file))
    is_same = last is not None and last.blob_sha256 == _sha256_of(file.path) and is_as_then(installation, last, logic)
    return last if is_same else None


def last_of_source(installation: Installation, recipe: Recipe, logic: Logic, name: str) -> Run | None:
    """The last run of what a recipe reads by this name, however it ended."""
    source = source_id(installation, recipe, logic.mapping, name)
    with installation.database.connect(installation.tenant_id) as connection:
        return runs.latest_of_source(connection, installation.tenant_id, source)


def is_as_then(installation: Installation, last: Run, logic: Logic) -> bool:
    """Whether a run loaded what it read by the same mapping, contract, factors, code and way of loading. What to do
    where columns changed is a part of that only where it kept some back.

    A full load that deleted nothing, for records of it were open, is owed once none of them is.
    """
    then = stored_logic(installation, last)
    if last.state not in LOADED or then.hash != logic.hash or not then.recipe.loads_as(logic.recipe):
        return False
    if last.layout.get("unwanted") and then.recipe.load.drift != logic.recipe.load.drift:
        return False
    if not (last.reconciliation or {}).get("nothing_deleted"):
        return True
    with installation.database.connect(installation.tenant_id) as connection:
        return open_of_run(connection, installation.tenant_id, last.run_id) > 0


def _sha256_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
