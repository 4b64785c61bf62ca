"""What a recipe reads, tried source by source: a table, a file, or files one after another as a run would take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find, opened
from headwater.services.connectors.syncing import at_hand, files_to_sync, is_as_loaded
from headwater.services.imports import source_files
from headwater.services.trials import try_file, try_sync
from headwater.services.unchanged import was_loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.services.trials import Trial
    from headwater.telemetry import Progress


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a run would do with one source, `number` of `count`. Without trial or error it would be left out, for it is
    as it was when it was loaded last.
    """

    source: str
    trial: Trial | None = None
    error: HeadwaterError | None = None
    number: int = 1
    count: int = 1

    @property
    def state(self) -> str:
        """The state of its run, or `refused`, or `unchanged`."""
        if self.trial is not None:
            return self.trial.state
        return "unchanged" if self.error is None else "refused"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        if self.trial is not None:
            return self.trial.as_json()
        return {"source": self.source, "state": self.state, "error": str(self.error) if self.error else None}


def try_each(
    installation: Installation, recipe: Recipe, base: Path, *, rows: int | None, every: bool, progress: Progress
) -> Iterator[Tried]:
    """Try what a recipe reads, until so many records were looked at; files after that are not even fetched.

    A file among several that is refused leaves the others be, as in a run; a source that stands alone raises. `every`
    takes files too that are as they were loaded last.
    """
    installation.require(Right.WRITE)
    if recipe.source.contract is not None:
        raise Misuse(
            "records of a contract are read from the database itself, which a dry run does not do",
            where=f"recipe {recipe.recipe}, source.contract",
            valid="a recipe with a path or a connector",
        )
    if recipe.source.connector is not None:
        yield from _through_connector(installation, recipe, base, rows=rows, every=every, progress=progress)
        return
    files = source_files(installation, recipe, base)
    if files[0].alone:
        trial = try_file(installation, recipe, base, files[0], rows=rows, progress=progress)
        yield Tried(source=trial.source, trial=trial)
        return

    def attempt(number: int, left: int | None) -> Trial | None:
        if not every and was_loaded(installation, recipe, base, files[number]):
            return None
        return try_file(installation, recipe, base, files[number], rows=left, progress=progress)

    yield from _one_by_one([file.name for file in files], attempt, rows)


def _through_connector(
    installation: Installation, recipe: Recipe, base: Path, *, rows: int | None, every: bool, progress: Progress
) -> Iterator[Tried]:
    stored = find(installation, str(recipe.source.connector))
    if recipe.source.table is not None:
        trial = try_sync(installation, recipe, base, rows=rows, progress=progress)
        yield Tried(source=trial.source, trial=trial)
        return
    with opened(installation, stored) as source:
        store, files = files_to_sync(installation, stored, source)

        def attempt(number: int, left: int | None) -> Trial | None:
            if not every and is_as_loaded(installation, stored, files[number], recipe, base):
                return None
            with at_hand(installation, stored, store, files[number]) as file:
                return try_file(installation, recipe, base, file, rows=left, progress=progress)

        yield from _one_by_one([f"{stored.name}/{file.name}" for file in files], attempt, rows)


def _one_by_one(
    names: Iterable[str], attempt: Callable[[int, int | None], Trial | None], rows: int | None
) -> Iterator[Tried]:
    names, left = list(names), rows
    for number, name in enumerate(names):
        if left is not None and left <= 0:
            return
        trial, error = None, None
        try:
            trial = attempt(number, left)
        except (InputRefused, Misuse) as refused:
            error = refused
        if trial is not None and left is not None:
            left -= trial.read
        yield Tried(source=name, trial=trial, error=error, number=number + 1, count=len(names))
