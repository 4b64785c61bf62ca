"""Channels over HTTP: secrets shown once, edits that meet, nothing sent inside, lists of what was told."""

from __future__ import annotations

import uuid
from typing import Any

from tests.api.conftest import Api
from tests.river import activities


def test_channels_over_http(api: Api) -> None:
    name = f"hooks-{uuid.uuid4().hex[:8]}"
    wanted = {
        "name": name, "kind": "webhook", "target": {"url": "https://localhost:9/x"}, "events": ["run.completed"],
        "quiet": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}, "group_seconds": 3600,
    }  # fmt: skip
    with api.client("data_engineer", **{"Idempotency-Key": str(uuid.uuid4())}) as client:
        added = client.post("/notification-channels", json=wanted)
        assert (added.status_code, added.headers["etag"]) == (201, '"1"')
        assert added.json()["secret"].startswith("whsec_")
        again = client.post("/notification-channels", json=wanted)
        assert (again.status_code, "whsec_" in again.text) == (409, False), "it is shown once, whoever sends it again"
    with api.client("data_engineer") as client:
        shown = client.get(f"/notification-channels/{name}")
        assert shown.json()["quiet"] == {**wanted["quiet"], "urgent_passes": False}  # type: ignore[dict-item]
        assert "secret" not in shown.text + client.get("/notification-channels").text
        changed = client.patch(f"/notification-channels/{name}", json={"quiet": None}, headers={"If-Match": '"1"'})
        assert (changed.json()["quiet"], changed.json()["events"]) == (None, ["run.completed"])
        late = client.patch(f"/notification-channels/{name}", json={"group_seconds": 0}, headers={"If-Match": '"1"'})
        assert (late.status_code, late.json()["mine"], late.json()["theirs"]["version"]) == (
            412,
            {"group_seconds": 0},
            2,
        )
        inside = client.post(f"/notification-channels/{name}/test").json()
        assert inside["ok"] is False
        assert "only this server reaches" in inside["error"]
        for wrong in (
            {**wanted, "target": {"url": "http://example.org"}}, {**wanted, "target": {"to": ["a@example.org"]}},
            {**wanted, "events": ["run.exploded"]}, {**wanted, "quarantine_above": 100}, {**wanted, "kind": "pigeon"},
        ):  # fmt: skip
            refused = client.post("/notification-channels", json=wrong)
            assert refused.status_code == 422, refused.text
        newer = client.post(f"/notification-channels/{name}/secret", json={"keep_hours": 2})
        assert newer.json()["secret"] != added.json()["secret"]

        run_id, _ = api.river.load(activities([{"activity_id": "told"}]), name=f"{name}.csv")
        asked: dict[str, Any] = {"filter": [f"resource:eq:run/{run_id}"], "count": True}
        told = client.get("/notifications", params=asked).json()
        assert (told["total"], told["items"][0]["event"]) == (1, "run.completed")
        page = client.get("/notification-deliveries", params={"filter": "state:eq:pending", "limit": 1}).json()
        (message,) = page["items"]
        assert (message["channel"], message["told"]) == (name, 1)
        whole = client.get(f"/notification-deliveries/{message['delivery_id']}").json()
        assert whole["notifications"][0]["data"]["run_id"] == str(run_id)
        early = client.post(f"/notification-deliveries/{message['delivery_id']}/repetition")
        assert (early.status_code, early.json()["detail"]) == (422, "there is nothing to send again")
        assert client.delete(f"/notification-channels/{name}").status_code == 204
        assert client.get(f"/notification-deliveries/{message['delivery_id']}").json()["state"] == "dropped"
        assert client.get(f"/notification-channels/{name}").status_code == 404
