"""`headwater quarantine export --workbook` and the resubmission of what it wrote."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from headwater.cli.carrying import carry_out_and_tell
from headwater.cli.printing import print_json
from headwater.documents.counted import counted
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.workbooks.mending import WorkbookSent

SHOWN = 20
COUNTED = ("sent", "gone", "unclear", "others", "missing")
"""What of a workbook sent stands in JSON."""


def export_workbook(
    opened: Installation, output: Path | None, *, run: str | None, rule: str | None, as_json: bool
) -> None:
    """Write the workbook and tell what is in it."""
    from headwater.services.workbooks.export import export_workbook as write

    if output is None or run is None:
        raise Misuse(
            "a workbook is that of one run, and goes into a file",
            where="--workbook",
            valid="--run RUN and --out FILE.xlsx with it",
        )
    found = write(opened, output, run=run, rule=rule)
    if as_json:
        print_json({**asdict(found), "output": str(output)})
        return
    typer.echo(
        f"{counted(found.records, 'record')} of run {found.run_id} marked in {output}: {_cells(found.cells)} coloured"
    )
    if found.converted:
        typer.echo(
            f"It came as .{found.converted} and is given back as .xlsx: values, kinds of numbers and merged cells are "
            "kept; fonts, formulas and charts are not."
        )
    if found.unnoted:
        typer.echo(f"{_cells(found.unnoted)} have no note, since a workbook bears only so many; all are listed.")
    if found.elsewhere:
        typer.echo(f"{_records(found.elsewhere)} of the run and not in its file as it stands: mend as CSV.")
    typer.echo(f"Correct it there, then: headwater quarantine resubmit {output}")


def resubmit_workbook(
    opened: Installation, file: Path, *, as_json: bool, hints: Callable[[UUID], Iterable[str]]
) -> None:
    """Send the rows of an edited workbook, and tell what in it is not sent."""
    from headwater.services.workbooks.mending import plan_workbook

    more: dict[str, object] = {}
    left: list[str] = []

    def plan() -> UUID:
        sent = plan_workbook(opened, file)
        more["workbook"] = {name: value for name, value in asdict(sent).items() if name in COUNTED}
        for line in _left_out(sent, file):
            typer.echo(line, err=as_json)
        left.extend(_export_again(sent, file))
        return sent.run_id

    def told(run_id: UUID) -> Iterable[str]:
        yield from _refused_again(opened, run_id)
        yield from hints(run_id)

    carry_out_and_tell(opened, plan, as_json=as_json, more=more, hints=told, left=lambda: left)


def _left_out(sent: WorkbookSent, file: Path) -> Iterable[str]:
    if sent.gone:
        stay = "stays" if sent.gone == 1 else "stay"
        yield f"{_records(sent.gone)} not in the workbook any more, and {stay} open."
    if sent.unclear:
        shown = "; ".join(sent.unclear[:5]) + (f" ({len(sent.unclear):,} in all)" if len(sent.unclear) > 5 else "")
        yield f"It is not certain which rows these are now, so they stay open: {shown}"
    if sent.others or sent.missing:
        differ = "record differs" if sent.others == 1 else "records differ"
        changed = f"{sent.others:,} other {differ} from the original" if sent.others else ""
        is_not = "is" if sent.missing == 1 else "are"
        missing = f"{sent.missing:,} of the original {is_not} not there so" if sent.missing else ""
        yield f"{' and '.join(filter(None, (changed, missing)))}; that is not loaded."
        yield "To load it, change the original and import that again; or import this file under the name of the"
        yield "original's source, since under its own it would be another source and every figure would count twice:"
        command = f"  headwater import {_quoted(str(file))} --mapping {_quoted(sent.mapping)}"
        yield f"{command} --name {_quoted(sent.source, always=True)}"


def _refused_again(opened: Installation, run_id: UUID) -> Iterable[str]:
    """Where in the workbook what was sent is still wrong."""
    from headwater.services.workbooks.mending import refused_again

    found = list(refused_again(opened, run_id))
    if found:
        yield "Refused again:"
    for each in found[:SHOWN]:
        field = f", {each.field}" if each.field else ""
        value = f" {each.value[:60]!r}" if each.value else ""
        yield f"  {each.sheet}, row {each.row}{field}:{value} {each.why}"
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN:,} more: headwater quarantine list --run {run_id} --limit {len(found)}"


def _export_again(sent: WorkbookSent, file: Path) -> Iterable[str]:
    """Rows that were not found again cannot be mended in the file in which they were not."""
    if not sent.gone and not sent.unclear:
        return
    output = file.with_name(f"{file.stem}_again{'.xlsm' if file.suffix.lower() == '.xlsm' else '.xlsx'}")
    yield "Correct what is still open in a new export, and leave every row in its place:"
    yield f"  headwater quarantine export --workbook --run {sent.origin} --out {_quoted(str(output))}"
    yield f"  headwater quarantine resubmit {_quoted(str(output))}"


def _quoted(text: str, *, always: bool = False) -> str:
    """As a shell takes it for one word, in the quotes that most shells know where these do."""
    word = shlex.quote(text)
    return f'"{text}"' if (always or word != text) and not set(text) & set('"$`\\!') else word


def _records(count: int) -> str:
    return counted(count, "record is", "records are")


def _cells(count: int) -> str:
    return counted(count, "cell")
