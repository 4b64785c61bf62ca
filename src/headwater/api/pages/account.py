"""One's own page: who one is here, the sessions one has, the tokens one has made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Response
from fastapi.responses import HTMLResponse

from headwater.api.access import LONG_KIND
from headwater.api.pages.showing import beside, with_status
from headwater.api.pages.visiting import Sent, Visit, Visiting, router
from headwater.errors import Forbidden, InputRefused, Misuse, RetryLater, Unauthenticated
from headwater.services.access.policy import Right
from headwater.services.sign_in import by_oidc, by_password, sessions, tokens
from headwater.services.sign_in.oneself import oneself

routes = router()


@routes.get("/account", name="page:account")
def show_account(visit: Visiting, done: str = "") -> Response:
    """Who is signed in, and where."""
    return _account_page(visit, done=done)


@routes.post("/account/password", name="page:password-changed", openapi_extra={LONG_KIND: "password"})
def change_password(visit: Visiting, sent: Sent) -> Response:
    """Another password for whoever knows the one there is; their other sessions end."""
    caller = visit.caller
    try:
        by_password.change_password(caller, sent["old"], sent["new"])
    except (Unauthenticated, InputRefused, RetryLater) as error:
        field = "new" if isinstance(error, InputRefused) else "old"
        return with_status(_account_page(visit, errors={field: beside(error, set())["form"]}), error)
    return visit.to("account", done="password")


@routes.post("/account/sessions/end", name="page:sessions-ended")
def end_other_sessions(visit: Visiting, _: Sent) -> Response:
    """End all of one's sessions but this one."""
    sessions.end_sessions(visit.caller)
    return visit.to("account")


@routes.post("/account/sessions/{session_id}/end", name="page:session-ended")
def end_session(visit: Visiting, session_id: UUID, _: Sent) -> Response:
    """End one of one's sessions."""
    sessions.end_session(visit.caller, session_id)
    return visit.to("account")


@routes.post("/account/tokens", name="page:token-made")
def make_token(visit: Visiting, sent: Sent) -> Response:
    """Make a token of one's own. It is on this page only."""
    name, days, scopes = sent["name"].strip(), sent["days"].strip(), sent.each("scopes")
    try:
        made = tokens.create_personal(visit.caller, name, scopes=_scopes(scopes), days=_days(days))
    except Forbidden:
        raise
    except Misuse as error:
        said, errors = {"name": name, "days": days, "scopes": scopes}, beside(error, {"name", "days", "scopes"})
        return with_status(_account_page(visit, said=said, errors=errors), error)
    url = visit.installation.settings.public_url.rstrip("/")
    return visit.page("token.html.j2", token=made, name=name, url=url)


@routes.post("/account/tokens/{token_id}/end", name="page:token-ended")
def end_token(visit: Visiting, token_id: UUID, _: Sent) -> Response:
    """End one of one's tokens before its time."""
    tokens.revoke(visit.caller, token_id)
    return visit.to("account")


def _account_page(visit: Visit, **values: Any) -> HTMLResponse:
    caller = visit.caller
    actor, settings = caller.actor, caller.settings
    theirs = actor.rights.union(*actor.in_units.values())
    usual = {"name": "", "days": str(settings.token_days), "scopes": [Right.READ.value]}
    return visit.page(
        "account.html.j2",
        **{
            "me": oneself(caller),
            "sessions": sessions.list_sessions(caller),
            "tokens": [each for each in tokens.list_tokens(caller) if not (each.revoked_at or each.is_expired)],
            "rights": [right.value for right in Right if right in theirs],
            "most_days": settings.token_days_max,
            "provider": by_oidc.is_offered(settings),
            "said": usual,
            "done": "",
            **values,
        },
    )


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise Misuse("a token holds for whole days", where="days", value=text, valid="a number like 90")
    return int(text)


def _scopes(names: list[str]) -> list[Right]:
    known = {right.value: right for right in Right}
    if not names or not set(names) <= known.keys():
        raise Misuse("a token needs something that it may do", where="scopes", valid=", ".join(known))
    return [known[name] for name in names]
