"""Imports: a file sent in one piece or in many (tus 1.0), looked at, mapped, run; its rows, errors and history.

The protocol is tus 1.0.0 (https://tus.io/protocols/resumable-upload): core, creation, creation-with-upload and
termination, so that the clients there are for it can be used.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import BackgroundTasks, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from headwater.api.access import Here, needs, router
from headwater.api.asking import Asked, page_of
from headwater.api.commands import told_with_routes
from headwater.api.files import refuse_type
from headwater.api.idempotency import goes_on_with
from headwater.api.problems import StatusError
from headwater.services.access.policy import Right
from headwater.services.answers.imports import EntryListed, FirstRows, ImportErrors, ImportListed, ImportShown
from headwater.services.answers.kinds import Page
from headwater.services.trials.previews import Preview
from headwater.services.uploads import looking, receiving, viewing

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from headwater.services.uploads.receiving import Receiving

routes = router("imports")
VERSION = "1.0.0"
TUS = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
OFFSET_STREAM = "application/offset+octet-stream"


def _header(name: str, told: str, *, required: bool = False, is_number: bool = True) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1} if is_number else {"type": "string"}
    return {"name": name, "in": "header", "required": required, "schema": schema, "description": told}


def _piece(*, required: bool) -> dict[str, Any]:
    return {"required": required, "content": {OFFSET_STREAM: {"schema": {"type": "string", "format": "binary"}}}}


def _answered(*names: str) -> dict[str, Any]:
    return {
        "headers": {name: {"schema": {"type": "string" if name == "Location" else "integer"}} for name in names}
        | {"Tus-Resumable": {"schema": {"type": "string"}}}
    }


IMPORT_ID = {
    "type": "object",
    "required": ["import_id"],
    "properties": {"import_id": {"type": "string", "format": "uuid"}},
}
BEGINS: dict[str, Any] = {
    "parameters": [
        _header("Upload-Length", "Bytes of the whole file; left out where the body is all of it."),
        _header(
            "Upload-Metadata",
            "`filename`, `mapping` and `unit`, each with its value in base64, with commas between them.",
            is_number=False,
        ),
    ],
    "requestBody": _piece(required=False),
    "responses": {
        "201": _answered("Location", "Upload-Offset") | {"content": {"application/json": {"schema": IMPORT_ID}}}
    },
}
GOES_ON: dict[str, Any] = {
    "parameters": [_header("Upload-Offset", "From which byte on this is.", required=True)],
    "requestBody": _piece(required=True),
    "responses": {"204": _answered("Upload-Offset")},
}
"""What OpenAPI says of requests and answers that FastAPI does not see into."""


class ChosenMapping(BaseModel):
    """By which mapping a file is read."""

    model_config = ConfigDict(extra="forbid")
    mapping: str = Field(min_length=1, max_length=200)


@routes.get("/imports", **needs(Right.READ, anywhere=True))
def list_imports(here: Here, asked: Asked) -> Page[ImportListed]:
    """Imports, the latest first."""
    return page_of(viewing.list_imports(here, asked))


@routes.options("/imports", status_code=204, response_class=Response, **needs(Right.WRITE, anywhere=True))
def what_is_spoken(here: Here) -> Response:
    """Which version and parts of the tus protocol are spoken, and how large a file may be."""
    said = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,creation-with-upload,termination",
        "Tus-Max-Size": str(int(here.settings.api_upload_limit)),
    }
    return Response(status_code=204, headers=TUS | said)


@routes.post(
    "/imports",
    status_code=201,
    response_class=Response,
    **needs(Right.WRITE, 404, 408, 409, 415, long="upload", also=BEGINS, anywhere=True),
)
async def begin(
    here: Here,
    request: Request,
    name: Annotated[str | None, Query(description="The file's name; or `filename` in Upload-Metadata.")] = None,
    mapping: Annotated[str | None, Query(description="The mapping it is read by; or `mapping` in the same.")] = None,
    unit: Annotated[
        UUID | None,
        Query(description="The unit that it belongs to; or `unit` in the same. Left out, it is the organisation's."),
    ] = None,
) -> Response:
    """Begin an import, with its whole file, with the beginning of it, or without any of it.

    With a body of type `application/offset+octet-stream` what comes is taken as the file's beginning; where neither
    Upload-Length nor another piece follows, as the whole of it. Once it is whole and has a mapping it is loaded.
    """
    said = _metadata(request.headers.get("upload-metadata"))
    brings = request.headers.get("content-type") == OFFSET_STREAM
    if not brings and _has_body(request):
        refuse_type(request, OFFSET_STREAM)
    length = request.headers.get("upload-length") or (request.headers.get("content-length") if brings else None)
    size = _number(length, "Upload-Length")
    called = receiving.refuse_name(name or said.get("filename"))
    unit_id = unit or _unit(said.get("unit"))
    before = goes_on_with(request)
    if before is None:
        import_ = await run_in_threadpool(
            receiving.begin, here, called, size, mapping=mapping or said.get("mapping"), unit_id=unit_id
        )
    else:
        import_ = await run_in_threadpool(receiving.begun, here, before, size)
    headers = {**TUS, "Location": str(request.url_for("send_on", import_id=str(import_.import_id)).path)}
    offset, whole = 0, False
    if brings or size == 0:
        offset, whole = await _taken(here, request, import_.import_id, 0 if before is None else None)
    after = BackgroundTask(looking.go_on_quietly, here, import_.import_id) if whole else None
    headers["Upload-Offset"] = str(offset)
    body = f'{{"import_id":"{import_.import_id}"}}'
    return Response(body, status_code=201, headers=headers, media_type="application/json", background=after)


def _has_body(request: Request) -> bool:
    """Whether something is sent; of what comes in parts nobody says how much."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


@routes.head(
    "/imports/{import_id}/file",
    response_class=Response,
    **needs(Right.WRITE, 404, anywhere=True, also={"responses": {"200": _answered("Upload-Offset", "Upload-Length")}}),
)
def how_much_is_here(here: Here, import_id: UUID) -> Response:
    """How many bytes of the file are here, from where to go on."""
    import_ = viewing.get(here, import_id)
    return Response(headers={**TUS, "Upload-Offset": str(import_.received), "Upload-Length": str(import_.size)})


@routes.patch(
    "/imports/{import_id}/file",
    status_code=204,
    response_class=Response,
    **needs(Right.WRITE, 404, 408, 409, 415, long="upload", also=GOES_ON, anywhere=True),
)
async def send_on(here: Here, import_id: UUID, request: Request) -> Response:
    """Send more of the file, from the byte that Upload-Offset names."""
    refuse_type(request, OFFSET_STREAM)
    offset = _number(request.headers.get("upload-offset"), "Upload-Offset")
    reached, whole = await _taken(here, request, import_id, offset)
    after = BackgroundTask(looking.go_on_quietly, here, import_id) if whole else None
    return Response(status_code=204, headers={**TUS, "Upload-Offset": str(reached)}, background=after)


@routes.delete(
    "/imports/{import_id}/file", status_code=204, response_class=Response, **needs(Right.WRITE, 404, 409, anywhere=True)
)
def give_up(here: Here, import_id: UUID) -> Response:
    """End an upload and forget what came of it."""
    looking.cancel(here, import_id)
    return Response(status_code=204, headers=TUS)


@routes.get("/imports/{import_id}", **needs(Right.READ, 404, anywhere=True))
def show(here: Here, import_id: UUID, after: BackgroundTasks) -> ImportShown:
    """An import: its state, what inspection found, why it was refused, and how far its run is."""
    import_ = viewing.get(here, import_id)
    if viewing.was_left(import_) and here.actor.may(Right.WRITE, import_.unit_id):
        after.add_task(looking.go_on_quietly, here, import_id)
    return _shown(here, import_id)


@routes.post("/imports/{import_id}/mapping", **needs(Right.WRITE, 404, 409, anywhere=True))
def choose_mapping(here: Here, import_id: UUID, chosen: ChosenMapping) -> ImportShown:
    """Say by which mapping the file is read: it is planned at once, and loaded in the background."""
    looking.choose_mapping(here, import_id, chosen.mapping)
    return _shown(here, import_id)


@routes.post("/imports/{import_id}/cancellation", **needs(Right.WRITE, 404, 409, anywhere=True))
def cancel(here: Here, import_id: UUID) -> ImportShown:
    """Give up an import that is no run yet."""
    looking.cancel(here, import_id)
    return _shown(here, import_id)


@routes.get("/imports/{import_id}/rows", **needs(Right.WRITE, 404, 409, anywhere=True))
def first_rows(
    here: Here,
    import_id: UUID,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
    mapping: Annotated[str | None, Query(description="Show them as they would land by this mapping.")] = None,
) -> FirstRows | Preview:
    """The first rows of a file that is not loaded yet."""
    return viewing.rows(here, import_id, limit=limit, mapping=mapping)


@routes.get("/imports/{import_id}/errors", **needs(Right.WRITE, 404, anywhere=True))
def errors(here: Here, import_id: UUID) -> ImportErrors:
    """What was refused, by rule, each with how many records and the first of them."""
    return viewing.errors(here, import_id)


@routes.get("/imports/{import_id}/history", **needs(Right.READ, 404, anywhere=True))
def history(here: Here, import_id: UUID) -> list[EntryListed]:
    """What was done with the import and its run, by whom and when."""
    return viewing.history(here, import_id)


def _shown(here: Installation, import_id: UUID) -> ImportShown:
    shown = viewing.show(here, import_id)
    return {**shown, "error": told_with_routes(shown["error"])}


async def _taken(here: Installation, request: Request, import_id: UUID, offset: int | None) -> tuple[int, bool]:
    """Take in what a request brings; where the file ends now, and whether it is whole. What came of a request that
    broke off is kept.
    """
    receiving_: Receiving = await run_in_threadpool(receiving.receive, here, import_id, offset)
    try:
        async for block in request.stream():
            await run_in_threadpool(receiving_.take, block)
    except ClientDisconnect:
        pass
    finally:
        whole = await run_in_threadpool(receiving_.close)
    return receiving_.offset, whole


def _number(text: str | None, where: str) -> int:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise StatusError(400, "this needs a number of bytes", where=where, value=text, valid="a whole number")
    return int(text)


def _unit(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise StatusError(
            400, "this names no unit", where="Upload-Metadata unit", value=text, valid="the id of a unit"
        ) from None


def _metadata(header: str | None) -> dict[str, str]:
    """Keys with values in base64, with commas between them."""
    found = {}
    for pair in header.split(",") if header else ():
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise StatusError(400, "this is not base64 of UTF-8", where=f"Upload-Metadata {key}", value=value) from None
    return found
