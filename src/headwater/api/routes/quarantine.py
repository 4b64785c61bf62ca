"""What was refused: looked at, mended, sent again, dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, page_of
from headwater.api.commands import told_with_routes
from headwater.api.files import BRINGS_A_FILE, Between, file_answer, file_sent
from headwater.errors import Misuse
from headwater.services import house_lists
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.quarantine import Dismissed, FileResubmitted, RefusedListed, RefusedShown, Resubmitted
from headwater.services.quarantine import by_cell, files, quarantines
from headwater.services.runs_view import show_run

if TYPE_CHECKING:
    from headwater.services.quarantine.quarantines import RecordView

routes = router("quarantine")
MEDIA = {"csv": "text/csv; charset=utf-8", "workbook": "application/octet-stream"}
OfRun = Annotated[str | None, Query(description="Refused or mended by this run.")]
OfRule = Annotated[str | None, Query(description="Refused for this rule, perhaps among others.")]


class Mend(BaseModel):
    """Cells to be put in place of those refused; cells not named stay as they were."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(description="The refused record.")
    cells: dict[str, str | None] = Field(min_length=1, description="Column of the source → text.")


class Mends(BaseModel):
    """Refused records of one source, mended."""

    model_config = ConfigDict(extra="forbid")
    records: list[Mend] = Field(min_length=1, max_length=1000)


class Dismissal(BaseModel):
    """Refused records that need no mending, and why. They are named by `ids`; or they are all that are open of what
    `run` refused, of what breaks `rule`, or of both, and `records` says how many that is.
    """

    model_config = ConfigDict(extra="forbid")
    ids: list[str] | None = Field(default=None, min_length=1, max_length=10_000)
    run: str | None = Field(default=None, description="Refused by this run.")
    rule: str | None = Field(default=None, description="Refused for this rule, perhaps among others.")
    records: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description=(
            "With `run` or `rule`: how many records they choose, as `GET /quarantine` counts them with "
            "`filter=state:eq:open`; where another number is open by now, none is dismissed."
        ),
    )
    reason: str = Field(min_length=1, max_length=2000)


@routes.get("/quarantine", **needs(Right.WRITE, 404, anywhere=True))
def list_refused(here: Here, asked: Asked, run: OfRun = None, rule: OfRule = None) -> Page[RefusedListed]:
    """Refused records in the order of their sources, each with its rules, values, what is valid and how to mend it."""
    found = house_lists.refused(here, asked, run=run, rule=rule)
    for each in found.items:
        each["findings"] = _findings(each["findings"])
    return page_of(found)


@routes.get("/quarantine-rules", **needs(Right.READ, 404, anywhere=True))
def count_by_rule(here: Here, run: OfRun = None, state: str | None = "open") -> dict[str, int]:
    """How many refused records break each rule, the most frequent first."""
    return house_lists.refused_by_rule(here, run=run, state=state)


@routes.get(
    "/quarantine/export", response_class=StreamingResponse, **needs(Right.WRITE, 404, long="export", anywhere=True)
)
def export_refused(
    here: Here,
    run: OfRun = None,
    rule: OfRule = None,
    form: Annotated[
        Literal["csv", "workbook"],
        Query(alias="format", description="A workbook is the one of `run` as it came, with what was refused marked."),
    ] = "csv",
    delimiter: Between = ",",
) -> StreamingResponse:
    """Open records of one source to be mended in a spreadsheet: which, why and where, then their cells."""
    name = files.name_of(here, run=run, form=form)
    return file_answer(
        lambda path: files.export(here, path, run=run, rule=rule, form=form, delimiter=delimiter), name, MEDIA[form]
    )


@routes.post(
    "/quarantine/resubmissions/file",
    status_code=202,
    **needs(Right.WRITE, 404, 408, 409, 415, long="upload", also=BRINGS_A_FILE, anywhere=True),
)
async def resubmit_file(
    here: Here,
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200, description="What the file is called.")] = "mended.csv",
) -> FileResubmitted:
    """Send an export back, edited: CSV or workbook. It is planned when this is answered, and a worker carries it out.

    What was not changed, or is settled already, is skipped and counted; so is all of a file that is sent twice.
    """
    async with file_sent(here, request, name) as path:
        return await run_in_threadpool(files.resubmit, here, path)


@routes.get("/quarantine/{id}", **needs(Right.WRITE, 404, anywhere=True))
def show_refused(here: Here, id: str) -> RefusedShown:  # noqa: A002 - what it is called in an address
    """A refused record with its cells in the order of the source, and everything that was sent in its place.

    The text of a cell is null where a table has none; null and an empty text are both blank to a mapping.
    """
    return _as_json(quarantines.show_record(here, id, tell_nulls=True))


@routes.post("/quarantine/resubmissions", status_code=201, **needs(Right.WRITE, 404, 409, anywhere=True))
def resubmit(here: Here, mends: Mends) -> Resubmitted:
    """Send mended records again: one run, whose ledger tells what became of each. Done when it is answered."""
    run_id = by_cell.resubmit(here, {each.id: each.cells for each in mends.records})
    run = show_run(here, run_id).as_json()
    return {"run": run, "records": [_as_json(quarantines.show_record(here, each.id)) for each in mends.records]}


@routes.post("/quarantine/dismissals", status_code=201, **needs(Right.WRITE, 404, 409, anywhere=True))
def dismiss(here: Here, dismissal: Dismissal) -> Dismissed:
    """Dismiss open records; all of them or, where one is not open, or they are not as many as was said, none."""
    is_chosen = dismissal.run is not None or dismissal.rule is not None
    if dismissal.ids is not None and not is_chosen and dismissal.records is None:
        return {"dismissed": quarantines.dismiss_records(here, dismissal.ids, reason=dismissal.reason)}
    if dismissal.ids is not None or not is_chosen or dismissal.records is None:
        raise Misuse(
            "it is not said which records, or how many", where="ids", valid="ids; or run, rule or both, and records"
        )
    return {
        "dismissed": quarantines.dismiss_counted(
            here, dismissal.records, run=dismissal.run, rule=dismissal.rule, reason=dismissal.reason
        )
    }


def _as_json(view: RecordView) -> RefusedShown:
    record: Any = view.record  # of which the database checks the words
    return {
        "id": str(record.key),
        "state": record.state,
        "state_reason": record.state_reason,
        "contract": record.contract,
        "run_id": str(view.run.run_id),
        "source": view.run.source_name,
        "place": view.origin.place,
        "cells": [{"column": column, "text": text} for column, text in view.cells],
        "findings": _findings(record.findings),
        "tried": None if view.tried is None else _findings(view.tried),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "repairs": [
            {
                "outcome": repair.outcome,
                "findings": _findings(repair.findings),
                "actor": repair.actor,
                "created_at": repair.created_at,
                "changes": {name: list(pair) for name, pair in (changes or {}).items()}
                if changes is not None
                else None,
            }
            for repair, changes in zip(view.repairs, view.changes, strict=True)
        ],
    }


def _findings(kept: Sequence[Any]) -> list[Any]:
    return [told_with_routes(finding) for finding in kept]
