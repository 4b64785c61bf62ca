"""Who calls, and whether they may: every route says the right it needs, and here it is asked for.

Also what holds for every route: so many requests a minute of one caller, no body nested too deeply, and a write that
is sent twice with one Idempotency-Key is done once.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from structlog import contextvars

from headwater.api.envelope import brings_a_file
from headwater.api.idempotency import once, request_hash
from headwater.api.problems import MEDIA_TYPE, Problem, StatusError, problem_of, wrong_parameters
from headwater.errors import HeadwaterError, Unauthenticated
from headwater.services.access.policy import Right
from headwater.services.installation import Installation
from headwater.services.sign_in.sessions import Origin

RIGHT = "x-right"
SHOWN_ONCE = "x-shown-once"
ANYWHERE = "x-anywhere"
DEEPEST = 32
CALLERS_REMEMBERED = 10_000
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # possessive: in one pass, whatever is sent
_BRACKETS = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True)
class House:
    """What one process serves from. `sign_in` finds who a token belongs to."""

    installation: Installation
    sign_in: Callable[[Installation, str, Origin], Installation]
    pace: Pace


class Pace:
    """How many requests a minute each caller may send to this process; a burst of a tenth of them at once."""

    def __init__(self, a_minute: int) -> None:
        self._rate = a_minute / 60
        self._most = max(a_minute / 10, 10.0)
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
                valid=f"{round(self._rate * 60):,} a minute of one token",
                remedy="Wait as long as Retry-After says.",
            )


class GuardedRoute(APIRoute):
    """A route that knows who calls before anything of the request is looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with the guard before it."""
        handle = super().get_route_handler()
        said = self.openapi_extra or {}
        right, shown_once = Right(said[RIGHT]), bool(said.get(SHOWN_ONCE))
        anywhere = bool(said.get(ANYWHERE))

        async def guarded(request: Request) -> Response:
            house: House = request.app.state.house
            caller = await run_in_threadpool(_known, house, request, right, anywhere=anywhere)
            request.state.installation = caller
            contextvars.bind_contextvars(actor=caller.actor.name)
            if request.method in {"GET", "HEAD"} or brings_a_file(request.scope):
                return await handle(request)
            body = await request.body()
            refuse_depth(body)
            key = request.headers.get("idempotency-key")
            if key is None:
                return await handle(request)
            asked = request_hash(request, body)
            return await once(caller, key, asked, lambda: _answered(handle, request), shown_once=shown_once)

        return guarded


async def _answered(handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    """An error is an answer too, but none that is kept: nothing was done."""
    try:
        return await handle(request)
    except HeadwaterError as error:
        return problem_of(error)
    except RequestValidationError as error:
        return wrong_parameters(error)


def _known(house: House, request: Request, right: Right, *, anywhere: bool) -> Installation:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    address = request.client.host if request.client else ""
    if scheme.lower() != "bearer" or not token.strip():
        house.pace.take(f"address {address}")
        raise Unauthenticated(
            "this needs a token",
            where="Authorization",
            valid="Bearer and a token of the API",
            remedy="`headwater tokens create` makes one.",
        )
    try:
        caller = house.sign_in(house.installation, token.strip(), _origin(request))
    except Unauthenticated:
        house.pace.take(f"address {address}")
        raise
    house.pace.take(f"{caller.tenant_id} {caller.actor.name}")
    units = caller.actor.units_with(right) if anywhere else None
    if not units:  # else what they may in these units is asked by the service
        caller.require(right, on=f"{request.method} {request.url.path}")
    return caller


def _origin(request: Request) -> Origin:
    agent = request.headers.get("user-agent")
    return Origin(address=request.client.host if request.client else None, agent=agent)


def refuse_depth(body: bytes) -> None:
    """StatusError where JSON is nested deeper than anything here needs."""
    depth = 0
    for bracket in _BRACKETS.finditer(_TEXTS.sub(b"", body)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > DEEPEST:
            raise StatusError(
                422,
                "the body is nested too deeply",
                where="body",
                valid=f"at most {DEEPEST} levels of lists and objects",
            )


def _installation(request: Request) -> Installation:
    found: Installation = request.state.installation
    return found


async def here(request: Request) -> Installation:
    """The installation, acting for whoever calls."""
    return _installation(request)


Here = Annotated[Installation, Depends(here)]
"""What an endpoint works with."""


def router(tag: str) -> APIRouter:
    """Where the routes of one resource are put."""
    return APIRouter(tags=[tag], route_class=GuardedRoute, responses=problems(401, 403, 422, 429, 503))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that a route answers with, for OpenAPI."""
    return {
        status: {"model": Problem, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status in statuses
    }


def needs(
    right: Right, *statuses: int, shown_once: bool = False, anywhere: bool = False, **more: Any
) -> dict[str, Any]:
    """What a route declares: the right without which nobody gets in, and the problems of its own.

    anywhere    the right in any unit lets in; which things it reaches, the service says
    shown_once  the answer holds a secret, and is not kept for who sends the same again
    """
    extra: dict[str, Any] = {RIGHT: right.value}
    extra |= {SHOWN_ONCE: True} if shown_once else {}
    extra |= {ANYWHERE: True} if anywhere else {}
    return {"openapi_extra": extra, "responses": problems(400, 413, *statuses), **more}
