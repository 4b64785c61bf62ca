"""What a recipe reads, tried source by source: a table, a file, or files one after another as a run would take them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find, opened
from headwater.services.connectors.syncing import LoadedBefore, files_to_sync, parts_at_hand
from headwater.services.given_up import records_given_up, told
from headwater.services.imports import source_files
from headwater.services.trials.trial import try_file, try_sync
from headwater.services.unchanged import was_loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.trials.keys import KeysTried
    from headwater.services.trials.trial import Trial
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

    Attempt = Callable[[SourceFile, int | None], Trial]
    """Tries a file, of which so many records are to be looked at."""
    _LeftOut = tuple[Run, int]
    """The run that loaded it last, and how many of its records were given up since."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a run would do with one source, `number` of `count`. Without trial or error it would be left out, for it is
    as it was when `last` loaded it; `given_up` then as of `batches.Imported`.
    """

    source: str
    trial: Trial | None = None
    error: HeadwaterError | None = None
    last: Run | None = None
    given_up: int = 0
    number: int = 1
    count: int = 1

    @property
    def state(self) -> str:
        """The state of its run, or `refused`, or `unchanged`."""
        if self.trial is not None:
            return self.trial.state
        return "unchanged" if self.error is None else "refused"

    @property
    def notice(self) -> str | None:
        """What stands otherwise than it says, although it would be left out, and what to do."""
        return told(self.given_up)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        if self.trial is not None:
            return self.trial.as_json()
        last = None if self.last is None else {"run_id": str(self.last.run_id), "at": self.last.started_at.isoformat()}
        error = str(self.error) if self.error else None
        return {"source": self.source, "state": self.state, "error": error, "last": last, "notice": self.notice}


def try_each(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    *,
    rows: int | None,
    every: bool,
    progress: Progress,
    keys: KeysTried | None = None,
) -> Iterator[Tried]:
    """Try what a recipe reads, until so many records were looked at; files after that are not even fetched.

    A file among several that is refused leaves the others be, as in a run; a source that stands alone raises. `every`
    takes files too that are as they were loaded last; `keys` takes those of all files that were tried.
    """
    installation.require(Right.WRITE)
    if recipe.source.contract is not None:
        raise Misuse(
            "records of a contract are read from the database itself, which a dry run does not do",
            where=f"recipe {recipe.recipe}, source.contract",
            valid="a recipe with a path or a connector",
        )

    def attempt(file: SourceFile, left: int | None) -> Trial:
        return try_file(installation, recipe, base, file, rows=left, progress=progress, keys=keys)

    if recipe.source.connector is not None:
        yield from _through_connector(installation, recipe, base, attempt, rows=rows, every=every, progress=progress)
        return
    files = source_files(installation, recipe, base)
    if files[0].alone:
        trial = try_file(installation, recipe, base, files[0], rows=rows, progress=progress)
        yield Tried(source=trial.source, trial=trial)
        return

    def left_out(number: int) -> _LeftOut | None:
        last = None if every else was_loaded(installation, recipe, base, files[number])
        return None if last is None else (last, records_given_up(installation, last))

    def parts(number: int) -> Iterator[SourceFile]:
        yield files[number]

    yield from _one_by_one([file.name for file in files], left_out, parts, attempt, rows)


def _through_connector(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    attempt: Attempt,
    *,
    rows: int | None,
    every: bool,
    progress: Progress,
) -> Iterator[Tried]:
    stored = find(installation, str(recipe.source.connector))
    if recipe.source.table is not None:
        trial = try_sync(installation, recipe, base, rows=rows, progress=progress)
        yield Tried(source=trial.source, trial=trial)
        return
    with opened(installation, stored) as source:
        store, files = files_to_sync(installation, stored, source)
        before = LoadedBefore(installation, stored, recipe, base)

        names = [before.name_of(file) for file in files]

        def left_out(number: int) -> _LeftOut | None:
            runs = [] if every else before.as_it_is(files[number])
            if not runs:
                return None
            gone = before.gone(names, names)  # what lies in an archive may be there as long as that is not read
            given_up = sum(records_given_up(installation, run, gone) for run in runs)
            return max(runs, key=lambda run: run.started_at), given_up

        def parts(number: int) -> Iterator[SourceFile]:
            with parts_at_hand(installation, stored, store, files[number], before.member) as found:
                yield from found

        yield from _one_by_one([f"{stored.name}/{file.name}" for file in files], left_out, parts, attempt, rows)


def _one_by_one(
    names: Sequence[str],
    left_out: Callable[[int], _LeftOut | None],
    parts: Callable[[int], Iterator[SourceFile]],
    attempt: Attempt,
    rows: int | None,
) -> Iterator[Tried]:
    """Each file, or each that is inside it; one that is as runs have loaded it is left out."""
    left = rows
    for place, name in enumerate(names):
        if left is not None and left <= 0:
            return
        tried = Tried(source=name, number=place + 1, count=len(names))
        try:
            if (as_loaded := left_out(place)) is not None:
                last, given_up = as_loaded
                yield replace(tried, last=last, given_up=given_up)
                continue
            for found in parts(place):
                try:
                    trial = attempt(found, left)
                except (InputRefused, Misuse) as refused:
                    yield replace(tried, source=found.name, error=refused)
                    continue
                yield replace(tried, source=found.name, trial=trial)
                left = None if left is None else max(0, left - trial.read)
                if left == 0:
                    break
        except (InputRefused, Misuse) as refused:
            yield replace(tried, error=refused)
