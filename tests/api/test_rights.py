"""Every route declares a right; who has it not is refused by name, and another organisation's things are not there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from headwater.api.access import GuardedRoute
from headwater.api.app import create_app
from headwater.services.access.policy import RIGHTS_OF, Right, Role
from headwater.settings import Settings
from tests.api.conftest import OTHER, Api, token_of
from tests.river import activities

NOBODYS = str(uuid.UUID(int=0, version=4))
PUBLIC = {
    "form", "role", "reference",
}  # fmt: skip
"""Parameters that name nothing of an organisation's: a word of the interface, or a contract, which all share."""
ALL_SHARE = {"/contracts", "/connector-kinds", "/contract-changes", "/indicators", "/mappings/{name}"}
BODIES: dict[str, Any] = {
    "/mappings": {"text": "mapping: x"},
    "/quarantine/resubmissions": {"records": [{"id": "{id}", "cells": {"quantity": "1"}}]},
    "/quarantine/dismissals": {"ids": ["{id}"], "reason": "none"},
    "/people": {"email": "a@example.org", "name": "A", "role": "viewer"},
    "/people/{person_id}": {"name": "B"},
    "/people/{person_id}/links": {},
    "/people/{person_id}/roles": {"role": "viewer"},
    "/people/{person_id}/grants": {"right": "read"},
    "/units": {"name": "U", "kind": "site"},
    "/units/{unit_id}": {"name": "V"},
    "/notification-channels": {"name": "c", "kind": "webhook", "target": {"url": "https://hooks.invalid/x"}},
    "/notification-channels/{channel}": {},
    "/notification-channels/{channel}/secret": {},
    "/tokens": {"name": "t", "role": "viewer"},
    "/connectors": {"name": "c", "kind": "rest", "config": {}},
    "/connectors/{name}": {},
    "/connectors/{name}/syncs": {"table": "t", "mapping": "m"},
    "/records/{reference}": {"records": [{"activity_id": "x"}]},
    "/records/{reference}/{key}": {"values": {"quantity": "1"}},
    "/records/{reference}/deletions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/hanging": {"keys": ["{key}"]},
    "/records/{reference}/destructions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/restorations": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/admissions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/erasures": {"subject": "{key}", "reason": "x"},
    "/sources/{source_id}/unit": {"unit_id": None},
    "/dataset-offers": {"name": "d", "contract": "activity@1", "receiver": "nobody", "licence": "none"},
    "/dataset-acceptances": {"text": "hwd_x"},
    "/imports/{job_id}/mapping": {"mapping": "nothing"},
    "/inventories": {"document": "inventory: x"},
    "/schedules": {"name": "s", "source": {"upload": "u"}, "mapping": "m", "cron": "@daily"},
}
QUERIES = {
    "DELETE /records/{reference}/{key}": "?reason=x",
    "DELETE /records/{reference}/{key}/hanging": "?reason=x",
}
LISTS = ("/{reference}", "/{reference}/export")
"""What belongs to a contract, which all share."""


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, Right]]:
    for path, methods in document["paths"].items():
        if path.startswith("/api/v1"):
            for method, told in methods.items():
                yield method.upper(), path.removeprefix("/api/v1"), Right(told["x-right"])


def filled(path: str, named: dict[str, str]) -> str:
    for name, value in named.items():
        path = path.replace("{" + name + "}", value)
    return path


def sent(client: httpx.Client, method: str, path: str, named: dict[str, str]) -> httpx.Response:
    body = BODIES.get(path)
    text = None if body is None else json.dumps(body).replace("{id}", named["id"])
    headers = {"If-Match": '"0"'} | ({"Content-Type": "application/json"} if text else {})
    if path == "/imports/{job_id}/file" and method == "PATCH":
        headers, text = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}, "x"
    address = filled(path, named) + QUERIES.get(f"{method} {path}", "")
    with client.stream(method, address, content=text, headers=headers) as answer:
        answer.read()
    return answer


def things(api: Api) -> dict[str, str]:
    """Something of each kind, of the first organisation."""
    run, _ = api.river.load(
        activities([{"activity_id": "R1"}, {"activity_id": "R2", "quantity": "no"}]), name=f"rights-{uuid.uuid4()}.csv"
    )
    with api.client("admin") as client:
        (refused,) = client.get("/quarantine", params={"run": str(run)}).json()["items"]
        person = client.post(
            "/people", json={"email": f"{uuid.uuid4().hex}@example.org", "name": "Rae", "role": "viewer"}
        ).json()
        unit = client.post("/units", json={"name": f"Rights {uuid.uuid4()}", "kind": "site"}).json()
        grant = client.post(f"/people/{person['person_id']}/grants", json={"right": "query"}).json()
        config = {"host": "nowhere.invalid", "database": "d", "user": "u", "password_ref": "stored:p"}
        called = f"rights-{uuid.uuid4().hex[:8]}"
        added = client.post("/connectors", json={"name": called, "kind": "postgresql", "config": config})
        assert added.status_code == 201, added.text
        job = client.post("/imports", params={"name": "r.csv"}, headers={"Upload-Length": "1"}).json()["job_id"]
        resumed = client.post(f"/runs/{run}/resumption").json()["job_id"]
        source = client.get(f"/runs/{run}").json()["source_id"]
        client.put(f"/sources/{source}/unit", json={"unit_id": unit["unit_id"]}).raise_for_status()
        wanted = {"name": "d", "contract": "activity@1", "receiver": "nobody", "licence": "none"}
        offer = client.post("/dataset-offers", json=wanted).json()["offer_id"]
        token = client.get("/tokens", params={"everybody": True}).json()[0]["token_id"]
        channel, delivery = added_message(api, client)
        return {
            "run": str(run), "id": refused["id"], "person_id": person["person_id"], "unit_id": unit["unit_id"],
            "grant_id": grant["grant_id"], "name": called, "job_id": job, "job": resumed, "token_id": token,
            "offer_id": offer, "dataset": "none",
            "source_id": source, "key": "R1", "activity": "R1", "reference": "activity@1", "factor_id": "none",
            "inventory": "none",
            "channel": channel, "delivery": delivery, "form": "odcs", "role": "reviewer", "session_id": NOBODYS,
        }  # fmt: skip


def added_message(api: Api, client: httpx.Client) -> tuple[str, str]:
    """A channel, and a message to it."""
    name, delivery = f"rights-{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    target = {"url": "https://hooks.invalid/x"}
    wanted = {"name": name, "kind": "webhook", "target": target, "events": ["job.stuck"]}
    added = client.post("/notification-channels", json=wanted)
    assert added.status_code == 201, added.text
    api.river.change(
        "INSERT INTO notification_deliveries"
        " (tenant_id, delivery_id, channel_id, event, severity, state, told, opened_at)"
        " SELECT tenant_id, %(delivery)s::uuid, channel_id, 'job.stuck', 'critical', 'failed', 0, now()"
        " FROM notification_channels WHERE name = %(name)s",
        delivery=delivery, name=name,
    )  # fmt: skip
    return name, delivery


def test_every_route_asks_for_its_right_and_shows_nothing_to_others(api: Api) -> None:
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    told = list(routes(document))
    assert len(told) > 60
    named = things(api)
    clients = {role: api.client(role.value) for role in Role}
    stranger, nobodys = api.client("admin", OTHER), of_nobody(named)
    with httpx.Client(base_url=f"{api.url}/api/v1", timeout=60) as unknown:
        for method, path, _ in told:
            assert sent(unknown, method, path, named).status_code == 401, (method, path)
    for method, path, right in told:
        weak = next((role for role in Role if right not in RIGHTS_OF[role]), None)
        if weak is not None:
            refused = sent(clients[weak], method, path, named)
            assert refused.status_code == 403, (method, path, weak, refused.text)
            assert method == "HEAD" or refused.json()["value"] == right.value
        parameters = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        of_theirs = parameters - PUBLIC
        if of_theirs and not any(path.startswith(each) for each in ALL_SHARE):
            there, nowhere = sent(stranger, method, path, named), sent(stranger, method, path, nobodys)
            assert there.status_code == nowhere.status_code, (method, path, there.text, nowhere.text)
            assert there.status_code == 404, (method, path, there.text)
            assert same(there, named) == same(nowhere, nobodys), (method, path)
        elif method == "GET":
            answer = sent(stranger, method, path, named)
            for value in (named["run"], named["person_id"], named["unit_id"], named["job_id"], named["id"]):
                assert value not in answer.text, (method, path)
    for client in (*clients.values(), stranger):
        client.close()


OF_PEOPLE = ("/people", "/units", "/grants", "/tokens")
"""Who belongs to the same organisation learns that there is somebody, or a unit, in which they have no right."""


def test_somebody_of_another_unit_is_shown_and_changes_nothing(api: Api) -> None:
    """What belongs to a unit is as if it were not there; for what is the organisation's the right is named."""
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    named = things(api)
    nobodys, wrong = of_nobody(named), []
    with of_another_unit(api) as stranger:
        for method, path, right in routes(document):
            there = sent(stranger, method, path, named)
            if not document["paths"]["/api/v1" + path][method.lower()].get("x-anywhere"):
                is_right = there.status_code == 403 and (method == "HEAD" or there.json()["value"] == right.value)
            elif "{" in path + str(BODIES.get(path)) and not path.startswith(OF_PEOPLE):
                nowhere = sent(stranger, method, path, nobodys)
                is_right = there.status_code == nowhere.status_code and same(there, named) == same(nowhere, nobodys)
                is_right &= there.status_code in {403, 404} or path.endswith(LISTS)  # a list or file of nothing
            else:
                values = (named["run"], named["person_id"], named["unit_id"], named["job_id"], named["id"])
                is_right = not any(value in there.text for value in values) or path.startswith(OF_PEOPLE)
            if not is_right:
                wrong.append((method, path, there.status_code, there.text[:300]))
    assert wrong == []


def of_nobody(named: dict[str, str]) -> dict[str, str]:
    """The same names, of what is not there."""
    ids = ("run", "person_id", "unit_id", "grant_id", "job_id", "job", "token_id", "delivery", "offer_id")
    names = ("channel", "name", "key", "activity")
    nobodys = named | dict.fromkeys(ids, NOBODYS) | dict.fromkeys(names, "nobodys")
    return nobodys | {"id": f"{NOBODYS}.1", "source_id": "0" * 64}


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
