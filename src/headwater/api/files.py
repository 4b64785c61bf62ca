"""Files that a request brings whole, and files that an answer is: through the disk, so that size costs no memory."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from headwater.api.envelope import WHOLE_FILE
from headwater.api.problems import StatusError
from headwater.documents.delimiters import Delimiter
from headwater.services.uploads.receiving import file_name, refuse_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import Request

    from headwater.services.installation import Installation

BLOCK = 2**16
Between = Annotated[Delimiter, Query(description="What stands between the cells of CSV; in an address %3B for ;.")]
BRINGS_A_FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {WHOLE_FILE: {"schema": {"type": "string", "format": "binary"}}}}
}
"""What a route says in OpenAPI whose body is a file."""


def file_answer(write: Callable[[Path], object], name: str, media: str) -> StreamingResponse:
    """A file that `write` puts where it is told, sent block by block. What fails before is answered as a problem."""
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        path = Path(folder) / name
        write(path)
        file = path.open("rb")  # what is open stays readable when its folder goes
        size = path.stat().st_size
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    blocks = iter(partial(file.read, BLOCK), b"")
    return StreamingResponse(blocks, media_type=media, headers=headers, background=BackgroundTask(file.close))


def refuse_type(request: Request, valid: str) -> None:
    """A file comes as what it is called here, whatever it holds: nobody then guesses what else the body might be."""
    given = request.headers.get("content-type")
    if given != valid:
        raise StatusError(
            415,
            "the body is to be a file, whatever is in it",
            where="Content-Type",
            value=given,
            valid=valid,
            remedy=f"Send it with the header Content-Type: {valid}.",
        )


@asynccontextmanager
async def file_sent(here: Installation, request: Request, name: str | None) -> AsyncIterator[Path]:
    """The file that is a request's body, under its name in a folder that goes again."""
    refuse_type(request, WHOLE_FILE)
    called, most = file_name(refuse_name(name)), int(here.settings.api_upload_limit)
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        path, size = Path(folder) / called, 0
        with path.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > most:
                    raise StatusError(413, "the file is too large", where="body", valid=f"at most {most:,} bytes")
                await run_in_threadpool(file.write, block)
        yield path
