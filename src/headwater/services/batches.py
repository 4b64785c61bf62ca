"""Many files in one go: each is a run of its own, so that one that is refused leaves the others be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.imports import carry_out, plan_source
from headwater.services.runs_view import show_run
from headwater.services.unchanged import in_turn, was_loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from uuid import UUID

    from headwater.pipeline.recipe import Recipe
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.runs_view import RunView
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

UNCHANGED, REFUSED = "unchanged", "refused"


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of one file: a run, or nothing, since it is as it was, or since it cannot be read. `error` is what
    refused it, or broke its run off.
    """

    file: str
    view: RunView | None
    error: HeadwaterError | None

    @property
    def state(self) -> str:
        """That of its run, `unchanged` or `refused`."""
        if self.view is not None:
            return self.view.run.state
        return UNCHANGED if self.error is None else REFUSED

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        run = self.view.as_json() if self.view else None
        return {"file": self.file, "state": self.state, "run": run, "error": str(self.error) if self.error else None}


def import_each(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    files: Sequence[SourceFile],
    *,
    again: bool,
    progress: Progress,
) -> Iterator[Imported]:
    """Import the files one after another; one that is as it was when it was last loaded is left out unless `again`."""
    installation.require(Right.WRITE)

    def loaded(file: SourceFile) -> Sequence[Run]:
        last = None if again else was_loaded(installation, recipe, base, file)
        return () if last is None else (last,)

    def load(file: SourceFile) -> Iterator[Imported]:
        yield load_one(
            installation, file.name, lambda: plan_source(installation, recipe, base, file), progress=progress
        )

    yield from in_turn(installation, files, loaded, load, lambda file: Imported(file=file.name, view=None, error=None))


def load_one(installation: Installation, name: str, plan: Callable[[], UUID], *, progress: Progress) -> Imported:
    """Plan the run of one file among several and carry it out; whatever becomes of it, the others are not concerned."""
    try:
        run_id = plan()
    except (InputRefused, Misuse) as refused:
        return Imported(file=name, view=None, error=refused)
    error: HeadwaterError | None = None
    try:
        carry_out(installation, run_id, progress=progress)
    except HeadwaterError as stopped:
        error = stopped  # the run has noted it and can be resumed
    return Imported(file=name, view=show_run(installation, run_id), error=error)
