"""Importing many files in front of a person: a line for each as it ends, a table and one exit code at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NoReturn

import typer

from headwater.cli import exits
from headwater.cli.carrying import print_run
from headwater.cli.printing import print_json, print_table
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe
    from headwater.services.batches import Imported
    from headwater.services.folders import SourceFile
    from headwater.services.installation import Installation
    from headwater.services.runs_view import RunView

GAPS_TOLD = 3
RUNS_TOLD = 5
COLUMNS = ("read", "inserted", "updated", "unchanged", "deleted", "in quarantine")
"""The counts of a run beside those of others."""


def import_each_and_tell(
    installation: Installation,
    recipe: Recipe,
    base: Path,
    files: Sequence[SourceFile],
    *,
    again: bool,
    as_json: bool,
) -> None:
    """Each file is a run of its own; one that is refused leaves the others be."""
    from headwater.services.batches import import_each
    from headwater.telemetry import progress

    tell_each(
        import_each(installation, recipe, base, files, again=again, progress=progress()), len(files), as_json=as_json
    )


def tell_each(imported: Iterable[Imported], count: int, *, as_json: bool, what: str = "file") -> NoReturn:
    """Tell imports as they end, and leave with their exit code. `what` they are imports of: files, mappings or
    sources. Syncs of tables are told at the end as one alone is.
    """
    ended: list[Imported] = []
    for each in imported:
        ended.append(each)
        typer.echo(
            f"{len(ended)} of {max(count, len(ended))}  {each.file}: {each.state.replace('_', ' ')}", err=as_json
        )
        if each.error is not None:
            typer.echo(f"  {each.error}", err=True)
        if each.notice is not None:
            typer.echo(f"  {each.notice}", err=True)
        for line in _noted(each.view, what) if as_json or not _is_sync(each.view) else ():
            typer.echo(line, err=True)
    if as_json:
        print_json({f"{what}s": [each.as_json() for each in ended], "states": Counter(each.state for each in ended)})
    else:
        _print(ended, what)
    raise typer.Exit(_exit_code(ended))


def _is_sync(view: RunView | None) -> bool:
    """Whether it is a run over a table, of which there is more to tell than counts."""
    return view is not None and view.run.kind == "sync"


def _noted(view: RunView | None, what: str) -> Iterator[str]:
    """Why chunks of a run are not loaded: the first few, for those after them mostly fail alike; and what its counts do
    not show.
    """
    if view is None:
        return
    for number, why in list(view.gaps.items())[:GAPS_TOLD]:
        yield f"  chunk {number} is not loaded: {why}"
    if len(view.gaps) > GAPS_TOLD:
        yield f"  and {len(view.gaps) - GAPS_TOLD:,} more: headwater runs show {view.run.run_id}"
    if view.replaced:
        records = counted(view.replaced, "record")
        shown = f"headwater report {str(view.run.run_id)[:8]}"
        yield f"  {records} took the place of records of other {what}s with the same key: {shown}"
    if view.nothing_deleted:
        yield f"  nothing was deleted: {view.nothing_deleted}"


def _print(ended: Sequence[Imported], what: str) -> None:
    names, lines = [what, "state", *COLUMNS, "run"], [_line(each) for each in ended]
    # Most loads delete nothing, and eight columns leave no room for the names of files.
    shown = [place for place, name in enumerate(names) if name != "deleted" or any(line[place] for line in lines)]
    print_table(
        [names[place] for place in shown],
        [[line[place] for place in shown] for line in lines],
        title=counted(len(ended), what),
        numbers=COLUMNS,
    )
    views = [each.view for each in ended if each.view is not None]
    for view in views:
        if _is_sync(view):
            print_run(view)
    refused = [view for view in views if view.open and not _is_sync(view)]
    if refused:
        typer.echo("Look at what was refused with:")
    for view in refused[:RUNS_TOLD]:
        typer.echo(f"  headwater quarantine list --run {view.run.run_id}")
    if len(refused) > RUNS_TOLD:
        typer.echo(f"  and {counted(len(refused) - RUNS_TOLD, 'run')} more; of all of them: headwater quarantine list")


def _line(each: Imported) -> tuple[object, ...]:
    view = each.view
    if view is None:
        return (each.file, each.state.replace("_", " "), *[None] * len(COLUMNS), "")
    ledger, state = view.ledger, view.run.state.replace("_", " ")
    deleted = view.deleted["records"] if view.deleted is not None else None
    counts = (ledger.read, ledger.inserted, ledger.updated, ledger.unchanged, deleted, view.open)
    return (each.file, state, *counts, str(view.run.run_id)[:8])


def _exit_code(ended: Sequence[Imported]) -> int:
    """Error where nothing could be read, partial success where some of it could not."""
    codes = [
        exits.LOADED if each.state == "unchanged" else exits.OF_STATE.get(each.state, exits.ERROR) for each in ended
    ]
    if all(code == exits.ERROR for code in codes):
        return exits.ERROR
    if exits.ERROR in codes or exits.PARTIAL in codes:
        return exits.PARTIAL
    return max(codes)
