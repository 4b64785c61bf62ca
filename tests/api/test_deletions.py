"""Records deleted, restored and destroyed over HTTP."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api
from tests.river import activities

AT = "/records/activity@1"


def test_a_record_is_deleted_restored_and_destroyed(api: Api) -> None:
    api.river.load(activities([{"activity_id": key} for key in ("D1", "D2")]), name="deleted.csv")
    why: dict[str, Any] = {"reason": "counted twice"}
    with api.client("data_engineer") as client, api.client("data_analyst") as analyst:
        version = client.get(f"{AT}/D1").headers["etag"]
        assert analyst.delete(f"{AT}/D1", params=why).json()["value"] == "delete"
        changed = client.delete(f"{AT}/D1", params=why, headers={"If-Match": '"00"'})
        assert (changed.status_code, changed.json()["theirs"]["version"]) == (412, version.strip('"'))
        assert client.delete(f"{AT}/D1").status_code == 422
        done = client.delete(f"{AT}/D1", params=why, headers={"If-Match": version})
        assert (done.status_code, done.json()["rows"]) == (200, {"activity@1": 1, "emission@1": 0})
        assert client.get(f"{AT}/D1").status_code == 404
        assert client.delete(f"{AT}/D1", params=why).status_code == 409
        listed = analyst.get("/deleted-records/activity@1", params={"filter": "record_key:eq:D1"}).json()["items"]
        assert [(each["reason"], each["deletion_id"]) for each in listed] == [
            ("counted twice", done.json()["deletion_id"])
        ]
        assert client.post(f"{AT}/deletions", json={"keys": ["D2", "D1"], **why}).status_code == 409
        assert client.post(f"{AT}/restorations", json={"keys": ["D1"], **why}).json()["records"] == 1
        assert client.get(f"{AT}/D1").headers["etag"] == version

        hanging = client.get(f"{AT}/D1/hanging")
        assert hanging.json()["standing"]["activity@1"] == 1
        assert client.delete(f"{AT}/D1/hanging", params=why).status_code == 422
        stale = client.delete(f"{AT}/D1/hanging", params=why, headers={"If-Match": version})
        assert (stale.status_code, stale.json()["theirs"]) == (412, hanging.json())
        gone = client.delete(f"{AT}/D1/hanging", params=why, headers={"If-Match": hanging.headers["etag"]})
        assert (gone.status_code, gone.json()["rows"]["activity@1"]) == (200, 1)
        assert client.get(f"{AT}/D1/history").json()["items"] == []
        assert client.post(f"{AT}/admissions", json={"keys": ["D1"], **why}).json() == {"admitted": 1}
