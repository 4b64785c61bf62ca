"""How people come in: by the link they were given, by a password, by the organisation's provider; and go out again."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from headwater.api.access import LONG_KIND
from headwater.api.browser import SESSION, forget, keep
from headwater.api.pages.showing import beside, style, with_status
from headwater.api.pages.visiting import Sent, Visit, Visiting, router
from headwater.errors import Conflict, InputRefused, Misuse, NotFound, RetryLater, Unauthenticated
from headwater.services.notifications import mail
from headwater.services.sign_in import by_oidc, by_password, forgotten, links, sessions
from headwater.services.sign_in.sessions import SignedIn
from headwater.settings import Settings

routes = router()
open_to_all = APIRouter(include_in_schema=False)
OIDC_COOKIE = "headwater_oidc"
A_PASSWORD: dict[str, Any] = {LONG_KIND: "password"}


@open_to_all.get("/sign-in/style.css", name="page:style")
def show_style() -> Response:
    """The style sheet of all pages."""
    return Response(style(), media_type="text/css")


@routes.get(links.PATH + "{link}", name="page:link")
def open_link(visit: Visiting, link: str) -> Response:
    """What a link is for. It is not used by being opened: mail programs and scanners open every link."""
    return _link_page(visit, link)


@routes.post(links.PATH + "{link}", name="page:link-accepted", openapi_extra=A_PASSWORD)
def accept_link(visit: Visiting, link: str, sent: Sent) -> Response:
    """Use a link: whoever accepts an invitation is signed in, others sign in with their new password."""
    view = links.look_at(visit.installation, link)
    said = {name: sent[name].strip() for name in ("email", "name")}
    email, name = (said[each] or None for each in ("email", "name"))
    try:
        signed_in = links.accept(
            visit.installation, link, sent["password"], email=email, name=name, origin=visit.origin
        )
    except Unauthenticated:  # it was used meanwhile
        raise
    except (InputRefused, Misuse) as error:
        return with_status(
            _link_page(visit, link, said=said, errors=beside(error, {"email", "name", "password"})), error
        )
    if signed_in is None:
        return visit.to("sign-in", organisation=view.organisation, done="password")
    return _begun(visit, signed_in)


@routes.get("/sign-in", name="page:sign-in")
def show_sign_in(visit: Visiting, organisation: str = "", done: str = "") -> Response:
    """The form to sign in with; whoever has done so is led on."""
    if visit.signed_in is not None:
        return visit.to("account")
    usual = Settings.model_fields["organisation"].default
    given = visit.installation.settings.organisation
    said = {"organisation": organisation[:63] or (usual if given == usual else ""), "email": ""}
    return _sign_in_page(visit, said=said, done=done)


@routes.post("/sign-in", name="page:signed-in", openapi_extra=A_PASSWORD)
def sign_in(visit: Visiting, sent: Sent) -> Response:
    """Sign in by password. What is wrong is said in the same words, whatever it is."""
    said = {name: sent[name].strip() for name in ("organisation", "email")}
    try:
        signed_in = by_password.sign_in(
            visit.installation, said["organisation"], said["email"], sent["password"], visit.origin
        )
    except (Unauthenticated, RetryLater) as error:
        return with_status(_sign_in_page(visit, said=said, errors=beside(error, set())), error)
    return _begun(visit, signed_in)


@routes.get("/sign-in/forgotten", name="page:forgotten")
def show_forgotten(visit: Visiting, organisation: str = "") -> Response:
    """The form to ask for a link with; where no mail is sent from here, whom to ask instead."""
    offered = mail.is_offered(visit.installation.settings)
    return visit.page("forgotten.html.j2", offered=offered, organisation=organisation[:63])


@routes.post("/sign-in/forgotten", name="page:link-asked")
def ask_for_link(visit: Visiting, sent: Sent) -> Response:
    """Have a link mailed. The answer is one, whoever is known: a link is made, or not, once it is given."""
    organisation, email = (sent[name].strip() for name in ("organisation", "email"))
    mail.refuse_without_server(visit.installation.settings)
    visit.house.afterwards(partial(forgotten.mail_link, visit.installation, organisation, email))
    return visit.to("sign-in", organisation=organisation[:63], done="asked")


@routes.post("/sign-out", name="page:sign-out")
def sign_out(visit: Visiting, _: Sent) -> Response:
    """End the session."""
    if visit.signed_in is not None and visit.signed_in.actor.session_id is not None:
        sessions.end_session(visit.signed_in, visit.signed_in.actor.session_id)
    return visit.signed_out(visit.to("sign-in", done="signed-out"))


@routes.get("/sign-in/oidc", name="page:oidc")
def go_to_provider(visit: Visiting) -> Response:
    """On to the provider. Nobody's account is linked by it: for that they send a form, signed in."""
    begun = by_oidc.begin(visit.installation)
    return _remembering(visit, RedirectResponse(begun.url, status_code=303), begun.cookie)


@routes.post("/sign-in/oidc", name="page:oidc-linked")
def link_account(visit: Visiting, _: Sent) -> Response:
    """A page that leads on to the provider: the account that one has there is linked when one comes back.

    Not at once, as browsers let no form of ours lead to another's server.
    """
    begun = by_oidc.begin(visit.caller)
    answer = visit.page("provider.html.j2", url=begun.url, issuer=visit.installation.settings.oidc_issuer)
    return _remembering(visit, answer, begun.cookie)


@routes.get(by_oidc.CALLBACK, name="page:oidc-callback")
def come_back_from_provider(visit: Visiting) -> Response:
    """What the provider has said, believed or not."""
    cookie, said = visit.request.cookies.get(OIDC_COOKIE, ""), dict(visit.request.query_params)
    try:
        signed_in = by_oidc.finish(visit.signed_in or visit.installation, cookie, said, visit.origin)
    except (Unauthenticated, Conflict) as error:
        answer: Response = with_status(
            _sign_in_page(visit, said={"organisation": "", "email": ""}, errors=beside(error, set())), error
        )
    else:
        answer = _begun(visit, signed_in)
    forget(answer, visit.request, visit.installation.settings, OIDC_COOKIE, below=by_oidc.CALLBACK)
    return answer


def _begun(visit: Visit, signed_in: SignedIn) -> Response:
    """On to one's page with a session; the one that the browser had before ends."""
    before = visit.signed_in
    if before is not None and before.actor.session_id is not None:
        with contextlib.suppress(NotFound):  # it has ended by itself, or by the password that was set just now
            sessions.end_session(before, before.actor.session_id)
    answer = visit.to("account")
    keep(answer, visit.request, visit.installation.settings, SESSION, signed_in.text)
    return answer


def _remembering(visit: Visit, answer: Response, cookie: str) -> Response:
    settings, seconds = visit.installation.settings, by_oidc.MINUTES * 60
    keep(answer, visit.request, settings, OIDC_COOKIE, cookie, below=by_oidc.CALLBACK, seconds=seconds)
    return answer


def _link_page(visit: Visit, link: str, **values: Any) -> HTMLResponse:
    view = links.look_at(visit.installation, link)
    values = {"said": {"email": "", "name": ""}, **values}
    return visit.page("link.html.j2", link=link, view=view, invites=view.purpose == links.INVITATION, **values)


def _sign_in_page(visit: Visit, **values: Any) -> HTMLResponse:
    offered = by_oidc.is_offered(visit.installation.settings)
    mails = mail.is_offered(visit.installation.settings)
    return visit.page("sign_in.html.j2", **{"provider": offered, "mails": mails, "done": "", **values})
