"""What routes answer has the fields that the OpenAPI document tells, all of them, of these types, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from headwater.services.access.policy import Role
from tests.api.closed import closed
from tests.api.conftest import Api, token_of
from tests.api.test_schema import LAST
from tests.api.things import sent, things

JSON = "application/json"

MADE = ("/notification-channels/c", "/schedules/s")
"""What requests have made that would go on by itself."""


def wrong(answer: httpx.Response, told: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """What of an answer is not as its operation says."""
    schema = told["responses"][str(answer.status_code)]["content"][JSON]["schema"]
    whole = {**schema, "components": document["components"]}
    checked = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
    for error in checked.iter_errors(answer.json()):
        deepest = jsonschema.exceptions.best_match([error]) or error
        yield f"{deepest.json_path}: {deepest.message[:300]}"


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    return closed(found)


def test_answers_are_as_the_document_tells(api: Api, document: dict[str, Any]) -> None:
    operations = [
        (method.upper(), path.removeprefix("/api/v1"), told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if path.startswith("/api/v1")
    ]
    token_of(api.database.database, api.tenants["default"], Role.VIEWER)  # the latest, which is ended here
    found, named, reached = [], things(api), set()
    with api.client(Role.ADMIN.value) as client:
        for method, path, told in sorted(operations, key=lambda each: bool(LAST.search(f"{each[0]} {each[1]}"))):
            answer = sent(client, method, path, named)
            if answer.content and answer.headers["content-type"] == JSON:
                reached.add(f"{method} {path}")
                found += [f"{method} {path} {each}" for each in wrong(answer, told, document)]
        for made in MADE:
            assert client.delete(made).status_code == 204, made
    assert not found, "\n".join(found)
    assert len(reached) > 60, sorted(reached)
