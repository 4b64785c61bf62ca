"""Every error as one shape: RFC 9457, with the field, its value, what is valid, what to do, and the correlation id."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from structlog import contextvars

from headwater.api.commands import with_routes
from headwater.errors import (
    Conflict,
    Forbidden,
    HeadwaterError,
    InputRefused,
    Misuse,
    NotFound,
    RetryLater,
    Stopped,
    Unauthenticated,
)
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
CORRELATION = "correlation_id"
RETRY_SECONDS = 5
SHOWN = 200
"""Characters of a refused value that are given back."""
_SECRET = re.compile(r"password|secret|token|credential|key", re.IGNORECASE)

_STATUS: tuple[tuple[type[HeadwaterError], int, str], ...] = (
    (NotFound, 404, "Not there"),
    (Conflict, 409, "In conflict"),
    (Forbidden, 403, "Not allowed"),
    (Unauthenticated, 401, "Nobody known"),
    (Misuse, 422, "Wrong call"),
    (InputRefused, 422, "Input refused"),
    (RetryLater, 503, "Try again later"),
    (Stopped, 503, "Not fit to go on"),
)
_TITLES = {
    400: "Malformed",
    404: "Not there",
    405: "No such method",
    408: "Too slow",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Wrong type of content",
    429: "Too many requests",
    500: "A fault of ours",
}


class Problem(BaseModel):
    """What went wrong: RFC 9457, and what to do about it."""

    type: str = Field(description="The kind of error, as the page of errors calls it.")
    title: str
    status: int
    detail: str = Field(description="What is wrong, in one sentence.")
    field: str | None = Field(default=None, description="Where: a parameter, a field of the body, a thing.")
    value: str | None = Field(default=None, description="The value that was refused; never a secret.")
    valid: str | None = Field(default=None, description="What would be taken.")
    remedy: str | None = Field(default=None, description="What to do.")
    correlation_id: str = Field(description="Stands in every log entry about this request.")
    mine: Any = Field(default=None, description="With 412: the version that was sent.")
    theirs: Any = Field(default=None, description="With 412: the version that stands.")
    errors: list[dict[str, Any]] | None = Field(default=None, description="Where more than one field is wrong: each.")


class StatusError(Misuse):
    """An error of HTTP alone, with its status: too large, too many, malformed."""

    def __init__(self, status: int, what: str, *, after: int | None = None, **facts: Any) -> None:
        self.status = status
        self.after = after
        super().__init__(what, **facts)


def correlation_id() -> str:
    """That of the request at hand."""
    return str(contextvars.get_contextvars().get(CORRELATION, ""))


def problem_of(error: HeadwaterError) -> JSONResponse:
    """The answer to an error of Headwater."""
    status, title = status_of(error)
    mine, theirs = getattr(error, "mine", None), getattr(error, "theirs", None)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in {429, 503}:
        after = getattr(error, "after", None)
        headers["Retry-After"] = str(math.ceil(after) if after else RETRY_SECONDS)
    if status >= 500 and isinstance(error, Stopped):  # where it stopped is for whoever runs the installation
        get_logger("headwater.api").error("stopped", what=error.what, where=error.where, value=str(error.value))
        return answer(
            status, title=title, kind="Stopped", detail=error.what, remedy=with_routes(error.remedy), headers=headers
        )
    faults = error.faults if isinstance(error, Misuse) else ()
    first = faults[0] if faults else error
    return answer(
        status,
        title=title,
        kind=type(error).__name__,
        detail=first.what,
        field=first.where,
        value=_value(first),
        valid=first.valid,
        remedy=with_routes(first.remedy),
        mine=mine,
        theirs=theirs,
        errors=[_facts(each) for each in faults] if len(faults) > 1 else None,
        headers=headers,
    )


def _facts(error: Misuse) -> dict[str, Any]:
    """One of several things wrong, as `wrong_parameters` tells each."""
    told = {
        "field": error.where,
        "message": error.what,
        "kind": type(error).__name__,
        "value": _value(error),
        "valid": error.valid,
        "remedy": with_routes(error.remedy),
    }
    return {name: fact for name, fact in told.items() if fact is not None}


def _value(error: HeadwaterError) -> str | None:
    return None if error.value is None or _is_secret(error.where) else str(error.value)[:SHOWN]


def answer(
    status: int, *, detail: str, title: str | None = None, kind: str | None = None,
    headers: Mapping[str, str] | None = None, **facts: Any,
) -> JSONResponse:  # fmt: skip
    """A problem as a response; facts that are None are left out."""
    body = {
        "type": f"urn:headwater:error:{kind or status}",
        "title": title or _TITLES.get(status, "Wrong call"),
        "status": status,
        "detail": detail,
        CORRELATION: correlation_id(),
        **{name: value for name, value in facts.items() if value is not None},
    }
    return JSONResponse(jsonable_encoder(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


ASKED_OTHERWISE = "What addresses there are, and what each takes, GET /api/v1/openapi.json says."
_VALID = {"missing": "it has to be given", "extra_forbidden": "no field of this name"}
_BOUNDS = {
    "expected": "{}",
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "min_length": "at least {} of them",
    "max_length": "at most {} of them",
    "pattern": "a text like {}",
}


def wrong_parameters(error: RequestValidationError) -> JSONResponse:
    """What FastAPI found wrong with parameters or body, in the words of the house."""
    found = [_fact(each) for each in error.errors()]
    first = found[0]
    malformed = first["kind"] == "json_invalid"
    return answer(
        400 if malformed else 422,
        title="Malformed" if malformed else "Wrong call",
        kind="Misuse",
        detail="the body is not JSON" if malformed else first["message"],
        field=first["field"],
        value=first.get("value"),
        valid=first.get("valid"),
        remedy=ASKED_OTHERWISE,
        errors=found if len(found) > 1 else None,
    )


def _fact(error: Mapping[str, Any]) -> dict[str, Any]:
    field = ".".join(str(part) for part in error["loc"])
    fact = {"field": field, "message": str(error["msg"]).removeprefix("Value error, "), "kind": str(error["type"])}
    value = error.get("input")
    if isinstance(value, str | int | float | bool) and not _is_secret(field):
        fact["value"] = str(value)[:SHOWN]
    if valid := _valid(str(error["type"]), error.get("ctx") or {}):
        fact["valid"] = valid
    return fact


def _valid(kind: str, bounds: Mapping[str, Any]) -> str | None:
    """What would be taken, as far as the kind of the error tells it."""
    if kind in _VALID:
        return _VALID[kind]
    return ", ".join(words.format(bounds[name]) for name, words in _BOUNDS.items() if name in bounds) or None


def _is_secret(where: str | None) -> bool:
    return where is not None and bool(_SECRET.search(where))


def status_of(error: HeadwaterError) -> tuple[int, str]:
    """Status and title of the answer to an error."""
    if isinstance(error, StatusError):
        return error.status, _TITLES.get(error.status, "Wrong call")
    if isinstance(error, Conflict) and error.theirs is not None:
        return 412, _TITLES[412]
    return next(((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, _TITLES[500]))


def fault(error: BaseException) -> JSONResponse:
    """A fault of ours: told to the log in full, to the caller by its correlation id."""
    get_logger("headwater.api").error("fault", exc_info=error)
    return answer(
        500,
        detail="something went wrong that we did not foresee",
        remedy="Try again; if it goes on, tell whoever runs this installation the correlation id.",
    )


def install(app: FastAPI) -> None:
    """Answer every error in this shape."""

    async def headwater_error(_: Request, error: Exception) -> JSONResponse:
        return problem_of(error) if isinstance(error, HeadwaterError) else fault(error)

    async def parameters(_: Request, error: Exception) -> JSONResponse:
        return wrong_parameters(error) if isinstance(error, RequestValidationError) else fault(error)

    async def http(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            return fault(error)
        details = {404: "there is nothing under this address", 405: "this address does not take this method"}
        return answer(
            error.status_code,
            detail=details.get(error.status_code, str(error.detail)),
            remedy=ASKED_OTHERWISE,
            headers=error.headers,
        )

    app.add_exception_handler(HeadwaterError, headwater_error)
    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(HTTPException, http)
