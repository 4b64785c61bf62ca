"""The OpenAPI document, read strictly, and answers held against it."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import httpx
import jsonschema

from headwater.api.access import GuardedRoute
from headwater.api.app import create_app
from headwater.api.routes import EVERY
from headwater.settings import Settings

JSON = "application/json"


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The same, in which what has fields has no others: what is published lets later versions add some."""
    strict = copy.deepcopy(document)
    rest: list[Any] = [strict["components"]["schemas"]]
    while rest:
        match rest.pop():
            case dict() as part:
                if isinstance(part.get("properties"), dict):
                    part.setdefault("additionalProperties", False)
                rest.extend(part.values())
            case list() as several:
                rest.extend(several)
    return strict


def hold(answer: httpx.Response) -> None:
    """Hold what was answered where all went well against the document; for clients, which do it with every answer."""
    if not answer.is_success or answer.headers.get("content-type") != JSON:
        return
    answer.read()
    told = operation(answer.request.method, answer.request.url.path)
    if told is None or not answer.content:
        return
    found = [
        f"{error.json_path}: {error.message[:300]}"
        for each in _told(told, str(answer.status_code)).iter_errors(answer.json())
        if (error := jsonschema.exceptions.best_match([each]))
    ]
    assert not found, f"{told}: {found}"


def operation(method: str, path: str) -> str | None:
    """What the document calls what a request asks for; None of what is none of the interface's."""
    for each in _routes():
        if method in (each.methods or ()) and each.path_regex.match(path):
            return each.unique_id
    return None


@cache
def _routes() -> tuple[GuardedRoute, ...]:
    return tuple(each for router in EVERY for each in router.routes if isinstance(each, GuardedRoute))


@cache
def _document() -> dict[str, Any]:
    return closed(create_app(Settings()).openapi())


@cache
def _told(name: str, status: str) -> jsonschema.Draft202012Validator:
    operations = (told for methods in _document()["paths"].values() for told in methods.values())
    (told,) = (each for each in operations if each["operationId"] == name)
    schema = {**told["responses"][status]["content"][JSON]["schema"], "components": _document()["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
