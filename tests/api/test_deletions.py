"""Records deleted, restored and destroyed over HTTP."""

from __future__ import annotations

from typing import Any

import yaml

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
        assert changed.json()["theirs"]["values"] == client.get(f"{AT}/D1").json()["values"]
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
        assert client.get(f"{AT}/D1/history").status_code == 404  # nothing of it is left, its past neither
        assert client.post(f"{AT}/admissions", json={"keys": ["D1"], **why}).json() == {"admitted": 1}


def test_several_records_are_destroyed_together_once_what_hangs_on_them_was_shown(api: Api) -> None:
    api.river.load(activities([{"activity_id": key} for key in ("M1", "M2", "M3")]), name="several.csv")
    both: dict[str, Any] = {"keys": ["M1", "M2"]}
    wanted = {**both, "reason": "not ours to keep"}
    with api.client("data_engineer") as client, api.client("data_analyst") as analyst:
        assert analyst.post(f"{AT}/hanging", json=both).json()["value"] == "delete"
        hanging = client.post(f"{AT}/hanging", json=both)
        assert (hanging.status_code, hanging.json()["records"], hanging.json()["standing"]["activity@1"]) == (200, 2, 2)
        confirmed = {"If-Match": hanging.headers["etag"]}
        assert client.post(f"{AT}/destructions", json=wanted).status_code == 422
        other = client.post(f"{AT}/destructions", json={**wanted, "keys": ["M1", "M3"]}, headers=confirmed)
        assert (other.status_code, other.json()["theirs"]["records"]) == (412, 2)
        lost = client.post(f"{AT}/destructions", json={**wanted, "keys": ["M1", "no"]}, headers=confirmed)
        assert lost.status_code == 404
        client.patch(f"{AT}/M2", json={"values": {"quantity": "7"}}).raise_for_status()
        stale = client.post(f"{AT}/destructions", json=wanted, headers=confirmed)
        assert (stale.status_code, stale.json()["theirs"]["versions"]["activity@1"]) == (412, 1)
        assert client.get(f"{AT}/M1").status_code == 200
        now = {"If-Match": client.post(f"{AT}/hanging", json=both).headers["etag"], "Idempotency-Key": "destroy-both"}
        gone = client.post(f"{AT}/destructions", json=wanted, headers=now)
        assert (gone.status_code, gone.json()["records"], gone.json()["rows"]["activity@1"]) == (200, 2, 3)
        again = client.post(f"{AT}/destructions", json=wanted, headers=now)
        assert (again.status_code, again.json()) == (200, gone.json())
        assert [client.get(f"{AT}/{key}").status_code for key in ("M1", "M2", "M3")] == [404, 404, 200]


def test_the_answer_of_an_erasure_says_what_became_of_each_file(api: Api) -> None:
    mapping = api.river.folder / "staff.yaml"
    fields = {name: {"column": name} for name in ("worker_id", "system", "name")}
    body = {"mapping": "staff", "version": "1.0.0", "contract": "erp.worker@1", "fields": fields}
    mapping.write_text(yaml.safe_dump(body))
    rows = "worker_id,system,name\nhr/1,hr,Ann Lovelace\nhr/2,hr,Bob Babbage\n"
    api.river.load(rows, name="staff.csv", mapping=str(mapping))
    with api.client("data_engineer") as client:
        asked = {"subject": "hr/1", "reason": "asked for"}
        done = client.post("/records/erp.worker/erasures", json=asked)
        assert done.status_code == 200
        (file,) = done.json()["files"]
        assert {**file, "sha256": ""} == {
            "sha256": "", "name": "staff.csv", "became": "redacted", "records": 1, "why": None,
        }  # fmt: skip
        assert client.post("/records/erp.worker/erasures", json=asked).status_code == 404


def test_what_was_answered_of_somebody_is_forgotten_with_them_and_nothing_is_done_twice(api: Api) -> None:
    mapping = api.river.folder / "people.yaml"
    fields = {name: {"column": name} for name in ("worker_id", "system", "name")}
    body = {"mapping": "people", "version": "1.0.0", "contract": "erp.worker@1", "fields": fields}
    mapping.write_text(yaml.safe_dump(body))
    api.river.load(
        "worker_id,system,name\nhr/21,hr,Grace Lee\nhr/22,hr,Bob Lee\n", name="people.csv", mapping=str(mapping)
    )
    at, wanted = "/records/erp.worker@1/hr%2F21", {"values": {"name": "Grace Murray"}}
    correct, erase = {"Idempotency-Key": "correct-her"}, {"Idempotency-Key": "erase-her"}
    asked = {"subject": "hr/21", "reason": "asked for"}
    with api.client("data_engineer") as client:
        done = client.patch(at, json=wanted, headers=correct)
        assert done.status_code == 200, done.text
        assert client.patch(at, json=wanted, headers=correct).json() == done.json()
        (kept,) = api.river.rows("SELECT * FROM api_requests WHERE idempotency_key = 'correct-her'")
        assert b"hr/21" in bytes(kept["body"])
        before = api.river.rows("SELECT count(*) AS runs FROM runs")

        erased = client.post("/records/erp.worker/erasures", json=asked, headers=erase)
        assert erased.status_code == 200, erased.text
        (left,) = api.river.rows("SELECT * FROM api_requests WHERE idempotency_key = 'correct-her'")
        assert (left["status"], left["body"], left["headers"]) == (200, None, None)
        assert bytes(left["request_hash"]) == bytes(32)
        again = client.patch(at, json=wanted, headers=correct)
        assert (again.status_code, "erased" in again.text) == (409, True), again.text
        repeated = client.post("/records/erp.worker/erasures", json=asked, headers=erase)
        assert (repeated.status_code, repeated.json()) == (200, erased.json())
        assert api.river.rows("SELECT count(*) AS runs FROM runs") == before
