"""Carrying out a run in front of a person: its id first, progress meanwhile, its ledger and what is left to do last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer

from headwater.cli import exits
from headwater.cli.printing import print_json, print_table
from headwater.documents.counted import counted, written
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.runs_view import RunView
    from headwater.store.runs import Run


CALCULATION = {
    "inserted": "inserted",
    "updated": "updated",
    "unchanged": "unchanged",
    "kept": "of records known unchanged",
    "refused": "left out: a newer run has calculated them",
    "deleted": "deleted: the activity has none any more",
}
"""The calculation's ledger in the order and words it is told."""
SETTLED = {"dismissed": "dismissed", "resubmitted": "mended", "expired": "no longer refused"}
"""What became of a refused record, in words."""
RUNS_NAMED = 3


def carry_out_and_tell(
    installation: Installation,
    plan: Callable[[], UUID],
    *,
    as_json: bool,
    more: Mapping[str, object] | None = None,
    hints: Callable[[UUID], Iterable[str]] | None = None,
    left: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Plan a run, carry it out, tell its ledger, and leave with its exit code. Ctrl-C and errors say how to resume.

    `more` stands beside the run in JSON, whatever planning put there; `hints` are lines for people, told last. `left`
    says, once it is planned, what to do about records that stay open since they were not even sent; () where none do.
    """
    from headwater.services.connectors.asking import CircuitOpen
    from headwater.services.imports import carry_out
    from headwater.services.runs_view import goes_back, show_run
    from headwater.telemetry import progress

    began = time.monotonic()
    run_id = plan()
    typer.echo(f"run {run_id}", err=as_json)  # at once, so that whatever happens the run can be named
    if warning := goes_back(installation, run_id):
        typer.echo(f"warning: {warning}", err=True)
    try:
        carry_out(installation, run_id, progress=progress())
    except KeyboardInterrupt:
        typer.echo(f"\ninterrupted; go on with: headwater runs resume {run_id}", err=True)
        raise typer.Exit(exits.INTERRUPTED) from None
    except HeadwaterError as error:
        go_on = f"What was committed stays; go on with: headwater runs resume {run_id}"
        exits.tell_error(error, as_json=as_json, remedy=go_on)
        code = exits.ERROR
        if isinstance(error, CircuitOpen):  # what became of the run is known then
            code = exits.OF_STATE.get(show_run(installation, run_id).run.state, code)
        raise typer.Exit(code) from None
    view = show_run(installation, run_id)
    if as_json:
        print_json(view.as_json() | {"seconds": round(time.monotonic() - began, 3), **(more or {})})
    else:
        print_run(view, left())
        for line in hints(run_id) if hints is not None else ():
            typer.echo(line)
    exits.end("succeeded_with_quarantine" if left() and view.run.state == "succeeded" else view.run.state)


def print_run(view: RunView, left: Sequence[str] = ()) -> None:
    """The ledger, findings by rule, and what to do next: `left` is what to do about records that stay open, where that
    is not the usual.
    """
    run = view.run
    title = f"{run.source_name} to {view.contract} by mapping {view.mapping}: {run.state.replace('_', ' ')}"
    print_table(["", "records"], ledger_lines(view), title=title, numbers=["records"])
    is_repair = run.kind == "resubmit"
    findings = [("refused again" if is_repair else "refused", rule, count) for rule, count in view.refused.items()]
    findings += [("noticed", rule, count) for rule, count in view.noticed.items()]
    if findings:
        print_table(
            ["", "rule", "findings"],
            findings,
            title="Findings by rule; a record may have several",
            numbers=["findings"],
        )
    if settled := _settled(view):
        typer.echo(settled)
    _print_reconciliation(view)
    for line in (*view.warnings, *view.drift, *view.left_as_made, *view.also_delivered):
        typer.echo(f"noticed: {line}")
    for number, why in view.gaps.items():
        typer.echo(f"chunk {number} is not loaded: {why}")
    if view.nothing_deleted:
        typer.echo(f"nothing was deleted: {view.nothing_deleted}")
    for line in (*next_steps(view, left), *_open_before(view)):
        typer.echo(line)


def _settled(view: RunView) -> str | None:
    """That the ledger counts what was refused when it was read, and the rules what is open of it still."""
    refused = view.ledger.quarantined_raw + view.ledger.quarantined
    if view.run.kind == "resubmit" or refused <= view.open:
        return None
    settled = sum(view.settled.values())
    told = [f"{counted(settled, 'is', 'are')} settled ({_by_state(view.settled)})"] if settled else []
    if again := refused - view.open - settled:
        told.append(f"{counted(again, 'was', 'were')} refused again by a later run")
    rules = (
        f"; the rules above count the {view.open:,} that {'is' if view.open == 1 else 'are'} open" if view.open else ""
    )
    return f"of {refused:,} refused {' and '.join(told)}{rules}."


def _by_state(settled: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {SETTLED.get(state, state)}" for state, count in settled.items())


def _print_reconciliation(view: RunView) -> None:
    """Of a sync: what the source says itself, what was read, and what stands."""
    told: Mapping[str, Any] = view.run.reconciliation or {}
    source = told.get("source", {})
    columns = source.get("columns", {}).items()
    sums = {name: each["sum"] for name, each in columns if "sum" in each and "sum_not_told" not in each}
    if fields := told.get("fields", {}):
        print_table(
            ["field", "column", "source", "read", "stands here", "difference"],
            [
                (
                    name,
                    each["column"],
                    written(sums[each["column"]]) if each["column"] in sums else "not told",
                    *(written(each[part]) for part in ("read", "stands", "difference")),
                )
                for name, each in fields.items()
            ],
            title="Sums, source against target",
            numbers=["source", "read", "stands here", "difference"],
        )
    for each in told.get("not_compared", ()):
        of = f", column {each['column']}" if each["column"] else ""
        named = f"sum not compared: {each['field']}{of}" if each["field"] else "sums not compared"
        typer.echo(f"{named}: {each['why']}")
    if source.get("chunks") and not view.at_source:
        typer.echo(f"the source itself counts {counted(source['rows'], 'row, as was read', 'rows, as were read')}")
    for each in source.get("not_told", ()):
        typer.echo(f"not counted at the source: {counted(each['chunks'], 'chunk', 'chunks')}: {each['why']}")
    if view.at_source:
        typer.echo("The source counts or sums otherwise than what was read:")
        for line in view.at_source:
            typer.echo(f"  {line}")
    if view.differences:
        typer.echo("A difference is what was read less what stands here; it may come of these:")
        for line in view.differences:
            typer.echo(f"  {line}")


def ledger_lines(view: RunView) -> Iterator[tuple[str, Any]]:
    """The ledger as it adds up, from top to bottom."""
    ledger = view.ledger
    yield "read", ledger.read
    for reason, count in ledger.skipped.items():
        yield f"  skipped: {reason.replace('_', ' ')}", count
    yield "  quarantined: no record could be made of it", ledger.quarantined_raw
    yield "  mapped", ledger.mapped
    yield "produced", ledger.produced
    for name in ("inserted", "updated", "unchanged", "merged"):
        yield f"  {name}", getattr(ledger, name)
    refused = "refused again, and open as before" if view.run.kind == "resubmit" else "quarantined"
    yield f"  {refused}: a rule broken, a key in conflict", ledger.quarantined
    if view.deleted is not None:
        yield "deleted: the source no longer holds them", view.deleted["records"]
    if ledger.calculation:
        yield "figures calculated", None
        for name, words in CALCULATION.items():
            if name in ledger.calculation:
                yield f"  {words}", ledger.calculation[name]
        if view.deleted is not None:
            yield "  deleted: of records that the source no longer holds", view.deleted["results"]


def next_steps(view: RunView, left: Sequence[str] = ()) -> Iterator[str]:
    """What the state of the run asks for, as commands."""
    run = view.run
    if run.records_planned == 0:
        yield f"{_without_records(run)}, so nothing was loaded."
    if view.gaps or run.state in {"pending", "running", "cancelled", "failed"}:
        yield f"Not everything is loaded. Go on with: headwater runs resume {run.run_id}"
    if left:
        yield from left
        return
    if not view.open:
        return
    records = counted(view.open, "record is", "records are")
    which = "it" if view.open == 1 else "them"
    if run.kind == "resubmit":
        yield f"{records} still open in quarantine: correct {which} in the same file and resubmit it."
        again, rest = view.ledger.quarantined, view.open - view.ledger.quarantined
        told = [f"{again:,} refused again"] if again else []
        told += [f"{rest:,} not mended"] if rest else []
        yield f"  {', '.join(told)}. Why each was refused: headwater quarantine list"
        yield from _keys_taken(view)
        return
    refused = view.ledger.quarantined_raw + view.ledger.quarantined
    of = f", of {refused:,} that were refused" if refused != view.open else ""
    yield f"{records} open in quarantine{of}. Look at {which}, mend {which} in a spreadsheet, send {which} again:"
    yield f"  headwater quarantine list --run {run.run_id}"
    if view.workbook:
        yield f"  headwater quarantine export --workbook --run {run.run_id} --out mend{view.workbook}"
        yield f"  headwater quarantine resubmit mend{view.workbook}"
        yield "Or as CSV:"
    yield f"  headwater quarantine export --run {run.run_id} --out mend.csv"
    yield "  headwater quarantine resubmit mend.csv"


def _without_records(run: Run) -> str:
    """Why a run had no records to load."""
    selection = run.layout.get("selection")
    if selection is None:
        return f"{run.source_name} holds no records: it has a header and nothing below it"
    if selection["since"] is None:
        return f"{run.source_name} holds no records"
    since = f"{selection['since']}, up to which it was read"
    return f"nothing in {run.source_name} has a {selection['cursor']} of {since}, or later"


def _open_before(view: RunView) -> Iterator[str]:
    """Of a sync that reads what changed: records that it did not meet, and that wait for somebody still."""
    count, runs = sum(view.open_before.values()), list(view.open_before)
    if not count:
        return
    records = counted(count, "record is", "records are")
    yield f"{records} open in quarantine since earlier runs of {view.run.source_name}, and this run did not meet them:"
    for run_id in runs[:RUNS_NAMED]:
        yield f"  headwater quarantine list --run {run_id}"
    if len(runs) > RUNS_NAMED:
        yield f"  and of {counted(len(runs) - RUNS_NAMED, 'more run', 'more runs')}: headwater quarantine list"


def _keys_taken(view: RunView) -> Iterator[str]:
    """Which records stand in the way of mended ones, and what can be done about that."""
    shown, total = view.taken
    for each in shown:
        key = f" {each.value}" if each.value else ""
        yield f"  {each.key}, {view.contract.partition(' ')[0]}{key}: {each.message}"
    if total > len(shown):
        yield f"  and {total - len(shown):,} more: headwater quarantine list --run {view.run.run_id}"
    if shown:
        yield "Where two things share a key by mistake, correct the key in the file. Where the refused one is wrong,"
        yield "or the same thing once more, dismiss it:"
        yield f'  headwater quarantine dismiss {shown[0].key} --reason "it stands already"'
