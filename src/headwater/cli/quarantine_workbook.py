"""`headwater quarantine export --workbook` and the resubmission of what it wrote."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.printing import print_json
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.workbook_mending import WorkbookSent


def export_workbook(
    opened: Installation, output: Path | None, *, run: str | None, rule: str | None, as_json: bool
) -> None:
    """Write the workbook and tell what is in it."""
    from headwater.services.workbook_export import export_workbook as write

    if output is None or run is None:
        raise Misuse(
            "a workbook is that of one run, and goes into a file",
            where="--workbook",
            valid="--run RUN and --output FILE.xlsx with it",
        )
    found = write(opened, output, run=run, rule=rule)
    if as_json:
        print_json({**asdict(found), "output": str(output)})
        return
    typer.echo(f"{found.records:,} records of run {found.run_id} marked in {output}: {_cells(found.cells)} coloured")
    if found.converted:
        typer.echo(
            f"It came as .{found.converted} and is given back as .xlsx: values, kinds of numbers and merged cells are "
            "kept; fonts, formulas and charts are not."
        )
    if found.unnoted:
        typer.echo(f"{_cells(found.unnoted)} have no note, since a workbook bears only so many; all are listed.")
    if found.elsewhere:
        typer.echo(f"{found.elsewhere:,} records of the run are not in its file as it stands: mend them as CSV.")
    typer.echo(f"Correct it there, then: headwater quarantine resubmit {output}")


def resubmit_workbook(
    opened: Installation, file: Path, *, as_json: bool, hints: Callable[[UUID], Iterable[str]]
) -> None:
    """Send the rows of an edited workbook, and tell what in it is not sent."""
    from headwater.services.workbook_mending import plan_workbook

    more: dict[str, object] = {}

    def plan() -> UUID:
        sent = plan_workbook(opened, file)
        more["workbook"] = {name: value for name, value in asdict(sent).items() if name != "run_id"}
        for line in _left_out(sent):
            typer.echo(line, err=as_json)
        return sent.run_id

    carry_out_and_tell(opened, plan, as_json=as_json, more=more, hints=hints)


def _left_out(sent: WorkbookSent) -> Iterable[str]:
    if sent.gone:
        yield f"{_records(sent.gone)} not in the workbook any more, and stay open."
    if sent.unclear:
        shown = "; ".join(sent.unclear[:5]) + (f" ({len(sent.unclear):,} in all)" if len(sent.unclear) > 5 else "")
        yield f"It is not certain which rows these are now, so they stay open: {shown}"
        yield "Correct them in a new export, with the rows in their places, or as CSV."
    if sent.others or sent.missing:
        changed = f"{sent.others:,} other records differ from the original" if sent.others else ""
        missing = f"{sent.missing:,} of the original are not there so" if sent.missing else ""
        yield f"{' and '.join(filter(None, (changed, missing)))}: import the file itself to load them."


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count:,} records are"


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
