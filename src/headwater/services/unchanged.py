"""Whether a file was loaded as it would be loaded now, and is left out; of many files in turn, those that were not."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from headwater.services.given_up import is_to_be_read_again
from headwater.services.imports import logic_of, source_id, source_name, stored_logic
from headwater.store import runs
from headwater.store.quarantine import open_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.runs import Run

LOADED = ("succeeded", "succeeded_with_quarantine")
File = TypeVar("File")
Ended = TypeVar("Ended")


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
    """Whether a run loaded what it read by the same mapping, contract, factors, code and way of loading, and what
    stands by it needs no other reading.

    A full load that deleted nothing, for records of it were open, is owed once none of them is.
    """
    then = stored_logic(installation, last)
    if last.state not in LOADED or then.hash != logic.hash or not then.recipe.loads_as(logic.recipe):
        return False
    if (last.reconciliation or {}).get("nothing_deleted"):
        with installation.database.connect(installation.tenant_id) as connection:
            if not open_of_run(connection, installation.tenant_id, last.run_id):
                return False
    return not is_to_be_read_again(installation, last)


def in_turn(
    installation: Installation,
    files: Sequence[File],
    loaded: Callable[[File], Sequence[Run]],
    load: Callable[[File], Iterable[Ended]],
    leave_out: Callable[[File], Ended],
) -> Iterator[Ended]:
    """Load files one after another, but for those that some runs have `loaded` as they are. These come last: what was
    read before them may have given up a record that they hold too.
    """
    left: list[tuple[File, Sequence[Run]]] = []
    for file in files:
        if last := loaded(file):
            left.append((file, last))
        else:
            yield from load(file)
    is_alone = len(left) == len(files)
    for file, last in left:
        if is_alone or not any(is_to_be_read_again(installation, run) for run in last):
            yield leave_out(file)
        else:
            yield from load(file)


def _sha256_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
