"""Many files in one go: each is a run of its own, so that one that is refused leaves the others be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError, InputRefused, Misuse
from headwater.services.access.policy import Right
from headwater.services.imports import carry_out, plan_source, was_loaded
from headwater.services.runs_view import show_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.runs_view import RunView
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
    for file in files:
        try:
            if not again and was_loaded(installation, recipe, base, file):
                yield Imported(file=file.name, view=None, error=None)
                continue
            run_id = plan_source(installation, recipe, base, file)
        except (InputRefused, Misuse) as refused:
            yield Imported(file=file.name, view=None, error=refused)
            continue
        error: HeadwaterError | None = None
        try:
            carry_out(installation, run_id, progress=progress)
        except HeadwaterError as stopped:
            error = stopped  # the run has noted it and can be resumed; the other files are not concerned
        yield Imported(file=file.name, view=show_run(installation, run_id), error=error)
