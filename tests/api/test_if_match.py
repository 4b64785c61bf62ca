"""What has a version is taken away and switched as it was looked at; where another stands, 412 has both."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.api.conftest import Api
from tests.api.test_ending import WAITING
from tests.api.test_schedules import added
from tests.workers import until

KINDS = ("connectors", "schedules", "notification-channels")
CHANGES: dict[str, dict[str, Any]] = {
    "connectors": {"user": "another"},
    "schedules": {"priority": 9},
    "notification-channels": {"least_severity": "critical"},
}
BEHIND = {
    "connectors": """UPDATE connectors SET config = config || '{"user": "another"}' WHERE name = %s""",
    "schedules": "UPDATE scheduled_jobs SET priority = 9 WHERE name = %s",
    "notification-channels": (
        "UPDATE notification_channels SET least_severity = 'critical', version = version + 1 WHERE name = %s"
    ),
}


def made(client: httpx.Client, kind: str) -> tuple[str, str]:
    """One of a kind, and where it is."""
    if kind == "schedules":
        name = added(client)
    else:
        name = f"looked-{uuid.uuid4().hex[:8]}"
        config = {"host": "nowhere.invalid", "database": "d", "user": "u", "password_ref": "stored:p"}
        said: dict[str, Any] = {
            "connectors": {"kind": "postgresql", "config": config},
            "notification-channels": {"kind": "webhook", "target": {"url": "https://hooks.invalid/x"}},
        }
        client.post(f"/{kind}", json={"name": name, **said[kind]}).raise_for_status()
    return name, f"/{kind}/{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_changed_since_is_not_taken_away(api: Api, kind: str) -> None:
    with api.client("data_engineer") as client:
        _, path = made(client, kind)
        looked = {"If-Match": client.get(path).headers["ETag"]}
        now = client.patch(path, json=CHANGES[kind]).headers["ETag"]
        refused = client.delete(path, headers=looked)
        assert (refused.status_code, refused.json()["mine"]) == (412, "removed"), refused.text
        assert CHANGES[kind].items() <= refused.json()["theirs"].items()
        assert client.get(path).headers["ETag"] == now, "it stands as it stood"
        assert client.delete(path, headers={"If-Match": now}).status_code == 204
        assert client.delete(path, headers={"If-Match": now}).status_code == 404
        for any_will_do in ({}, {"If-Match": "*"}):
            _, path = made(client, kind)
            assert client.delete(path, headers=any_will_do).status_code == 204


@pytest.mark.parametrize("kind", KINDS)
def test_what_changes_while_it_is_taken_away_stays(api: Api, kind: str) -> None:
    with api.client("data_engineer") as client, ThreadPoolExecutor(1) as beside:
        name, path = made(client, kind)
        looked = {"If-Match": client.get(path).headers["ETag"]}
        with psycopg.connect(api.database.superuser_url) as other:
            other.execute(BEHIND[kind], (name,))
            refused = beside.submit(client.delete, path, headers=looked)
            until(lambda: bool(api.river.rows(WAITING)[0]["count"]), "the deletion waits for the change")
        assert refused.result().status_code == 412, refused.result().text
        assert CHANGES[kind].items() <= refused.result().json()["theirs"].items()
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("other_way", "way", "said", "is_paused"),
    [("resumption", "pause", "paused", False), ("pause", "resumption", "resumed", True)],
)
def test_a_schedule_is_paused_and_resumed_by_the_plan_that_was_looked_at(
    api: Api, other_way: str, way: str, said: str, *, is_paused: bool
) -> None:
    with api.client("data_engineer") as client, ThreadPoolExecutor(1) as beside:
        name, path = made(client, "schedules")
        looked = {"If-Match": client.post(f"{path}/{other_way}").headers["ETag"]}
        assert looked["If-Match"] == client.get(path).headers["ETag"], "whether it is paused is no part of its plan"
        with psycopg.connect(api.database.superuser_url) as other:
            other.execute(BEHIND["schedules"], (name,))
            late = beside.submit(client.post, f"{path}/{way}", headers=looked)
            until(lambda: bool(api.river.rows(WAITING)[0]["count"]), "it waits for the change")
        for refused in (late.result(), client.post(f"{path}/{way}", headers=looked)):
            assert (refused.status_code, refused.json()["mine"]) == (412, said), refused.text
            assert refused.json()["theirs"]["priority"] == 9
        shown = client.get(path)
        assert (shown.json()["paused_at"] is not None) is is_paused
        switched = client.post(f"{path}/{way}", headers={"If-Match": shown.headers["ETag"]})
        assert (switched.status_code, switched.headers["ETag"]) == (200, shown.headers["ETag"])
        assert (switched.json()["paused_at"] is not None) is not is_paused


def test_of_two_who_take_a_schedule_away_the_later_finds_none(api: Api) -> None:
    with api.client("data_engineer") as client, ThreadPoolExecutor(1) as beside:
        name, path = made(client, "schedules")
        with psycopg.connect(api.database.superuser_url) as other:
            other.execute("UPDATE scheduled_jobs SET removed_at = now() WHERE name = %s", (name,))
            late = beside.submit(client.delete, path)
            until(lambda: bool(api.river.rows(WAITING)[0]["count"]), "it waits for the other")
        assert late.result().status_code == 404, late.result().text
