"""Records of units over HTTP: a token of a unit reads and writes there, and of other records nothing is seen."""

from __future__ import annotations

import uuid

import httpx

from headwater.services.access.policy import Role
from tests.api.conftest import Api, token_of
from tests.river import activities


def test_a_token_of_a_unit_reads_and_writes_there(api: Api) -> None:
    marks = f"u{uuid.uuid4().hex[:6]}"
    for place in ("a", "b"):
        api.river.load(activities([{"activity_id": f"{marks}-{place}"}]), name=f"{marks}-{place}.csv")
    at = "/records/activity@1"
    with api.client("admin") as admin:
        unit = admin.post("/units", json={"name": marks, "kind": "site"}).json()["unit_id"]
        (source,) = (each for each in admin.get("/sources").json() if each["name"] == f"{marks}-a.csv")
        moved = admin.put(f"/sources/{source['source_id']}/unit", json={"unit_id": unit})
        assert (moved.status_code, moved.json()["rows"]) == (200, 1)
    text = token_of(api.database.database, api.tenants["default"], Role.DATA_ENGINEER, uuid.UUID(unit))
    headers = {"Authorization": f"Bearer {text}"}
    with httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, timeout=60) as client:
        page = client.get(at, params={"count": True, "filter": f"activity_id:starts:{marks}"}).json()
        assert ([item["key"] for item in page["items"]], page["total"]) == ([f"{marks}-a"], 1)
        assert client.get(f"{at}/{marks}-a").json()["unit_id"] == unit
        there, nowhere = client.get(f"{at}/{marks}-b"), client.get(f"{at}/{marks}-c")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert client.get(f"{at}/export").text.count(marks) == 1
        entered = {"activity_id": f"{marks}-d", "activity_type": "electricity", "region": "DE",
                   "period_start": "2024-01-01", "quantity": "1", "unit": "kWh"}  # fmt: skip
        assert client.post(at, json={"records": [entered]}).json()["value"] == "write"
        assert client.post(at, json={"records": [entered], "unit_id": unit}).status_code == 201
        assert client.patch(f"{at}/{marks}-d", json={"values": {"quantity": "2"}}).status_code == 200
        assert client.patch(f"{at}/{marks}-b", json={"values": {"quantity": "2"}}).status_code == 404
        assert client.delete(f"{at}/{marks}-b", params={"reason": "x"}).status_code == 404
        assert client.delete(f"{at}/{marks}-d", params={"reason": "x"}).status_code == 200
        assert len(client.get("/sources").json()) == 3
        assert {run["unit_id"] for run in client.get("/runs").json()["items"]} == {unit}
        assert client.get("/inventories").json()["value"] == "read"
        sends_a_file(client, unit, f"{marks}-e")


def test_a_source_is_assigned_by_the_version_that_was_looked_at(api: Api) -> None:
    marks = f"v{uuid.uuid4().hex[:6]}"
    api.river.load(activities([{"activity_id": marks}]), name=f"{marks}.csv")
    with api.client("admin") as admin:
        one, other = (
            admin.post("/units", json={"name": f"{marks} {n}", "kind": "site"}).json()["unit_id"] for n in range(2)
        )
        looked = admin.get(f"/sources/{marks}.csv")
        assert (looked.json()["unit_id"], looked.headers["ETag"]) == (None, f'"{looked.json()["version"]}"')
        assert looked.json() in admin.get("/sources").json()
        place, tag = f"/sources/{looked.json()['source_id']}/unit", {"If-Match": looked.headers["ETag"]}
        first = admin.put(place, json={"unit_id": one}, headers=tag)
        assert (first.status_code, first.json()["unit_id"]) == (200, one)
        late = admin.put(place, json={"unit_id": other}, headers=tag)
        assert (late.status_code, late.json()["mine"]) == (412, {"unit_id": other}), late.text
        assert late.json()["theirs"]["unit_id"] == one
        assert admin.get(f"/sources/{marks}.csv").headers["ETag"] == first.headers["ETag"]
        seen = admin.put(place, json={"unit_id": other}, headers={"If-Match": first.headers["ETag"]})
        assert seen.json()["unit_id"] == other
        back = admin.put(place, json={"unit_id": None})
        assert (back.json()["unit_id"], back.headers["ETag"]) == (None, looked.headers["ETag"])
        entries = admin.get("/audit", params={"filter": f"resource:eq:source/{looked.json()['source_id']}"}).json()
        told = [(each["payload"]["was"], each["payload"]["unit"]) for each in entries["items"]]
        assert told == [(other, None), (one, other), (None, one)]
    text = token_of(api.database.database, api.tenants["default"], Role.VIEWER, uuid.UUID(one))
    with httpx.Client(base_url=f"{api.url}/api/v1", headers={"Authorization": f"Bearer {text}"}, timeout=60) as of_unit:
        assert of_unit.get(f"/sources/{marks}.csv").status_code == 404


def sends_a_file(client: httpx.Client, unit: str, activity: str) -> None:
    """A file into one's own unit and no other; looked at and planned, it belongs there."""
    content = activities([{"activity_id": activity}]).encode()
    headers = {"Content-Type": "application/offset+octet-stream"}
    for other, status in ((None, 403), (str(uuid.uuid4()), 404)):
        said = {"name": "f.csv"} | ({"unit": other} if other else {})
        assert client.post("/imports", params=said, headers=headers, content=content).status_code == status
    begun = client.post("/imports", params={"name": "f.csv", "unit": unit}, headers=headers, content=content)
    assert begun.status_code == 201, begun.text
    shown = client.get(f"/imports/{begun.json()['import_id']}").json()
    assert (shown["unit_id"], shown["name"]) == (unit, "f.csv")
