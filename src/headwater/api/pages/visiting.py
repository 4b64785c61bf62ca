"""Whoever visits a page, signed in or not; and what they send by a form of it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from structlog import contextvars

from headwater.api.access import LONG_KIND, House, address_of, in_place, known_by, origin_of
from headwater.api.browser import SESSION, comes_from_here, forget, keep, path_of, session_of
from headwater.api.pages.showing import page, trouble
from headwater.api.problems import StatusError
from headwater.errors import Forbidden, HeadwaterError, NotFound, Unauthenticated
from headwater.services.installation import Installation
from headwater.services.sign_in.sessions import Origin

FORM = "headwater_form"
PROOF = "proof"
MEDIA = "application/x-www-form-urlencoded"
MOST_FIELDS = 50


class SignInFirst(Unauthenticated):
    """The page is for somebody who has signed in."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request to a page. `signed_in` is the installation, acting for whoever brings a session that holds."""

    request: Request
    house: House
    signed_in: Installation | None

    @property
    def installation(self) -> Installation:
        """The installation, for services that find out themselves who somebody is."""
        return self.house.installation

    @property
    def caller(self) -> Installation:
        """The installation, acting for whoever is signed in; SignInFirst where nobody is."""
        if self.signed_in is None:
            raise SignInFirst("nobody is signed in", where="sign-in", remedy="Sign in first.")
        return self.signed_in

    @property
    def origin(self) -> Origin:
        """Where it comes from."""
        return origin_of(self.request)

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page whose forms prove, when they are sent, that they were made for this browser."""
        brought = session_of(self.request) or self.request.cookies.get(FORM)
        secret = brought or secrets.token_urlsafe(32)
        answer = page(self.request, template, status=status, proof=_proof(secret), **values)
        if not brought:
            keep(answer, self.request, self.installation.settings, FORM, secret)
        return answer

    def to(self, name: str, **query: str) -> RedirectResponse:
        """On to another page."""
        path = path_of(self.request, str(self.request.app.url_path_for(f"page:{name}")))
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)

    def signed_out(self, answer: Response) -> Response:
        """The answer, with which the browser forgets its session."""
        forget(answer, self.request, self.installation.settings, SESSION)
        return answer


async def visit(request: Request) -> Visit:
    """The visit at hand."""
    found: Visit = request.state.visit
    return found


Visiting = Annotated[Visit, Depends(visit)]


@dataclass(frozen=True, kw_only=True)
class Form:
    """What was sent; fields that were not are empty."""

    fields: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, [""])[0]

    def each(self, name: str) -> list[str]:
        """All values of a field that may be chosen several times."""
        return self.fields.get(name, [])


async def form(request: Request) -> Form:
    """A form of one of our pages; Forbidden where it is another's, or was made for another browser or session."""
    found: Visit = request.state.visit
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA:
        raise StatusError(415, "this is not what the form sends", where="Content-Type", valid=MEDIA)
    try:
        fields = parse_qs(
            (await request.body()).decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise StatusError(400, "the form cannot be read", where="body", valid="fields in UTF-8") from error
    secret = session_of(request) or request.cookies.get(FORM) or ""
    sent = fields.pop(PROOF, [""])[0]
    from_here = comes_from_here(request, found.installation.settings)
    if from_here is False or not secret or not hmac.compare_digest(_proof(secret).encode(), sent.encode()):
        raise Forbidden(
            "this form does not come from a page that was opened here for you, or you have signed in or out since",
            remedy="Open the page anew, and send it again. Cookies must be allowed.",
        )
    return Form(fields=fields)


Sent = Annotated[Form, Depends(form)]


class PageRoute(APIRoute):
    """A route that answers with a page, whatever happens, and knows who visits."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with who visits before it and errors as pages behind it."""
        handle = super().get_route_handler()
        long = (self.openapi_extra or {}).get(LONG_KIND)

        async def shown(request: Request) -> Response:
            house: House = request.app.state.house
            try:
                signed_in = await run_in_threadpool(_known, house, request)
                request.state.visit = Visit(request=request, house=house, signed_in=signed_in)
                place = house.places[long] if long is not None else None
                return await in_place(place, address_of(request), lambda: handle(request))
            except SignInFirst:
                return Visit(request=request, house=house, signed_in=None).to("sign-in")
            except HeadwaterError as error:
                return trouble(request, error)
            except RequestValidationError:
                return trouble(
                    request,
                    NotFound(
                        "there is nothing under this address", remedy="Begin where you came from, or at /sign-in."
                    ),
                )

        return shown


def router() -> APIRouter:
    """Where pages are put. They are no part of the HTTP interface that OpenAPI describes."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def _known(house: House, request: Request) -> Installation | None:
    """Whoever brings a session that holds; anybody else counts against their address."""
    text = session_of(request)
    if text is None:
        house.strangers.take(address_of(request))
        return None
    try:
        caller = known_by(house, house.installation, request, text)
    except Unauthenticated:
        return None
    contextvars.bind_contextvars(actor=caller.actor.name)
    return caller


def _proof(secret: str) -> str:
    """What only a page that was made for this browser can know: no other site reads our cookies or our pages."""
    return hmac.new(secret.encode(), b"headwater form", sha256).hexdigest()
