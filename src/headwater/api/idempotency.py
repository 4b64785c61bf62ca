"""A write that is sent twice with one Idempotency-Key is done once; the second gets the answer of the first.

One that brings a file is hashed as it comes: nobody has to wait with it until all is here, and who sends the same key
with another file is refused once that is seen. An import whose file broke off is gone on with, from where it broke off.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from headwater.api.problems import StatusError
from headwater.errors import Conflict, RetryLater
from headwater.services.once import FORGOTTEN, LONGEST_KEY, hold, named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Receive

    from headwater.services.installation import Installation
    from headwater.services.once import Answered, HeldRequest

KEPT_HEADERS = ("content-type", "location", "etag", "tus-resumable", "upload-offset")
PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    "description": "Names this write: sent again within a day, the same request is done once, and answered as it was.",
}
"""What OpenAPI says of the key, for every write."""
OF_A_FILE = ("upload-length", "upload-metadata", "upload-offset")
MOST_KEPT = 1024 * 1024
REPLAYED = "idempotent-replayed"


def request_hash(request: Request, body: bytes) -> bytes:
    """Of what was asked: method, address, precondition, what is said of a file that is sent, and body."""
    parts = [request.method, request.url.path, request.url.query, request.headers.get("if-match", "")]
    parts += [f"{name}: {request.headers[name]}" for name in OF_A_FILE if name in request.headers]
    return hashlib.sha256("\x1f".join(parts).encode() + b"\x1f" + body).digest()


async def once(
    installation: Installation,
    key: str,
    asked: bytes,
    work: Callable[[Installation], Awaitable[Response]],
    *,
    shown_once: bool,
) -> Response:
    """The answer to a write, done now or before; `work` does it with the installation it is given. A refusal is not
    kept: sent again, the request is looked at again.

    Conflict where it was done and whoever did it was killed before it could answer, or the answer is forgotten.
    """
    held = await run_in_threadpool(hold, installation, key)
    try:
        before = await run_in_threadpool(held.begin, asked)
        if before is not None and not (before.has_done_nothing and before.request_hash in {asked, FORGOTTEN}):
            return _answered_before(before, asked, key)
        return await _done(held, lambda: work(named(installation, held)), shown_once=shown_once)
    finally:
        await run_in_threadpool(held.close)


async def once_brought(
    installation: Installation, key: str, request: Request, work: Callable[[Installation, Request], Awaitable[Response]]
) -> Response:
    """The same for a write that brings a file, which is given to `work` as it comes."""
    held = await run_in_threadpool(hold, installation, key)
    try:
        brought = _Brought(request.receive, request_hash(request, b""), held)
        request = Request(request.scope, brought)
        before = await run_in_threadpool(held.begin, brought.begun, goes_on=True)
        if before is not None and not (before.has_done_nothing and before.request_hash in {brought.begun, FORGOTTEN}):
            request.state.goes_on_with = import_of(before) if before.request_hash == brought.begun else None
            if request.state.goes_on_with is None:
                await brought.read_all(most=int(installation.settings.api_upload_limit))
                return _answered_before(before, brought.begun if before.status is None else brought.asked, key)
        own = named(installation, held)
        return await _done(held, lambda: work(own, request), shown_once=False, brought=brought)
    finally:
        await run_in_threadpool(held.close)


def import_of(before: Answered) -> UUID | None:
    """The import that was begun by a request that broke off, or whose server was killed; none where it was answered."""
    kind, _, job_id = (before.wrote or "").partition("/")
    return UUID(job_id) if before.status is None and kind == "import" else None


def goes_on_with(request: Request) -> UUID | None:
    """The import that the same request has begun already, and whose file broke off."""
    found: UUID | None = getattr(request.state, "goes_on_with", None)
    return found


class _Brought:
    """A body that is hashed as it comes, while its request is held. `begun` is the hash of what is known before."""

    def __init__(self, receive: Receive, begun: bytes, held: HeldRequest) -> None:
        self._receive = receive
        self._held = held
        self._hash = hashlib.sha256(begun)
        self._size = 0
        self.begun = begun
        self.is_whole = False

    async def __call__(self) -> Message:
        """Some more of it. RetryLater once the request is held no more: nobody waits for its end in vain."""
        message = await self._receive()
        if self._held.is_lost:
            raise RetryLater(
                "the session of the database that held this request is lost",
                where="Idempotency-Key",
                remedy="Send the same again: what was done is not done twice.",
            )
        if message["type"] == "http.request":
            block = message.get("body", b"")
            self._hash.update(block)
            self._size += len(block)
            self.is_whole = not message.get("more_body", False)
        return message

    @property
    def asked(self) -> bytes:
        """Of all that was asked, once it is whole."""
        return self._hash.digest()

    async def read_all(self, *, most: int) -> None:
        """Receive what is left of it, to be hashed alone. StatusError where that is more than any file may be."""
        while not self.is_whole:
            if (await self())["type"] != "http.request":
                raise ClientDisconnect
            if self._size > most:
                raise StatusError(413, "the file is too large", where="body", valid=f"at most {most:,} bytes")


async def _done(
    held: HeldRequest,
    work: Callable[[], Awaitable[Response]],
    *,
    shown_once: bool,
    brought: _Brought | None = None,
) -> Response:
    try:
        response = await work()
    except BaseException:
        await run_in_threadpool(held.drop)
        raise
    has_broken_off = brought is not None and not brought.is_whole
    if response.status_code >= 400 or has_broken_off:  # nothing was done, and what was sent may be personal
        await run_in_threadpool(held.drop)
        return response
    body = bytes(response.body)
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    kept = None if shown_once or len(body) > MOST_KEPT else body
    asked = None if brought is None else brought.asked
    await run_in_threadpool(held.end, response.status_code, headers, kept, request_hash=asked)
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
