"""What fits the OpenAPI document, and what does not, gets an answer that the document tells, with all its fields and no
others, and that tells no secret.

Sent with a token of each role. About half of what fits is about things that exist, so that most of it is done.
"""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as drawn_by
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headwater.api.routes.imports import OFFSET_STREAM
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from tests.api.closed import closed
from tests.api.conftest import OTHER, Api
from tests.api.things import BODIES, QUERIES, filled, things

schemathesis.serializer.alias(OFFSET_STREAM, "application/octet-stream")
pytestmark = pytest.mark.always
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHORT, FULL = 2, 20
"""Examples of each operation, role and way; the first of them is of what exists."""
LONG = {"/api/v1/verifications"}
"""What computes everything again; once is enough."""
MARK = "of-nobody-else"
INNARDS = ("Traceback", 'File "/', "psycopg", "duckdb.", "SELECT ", "/headwater-", "site-packages")
"""What an answer that tells more than it should has in it."""
MEANT = {("GET /contracts/{reference}/{form}", "SELECT ")}
"""Where it is what was asked for: a contract's rules as SQL, for others to check by."""


LAST = re.compile(r"^DELETE |/(deletions|destructions|erasures|dismissals|cancellation)$")
"""What ends things goes last, the deepest first, so that there is something to ask for before."""
REACHED = 100
"""Operations of which at least so many must have done what they are for, in all roles together."""


def test_no_request_gets_an_answer_that_is_not_told(api: Api, seed: int, request: pytest.FixtureRequest) -> None:
    full = request.config.getoption("--faults") == "full"
    drawn = random.Random(seed)
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    schema = schemathesis.openapi.from_dict(closed(document))
    schema.config.update(base_url=api.url)
    secret = {**planted(api), **{token: f"a token of {whose}" for whose, token in api.tokens.items()}}
    secret |= {str(api.river.folder): "a folder of the server"}
    named, reached = known(api), set[str]()
    wrong: list[str] = []
    told: list[Any] = list(schema.get_all_operations())
    found = [each.ok() for each in told]
    cases = {mode: {each.label: each.as_strategy(generation_mode=mode) for each in found} for mode in GenerationMode}
    for role in reversed(Role):  # from the weakest, which ends nothing, to the strongest
        for operation in sorted(found, key=in_turn):
            asked = Asked(operation=operation, role=role, token=api.tokens["default", role.value], named=named)
            for mode in ways(asked):
                examples = 1 if operation.path in LONG else FULL if full else SHORT
                case, number = cases[mode][operation.label], drawn.getrandbits(32)
                send = sends(asked, secret, reached, case=case, mode=mode, examples=examples, number=number)
                try:
                    send()
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE, asked.called
                except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every one is told
                    wrong.append(f"{asked.called} as {role}, {mode.value}: {error}")
    assert not wrong, "\n\n".join(wrong)
    assert len(reached) >= REACHED, sorted({Asked.called_of(each) for each in found} - reached)


def ways(asked: Asked) -> list[GenerationMode]:
    """What does not fit is sent by whoever may do all: others are refused before anybody looks at it."""
    of = asked.operation
    takes = any(len(each) for each in (of.path_parameters, of.query, of.headers, of.cookies, of.body))
    is_negated = asked.role is Role.ADMIN and takes and of.path not in LONG
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if is_negated else [GenerationMode.POSITIVE]


def in_turn(operation: Any) -> tuple[bool, int]:
    ends = bool(LAST.search(Asked.called_of(operation)))
    return ends, -len(operation.path) if ends else 0


def known(api: Api) -> dict[str, str]:
    """Things that exist, of which requests are."""
    with api.client() as client:
        return things(api) | {"indicator": client.get("/indicators").json()[0]["name"]}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An operation and who asks for it, with names of things that exist."""

    operation: Any
    role: Role
    token: str
    named: dict[str, str]

    @staticmethod
    def called_of(operation: Any) -> str:
        return f"{operation.method.upper()} {operation.path.removeprefix('/api/v1')}"

    @property
    def called(self) -> str:
        return self.called_of(self.operation)

    def about_what_exists(self, case: Case[Any]) -> dict[str, str]:
        """Have a request name things that exist; the headers that it needs besides."""
        path = self.operation.path.removeprefix("/api/v1")
        named = self.named | ({"name": self.named["indicator"]} if path.startswith("/indicators") else {})
        for name in case.path_parameters or {}:
            if name in named:
                case.path_parameters[name] = named[name]
        query = parse_qs(filled(QUERIES.get(self.called, ""), named).removeprefix("?"))
        case.query = {**(case.query or {}), **query}
        if path in BODIES and self.operation.body:
            case.body = json.loads(filled(json.dumps(BODIES[path]), named))
        more = {} if self.operation.method.upper() == "GET" else {"Idempotency-Key": uuid.uuid4().hex}
        return {"If-Match": "*"} | more | ({"Upload-Length": "1"} if path == "/imports" else {})


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
    asked: Asked,
    secret: dict[str, str],
    reached: set[str],
    *,
    case: Any,
    mode: GenerationMode,
    examples: int,
    number: int,
) -> Callable[[], None]:  # fmt: skip
    """Sends so many requests of an operation, that fit or do not, and holds the answers against document and role."""
    needed = asked.operation.definition.raw.get("x-right")
    may = needed is None or Right(needed) in RIGHTS_OF[asked.role]

    def tells_no_secret(_: Any, response: Any, case: Case[Any]) -> None:
        text = response.content.decode("utf-8", "replace")
        sent = f"{case.path_parameters} {case.query} {case.body!r}"
        leaked = [told for each, told in secret.items() if each in text and each not in sent]
        innards = [each for each in INNARDS if (asked.called, each) not in MEANT]
        leaked += [each for each in innards if each in text and each not in sent]
        assert not leaked, f"{leaked} in {text[:500]}"

    def lets_nobody_in_without_the_right(_: Any, response: Any, __: Case[Any]) -> None:
        assert may or response.status_code >= 400, f"{response.status_code} without {needed}"
        if response.status_code < 300:
            reached.add(asked.called)

    @drawn_by(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=case, invented=booleans())
    def send(case: Case[Any], invented: bool) -> None:
        is_known = mode is GenerationMode.POSITIVE and not invented
        more = asked.about_what_exists(case) if is_known else {}
        case.call_and_validate(
            headers={"Authorization": f"Bearer {asked.token}", **more},
            checks=[*CHECKS, tells_no_secret, lets_nobody_in_without_the_right],
            timeout=300,
        )

    return send
