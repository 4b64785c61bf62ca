"""Whatever fits the OpenAPI document, sent with a token of any role, gets an answer that the document names."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headwater.services.access.policy import Role
from tests.api.conftest import Api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHORT, FULL = 1, 40


def test_no_request_that_fits_gets_an_answer_that_is_not_told(api: Api, request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--faults") == "full"
    drawn = random.Random(request.config.getoption("--seed"))
    schema = schemathesis.openapi.from_url(f"{api.url}/api/v1/openapi.json")
    roles = list(Role)
    wrong: list[str] = []
    found: list[Any] = list(schema.get_all_operations())
    for operation in (each.ok() for each in found):
        for role in roles if full else [drawn.choice([Role.ADMIN, Role.ADMIN, *roles])]:
            token = api.tokens["default", role.value]
            try:
                sends(operation, token, examples=FULL if full else SHORT, number=drawn.getrandbits(32))()
            except (Exception, ExceptionGroup) as error:  # noqa: BLE001 - every one is told
                wrong.append(f"{operation.method} {operation.path} as {role}: {error}")
    assert not wrong, "\n\n".join(wrong)


def sends(operation: Any, token: str, *, examples: int, number: int) -> Callable[[], None]:
    """Sends so many requests that fit an operation, and holds the answers against the document."""

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def send(case: Case[Any]) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS, timeout=30)

    return send
