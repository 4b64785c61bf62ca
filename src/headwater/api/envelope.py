"""Around every request: correlation id, limits on what is sent, headers of safety, counts and times, no traceback."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect

from headwater.api.problems import CORRELATION, StatusError, fault, problem_of
from headwater.errors import RetryLater
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-correlation-id"
SECONDS_WITHOUT_A_BYTE = 60
SLOWEST_FILE = 1024
"""Bytes a second, on the whole, below which a file is sent in pieces over many requests rather than by one."""
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_FIT = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
REQUESTS = Counter("headwater_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "headwater_http_request_duration_seconds",
    "Time to the end of the answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WHOLE_FILE = "application/octet-stream"
_FILES = {
    b"application/offset+octet-stream": re.compile(
        r"^(?:POST .*/api/v1/imports|PATCH .*/api/v1/imports/[0-9a-fA-F-]{32,36}/file)$"
    ),
    WHOLE_FILE.encode(): re.compile(r"^POST .*/api/v1/(?:factors/imports|quarantine/resubmissions/file)$"),
}
"""By type of content, the requests that bring a file."""


class Envelope:
    """What every request passes through first and every answer last.

    most_bytes: of a body, but for requests whose path says that they bring a file.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(HEADER, b"")
        correlation = given.decode() if _FIT.fullmatch(given) else uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**{CORRELATION: correlation})
        began, answered = time.perf_counter(), _Answered(send, correlation)
        try:
            await self._app(scope, _Limited(receive, headers, self._most_of(scope)), answered)
        except asyncio.CancelledError:  # the server ends, and has waited for it
            if not answered.status:
                await problem_of(RetryLater("the server ends", remedy="Ask again, when it is up."))(
                    scope, receive, answered
                )
        except ClientDisconnect:
            get_logger("headwater.api").info("whoever asked is gone, or takes nothing of the answer")
        except StatusError as error:
            if not answered.status:
                await problem_of(error)(scope, receive, answered)
        except Exception as error:  # noqa: BLE001 - the last one who can answer
            response = fault(error)
            if not answered.status:
                await response(scope, receive, answered)
        finally:
            _tell(scope, answered.status, time.perf_counter() - began)

    def _most_of(self, scope: Scope) -> int | None:
        """Files are counted where they are written."""
        return None if brings_a_file(scope) else self._most


def brings_a_file(scope: Scope) -> bool:
    """Whether the body is a file, or the next part of one, which goes to disk as it comes and is counted there."""
    paths = next((_FILES.get(value) for name, value in scope["headers"] if name == b"content-type"), None)
    return paths is not None and paths.search(f"{scope['method']} {scope['path']}") is not None


class _Answered:
    """Sends an answer on, with our headers; remembers its status."""

    def __init__(self, send: Send, correlation: str) -> None:
        self._send = send
        self._correlation = correlation.encode()
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            there = {name for name, _ in message["headers"]}
            more = [(name, value) for name, value in _HEADERS if name not in there]
            no_store = [] if b"cache-control" in there else [(b"cache-control", b"no-store")]
            message = {**message, "headers": [*message["headers"], *more, *no_store, (HEADER, self._correlation)]}
        try:
            async with asyncio.timeout(SECONDS_WITHOUT_A_BYTE):
                await self._send(message)
        except TimeoutError:  # who takes nothing of an answer keeps nothing that it is made from
            raise ClientDisconnect from None


class _Limited:
    """Receives a body, so many bytes at most and none too slowly."""

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], most: int | None) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0
        self._more = True
        said = headers.get(b"content-length", b"0")
        self._said = int(said) if said.isdigit() else 0
        self._awaited = 0.0

    async def __call__(self) -> Message:
        if not self._more:  # only the end of the connection is awaited now, however long that takes
            return await self._receive()
        if self._most is not None and self._said > self._most:
            raise self._too_large()
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), SECONDS_WITHOUT_A_BYTE)
        except TimeoutError:
            raise self._too_slow() from None
        self._awaited += time.monotonic() - began
        if message["type"] == "http.request":
            self._more = message.get("more_body", False)
            self._seen += len(message.get("body", b""))
            if self._most is not None and self._seen > self._most:
                raise self._too_large()
            if self._more and self._awaited > SECONDS_WITHOUT_A_BYTE and self._seen < SLOWEST_FILE * self._awaited:
                raise self._too_slow()
        return message

    def _too_slow(self) -> StatusError:
        return StatusError(
            408,
            "the body comes too slowly",
            where="body",
            valid=f"{SLOWEST_FILE:,} bytes a second, and some each minute",
            remedy="What came of a file is kept: ask by HEAD how much, and go on there.",
        )

    def _too_large(self) -> StatusError:
        return StatusError(
            413,
            "the body is too large",
            where="body",
            value=max(self._said, self._seen),
            valid=f"at most {self._most:,} bytes",
            remedy="Send large files as an import.",
        )


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None) or "none"
    method = scope["method"] if scope["method"] in _METHODS else "other"  # anybody may invent one
    REQUESTS.labels(method, path, str(status)).inc()
    SECONDS.labels(method, path).observe(seconds)
    get_logger("headwater.api").info(
        "request", method=method, route=path, **_ids(scope), status=status, seconds=round(seconds, 4)
    )


def _ids(scope: Scope) -> dict[str, Any]:
    """Which things an address names, where by an id: keys of records may be personal and stay out of the log."""
    found = {name: str(value) for name, value in scope.get("path_params", {}).items() if _ID.fullmatch(str(value))}
    return {"ids": found} if found else {}
