"""Something of each kind that an organisation has, and requests that name it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

from headwater.services.access.policy import Role
from headwater.services.inventories.calculating import calculate
from headwater.services.sign_in import sessions
from headwater.services.sign_in.bearers import Kind, read_bearer
from headwater.telemetry import SilentProgress
from tests.api.conftest import Api, token_of
from tests.api.test_imports import MAPPING, TUS, ended
from tests.api.test_resources import INVENTORY, job_ended
from tests.river import activities, factors

NOBODYS = str(uuid.UUID(int=0, version=4))
BODIES: dict[str, Any] = {
    "/mappings": {"text": "mapping: x"},
    "/quarantine/resubmissions": {"records": [{"id": "{id}", "cells": {"quantity": "1"}}]},
    "/quarantine/dismissals": {"ids": ["{id}"], "reason": "none"},
    "/people": {"email": "a@example.org", "name": "A", "role": "viewer", "unit_id": "{unit_id}"},
    "/people/{person_id}": {"name": "B"},
    "/people/{person_id}/links": {},
    "/people/{person_id}/roles": {"role": "viewer", "unit_id": "{unit_id}"},
    "/people/{person_id}/grants": {"right": "read", "unit_id": "{unit_id}"},
    "/units": {"name": "U", "kind": "site", "parent_id": "{unit_id}"},
    "/units/{unit_id}": {"name": "V"},
    "/notification-channels": {"name": "c", "kind": "webhook", "target": {"url": "https://hooks.invalid/x"}},
    "/notification-channels/{channel}": {},
    "/notification-channels/{channel}/secret": {},
    "/tokens": {"name": "t", "role": "viewer", "unit_id": "{unit_id}"},
    "/connectors": {"name": "c", "kind": "rest", "config": {}},
    "/connectors/{name}": {},
    "/connectors/{name}/syncs": {"table": "t", "mapping": "{name}"},
    "/records/{reference}": {"records": [{"activity_id": "x"}]},
    "/records/{reference}/{key}": {"values": {"quantity": "1"}},
    "/records/{reference}/deletions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/hanging": {"keys": ["{key}"]},
    "/records/{reference}/destructions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/restorations": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/admissions": {"keys": ["{key}"], "reason": "x"},
    "/records/{reference}/erasures": {"subject": "{key}", "reason": "x"},
    "/sources/{source_id}/unit": {"unit_id": "{unit_id}"},
    "/dataset-offers": {"name": "d", "contract": "activity@1", "receiver": "nobody", "licence": "none"},
    "/dataset-acceptances": {"text": "hwd_x"},
    "/imports/{import_id}/mapping": {"mapping": "{name}"},
    "/inventories": {"document": "inventory: x"},
    "/schedules/{name}": {"mapping": "{name}"},
    "/schedules": {"name": "s", "source": {"upload": "{upload}"}, "mapping": "{name}", "cron": "@daily"},
}
QUERIES = {
    "DELETE /records/{reference}/{key}": "?reason=x",
    "DELETE /records/{reference}/{key}/hanging": "?reason=x",
    "DELETE /people/{person_id}/roles/{role}": "?unit_id={unit_id}",
    "GET /quarantine": "?run={run}",
    "GET /quarantine-rules": "?run={run}",
    "GET /quarantine/export": "?run={run}",
    "GET /indicators/{name}": "?inventory={inventory}",
    "GET /comparisons": "?old={inventory}&new={inventory}",
    "GET /imports/{import_id}/rows": "?mapping={name}",
    "GET /updates": "?name={name}",
    "GET /contract-changes": "?old={reference}&new={reference}",
    "POST /imports": "?name=r.csv&unit={unit_id}",
    "POST /factors/imports": "?name=f.csv&mapping={name}",
}
"""What is asked besides, by route."""


def filled(text: str, named: dict[str, str]) -> str:
    """A text with the names of things in place of what they are called in the interface."""
    for name, value in named.items():
        text = text.replace("{" + name + "}", value)
    return text


def names_in(method: str, path: str) -> set[str]:
    """What a request names: in its address and its body."""
    text = path + QUERIES.get(f"{method} {path}", "") + json.dumps(BODIES.get(path))
    return {part.partition("}")[0] for part in text.split("{")[1:] if part.partition("}")[0].isidentifier()}


def sent(client: httpx.Client, method: str, path: str, named: dict[str, str]) -> httpx.Response:
    """The answer to a request for these things."""
    body = BODIES.get(path)
    text = None if body is None else filled(json.dumps(body), named)
    headers = {"If-Match": '"0"'} | ({"Content-Type": "application/json"} if text else {})
    if path == "/imports/{import_id}/file" and method == "PATCH":
        headers, text = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}, "x"
    elif (method, path) == ("POST", "/imports"):
        headers = {"Upload-Length": "1"}
    elif path in {"/factors/imports", "/quarantine/resubmissions/file"}:
        headers, text = {"Content-Type": "application/octet-stream"}, "x"
    address = filled(path + QUERIES.get(f"{method} {path}", ""), named)
    with client.stream(method, address, content=text, headers=headers) as answer:
        answer.read()
    return answer


def things(api: Api) -> dict[str, str]:
    """Something of each kind, of the first organisation."""
    called, key, factor = f"rights_{uuid.uuid4().hex[:8]}", f"R-{uuid.uuid4().hex}", f"rights-{uuid.uuid4().hex}"
    grid = {"factor_id": factor, "region": "IS", "valid_from": "2033-01-01", "valid_to": "2034-01-01"}
    api.river.load(factors([grid]), name=f"{called}-factors.csv", mapping="factor_form")
    row = {"activity_id": key, "region": "IS", "period_start": "2033-02-01"}
    run, _ = api.river.load(activities([row, {"activity_id": f"{key}-bad", "quantity": "no"}]), name=f"{called}.csv")
    with api.client("admin") as client:
        (refused,) = client.get("/quarantine", params={"run": str(run)}).json()["items"]
        person = client.post(
            "/people", json={"email": f"{uuid.uuid4().hex}@example.org", "name": "Rae", "role": "viewer"}
        ).json()["person_id"]
        unit = client.post("/units", json={"name": f"Rights {uuid.uuid4()}", "kind": "site"}).json()["unit_id"]
        grant = client.post(f"/people/{person}/grants", json={"right": "query"}).json()
        config = {"host": "nowhere.invalid", "database": "d", "user": "u", "password_ref": "stored:p"}
        added = client.post("/connectors", json={"name": called, "kind": "postgresql", "config": config})
        assert added.status_code == 201, added.text
        client.post("/mappings", json={"text": json.dumps(MAPPING | {"mapping": called})}).raise_for_status()
        upload = f"{called}-kept.csv"
        begun = client.post("/imports", params={"name": upload}, content=activities([row]), headers=TUS)
        import_id = begun.json()["import_id"]
        assert ended(client, import_id, "inspected", "refused")["state"] == "inspected"
        wanted: dict[str, Any] = {"name": called, "source": {"upload": upload}, "mapping": called, "cron": "0 0 1 1 *"}
        client.post("/schedules", json=wanted).raise_for_status()
        resumed = client.post(f"/runs/{run}/resumption").json()["job_id"]
        job_ended(client, resumed)
        source = client.get(f"/runs/{run}").json()["source_id"]
        client.put(f"/sources/{source}/unit", json={"unit_id": unit}).raise_for_status()
        offered = {"name": "d", "contract": "activity@1", "receiver": "nobody", "licence": "none"}
        offer = client.post("/dataset-offers", json=offered).json()["offer_id"]
        channel, delivery = added_message(api, client)
    return {
        "run": str(run), "id": refused["id"], "person_id": person, "unit_id": unit, "grant_id": grant["grant_id"],
        "name": called, "import_id": import_id, "job": resumed, "token_id": added_token(api), "offer_id": offer,
        "dataset": "none",
        "source_id": source, "key": key, "activity": key, "reference": "activity@1", "factor_id": factor,
        "inventory": added_inventory(api, called), "channel": channel, "delivery": delivery, "form": "odcs",
        "role": "reviewer", "session_id": added_session(api, person), "upload": upload,
    }  # fmt: skip


def added_token(api: Api) -> str:
    """A token that nobody signs in by: who is asked for everything revokes it."""
    installation = api.river.installation
    bearer = read_bearer(token_of(installation.database, installation.tenant_id, Role.VIEWER), Kind.TOKEN)
    assert bearer is not None
    return str(bearer.id)


def added_inventory(api: Api, name: str) -> str:
    """An inventory, and its number's place is free still."""
    path = api.river.folder / f"{name}-inventory.yaml"
    period = {"start": "2033-01-01", "end": "2034-01-01"}
    path.write_text(json.dumps(INVENTORY | {"inventory": name, "period": period}))
    return str(calculate(api.river.installation, path, progress=SilentProgress()).inventory_id)


def added_session(api: Api, person_id: str) -> str:
    """Somebody is signed in."""
    installation = api.river.installation
    with installation.database.connect(installation.tenant_id) as connection:
        begun = sessions.begin(
            installation, connection, uuid.UUID(person_id), method="password", origin=sessions.UNKNOWN
        )
    return str(begun.session_id)


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


def of_nobody(named: dict[str, str]) -> dict[str, str]:
    """The same names, of what is not there."""
    ids = {"run", "person_id", "unit_id", "grant_id", "import_id", "job", "token_id", "delivery", "offer_id"}
    ids |= {"inventory", "session_id"}
    names = ("channel", "name", "key", "activity", "factor_id", "upload")
    nobodys = named | dict.fromkeys(ids, NOBODYS) | dict.fromkeys(names, "nobodys")
    return nobodys | {"id": f"{NOBODYS}.1", "source_id": "0" * 64}
