"""What a browser brings and keeps: the cookie of a session, and whether a request comes from a page of ours.

A cookie goes with every request to this server, whoever made the page that sends it. So what changes something is done
by a cookie only where the browser says that it was one of our pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headwater.errors import Forbidden

if TYPE_CHECKING:
    from fastapi import Request, Response

    from headwater.settings import Settings

SESSION = "headwater_session"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BEGINS = "hws_"
_PORTS = {"http": 80, "https": 443}


def session_of(request: Request) -> str | None:
    """The session that the browser brings, as it says; a token is none."""
    text = request.cookies.get(SESSION, "")
    return text if text.startswith(_BEGINS) else None


def comes_from_here(request: Request, settings: Settings) -> bool | None:
    """Whether a page of this installation sends this; None where the browser does not say.

    `Origin: null` says nothing: that is what forms send of a page whose referrer policy is `no-referrer`, as ours is.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    said = origin not in {None, "null"}
    if said and _origin(str(origin)) not in {_origin(settings.public_url), _asked(request)}:
        return False
    if site is not None:
        return site in {"same-origin", "none"}
    return True if said else None


def refuse_foreign(request: Request, settings: Settings) -> None:
    """Forbidden where a session's cookie comes with something that changes, and not surely from a page of ours."""
    if request.method not in SAFE and not comes_from_here(request, settings):
        raise Forbidden(
            "with a session this is taken from the pages of this installation only",
            where="Origin",
            valid=settings.public_url,
            remedy="Programs send a token instead: Authorization: Bearer …",
        )


def keep(
    response: Response, request: Request, settings: Settings, name: str, text: str, *, below: str = "", seconds: int = 0
) -> None:
    """Have the browser keep a cookie that no script reads, until it is closed or for so many seconds."""
    response.set_cookie(
        name,
        text,
        max_age=seconds or None,
        path=path_of(request, below),
        secure=settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, request: Request, settings: Settings, name: str, *, below: str = "") -> None:
    """Have the browser forget it."""
    secure = settings.public_url.startswith("https:")
    response.delete_cookie(name, path=path_of(request, below), secure=secure, httponly=True, samesite="lax")


def path_of(request: Request, below: str = "") -> str:
    """Where something is found behind the proxy that serves us under a path."""
    return f"{request.scope.get('root_path', '').rstrip('/')}{below}" or "/"


def _asked(request: Request) -> tuple[str, str | None, int | None] | None:
    return _origin(f"{request.url.scheme}://{request.headers.get('host', '')}")


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port; None where it is no such thing."""
    try:
        parts = urlsplit(url)
        return (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None
