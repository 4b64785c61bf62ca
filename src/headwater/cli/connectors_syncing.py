"""Syncing: bringing in what a source holds, how far that is, and reading again what failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.connectors_asking import Name, Window
from headwater.cli.imports import AsJson, Drift, Every, Queued, ask_and_tell
from headwater.cli.many import tell_each
from headwater.cli.printing import in_words, print_facts, print_json, print_table
from headwater.cli.session import installation
from headwater.cli.trying import DryRun, Rows, refuse_rows, try_and_tell
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headwater.pipeline.recipe import Recipe
    from headwater.services.installation import Installation
    from headwater.store.connectors import Circuit

GAPS_TOLD = 5
ReadAhead = Annotated[
    int | None,
    typer.Option(min=0, max=16, help="Chunks read before their turn comes.", show_default="as its kind does"),
]


def sync(
    name: Name,
    *,
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="Path of a mapping, or the name of one brought along.")
    ],
    table: Annotated[str | None, typer.Option("--table", "-t", help="The table; of a store of files none.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Read what changed since last time, by this column.")] = None,
    lag: Annotated[
        int, typer.Option(min=0, help="How far behind the cursor to read again: seconds, or units of a number.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Read all, and delete what the source no longer holds.")] = False,
    chunk_size: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Rows a transaction.")] = None,
    drift: Drift = None,
    window: Window = None,
    read_ahead: ReadAhead = None,
    every: Every = False,
    dry_run: DryRun = False,
    rows: Rows = None,
    queued: Queued = False,
    as_json: AsJson = False,
) -> None:
    """Bring in what a source holds, or what changed there since last time.

    The same as a recipe with `source.connector`, which `headwater run` carries out and which says more: columns, key,
    factors. Killed at any moment it goes on with: headwater runs resume RUN.

    \b
    Examples:
      headwater connectors sync crm --table public.meters --mapping meters.yaml
      headwater connectors sync crm --table public.meters --mapping meters.yaml --cursor changed_at --lag 900
      headwater connectors sync crm --table public.meters --mapping meters.yaml --dry-run --rows 10000
      headwater connectors sync bucket --mapping bills.yaml
      headwater connectors sync bucket --mapping bills.yaml --queue

    \b
    Exit codes: 0 all loaded, 1 error or no file, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.pipeline.recipe import recipe_of

    source = {"connector": name, "table": table, "cursor": cursor, "lag": lag}
    load = {
        "strategy": "full" if full else "delta",
        "chunk_size": chunk_size,
        "window": window,
        "read_ahead": read_ahead,
    }
    said = {"recipe": "sync", "source": source, "mapping": mapping, "load": load}
    recipe = recipe_of(said, where="connectors sync").with_drift(drift)
    refuse_rows(rows, dry_run=dry_run)
    if queued and not dry_run:
        ask_and_tell([(recipe, Path.cwd())], every=every, as_json=as_json)
        return
    with installation() as opened:
        if dry_run:
            try_and_tell(opened, [(recipe, Path.cwd())], rows=rows, every=every, as_json=as_json)
        sync_and_tell(opened, recipe, Path.cwd(), every=every, as_json=as_json)


def sync_and_tell(opened: Installation, recipe: Recipe, base: Path, *, every: bool, as_json: bool) -> None:
    """Carry out a recipe that reads through a connector; `every` reads files too that are as they were loaded."""
    from headwater.services.connectors.keeping import find, tables_of
    from headwater.services.connectors.keeping import opened as source_of
    from headwater.services.connectors.planning import plan_sync
    from headwater.services.connectors.syncing import files_to_sync, sync_files
    from headwater.telemetry import progress

    stored = find(opened, str(recipe.source.connector))
    with source_of(opened, stored) as source:
        if recipe.source.table is not None:
            tables_of(source, stored)
        else:
            store, files = files_to_sync(opened, stored, source)
            ended = sync_files(opened, stored, store, files, recipe=recipe, base=base, progress=progress(), again=every)
            tell_each(ended, len(files), as_json=as_json)
    carry_out_and_tell(opened, lambda: plan_sync(opened, recipe, base), as_json=as_json)


def status(name: Name, as_json: AsJson = False) -> None:
    """Show how a connector stands: its circuit, its latest syncs, and what changed in the tables of its source.

    \b
    Examples:
      headwater connectors status crm
    """
    from headwater.services.connectors.viewing import status as ask

    with installation() as opened:
        found = ask(opened, name)
    if as_json:
        print_json(found.as_json())
        return
    print_facts([("connector", f"{found.connector.name}, {found.connector.kind}"), *_circuit(found.circuit)])
    print_table(
        ["run", "source", "state", "started", "rows, about"],
        [(each["run_id"], each["source_name"], in_words(each["state"]), each["started_at"], each["records_planned"])
         for each in found.syncs],
        title="Latest syncs", numbers=["rows, about"], whole=["run"],
    )  # fmt: skip
    if found.refused_syncs:
        print_table(
            ["tried", "source", "why"],
            [(each["tried_at"], each["source_name"], each["error"]["message"]) for each in found.refused_syncs],
            title="Syncs that came to no run",
        )
    changes = [
        (each["seen_at"], each["table_name"], change) for each in found.schema_changes for change in each["changes"]
    ]
    if changes:
        print_table(
            ["seen", "table", "column", "change", "before", "after"],
            [
                (seen, table, change["column"], in_words(change["kind"]), change["before"], change["after"])
                for seen, table, change in changes
            ],
            title="What changed at the source",
        )


def _circuit(circuit: Circuit) -> Iterator[tuple[str, object]]:
    """Whether the source is asked, how often it has failed, and for how long it is left alone."""
    from headwater.services.connectors.asking import seconds_left

    yield "circuit", circuit.state.replace("_", "-")
    if circuit.state != "closed":
        left = seconds_left(circuit)
        yield "left alone", f"for another {left:.0f} s" if left else "no longer: the next question is asked"
    if circuit.failures:
        yield "failed in a row", circuit.failures
    if circuit.last_error:
        yield "last error", circuit.last_error


def state(name: Name, as_json: AsJson = False) -> None:
    """Show how far each source was read through a connector: its checkpoint, and gaps.

    The newest run of a source is in up to the chunk that is told, without a gap. Chunks after it that are not loaded
    are the gaps: how many, and which. `headwater connectors retry-failed` goes on with them. Of a run that has not
    ended those that failed are told, and below how many are in, and whether a process is at it. The last key is that of
    the last row read, in the order of the source: of keys that are texts the last as texts go, `r99` after `r100`.

    \b
    Examples:
      headwater connectors state crm --json
    """
    from headwater.services.connectors.viewing import status as ask

    with installation() as opened:
        found = ask(opened, name)
    if as_json:
        print_json(list(found.states))
        return
    print_table(
        ["source", "in up to chunk", "gaps", "cursor", "last key", "window", "when"],
        [
            (
                each["source_name"],
                each["last_chunk_no"],
                _gaps(each["gaps"]),
                each["last_cursor"],
                each["last_row_id"],
                " to ".join(filter(None, (each["last_window_start"], each["last_window_end"]))),
                each["updated_at"],
            )
            for each in found.states
        ],
        numbers=["in up to chunk"],
    )
    for line in filter(None, (_unfinished(name, each) for each in found.states)):
        typer.echo(line)


def _unfinished(name: str, state: Mapping[str, Any]) -> str | None:
    """Of a run that has not ended, how much of it is in, and what becomes of the rest."""
    if state["state"] not in {"pending", "running"}:
        return None
    told = f"{state['source_name']}: {state['chunks_loaded']:,} of {counted(state['chunks_planned'], 'chunk')} in"
    if state["at_work"]:
        return f"{told}, a process is at the rest"
    if state["state"] == "pending":
        return f"{told}: the run is planned and not begun"
    return f"{told}, the rest not read, and no process is at it. Go on with: headwater connectors retry-failed {name}"


def _gaps(chunks: Sequence[int]) -> str:
    """How many there are, and the numbers of the first."""
    if not chunks:
        return "none"
    more = f" and {len(chunks) - GAPS_TOLD:,} more" if len(chunks) > GAPS_TOLD else ""
    named = ", ".join(map(str, chunks[:GAPS_TOLD]))
    return f"{len(chunks):,}: {'chunk' if len(chunks) == 1 else 'chunks'} {named}{more}"


def retry_failed(name: Name, as_json: AsJson = False) -> None:
    """Go on with what a sync left: chunks that failed, and runs that were stopped or killed.

    Of each table, or file of a store, the newest run counts. What is committed is not read again. Where no sync was
    planned yet, or the source failed or refused before one was, there is nothing to go on with, which is an error: run
    the sync again.

    \b
    Examples:
      headwater connectors retry-failed crm

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 loaded with rows open in quarantine, 4 partial success.
    """
    from headwater.services.connectors.retrying import resume_each, unfinished_runs
    from headwater.telemetry import progress

    with installation() as opened:
        unfinished = unfinished_runs(opened, name)
        if unfinished:
            tell_each(
                resume_each(opened, unfinished, progress=progress()), len(unfinished), as_json=as_json, what="source"
            )
    typer.echo(f"nothing to do: the newest run of each source of {name} came to its end", err=as_json)
    if as_json:
        print_json({"sources": [], "states": {}})
