"""Every route declares a right; who has it not is refused by name, and another organisation's things are not there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from headwater.api.access import GuardedRoute
from headwater.api.app import create_app
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from headwater.settings import Settings
from tests.api.conftest import OTHER, Api, token_of
from tests.api.things import NOBODYS, filled, names_in, of_nobody, sent, things
from tests.workers import until

PUBLIC = {
    "form", "role", "reference",
}  # fmt: skip
"""Parameters that name nothing of an organisation's: a word of the interface, or a contract, which all share."""
ALL_SHARE = ("/contracts", "/connector-kinds", "/contract-changes", "/public-datasets")


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, Right]]:
    for path, methods in document["paths"].items():
        if path.startswith("/api/v1"):
            for method, told in methods.items():
                yield method.upper(), path.removeprefix("/api/v1"), Right(told["x-right"])


def test_every_route_asks_for_its_right(api: Api) -> None:
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    told = list(routes(document))
    assert len(told) > 60
    named = things(api)
    with httpx.Client(base_url=f"{api.url}/api/v1", timeout=60) as unknown:
        for method, path, _ in told:
            assert sent(unknown, method, path, named).status_code == 401, (method, path)
    clients = {role: api.client(role.value) for role in Role}
    for method, path, right in told:
        weak = next((role for role in Role if right not in RIGHTS_OF[role]), None)
        if weak is not None:
            refused = sent(clients[weak], method, path, named)
            assert refused.status_code == 403, (method, path, weak, refused.text)
            assert method == "HEAD" or refused.json()["value"] == right.value
    for client in clients.values():
        client.close()


def test_every_route_shows_nothing_to_other_organisations_and_changes_nothing(api: Api) -> None:
    """Whatever role somebody has at home: what is named is as if it were not there, and stays as it is."""
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    told, named = list(routes(document)), things(api)
    nobodys = of_nobody(named)
    hidden = {named[name] for name in nobodys if nobodys[name] != named[name]}
    before = at_rest(api)
    wrong = []
    for role in Role:
        with api.client(role.value, OTHER) as stranger:
            for method, path, right in told:
                there = sent(stranger, method, path, named)
                is_right = right in RIGHTS_OF[role] or there.status_code == 403
                of_theirs = names_in(method, path) - PUBLIC
                if of_theirs and not path.startswith(ALL_SHARE):
                    nowhere = sent(stranger, method, path, nobodys)
                    is_right &= there.status_code == nowhere.status_code and same(there, named) == same(
                        nowhere, nobodys
                    )
                    is_right &= there.status_code in {403, 404} or not names_in_path(path) & of_theirs
                else:
                    is_right &= not any(value in there.text for value in hidden)
                if not is_right:
                    wrong.append((role, method, path, there.status_code, there.text[:300]))
    assert wrong == []
    assert differing(before, rows_of(api)) == {}


def names_in_path(path: str) -> set[str]:
    return {part[1:-1] for part in path.split("/") if part.startswith("{")}


def rows_of(api: Api) -> dict[str, str]:
    """The rows of the first organisation, by table: how many there are, and a hash of all of them."""
    tables = api.river.rows(
        "SELECT table_name AS name FROM information_schema.columns AS c JOIN information_schema.tables AS t"
        " USING (table_schema, table_name) WHERE column_name = 'tenant_id' AND table_type = 'BASE TABLE'"
        " AND table_schema = 'public'"
    )
    found = {}
    for table in tables:
        (row,) = api.river.rows(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(each::text), '' ORDER BY md5(each::text))), '')"
            f' AS told FROM "{table["name"]}" AS each WHERE tenant_id = %(tenant)s',
            tenant=api.tenants["default"],
        )
        found[table["name"]] = row["told"]
    return found


def differing(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def at_rest(api: Api) -> dict[str, str]:
    """The same, once no worker is at anything of it any more."""
    open_ = "SELECT FROM jobs WHERE tenant_id = %(tenant)s AND state IN ('pending', 'running')"
    until(lambda: not api.river.rows(open_, tenant=api.tenants["default"]), "every job has ended")
    return rows_of(api)


OF_PEOPLE = ("/people", "/units", "/grants", "/tokens")
"""Who belongs to the same organisation learns that there is somebody, or a unit, in which they have no right."""


def test_somebody_of_another_unit_is_shown_and_changes_nothing(api: Api) -> None:
    """What belongs to a unit is as if it were not there; for what is the organisation's the right is named."""
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    named = things(api)
    nobodys, wrong = of_nobody(named), []
    with of_another_unit(api) as stranger:
        for method, path, right in routes(document):
            there, of_theirs = sent(stranger, method, path, named), names_in(method, path) - PUBLIC - {"unit_id"}
            if not document["paths"]["/api/v1" + path][method.lower()].get("x-anywhere"):
                is_right = there.status_code == 403 and (method == "HEAD" or there.json()["value"] == right.value)
            elif of_theirs and not path.startswith(OF_PEOPLE):
                nowhere = sent(stranger, method, path, nobodys)
                is_right = there.status_code == nowhere.status_code and same(there, named) == same(nowhere, nobodys)
                is_right &= there.status_code in {403, 404} or not names_in_path(path) & of_theirs
            else:
                values = (named["run"], named["person_id"], named["unit_id"], named["import_id"], named["id"])
                is_right = not any(value in there.text for value in values) or path.startswith(OF_PEOPLE)
            if not is_right:
                wrong.append((method, path, there.status_code, there.text[:300]))
    assert wrong == []


def of_another_unit(api: Api) -> httpx.Client:
    """An administrator of a unit in which there is nothing."""
    with api.client("admin") as client:
        unit = client.post("/units", json={"name": f"Other {uuid.uuid4()}", "kind": "site"}).json()["unit_id"]
    token = token_of(api.database.database, api.tenants["default"], Role.ADMIN, uuid.UUID(unit))
    return httpx.Client(base_url=f"{api.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def same(answer: httpx.Response, named: dict[str, str]) -> str:
    """What was answered, but for what was asked."""
    text = answer.text.replace(answer.headers["x-correlation-id"], "")
    for value in sorted(named.values(), key=len, reverse=True):
        text = text.replace(value, "…")
    return text


WITHOUT_RIGHT = {
    "GET /api/v1/openapi.json": "what there is to ask, which everybody may know",
    "HEAD /api/v1/openapi.json": "the same",
    "GET /healthz": "tells that the process answers",
    "GET /readyz": "tells that the database does",
    "GET /metrics": "by a token of its own, or from this machine",
    "GET /sign-in/style.css": "a style sheet",
    "GET /sign-in/link/{link}": "whoever has the link, which is a secret",
    "POST /sign-in/link/{link}": "whoever has the link, once",
    "GET /sign-in": "an empty form",
    "POST /sign-in": "by a password, which is asked for here",
    "GET /sign-in/oidc": "leads to the provider",
    "GET /sign-in/oidc/callback": "by what the provider says, and the cookie of whoever began",
    "POST /sign-in/oidc": "one's own: whoever is signed in",
    "GET /sign-in/forgotten": "an empty form",
    "POST /sign-in/forgotten": "answers everybody alike; what comes of it is mailed to the address that is kept",
    "POST /sign-out": "one's own",
    "GET /account": "one's own: whoever is signed in",
    "POST /account/password": "one's own, by the password there is: whoever is signed in",
    "POST /account/sessions/end": "one's own: whoever is signed in",
    "POST /account/sessions/{session_id}/end": "one's own: whoever is signed in",
    "POST /account/tokens": "one's own, which does no more than oneself: whoever is signed in",
    "POST /account/tokens/{token_id}/end": "one's own: whoever is signed in; the service asks for another's",
}
"""Routes that declare no right, and why not."""


def test_every_route_without_a_right_is_known_and_ones_own_are_nobody_elses(api: Api) -> None:
    found = {
        f"{method} {route.path}"
        for included in create_app(Settings()).routes
        for route in getattr(getattr(included, "original_router", None), "routes", [included])
        if not isinstance(route, GuardedRoute)
        for method in getattr(route, "methods", None) or {"?"}
    }
    assert found == WITHOUT_RIGHT.keys()
    with httpx.Client(base_url=api.url, timeout=60) as nobody:
        page = nobody.get("/sign-in").text
        proof = page.partition('name="proof" value="')[2][:64]
        for name, why in WITHOUT_RIGHT.items():
            method, path = name.split()
            if why.startswith("one's own"):
                answer = nobody.request(method, filled(path, {"session_id": NOBODYS, "token_id": NOBODYS}))
                assert answer.status_code == (303 if method == "GET" else 415), name
            if why.endswith("whoever is signed in") and method == "POST":
                sent_on = nobody.post(filled(path, {"session_id": NOBODYS, "token_id": NOBODYS}), data={"proof": proof})
                assert (sent_on.status_code, sent_on.headers.get("location")) == (303, "/sign-in"), name
