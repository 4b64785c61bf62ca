"""What fits the OpenAPI document, sent with a token of a role, gets an answer that it names and that tells no secret.

One role, drawn by the seed; all of them by --faults=full.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as drawn_by
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headwater.services.access.policy import RIGHTS_OF, Right, Role
from tests.api.conftest import OTHER, Api

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHORT, FULL = 1, 20
LONG = {"/api/v1/verifications"}
"""What computes everything again; once is enough."""
MARK = "of-nobody-else"
INNARDS = ("Traceback", 'File "/', "psycopg", "duckdb.", "SELECT ", "/headwater-", "site-packages")
"""What an answer that tells more than it should has in it."""


def test_no_request_that_fits_gets_an_answer_that_is_not_told(
    api: Api, seed: int, request: pytest.FixtureRequest
) -> None:
    full = request.config.getoption("--faults") == "full"
    drawn = random.Random(seed)
    schema = schemathesis.openapi.from_url(f"{api.url}/api/v1/openapi.json")
    secret = {**planted(api), **{token: f"a token of {whose}" for whose, token in api.tokens.items()}}
    secret |= {str(api.river.folder): "a folder of the server"}
    roles = list(Role) if full else [drawn.choice(list(Role))]
    wrong: list[str] = []
    found: list[Any] = list(schema.get_all_operations())
    for operation in (each.ok() for each in found):
        examples = FULL if full and operation.path not in LONG else SHORT
        for role in roles:
            send = sends(operation, api, role, secret, examples=examples, number=drawn.getrandbits(32))
            try:
                send()
            except (Exception, ExceptionGroup) as error:  # noqa: BLE001 - every one is told
                wrong.append(f"{operation.method} {operation.path} as {role}: {error}")
    assert not wrong, "\n\n".join(wrong)


def planted(api: Api) -> dict[str, str]:
    """Texts that only the other organisation has, and what each is."""
    unit, email = f"{MARK} {uuid.uuid4()}", f"{uuid.uuid4().hex}@{MARK}.example.org"
    row = {"activity_id": f"{MARK}-1", "activity_type": "electricity", "region": "DE", "unit": "kWh"}
    row |= {"quantity": "31415926", "period_start": "2024-01-01", "note": f"{MARK}-note"}
    with api.client("admin", OTHER) as client:
        made = client.post("/units", json={"name": unit, "kind": "site"})
        person = client.post("/people", json={"email": email, "name": f"{MARK} Rae", "role": "viewer"})
        entered = client.post("/records/activity@1", json={"records": [row, {**row, "quantity": MARK}]})
        for each in (made, person, entered):
            assert each.status_code == 201, each.text
        return {
            MARK: "a text of another organisation",
            "31415926": "a figure of another organisation",
            made.json()["unit_id"]: "a unit of another organisation",
            person.json()["person_id"]: "a person of another organisation",
            entered.json()["run"]["run_id"]: "a run of another organisation",
            str(api.tenants[OTHER]): "another organisation",
        }


def sends(
    operation: Any, api: Api, role: Role, secret: dict[str, str], *, examples: int, number: int
) -> Callable[[], None]:
    """Sends so many requests that fit an operation, and holds the answers against the document and the role."""
    token = api.tokens["default", role.value]
    needed = operation.definition.raw.get("x-right")
    may = needed is None or Right(needed) in RIGHTS_OF[role]

    def tells_no_secret(_: Any, response: Any, case: Case[Any]) -> None:
        text = response.content.decode("utf-8", "replace")
        sent = f"{case.path_parameters} {case.query} {case.body!r}"
        leaked = [told for each, told in secret.items() if each in text and each not in sent]
        leaked += [each for each in INNARDS if each in text and each not in sent]
        assert not leaked, f"{leaked} in {text[:500]}"

    def lets_nobody_in_without_the_right(_: Any, response: Any, __: Case[Any]) -> None:
        assert may or response.status_code >= 400, f"{response.status_code} without {needed}"

    @drawn_by(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def send(case: Case[Any]) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(
            headers=headers, checks=[*CHECKS, tells_no_secret, lets_nobody_in_without_the_right], timeout=300
        )

    return send
