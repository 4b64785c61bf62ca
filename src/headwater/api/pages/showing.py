"""A page from its template, with the headers that hold whatever stands in it; what is wrong, in words for people."""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from headwater import __version__
from headwater.api.browser import path_of
from headwater.api.problems import RETRY_SECONDS, correlation_id, status_of
from headwater.errors import HeadwaterError, RetryLater, Stopped
from headwater.services.reports.pages import with_colours

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Request

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Links in it are made by `at`, from names of routes, so that a prefix of a proxy stands before each."""

    def at(name: str, **parameters: Any) -> str:
        return path_of(request, str(request.app.url_path_for(f"page:{name}", **parameters)))

    text = _templates().get_template(template).render(at=at, version=__version__, **{"errors": {}, **values})
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def trouble(request: Request, error: HeadwaterError) -> HTMLResponse:
    """A page that says what is wrong and what to do."""
    status, title = status_of(error)
    what = title if isinstance(error, Stopped) else error.what  # where it stopped is for whoever runs the installation
    return with_status(
        page(
            request,
            "trouble.html.j2",
            status=status,
            title=_sentence(what),
            remedy=error.remedy if not isinstance(error, Stopped) else None,
            correlation=correlation_id() if status >= 500 else None,
        ),
        error,
    )


def with_status(answer: HTMLResponse, error: HeadwaterError) -> HTMLResponse:
    """The status of an error, and the headers that belong to it."""
    answer.status_code = status_of(error)[0]
    if isinstance(error, RetryLater) and error.after is not None:
        answer.status_code = 429  # of an address that is locked: the server is well
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if answer.status_code in {429, 503}:
        after = getattr(error, "after", None)
        answer.headers["Retry-After"] = str(math.ceil(after) if after else RETRY_SECONDS)
    return answer


def beside(error: HeadwaterError, fields: set[str]) -> dict[str, str]:
    """What is wrong by the field it stands beside; by `form` where it is about none of them."""
    parts = [error.what, f"Valid: {error.valid}" if error.valid else "", error.remedy or ""]
    return {error.where if error.where in fields else "form": " ".join(_sentence(each) for each in parts if each)}


@cache
def style() -> str:
    """The style sheet of all pages."""
    return with_colours(resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8"))


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    return made


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
