"""`headwater runs`: what was run, its ledgers, going on with what was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli import exits
from headwater.cli.carrying import carry_out_and_tell, print_run
from headwater.cli.imports import AsJson
from headwater.cli.printing import in_words, print_facts, print_json, print_table, told_of
from headwater.cli.session import installation
from headwater.cli.units import unit_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.store.runs import Run as Found

app = typer.Typer(no_args_is_help=True, help="Runs: what was loaded, and what is left to do.")

Run = Annotated[str, typer.Argument(help="Id of the run, or enough of its beginning.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="How many to show.")]


@app.command("list")
def list_(limit: Limit = 20, as_json: AsJson = False) -> None:
    """List runs, the latest first.

    \b
    Examples:
      headwater runs list
      headwater runs list --limit 100 --json
    """
    from headwater.services.runs_view import list_runs

    with installation() as opened:
        listed = list_runs(opened, limit=limit)
        paths = unit_paths(opened) if listed.units else {}
        units = {source: paths.get(unit_id, "") for source, unit_id in listed.units.items()}
    if as_json:
        print_json({"runs": listed.as_json(), "total": listed.total})
        return
    print_table(
        ["run", "started", "kind", "source", *(["unit"] if units else []), "state", "records"],
        [
            (
                run.run_id,
                run.started_at,
                run.kind,
                run.source_name,
                *([units.get(run.source_id, "")] if units else []),
                in_words(run.state),
                _records(run, listed.done.get(run.run_id, 0)),
            )
            for run in listed.runs
        ],
        numbers=["records"],
        whole=["run", "started"],
    )
    typer.echo(told_of(len(listed.runs), listed.total, "run"))


def _records(run: Found, done: int) -> str:
    """Those that are in; of a run that has not come to its end, of how many."""
    whole = done == run.records_planned or run.state in {"succeeded", "succeeded_with_quarantine"}
    return f"{done:,}" if whole else f"{done:,} of {run.records_planned:,}"


@app.command()
def show(run: Run, as_json: AsJson = False) -> None:
    """Show a run: what it rests on, its ledger, its findings by rule.

    \b
    Examples:
      headwater runs show 3f2a
      headwater runs show 3f2a --json
    """
    from headwater.services.runs_view import show_run

    with installation() as opened:
        view = show_run(opened, run)
        unit = unit_paths(opened).get(view.unit_id) if view.unit_id else None
    if as_json:
        print_json(view.as_json())
        return
    found = view.run
    print_facts(
        [
            ("run", found.run_id),
            ("started", found.started_at),
            ("finished", found.finished_at),
            ("file", f"{found.source_name}, SHA-256 {found.blob_sha256.hex()}, {found.encoding}"),
            *([("fetched", _fetched(view.remote))] if view.remote else []),
            *([("unit", unit)] if unit else []),
            ("chunks", f"{view.ledger.committed:,} of {found.chunks_planned:,} committed"),
        ]
    )
    print_run(view)


def _fetched(remote: Mapping[str, str]) -> str:
    version = f"version {remote['version']}"
    return f"{remote['address']}, {version}" if "address" in remote else version


@app.command()
def resume(run: Run, as_json: AsJson = False) -> None:
    """Go on with a run that was interrupted or has gaps. What is committed is not done again.

    \b
    Examples:
      headwater runs resume 3f2a
    """
    from headwater.services.runs_view import show_run

    with installation() as opened:
        view = show_run(opened, run)
        if view.is_complete:
            typer.echo("nothing left to do: every chunk is committed", err=True)
            if as_json:
                print_json(view.as_json())
            else:
                print_run(view)
            raise typer.Exit(exits.OPEN_IN_QUARANTINE if view.open else exits.LOADED)
        carry_out_and_tell(opened, lambda: view.run.run_id, as_json=as_json)
