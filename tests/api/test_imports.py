from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx

from tests.api.conftest import Api
from tests.river import activities

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
CONTENT = activities([{"activity_id": f"I{n}"} for n in range(40)] + [{"activity_id": "I-BAD", "quantity": "lots"}])
MAPPING = {
    "mapping": "sent_activities",
    "version": "1.0.0",
    "contract": "activity@1",
    "fields": {name: {"column": name} for name in ("activity_id", "activity_type", "region", "quantity", "unit")}
    | {"period_start": {"column": "period_start"}, "period_end": {"column": "period_end"}},
}


def ended(client: httpx.Client, import_id: str, *states: str) -> dict[str, Any]:
    """The import once it is in one of these states, or its run has ended."""
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, Any] = client.get(f"/imports/{import_id}").json()
        if found["state"] in states or (found["run"] and found["run"]["ended"]):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_file_sent_in_pieces_becomes_a_run_that_is_watched(api: Api) -> None:
    content = CONTENT.encode()
    with api.client("data_engineer") as client:
        kept = client.post("/mappings", json={"text": json.dumps(MAPPING)})
        assert kept.status_code == 201, kept.text
        named = ", ".join(
            f"{key} {base64.b64encode(value.encode()).decode()}"
            for key, value in {"filename": "sent [1].csv", "mapping": "sent_activities"}.items()
        )
        begun = client.post(
            "/imports", headers={"Upload-Length": str(len(content)), "Upload-Metadata": named, "Tus-Resumable": "1.0.0"}
        )
        assert begun.status_code == 201, begun.text
        import_id, place = begun.json()["import_id"], begun.headers["location"].removeprefix("/api/v1")
        first = client.patch(place, content=content[:700], headers={**TUS, "Upload-Offset": "0"})
        assert (first.status_code, first.headers["upload-offset"]) == (204, "700")
        assert client.head(place).headers["upload-offset"] == "700"
        again = client.patch(place, content=content, headers={**TUS, "Upload-Offset": "0"})
        assert (again.status_code, again.json()["valid"]) == (409, "700")
        client.patch(place, content=content[700:], headers={**TUS, "Upload-Offset": "700"}).raise_for_status()
        planned = ended(client, import_id, "planned", "refused")
        assert planned["error"] is None
        run, job = planned["run_id"], planned["job_id"]
        events = []
        with client.stream("GET", f"/runs/{run}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
        assert (events[-1]["state"], events[-1]["records_planned"]) == ("succeeded_with_quarantine", 41)
        assert events[-1]["ended"]
        carried = client.get(f"/jobs/{job}").json()
        assert (carried["kind"], [each["run_id"] for each in carried["runs"]]) == ("resume", [run])
        assert client.get(f"/jobs/{import_id}").status_code == 404
        (listed,) = client.get("/imports", params={"filter": f"job_id:eq:{job}"}).json()["items"]
        assert (listed["import_id"], listed["job_id"], listed["run_id"]) == (import_id, job, run)
        wrong = client.get(f"/imports/{import_id}/errors").json()["rules"]
        assert wrong[0]["records"] == 1
        assert wrong[0]["examples"][0]["value"] == "lots"
        assert [each["action"] for each in client.get(f"/imports/{import_id}/history").json()][:2] == [
            "import.begun",
            "run.planned",
        ]
        bad = wrong[0]["examples"][0]["id"]
        key = {"Idempotency-Key": "mend-1"}
        mend = {"records": [{"id": bad, "cells": {"quantity": "7"}}]}
        mended = client.post("/quarantine/resubmissions", json=mend, headers=key)
        assert (mended.status_code, mended.json()["records"][0]["state"]) == (201, "resubmitted"), mended.text
        same = client.post("/quarantine/resubmissions", json=mend, headers=key)
        assert (same.status_code, same.headers["idempotent-replayed"], same.json()) == (201, "true", mended.json())
        other = client.post(
            "/quarantine/resubmissions", json={"records": [{"id": bad, "cells": {"quantity": "8"}}]}, headers=key
        )
        assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
        late = client.post("/quarantine/resubmissions", json=mend)
        assert late.status_code == 409
        mended_since = client.get(f"/imports/{import_id}/errors").json()["rules"][0]
        assert (wrong[0]["open"], mended_since["open"], mended_since["records"]) == (1, 0, 1)
        assert client.get("/records/activity@1/I-BAD").json()["values"]["quantity"].startswith("7")


def test_files_that_are_refused_say_why_and_names_cannot_lead_out(api: Api) -> None:
    with api.client("data_analyst") as client:
        hostile = ("../../etc/passwd", "a/b.csv", ".hidden", "nul\x00.csv", "x" * 201, "right\u202eto-left.csv", "")
        for name in hostile:
            answer = client.post("/imports", params={"name": name}, headers={"Upload-Length": "1"})
            assert (answer.status_code, answer.json()["field"]) == (422, "filename"), name
        sent = client.post("/imports", params={"name": "broken.xlsx"}, content=b"PK\x03\x04 no workbook", headers=TUS)
        assert sent.status_code == 201
        refused = ended(client, sent.json()["import_id"], "refused", "inspected")
        assert (refused["state"], bool(refused["error"]["what"])) == ("refused", True)
        short = {"name": "short.csv", "mapping": "activity_form"}
        without = client.post("/imports", params=short, content=b"activity_id\nA\n", headers=TUS).json()["import_id"]
        error = ended(client, without, "refused", "planned")["error"]
        assert error["remedy"].endswith("Over HTTP: GET /contracts/{reference}/template.xlsx.")
        looked = client.post("/imports", params={"name": "look.csv"}, content=CONTENT.encode(), headers=TUS).json()[
            "import_id"
        ]
        waiting = ended(client, looked, "inspected", "refused")
        assert (waiting["state"], waiting["job_id"]) == ("inspected", None)
        rows = client.get(f"/imports/{looked}/rows", params={"limit": 2}).json()
        assert (len(rows["rows"]), rows["columns"][0]) == (2, "activity_id")
        nothing = client.post(f"/imports/{looked}/mapping", json={"mapping": "/etc/passwd"})
        assert nothing.status_code == 404
        assert client.post(f"/imports/{looked}/cancellation").json()["state"] == "cancelled"
        assert client.get(f"/imports/{looked}/rows").status_code == 409


def test_a_record_entered_by_hand_is_checked_and_corrected_unless_it_was_changed_meanwhile(api: Api) -> None:
    row = {"activity_id": "H1", "activity_type": "electricity", "region": "DE", "quantity": "5", "unit": "kWh"}
    row |= {"period_start": "2024-01-01"}
    with api.client("data_analyst") as client:
        entered = client.post(
            "/records/activity@1", json={"records": [row, {**row, "activity_id": "H2", "quantity": "x"}]}
        )
        assert entered.status_code == 201, entered.text
        assert entered.json()["run"]["ledger"]["inserted"] == 1
        assert entered.json()["refused"][0]["findings"][0]["value"] == "x"
        first = client.get("/records/activity@1/H1").headers["etag"]
        path, change = "/records/activity@1/H1", {"values": {"quantity": "6"}}
        corrected = client.patch(path, json=change, headers={"If-Match": first})
        assert corrected.json()["record"]["values"]["quantity"].startswith("6")
        wrong = client.patch(path, json={"values": {"quantity": "many"}})
        assert (wrong.status_code, wrong.json()["field"], wrong.json()["value"]) == (422, "quantity", "many")
        assert "The record stands as it was" in wrong.json()["remedy"]
        assert client.get(path).json()["values"] == corrected.json()["record"]["values"]
        left = "SELECT state, state_reason FROM quarantine WHERE raw ->> 'quantity' = 'many'"
        assert api.river.rows(left) == [
            {"state": "dismissed", "state_reason": "a correction by hand, which was refused at once"}
        ]
        late = client.patch(path, json={"values": {"quantity": "7"}}, headers={"If-Match": first})
        assert (late.status_code, late.json()["mine"]) == (412, {"quantity": "7"})
        assert late.json()["theirs"]["quantity"].startswith("6")
        (before,) = client.get(f"{path}/history").json()["items"]
        assert (before["values"]["quantity"][0], before["operation"]) == ("5", "update")
        assert client.post("/records/emission@1", json={"records": [{"activity_id": "H1"}]}).status_code == 422
