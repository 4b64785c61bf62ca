"""How much of this process one caller may have: requests a minute, and long requests at once.

Kept by each process for itself: see docs/decisions on why no database is asked for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from headwater.api.problems import StatusError
from headwater.errors import HeadwaterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

CALLERS_REMEMBERED = 10_000
LONG = {"upload": 16, "export": 8, "events": 256, "write": 32, "password": 8}
"""Requests that last, and how many of each kind a process has open. Three of them hold a session of the database.

An `export` has much in memory, or computes for long; a `write` is named, or waits for a server of the caller's choice:
without a place for it, forty that wait would take every thread of the process. A `password` is hashed, which takes its
time and memory for anybody who asks.
"""
WAIT_SECONDS = 2.0
"""How long a long request waits for its place before it is told to come again."""


class Pace:
    """How many requests a minute each caller may send to this process; a burst of a tenth of them at once."""

    def __init__(self, a_minute: int, *, of: str = "token") -> None:
        self._rate = a_minute / 60
        self._most = max(a_minute / 10, 10.0)
        self._of = of
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> None:
        """StatusError 429 where the caller has had them all."""
        with self._lock:
            now = time.monotonic()
            left, at = self._left.pop(caller, (self._most, now))
            left = min(self._most, left + (now - at) * self._rate)
            self._left[caller] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > CALLERS_REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            raise StatusError(
                429,
                "there are too many requests",
                after=1 + int((1 - left) / self._rate),
                valid=f"{round(self._rate * 60):,} a minute of one {self._of}",
                remedy="Wait as long as Retry-After says.",
            )


class Recognised:
    """Tokens that held when this process asked last. Any other counts against its address before it is looked up."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, token: str) -> bool:
        return _hash(token) in self._seen

    def add(self, token: str) -> None:
        """It held."""
        with self._lock:
            self._seen[_hash(token)] = None
            self._seen.move_to_end(_hash(token))
            if len(self._seen) > CALLERS_REMEMBERED:
                self._seen.popitem(last=False)

    def forget(self, token: str) -> None:
        """It holds no more."""
        with self._lock:
            self._seen.pop(_hash(token), None)


class OnceASecond:
    """A question that is asked of the database once a second at most; who asks meanwhile gets the same answer."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._asked: float | None = None
        self._error: HeadwaterError | None = None
        self._lock = Lock()

    def __call__(self) -> None:
        """What the question raises, or raised just now."""
        with self._lock:
            if self._asked is None or time.monotonic() - self._asked >= 1:
                self._error = None
                try:
                    self._ask()
                except HeadwaterError as error:
                    self._error = error
                self._asked = time.monotonic()
            if self._error is not None:
                raise self._error.with_traceback(None)


class Places:
    """Places of one kind of long requests: so many of one caller, so many in all. For one event loop."""

    def __init__(self, kind: str, *, each: int, most: int) -> None:
        self._kind = kind
        self._each = each
        self._all = asyncio.Semaphore(most)
        self._own: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    async def take(self, caller: str) -> Callable[[], None]:
        """Wait for a place, and how it is given back. StatusError 429 or 503 where none comes free in time."""
        own, users = self._own.setdefault(caller, (asyncio.Semaphore(self._each), []))
        users.append(None)
        has_own = False
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await own.acquire()
                has_own = True
                await self._all.acquire()
        except BaseException as error:
            self._leave(caller, own if has_own else None)
            if isinstance(error, TimeoutError):
                raise self._refusal(full=has_own) from None
            raise
        given_back: list[None] = []

        def give_back() -> None:
            if not given_back:
                given_back.append(None)
                self._all.release()
                self._leave(caller, own)

        return give_back

    def _leave(self, caller: str, own: asyncio.Semaphore | None) -> None:
        if own is not None:
            own.release()
        users = self._own[caller][1]
        users.pop()
        if not users:
            del self._own[caller]

    def _refusal(self, *, full: bool) -> StatusError:
        what = f"too many long requests ({self._kind}) are open"
        remedy = "Wait as long as Retry-After says, or until one of them has ended."
        if full:
            return StatusError(503, f"{what} at this server", after=5, remedy=remedy)
        return StatusError(429, f"{what} by one token", after=5, valid=f"{self._each} at once", remedy=remedy)


class UntilSent:
    """A response that gives its place back when it is sent, or cannot be."""

    def __init__(self, response: Response, give_back: Callable[[], None]) -> None:
        self._response = response
        self._give_back = give_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await self._response(scope, receive, send)
        finally:
            self._give_back()


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
