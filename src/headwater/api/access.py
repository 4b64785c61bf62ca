"""Who calls, and whether they may: every route says the right it needs, and here it is asked for.

Also what holds for every route: so many requests a minute of one caller, no body nested too deeply, and a write that
is sent twice with one Idempotency-Key is done once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import iscoroutinefunction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from prometheus_client.registry import Collector
from structlog import contextvars

from headwater.api.afterwards import Afterwards
from headwater.api.answers import answer_of
from headwater.api.browser import refuse_foreign, session_of
from headwater.api.envelope import brings_a_file
from headwater.api.idempotency import once, once_brought, request_hash
from headwater.api.limits import OnceASecond, Pace, Places, Recognised, UntilSent
from headwater.api.problems import MEDIA_TYPE, Problem, StatusError, problem_of, wrong_parameters
from headwater.api.turns import Turns
from headwater.errors import HeadwaterError, Unauthenticated
from headwater.services.access.policy import Right
from headwater.services.installation import Installation
from headwater.services.sign_in.sessions import Origin

PREFIX = "/api/v1"
RIGHT = "x-right"
SHOWN_ONCE = "x-shown-once"
ANYWHERE = "x-anywhere"
LONG_KIND = "x-long"
DEEPEST = 32
UNKNOWN = "this address takes no such parameter"
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # possessive: in one pass, whatever is sent
_BRACKETS = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True)
class House:
    """What one process serves from. `sign_in` finds who a token belongs to."""

    installation: Installation
    sign_in: Callable[[Installation, str, Origin], Installation]
    pace: Pace  # of each token
    strangers: Pace  # of each address, for tokens that are not recognised
    places: Mapping[str, Places]
    ready: OnceASecond
    measurement: Collector
    afterwards: Afterwards
    turns: Turns = field(default_factory=Turns)
    recognised: Recognised = field(default_factory=Recognised)


class Caller:
    """Who calls, once somebody has looked: in the thread in which the request is answered, if it waits for one."""

    def __init__(self, look: Callable[[], Installation]) -> None:
        self._look = look
        self._found: Installation | None = None

    def __call__(self) -> Installation:
        """The installation, acting for them; looked for once."""
        if self._found is None:
            self._found = self._look()
            self.note()
        return self._found

    def note(self) -> None:
        """Say who calls, where that is known, in all that is logged from here on."""
        if self._found is not None:
            contextvars.bind_contextvars(actor=self._found.actor.name)


class GuardedRoute(APIRoute):
    """A route that knows who calls before it is answered, and before anything is said of what was sent."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        self._waits = not iscoroutinefunction(endpoint)
        self.answer = answer_of(endpoint)
        if self.answer is not None:  # it is told in the document, and written as it is
            more["response_model"] = Any
        super().__init__(path, _asked_by_caller(endpoint), **more)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with the guard before it."""
        handle = _knowing_parameters(super().get_route_handler(), self.dependant)
        said = self.openapi_extra or {}
        right, shown_once = Right(said[RIGHT]), bool(said.get(SHOWN_ONCE))
        anywhere, long = bool(said.get(ANYWHERE)), said.get(LONG_KIND)
        path = self.path_format.removeprefix(PREFIX)
        in_time = self._waits and any(each.call is here for each in self.dependant.dependencies)

        def calling(request: Request, house: House, installation: Installation) -> Caller:
            caller = Caller(lambda: _known(house, installation, request, right, path, anywhere=anywhere))
            request.state.caller = caller
            return caller

        async def guarded(request: Request) -> Response:
            house: House = request.app.state.house
            if request.method in {"GET", "HEAD"} and long is None:
                async with house.turns.turn():
                    with _by_one_connection(house.installation) as installation:
                        return await _read(handle, request, calling(request, house, installation), in_time=in_time)
            return await answered(request, house)  # what lasts, or waits for a body, keeps no connection meanwhile

        async def answered(request: Request, house: House) -> Response:
            looked_for = calling(request, house, house.installation)
            caller = await run_in_threadpool(looked_for)
            looked_for.note()
            brings = brings_a_file(request.scope)
            place = house.places[long] if long is not None and (long != "upload" or brings) else None
            key = None if request.method in {"GET", "HEAD"} else request.headers.get("idempotency-key")
            body = b"" if request.method in {"GET", "HEAD"} or brings else await request.body()
            refuse_depth(body)
            if key is None:
                return await in_place(place, name_of(caller), lambda: handle(request))

            def by(own: Installation, request: Request) -> Coroutine[Any, Any, Response]:
                request.state.caller = Caller(lambda: own)
                return _answered(handle, request)

            def doing() -> Coroutine[Any, Any, Response]:
                if brings:
                    return once_brought(caller, key, request, by)
                asked = request_hash(request, body)
                return once(caller, key, asked, lambda own: by(own, request), shown_once=shown_once)

            return await in_place(place or house.places["write"], name_of(caller), doing)

        return guarded


def _knowing_parameters(
    handle: Callable[[Request], Coroutine[Any, Any, Response]], dependant: Dependant
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The same, which refuses what it would not look at: who misspells a filter is not to be given all there is."""
    known = {each.alias for each in get_flat_params(dependant) if isinstance(each.field_info, Query)}

    async def handled(request: Request) -> Response:
        unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
        if unknown:
            valid = {"expected": ", ".join(sorted(known)) or "no parameters at all"}
            raise RequestValidationError(
                [{"type": "unknown", "loc": ("query", name), "msg": UNKNOWN, "ctx": valid} for name in unknown]
            )
        return await handle(request)

    return handled


async def _read(
    handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request, caller: Caller, *, in_time: bool
) -> Response:
    """The answer. in_time: whoever calls is looked for by the endpoint, before it reads anything."""
    try:
        if not in_time:
            await run_in_threadpool(caller)
        return await handle(request)
    except RequestValidationError:
        await run_in_threadpool(caller)  # whoever may not ask at all is told that, and not how to ask
        raise
    finally:
        caller.note()


@contextmanager
def _by_one_connection(installation: Installation) -> Iterator[Installation]:
    """The same, which asks the database by one connection until the block ends."""
    with installation.database.for_one_request() as database:
        yield replace(installation, database=database)


def _asked_by_caller(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, given whoever calls. What waits for the database does so in a thread, and who calls is looked for
    there: a request waits for one thread, where FastAPI would have its answer looked through in another.
    """

    def answer(values: dict[str, Any]) -> Any:
        return endpoint(**{name: value() if isinstance(value, Caller) else value for name, value in values.items()})

    @wraps(endpoint)
    async def asked(**values: Any) -> Any:
        return await (answer(values) if iscoroutinefunction(endpoint) else run_in_threadpool(answer, values))

    return asked


async def in_place(places: Places | None, caller: str, work: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
    """What lasts, once there is a place for it: kept until the answer is sent. None for what does not last."""
    if places is None:
        return await work()
    give_back = await places.take(caller)
    try:
        response: Any = UntilSent(await work(), give_back)
    except BaseException:
        give_back()
        raise
    return response  # type: ignore[no-any-return]  # it is called as one, and gives its attributes


def name_of(caller: Installation) -> str:
    """By what pace and places tell callers apart."""
    return f"{caller.tenant_id} {caller.actor.name}"


async def _answered(handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    """An error is an answer too, but none that is kept: nothing was done."""
    try:
        return await handle(request)
    except HeadwaterError as error:
        return problem_of(error)
    except RequestValidationError as error:
        return wrong_parameters(error)


def _known(
    house: House, installation: Installation, request: Request, right: Right, path: str, *, anywhere: bool
) -> Installation:
    """Whoever calls. `path` is the route's: what stands in the address itself may be personal, and the chain keeps."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    session = session_of(request) if not scheme else None
    if session is not None:
        refuse_foreign(request, installation.settings)
        caller = known_by(house, installation, request, session)
    elif scheme.lower() == "bearer" and token.strip():
        caller = known_by(house, installation, request, token.strip())
    else:
        house.strangers.take(address_of(request))
        raise Unauthenticated(
            "this needs a token",
            where="Authorization",
            valid="Bearer and a token of the API",
            remedy="`headwater tokens create` makes one, and so does the page of whoever has signed in.",
        )
    units = caller.actor.units_with(right) if anywhere else None
    if not units:  # else what they may in these units is asked by the service
        caller.require(right, on=f"{request.method} {path}")
    return caller


def known_by(house: House, installation: Installation, request: Request, text: str) -> Installation:
    """Whose token or session this is; Unauthenticated where it is nobody's, StatusError where they ask too often."""
    if text not in house.recognised:
        house.strangers.take(address_of(request))
    try:
        caller = house.sign_in(installation, text, origin_of(request))
    except Unauthenticated:
        house.recognised.forget(text)
        raise
    house.recognised.add(text)
    house.pace.take(name_of(caller))
    return caller


def address_of(request: Request) -> str:
    """The network address that asks."""
    return request.client.host if request.client else ""


def origin_of(request: Request) -> Origin:
    """Where a request comes from, as sessions keep it."""
    return Origin(address=address_of(request) or None, agent=request.headers.get("user-agent"))


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


async def here(request: Request) -> Caller:
    """Whoever calls, for whom the endpoint is given the installation."""
    found: Caller = request.state.caller
    return found


Here = Annotated[Installation, Depends(here)]
"""What an endpoint works with: the installation, acting for whoever calls."""


def router(tag: str) -> APIRouter:
    """Where the routes of one resource are put."""
    return APIRouter(
        prefix=PREFIX,
        tags=[tag],
        route_class=GuardedRoute,
        responses=problems(401, 403, 422, 429, 503),
        generate_unique_id_function=lambda route: f"{tag}_{route.name}",  # what generated clients call it
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that a route answers with, for OpenAPI."""
    return {
        status: {"model": Problem, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status in statuses
    }


def needs(
    right: Right,
    *statuses: int,
    shown_once: bool = False,
    anywhere: bool = False,
    long: str | None = None,
    also: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What a route declares: the right without which nobody gets in, and the problems of its own.

    anywhere    the right in any unit lets in; which things it reaches, the service says
    shown_once  the answer holds a secret, and is not kept for who sends the same again
    long        of which kind it is among those that last: see `limits.LONG`
    also        what else OpenAPI says of it
    """
    extra: dict[str, Any] = {RIGHT: right.value, **(also or {})}
    extra |= {SHOWN_ONCE: True} if shown_once else {}
    extra |= {ANYWHERE: True} if anywhere else {}
    extra |= {LONG_KIND: long} if long else {}
    return {"openapi_extra": extra, "responses": problems(400, 413, *statuses), **more}
