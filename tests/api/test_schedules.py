"""Schedules over HTTP: changed by what was looked at, by name of what is kept here."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from headwater.services import schedules
from headwater.services.imports import file_recipe
from headwater.services.jobs import Manner
from tests.api.conftest import Api
from tests.api.test_imports import MAPPING, TUS, ended
from tests.river import activities


def sent_file(client: httpx.Client, name: str) -> str:
    """A file that waits for a mapping; its name."""
    client.post("/mappings", json={"text": json.dumps(MAPPING)}).raise_for_status()
    content = activities([{"activity_id": f"S/{name}"}]).encode()
    import_id = client.post("/imports", params={"name": name}, content=content, headers=TUS).json()["import_id"]
    assert ended(client, import_id, "inspected", "refused")["state"] == "inspected"
    return name


def added(client: httpx.Client, **more: Any) -> str:
    """A schedule that reads a file of its own; its name."""
    name = f"kept-{uuid.uuid4().hex[:8]}"
    wanted = {"name": name, "source": {"upload": sent_file(client, f"{name}.csv")}, "mapping": "sent_activities"}
    made = client.post("/schedules", json=wanted | ({"cron": "30 2 * * *"} if "after" not in more else {}) | more)
    assert made.status_code == 201, made.text
    assert made.headers["ETag"] == f'"{made.json()["version"]}"'
    return name


def test_a_schedule_is_changed_by_the_version_that_was_looked_at(api: Api) -> None:
    with api.client("data_engineer") as client:
        name = added(client)
        path = f"/schedules/{name}"
        looked = client.get(path)
        tag = {"If-Match": looked.headers["ETag"]}
        plan = {"cron": "0 4 * * 1", "time_zone": "Europe/Berlin", "missed": "catch_up", "priority": 3, "attempts": 2}
        changed = client.patch(path, json=plan | {"time_limit": 60}, headers=tag)
        assert changed.status_code == 200, changed.text
        shown = changed.json()
        assert plan.items() <= (shown | {"attempts": shown["most_attempts"]}).items()
        assert shown["next_at"] != looked.json()["next_at"]
        assert (client.get(path).json(), client.get(path).headers["ETag"]) == (shown, changed.headers["ETag"])
        late = client.patch(path, json={"priority": 9}, headers=tag)
        assert (late.status_code, late.json()["mine"]) == (412, {"priority": 9}), late.text
        assert (late.json()["theirs"]["cron"], late.json()["theirs"]["priority"]) == ("0 4 * * 1", 3)
        assert client.patch(path, json={"time_limit": None}, headers={"If-Match": "*"}).json()["time_limit"] is None
        unchanged = client.patch(path, json={})
        assert unchanged.json()["version"] == client.get(path).json()["version"]
        (third, second, first) = history_of(client, name)
        assert [each["action"] for each in (third, second, first)] == [
            "schedule.changed", "schedule.changed", "schedule.added",
        ]  # fmt: skip
        assert (second["payload"]["before"]["cron"], second["payload"]["after"]["cron"]) == ("30 2 * * *", "0 4 * * 1")
        assert third["payload"]["changed"] == ["time_limit"]


def test_null_is_no_change_where_only_what_is_left_out_stays(api: Api) -> None:
    with api.client("data_engineer") as client:
        path = f"/schedules/{added(client)}"
        shown = client.get(path).json()
        kept = ("source", "mapping", "strategy", "cron", "time_zone", "after", "missed", "priority", "attempts")
        for name in kept:
            refused = client.patch(path, json={name: None, "time_limit": 60})
            assert (refused.status_code, refused.json().get("field")) == (422, f"body.{name}"), refused.text
        assert client.get(path).json() == shown
        document = client.get("/openapi.json").json()
        taken = document["components"]["schemas"]["ScheduleChange"]["properties"]
        assert [name for name, told in taken.items() if {"type": "null"} in told.get("anyOf", ())] == ["time_limit"]
        assert taken["source"]["$ref"] == "#/components/schemas/NewSource"
        assert not any("default" in told for told in taken.values() if "anyOf" not in told)


def history_of(client: httpx.Client, name: str) -> list[dict[str, Any]]:
    """What the chain holds of a schedule, the latest first."""
    schedule_id = client.get(f"/schedules/{name}").json()["schedule_id"]
    asked = {"filter": f"resource:eq:schedule/{schedule_id}"}
    items: list[dict[str, Any]] = client.get("/audit", params=asked).json()["items"]
    return items


def test_what_a_schedule_reads_is_changed_by_name(api: Api) -> None:
    with api.client("data_engineer") as client:
        name = added(client)
        path, other = f"/schedules/{name}", sent_file(client, f"{name}-other.csv")
        shown = client.patch(path, json={"source": {"upload": other}}).json()
        kept = {"mapping": "sent_activities", "upload": other}
        assert (shown["label"], shown["arguments"]["kept"]) == (other, kept)
        client.post("/mappings", json={"text": json.dumps(MAPPING | {"mapping": "sent_again"})}).raise_for_status()
        shown = client.patch(path, json={"mapping": "sent_again", "strategy": "full"}).json()
        assert shown["arguments"]["kept"] == {"mapping": "sent_again", "upload": other}
        assert shown["arguments"]["recipe"]["load"]["strategy"] == "full"
        for wrong in (
            {"source": {"upload": "nobodys.csv"}}, {"source": {"upload": other, "contract": "activity@1"}},
            {"mapping": "nobodys"}, {"after": ["nobodys"]}, {"after": [name]}, {"cron": "never"},
            {"time_zone": "Mars/Base"}, {"path": "/etc/passwd"},
        ):  # fmt: skip
            refused = client.patch(path, json=wrong)
            assert refused.status_code in {404, 422}, (wrong, refused.text)
        assert client.get(path).json() == shown


def test_a_schedule_comes_after_others_and_not_after_itself(api: Api) -> None:
    with api.client("data_engineer") as client:
        first = added(client)
        second = added(client, after=[first])
        circle = client.patch(f"/schedules/{first}", json={"after": [second]})
        assert (circle.status_code, circle.json()["detail"]) == (422, "it would come after itself")
        free = client.patch(f"/schedules/{second}", json={"cron": "@daily"}).json()
        assert (free["after"], free["next_at"] is None) == ([], False)
        turned = client.patch(f"/schedules/{first}", json={"after": [second]}).json()
        assert (turned["after"], turned["cron"], turned["next_at"]) == ([second], None, None)


def test_who_may_not_transform_changes_no_schedule(api: Api) -> None:
    with api.client("data_engineer") as client:
        name = added(client)
        for role in ("reviewer", "viewer"):
            with api.client(role) as other:
                refused = other.patch(f"/schedules/{name}", json={"priority": 1})
            assert (refused.status_code, refused.json()["value"]) == (403, "transform")
        assert client.get(f"/schedules/{name}").json()["priority"] == 0


def test_of_a_recipe_of_the_server_source_and_mapping_are_changed_together(api: Api) -> None:
    name, river = f"served-{uuid.uuid4().hex[:8]}", api.river
    (river.folder / f"{name}.csv").write_text(activities([{"activity_id": name}]))
    recipe = file_recipe(f"{name}.csv", river.mapping("activity_form"))
    when = schedules.When(cron="@daily")
    schedules.add(river.installation, name, recipe, river.folder, when, manner=Manner(), now=datetime.now(UTC))
    with api.client("data_engineer") as client:
        path, other = f"/schedules/{name}", sent_file(client, f"{name}-other.csv")
        alone = client.patch(path, json={"mapping": "sent_activities"})
        assert (alone.status_code, alone.json()["detail"]) == (422, "it runs a recipe of the server")
        assert client.patch(path, json={"priority": 2}).json()["priority"] == 2
        both = client.patch(path, json={"source": {"upload": other}, "mapping": "sent_activities"})
        assert both.json()["arguments"]["kept"] == {"mapping": "sent_activities", "upload": other}, both.text
        stale = client.patch(path, json={"cron": "@weekly"}, headers={"If-Match": '"none"'})
        assert (stale.status_code, str(river.folder) in stale.text + both.text) == (412, False)
