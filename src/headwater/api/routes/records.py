"""Records of any contract: filtered, sorted, paged, exported whole, and each with its past."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, etag, expected_hash, page_of
from headwater.api.files import Between
from headwater.services import entered_records, records
from headwater.services.access.masked_traces import for_reader
from headwater.services.access.policy import Right
from headwater.services.answers.kinds import Page
from headwater.services.answers.records import PastRecord, RecordCorrected, RecordsEntered
from headwater.services.listing import Question
from headwater.services.records import Record
from headwater.services.tracing import tracer
from headwater.services.tracing.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import Receive, Scope, Send

routes = router("records")
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
ENDINGS = {"csv": "csv", "parquet": "parquet", "arrow": "arrows"}
Clear = Annotated[
    bool, Query(description="Show personal data as it is: needs the right `write`, and is noted in the audit chain.")
]
IfMatch = Annotated[str | None, Header(description="The ETag of the version that was looked at; else 412.")]
Filters = Annotated[list[str] | None, Query(description="As for the list of records.")]


@routes.get("/records/{reference}", **needs(Right.READ, 404, anywhere=True))
def list_records(here: Here, reference: str, asked: Asked, *, clear: Clear = False) -> Page[Record]:
    """Records of a contract (`activity@1`) by key. Filters and sorts need the right `query`. By a personal field it is
    asked in clear only, by its exact value (`name:eq:Ann Lee`).
    """
    return page_of(records.list_records(here, reference, asked, clear=clear))


@routes.get(
    "/records/{reference}/export",
    response_class=StreamingResponse,
    **needs(Right.QUERY, 404, long="export", anywhere=True),
)
def export_records(
    here: Here,
    reference: str,
    *,
    form: Annotated[Literal["csv", "parquet", "arrow"], Query(alias="format")] = "csv",
    delimiter: Between = ",",
    filter: Filters = None,  # noqa: A002 - what it is called in an address
    sort: str | None = None,
    clear: Clear = False,
) -> StreamingResponse:
    """All records asked for as one file, however many there are."""
    question = Question(filters=filter or (), sort=sort)
    blocks = records.export(here, reference, question, form, delimiter=delimiter, clear=clear)
    name = f"{reference.replace('@', '-v')}.{ENDINGS[form]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return _Exported(blocks, media_type=MEDIA[form], headers=headers)


class _Exported(StreamingResponse):
    """With the first block in hand: what fails before it is answered as a problem and not by a broken file.

    However it ends, its blocks are let go of, and with them the session of the database that they come from.
    """

    def __init__(self, blocks: Generator[bytes], **more: Any) -> None:
        self._blocks = blocks
        super().__init__(itertools.chain([next(blocks, b"")], blocks), **more)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._blocks.close)


def _exact(value: object) -> object:
    """A number with decimals is another once it was read: of 1.10 a zero is gone, and of many digits the last ones."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        what = 'a number with decimals is written as a text such as "12.5", so that it stays exact'
        raise ValueError(what)  # noqa: TRY004  pydantic takes no other
    what = "a field holds one value: a text, a whole number, true, false or null"
    raise ValueError(what)


Value = Annotated[str | int | bool | None, BeforeValidator(_exact)]


class Entered(BaseModel):
    """Records as they are entered: field → value. Decimals as texts, so that they stay exact."""

    model_config = ConfigDict(extra="forbid")
    records: list[dict[str, Value]] = Field(min_length=1, max_length=1000)
    unit_id: UUID | None = Field(default=None, description="The unit they belong to; null: the organisation.")


class Corrected(BaseModel):
    """Fields of a record that are to be others; those not named stay. Decimals as texts, so that they stay exact."""

    model_config = ConfigDict(extra="forbid")
    values: dict[str, Value] = Field(min_length=1)


@routes.post("/records/{reference}", status_code=201, **needs(Right.WRITE, 404, 409, anywhere=True))
def enter_records(here: Here, reference: str, entered: Entered) -> RecordsEntered:
    """Enter records by hand: checked, calculated and audited at once, by a run of their own."""
    return entered_records.enter(here, reference, entered.records, unit_id=entered.unit_id)


@routes.patch("/records/{reference}/{key:path}", **needs(Right.WRITE, 404, 412, anywhere=True))
def correct_record(
    here: Here, reference: str, key: str, corrected: Corrected, *, response: Response, if_match: IfMatch = None
) -> RecordCorrected:
    """Correct a record by hand: checked, calculated and audited at once. What it was before stays in its history."""
    answer = entered_records.correct(here, reference, key, corrected.values, expected=expected_hash(if_match))
    response.headers["ETag"] = etag(answer["record"].version)
    return answer


@routes.get("/records/{reference}/{key:path}/history", **needs(Right.READ, 404, anywhere=True))
def show_history(here: Here, reference: str, key: str, asked: Asked) -> Page[PastRecord]:
    """The versions of a record that were replaced or deleted, each with the chunk that did it."""
    return page_of(records.history_of(here, reference, key, asked))


@routes.get("/records/{reference}/{key:path}/trace", **needs(Right.READ, 404, anywhere=True))
def trace_record(here: Here, reference: str, key: str, *, clear: Clear = False) -> Trace:
    """A record back to the cell it came from: run, mapping, file, line, and the audit entries."""
    records.contract_of(here, reference)
    return for_reader(here, tracer.trace_record(here, reference, key), clear=clear)


@routes.get("/records/{reference}/{key:path}", **needs(Right.READ, 404, anywhere=True))
def show_record(here: Here, reference: str, key: str, response: Response, *, clear: Clear = False) -> Record:
    """The record of a key; fields of a key are joined by `|`. Its ETag is the hash of its values."""
    found = records.show_record(here, reference, key, clear=clear)
    response.headers["ETag"] = etag(found.version)
    return found


@routes.get("/emissions/{activity:path}/trace", **needs(Right.READ, 404, anywhere=True))
def trace_emission(
    here: Here, activity: str, method: str | None = None, gwp_set: str | None = None, *, clear: Clear = False
) -> Trace:
    """A figure back to its activity, factor, formula and source, computed again now."""
    return for_reader(here, tracer.trace_emission(here, activity, method, gwp_set), clear=clear)
