"""Records of units over HTTP: a token of a unit reads and writes there, and of other records nothing is seen."""

from __future__ import annotations

import uuid

import httpx

from headwater.services.access.policy import Right
from headwater.services.sign_in.bearers import Bearer, Kind
from headwater.store.tokens import add_token
from tests.api.conftest import Api
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
    bearer = Bearer.new(Kind.TOKEN, api.tenants["default"])
    with api.database.database.connect(api.tenants["default"]) as connection:
        add_token(
            connection, api.tenants["default"], bearer.id, name=marks, person_id=None, role="data_engineer",
            unit_id=uuid.UUID(unit), scopes=[right.value for right in Right], secret_hash=bearer.secret_hash,
            created_by="test", days=1,
        )  # fmt: skip
    headers = {"Authorization": f"Bearer {bearer.text}"}
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
        assert client.get("/runs").json()["value"] == "read"
        assert len(client.get("/sources").json()) == 3
