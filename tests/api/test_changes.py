"""Null in a change: what is left out stays as it is, so null is refused where a thing cannot be without."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from tests.api.conftest import Api

MAY_BE_NULL = {"PersonChange": set(), "UnitChange": {"parent_id"}, "ChannelChange": {"quiet"}}
CHANNEL = {"kind": "webhook", "target": {"url": "https://hooks.invalid/x"}, "events": ["job.stuck"]}


def refuses_null(client: httpx.Client, path: str, names: tuple[str, ...], *, beside: dict[str, Any]) -> None:
    shown = client.get(path).json()
    for name in names:
        refused = client.patch(path, json={**beside, name: None})
        assert (refused.status_code, refused.json().get("field")) == (422, f"body.{name}"), refused.text
    assert client.get(path).json() == shown


def test_null_is_refused_of_people_units_and_channels(api: Api) -> None:
    called = f"changes {uuid.uuid4().hex[:8]}"
    with api.client("admin") as client:
        invited = client.post("/people", json={"email": f"{uuid.uuid4().hex}@x.test", "name": "K", "role": "viewer"})
        person = f"/people/{invited.json()['person_id']}"
        refuses_null(client, person, ("name", "email", "state"), beside={"name": "Another"})
        above = client.post("/units", json={"name": called, "kind": "site"}).json()["unit_id"]
        below = client.post("/units", json={"name": "below", "kind": "site", "parent_id": above}).json()["unit_id"]
        refuses_null(client, f"/units/{below}", ("name", "kind"), beside={"parent_id": None})
        assert client.patch(f"/units/{below}", json={"parent_id": None}).json()["parent_id"] is None
        quiet = {"from": "22:00", "to": "06:00", "time_zone": "UTC"}
        added = client.post(
            "/notification-channels", json={**CHANNEL, "name": called.replace(" ", "-"), "quiet": quiet}
        )
        assert added.status_code == 201, added.text
        channel = f"/notification-channels/{added.json()['name']}"
        kept = ("target", "events", "least_severity", "quarantine_above", "group_seconds")
        refuses_null(client, channel, kept, beside={"quiet": None})
        assert client.patch(channel, json={"quiet": None}).json()["quiet"] is None


def test_the_document_tells_where_null_is_taken(api: Api) -> None:
    with api.client("viewer") as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name, nullable in MAY_BE_NULL.items():
        taken = schemas[name]["properties"]
        assert {each for each, told in taken.items() if {"type": "null"} in told.get("anyOf", ())} == nullable, name
