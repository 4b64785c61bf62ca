"""Refused records as a file that somebody far away edits: handed out, taken back, carried out by a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.jobs import ask_resume
from headwater.services.quarantine import exports
from headwater.services.quarantine.quarantines import plan_resubmission
from headwater.services.workbooks.export import export_workbook
from headwater.services.workbooks.mending import is_workbook, plan_workbook
from headwater.store import runs

if TYPE_CHECKING:
    from headwater.documents.delimiters import Delimiter
    from headwater.services.answers.quarantine import FileResubmitted
    from headwater.services.installation import Installation

Form = Literal["csv", "workbook"]


def name_of(installation: Installation, *, run: str | None, form: Form) -> str:
    """What an export is called. Misuse where a workbook is wanted and no run is said whose workbook it would be."""
    seen = installation.seeing(Right.WRITE, on="quarantine")
    if form == "csv":
        return "quarantine.csv"
    if run is None:
        raise Misuse("a workbook is that of one run", where="run", valid="the id of a run, or its beginning")
    with seen.database.connect(seen.tenant_id) as connection:
        came = Path(runs.find_run(connection, seen.tenant_id, run).source_name)
    return "quarantine" + (".xlsm" if came.suffix.lower() == ".xlsm" else ".xlsx")


def export(
    installation: Installation, path: Path, *, run: str | None, rule: str | None, form: Form, delimiter: Delimiter
) -> None:
    """Write open records as CSV, or the workbook that a run has read with its open records marked."""
    installation.seeing(Right.WRITE, on="quarantine")
    if form == "workbook" and run is not None:
        export_workbook(installation, path, run=run, rule=rule)
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        exports.export(installation, out, run=run, rule=rule, delimiter=delimiter)


def resubmit(installation: Installation, path: Path) -> FileResubmitted:
    """Plan the resubmission of an edited export; its run, and the job that carries it out.

    Of a workbook also how many of its rows are sent, and which could not be told.
    """
    installation.seeing(Right.WRITE, on="quarantine")
    told: Any = {}
    if is_workbook(path):
        sent = plan_workbook(installation, path)
        run_id = sent.run_id
        told = {"sent": sent.sent, "gone": sent.gone, "unclear": list(sent.unclear), "others": sent.others}
    else:
        run_id = plan_resubmission(installation, path)
    told |= {"run_id": str(run_id), "job_id": str(ask_resume(installation, str(run_id)))}
    planned: FileResubmitted = told
    return planned
