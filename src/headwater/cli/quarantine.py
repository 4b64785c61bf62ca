"""`headwater quarantine`: what was refused and why, mending it in a spreadsheet, dismissing it."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.imports import AsJson, Between
from headwater.cli.printing import print_facts, print_json, print_table, told_of
from headwater.cli.quarantine_fix import fix, fix_hints
from headwater.cli.quarantine_keeping import dismiss, expire, mirror
from headwater.cli.quarantine_workbook import export_workbook, resubmit_workbook
from headwater.cli.session import installation
from headwater.documents.counted import counted
from headwater.documents.delimiters import delimiter_of
from headwater.documents.nulls import EXPLAINED, NULL
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.documents.delimiters import Delimiter
    from headwater.services.quarantine.exports import Exported
    from headwater.services.quarantine.quarantines import Origin
    from headwater.services.quarantine.repairs import Changes
    from headwater.store.quarantine import Quarantined, Repair

app = typer.Typer(no_args_is_help=True, help="Quarantine: records that were refused, and mending them.")

Key = Annotated[str, typer.Argument(help="As `quarantine list` shows it.", show_default=False)]
OfRun = Annotated[str | None, typer.Option("--run", help="Only what this run refused.", show_default="all")]
OfRule = Annotated[str | None, typer.Option("--rule", help="Only what breaks this rule.", show_default="all")]


class State(StrEnum):
    """What can become of a refused record."""

    OPEN = "open"
    RESUBMITTED = "resubmitted"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    ALL = "all"


@app.command("list")
def list_(
    run: OfRun = None,
    rule: OfRule = None,
    state: Annotated[State, typer.Option(help="What became of them.")] = State.OPEN,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List refused records, each with its first reason; of one that was mended in vain also why it was refused again.

    \b
    Examples:
      headwater quarantine list --run 3f2a
      headwater quarantine list --rule activity.quantity.range --limit 500
      headwater quarantine list --state all --json
    """
    from headwater.services.quarantine.quarantines import list_records

    with installation() as opened:
        listing = list_records(
            opened,
            state=None if state is State.ALL else state.value,
            run=run,
            rule=rule,
            limit=limit,
            tell_nulls=True,
        )
    if as_json:
        told = [record_as_json(*each) for each in zip(listing.records, listing.origins, listing.tried, strict=True)]
        records = [each | {"raw": dict(cells)} for each, cells in zip(told, listing.cells, strict=True)]
        print_json({"records": records, "total": listing.total})
        return
    states = ["state"] if state is State.ALL else []
    print_table(
        ["quarantine", "place", "rule", "value", "why", *states],
        [
            (
                record.key,
                f"{origin.source}, {origin.place}",
                *_first_reason(record, tried, is_null=is_null),
                *([record.state] if states else []),
            )
            for record, origin, tried, is_null in zip(
                listing.records, listing.origins, listing.tried, listing.nulls, strict=True
            )
        ],
        whole=["quarantine"],
    )
    if any(listing.nulls):
        typer.echo(EXPLAINED)
    typer.echo(told_of(len(listing.records), listing.total, "record"))
    for source, mend in dict.fromkeys((each.source, each.mend) for each in listing.origins if each.mend):
        typer.echo(f"To mend those of {source}: {mend}")


@app.command()
def show(key: Key, as_json: AsJson = False) -> None:
    """Show a refused record, every reason, and its repairs.

    \b
    Examples:
      headwater quarantine show 01234567-89ab-cdef-0123-456789abcdef.1
    """
    from headwater.services.quarantine.quarantines import show_record

    with installation() as opened:
        view = show_record(opened, key, tell_nulls=True)
    record = view.record
    number = (
        "" if "selection" in view.run.layout else f"record {record.record_no:,}, "
    )  # a table's rows are told by its key
    if as_json:
        pairs = zip(view.repairs, view.changes, strict=True)
        repaired = [_repair_as_json(repair) | {"changes": changes} for repair, changes in pairs]
        whole = record_as_json(record, view.origin, view.tried) | {"raw": dict(view.cells)}
        print_json(whole | {"run_id": str(view.run.run_id), "repairs": repaired})
        return
    print_facts(
        [
            ("quarantine", record.key),
            ("state", record.state + (f" ({record.state_reason})" if record.state_reason else "")),
            ("contract", record.contract),
            ("run", view.run.run_id),
            ("place", f"{view.origin.source}, {number}{view.origin.place}"),
            *([("to mend it", view.origin.mend)] if view.origin.mend else []),
            ("first refused", record.created_at),
        ]
    )
    cells = [(name or "(not cut into columns)", NULL if cell is None else cell) for name, cell in view.cells]
    print_table(["column", "cell"], cells)
    if any(cell is None for _, cell in view.cells):
        typer.echo(EXPLAINED)
    for title, findings in (("as its source has it", record.findings), ("as it was mended last", view.tried)):
        if findings:
            print_table(
                ["rule", "field", "value", "why", "valid", "how to mend it"],
                [[finding.get(name) for name in FINDING] for finding in findings],
                title=title if view.tried else None,
            )
    if view.repairs:
        print_table(
            ["repair", "at", "changed", "outcome", "why"],
            [
                (r.repair_no, r.created_at, _changed(changes), r.outcome, "; ".join(f["message"] for f in r.findings))
                for r, changes in zip(view.repairs, view.changes, strict=True)
            ],
        )


def _changed(changes: Changes | None) -> str:
    """Which cells a repair changed, a line each."""
    if changes is None:
        return "(the file that was sent is erased)"
    if not changes:
        return "(no cell: the mapping was)"
    return "\n".join(f"{name or 'record'}: {old or ''} → {new or ''}" for name, (old, new) in changes.items())


FINDING = ("rule", "field", "value", "message", "valid", "mend")


@app.command()
def export(  # noqa: PLR0917  the options of a command
    run: OfRun = None,
    rule: OfRule = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write.", show_default="standard output")
    ] = None,
    workbook: Annotated[
        bool, typer.Option("--workbook", help="The original workbook, with what was refused marked in it.")
    ] = False,
    delimiter: Between = ",",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what was written as one JSON document.")] = False,
) -> None:
    """Write open records as CSV for a spreadsheet, or the workbook they came from with these marked.

    Which record, reasons and line come first, then its cells as they were read. Correct cells and save the file as
    CSV in UTF-8; leave out rows as you like, and keep the columns. A cell that begins with = + - or @ gets an
    apostrophe before it, so that no spreadsheet computes it; resubmitting takes it off. A record that could not be
    cut into columns stands whole in the column `record`: correct it there, or fill in its columns. One export holds
    records of one source only.

    With --workbook the file that was imported comes back: cells that were refused are coloured and noted, and a sheet
    lists every finding; all else in it stays as it is. Workbooks that came as .xls or .ods come back as .xlsx.

    \b
    Examples:
      headwater quarantine export --run 3f2a --out mend.csv
      headwater quarantine export --run 3f2a --workbook --out mend.xlsx
      headwater quarantine export --run 3f2a --delimiter ";" --out mend.csv
      headwater quarantine export --run 3f2a --rule activity.unit.required -o units.csv
    """
    import io

    from headwater.services.quarantine.exports import export as write

    sign = delimiter_of(delimiter)
    if output is not None and output.exists() and not force:
        raise Misuse(
            "the file is there already; it may hold somebody's corrections",
            where=str(output),
            remedy="Choose another name, or write over it with --force.",
        )
    if as_json and output is None:
        raise Misuse("the records themselves go to standard output", where="--json", valid="--out FILE with it")
    with installation() as opened:
        if workbook:
            export_workbook(opened, output, run=run, rule=rule, as_json=as_json)
            return
        if output is None:
            content = io.StringIO(newline="")
            write(opened, content, run=run, rule=rule, delimiter=sign)
            typer.echo(content.getvalue(), nl=False)
            return
        exported = write_file(opened, output, run=run, rule=rule, delimiter=sign)
    _tell_export(exported, output, as_json=as_json)


def _tell_export(exported: Exported, output: Path, *, as_json: bool) -> None:
    if as_json:
        told = {"run_id": exported.run_id, "source": exported.source_name, "runs": exported.runs}
        print_json({**told, "records": exported.rows, "output": str(output)})
        return
    of = f"run {exported.run_id}"
    if exported.run_id is None:
        of = f"{exported.source_name}, refused by {counted(exported.runs, 'run')},"
    typer.echo(f"{counted(exported.rows, 'record')} of {of} written to {output}")
    typer.echo(f"Correct them there, then: headwater quarantine resubmit {output}")


def write_file(opened: Any, output: Path, *, run: str | None, rule: str | None, delimiter: Delimiter) -> Any:
    """Write an export that is there whole, or not at all."""
    from headwater.services.quarantine.exports import export as write
    from headwater.services.whole_files import written_whole

    with written_whole(output) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        return write(opened, file, run=run, rule=rule, delimiter=delimiter)


@app.command()
def resubmit(
    file: Annotated[Path, typer.Argument(help="An edited export.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Send mended records again: an edited export, CSV or workbook.

    They go through the mapping and contract that refused them. Records that load are settled for good; those
    refused again stay open, with the repair in their history. Rows that were not changed, or whose record is
    settled already, are skipped and counted. A mended record never replaces what the run that refused it, or a
    later one, has loaded. Of a workbook only the rows that were refused are sent; what else was changed in it is told.

    \b
    Examples:
      headwater quarantine resubmit mend.csv
      headwater quarantine resubmit mend.xlsx

    \b
    Exit codes: 0 all loaded, 1 error, 2 usage, 3 some stay open in quarantine, 4 partial success.
    """
    from headwater.services.quarantine.quarantines import plan_resubmission
    from headwater.services.workbooks.mending import is_workbook

    with installation() as opened:
        hints = partial(fix_hints, opened)
        if is_workbook(file):
            resubmit_workbook(opened, file, as_json=as_json, hints=hints)
        else:
            carry_out_and_tell(opened, lambda: plan_resubmission(opened, file), as_json=as_json, hints=hints)


app.command()(fix)


app.command()(dismiss)
app.command()(expire)
app.command()(mirror)


def record_as_json(record: Quarantined, origin: Origin, tried: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """A refused record as plain values; `tried` is what was wrong with it as it was mended last."""
    return {
        "quarantine": str(record.key),
        "state": record.state,
        "state_reason": record.state_reason,
        "contract": record.contract,
        "record": record.record_no,
        "line": record.line,
        **origin.as_json(),
        "raw": dict(record.raw),
        "findings": [dict(finding) for finding in record.findings],
        "tried": None if tried is None else [dict(finding) for finding in tried],
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
    }


def _repair_as_json(repair: Repair) -> dict[str, Any]:
    return {
        "repair": repair.repair_no,
        "chunk_id": str(repair.chunk_id),
        "record": repair.record_no,
        "outcome": repair.outcome,
        "findings": [dict(finding) for finding in repair.findings],
        "actor": repair.actor,
        "at": repair.created_at.isoformat(),
    }


def _first_reason(
    record: Quarantined, tried: Sequence[Mapping[str, Any]] | None, *, is_null: bool
) -> tuple[str, str, str]:
    """Rule and value as its source has it; then, of one that was mended in vain, why that was."""
    first, why = record.findings[0], _first_of(record.findings)
    if tried:
        why += f"\nas it was mended last: {_first_of(tried)}"
    return str(first["rule"]), str(first.get("value") or (NULL if is_null else ""))[:60], why


def _first_of(findings: Sequence[Mapping[str, Any]]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0]['message']}{more}"
