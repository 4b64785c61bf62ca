"""A write that is sent twice with one Idempotency-Key is done once; the second gets the answer of the first."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from headwater.api.problems import StatusError
from headwater.errors import Conflict
from headwater.services.once import FORGOTTEN, hold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import Request

    from headwater.services.installation import Installation
    from headwater.services.once import Answered, HeldRequest

KEPT_HEADERS = ("content-type", "location", "etag")
MOST_KEPT = 1024 * 1024
REPLAYED = "idempotent-replayed"


def request_hash(request: Request, body: bytes) -> bytes:
    """Of what was asked: method, address, precondition and body."""
    parts = (request.method, request.url.path, request.url.query, request.headers.get("if-match", ""))
    return hashlib.sha256("\x1f".join(parts).encode() + b"\x1f" + body).digest()


async def once(
    installation: Installation,
    key: str,
    asked: bytes,
    work: Callable[[], Awaitable[Response]],
    *,
    shown_once: bool,
) -> Response:
    """The answer to a write, done now or before. A refusal is not kept: sent again, the request is looked at again.

    Conflict where it was done and whoever did it was killed before it could answer, or the answer is forgotten.
    """
    held = await run_in_threadpool(hold, installation, key)
    try:
        before = await run_in_threadpool(held.begin, asked)
        if before is not None and not (before.has_done_nothing and before.request_hash in {asked, FORGOTTEN}):
            return _answered_before(before, asked, key)
        return await _done(held, work, shown_once=shown_once)
    finally:
        await run_in_threadpool(held.close)


async def _done(held: HeldRequest, work: Callable[[], Awaitable[Response]], *, shown_once: bool) -> Response:
    try:
        response = await work()
    except BaseException:
        await run_in_threadpool(held.drop)
        raise
    if response.status_code >= 400:  # nothing was done, and what was sent may be personal
        await run_in_threadpool(held.drop)
        return response
    body = bytes(response.body)
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    kept = None if shown_once or len(body) > MOST_KEPT else body
    await run_in_threadpool(held.end, response.status_code, headers, kept)
    return response


def _answered_before(before: Answered, asked: bytes, key: str) -> Response:
    if before.is_forgotten:
        raise Conflict(
            "a request by this key was begun already, and what was answered is not kept: somebody was erased since",
            where=before.wrote or "Idempotency-Key",
            value=key,
            remedy="Look at what stands. To have it done once more, send it with another key.",
        )
    if before.request_hash != asked:
        raise StatusError(
            422,
            "this key was used for another request",
            where="Idempotency-Key",
            value=key,
            valid="a key of its own for each request",
        )
    if before.status is None:
        raise Conflict(
            "this was begun already, and its answer was lost on the way",
            where=before.wrote,
            remedy="Look at what was written. To have it done once more, send it with another key.",
        )
    if before.body is None:
        raise Conflict(
            "this was done already, and its answer is shown once only",
            where="Idempotency-Key",
            value=key,
            remedy="Look at what stands; where the secret is lost, end what was made and make another.",
        )
    return Response(before.body, status_code=before.status, headers={**(before.headers or {}), REPLAYED: "true"})
