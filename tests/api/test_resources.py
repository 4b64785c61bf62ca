"""What people make over HTTP: factors, inventories, schedules, mended files; and what nobody reaches by their names."""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any

import httpx
import openpyxl
import pytest

from tests.api.conftest import Api
from tests.api.test_imports import MAPPING, TUS, ended
from tests.river import activities, factors

FILE = {"Content-Type": "application/octet-stream"}
INVENTORY: dict[str, Any] = {
    "inventory": "over_http",
    "organisation": "Plant",
    "boundary": {"approach": "operational_control"},
    "period": {"start": "2031-01-01", "end": "2032-01-01"},
    "gwp_sets": ["AR5"],
    "instruments": {"grid_average": True},
}


def job_ended(client: httpx.Client, job: str) -> dict[str, Any]:
    """A job once it has ended."""
    while True:
        found: dict[str, Any] = client.get(f"/jobs/{job}").json()
        if found["finished_at"] is not None:
            return found


def inventory_made(client: httpx.Client) -> dict[str, Any]:
    """What the job of an inventory came to, asked for twice by one key."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    asked, again = (
        client.post("/inventories", json={"document": json.dumps(INVENTORY)}, headers=key) for _ in range(2)
    )
    assert (asked.status_code, again.json()) == (202, asked.json()), asked.text
    with client.stream("GET", f"/jobs/{asked.json()['job_id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = list(stream.iter_lines())
    job = json.loads([line for line in lines if line.startswith("data: ")][-1][6:])
    assert [line for line in lines if line.startswith("event: ")][-1] == "event: end"
    assert job == job_ended(client, asked.json()["job_id"])
    assert (job["kind"], job["label"], job["state"]) == ("inventory", "over_http", "succeeded"), job
    made: dict[str, Any] = job["result"]
    return made


def mended(content: bytes, column: str, value: str) -> bytes:
    """An exported CSV with another text in a column of its first row."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    rows[0][column] = value
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_refused_records_leave_as_a_file_and_come_back_mended(api: Api) -> None:
    bad = [{"activity_id": f"Q{n}", "quantity": "lots"} for n in range(2)]
    run, _ = api.river.load(activities(bad), name="away.csv")
    with api.client("data_analyst") as client:
        sent = client.get("/quarantine/export", params={"run": str(run)})
        assert (sent.status_code, sent.headers["content-type"]) == (200, "text/csv; charset=utf-8"), sent.text
        back = mended(sent.content, "quantity", "12")
        other = client.get("/quarantine/export", params={"run": str(run), "delimiter": "\t"})
        assert other.text.partition("\n")[0] == sent.text.partition("\n")[0].replace(",", "\t")
        planned = client.post("/quarantine/resubmissions/file", content=back, headers=FILE)
        assert planned.status_code == 202, planned.text
        assert job_ended(client, planned.json()["job_id"])["state"] == "succeeded_with_quarantine"
        assert client.get("/records/activity@1/Q0").json()["values"]["quantity"].startswith("12")
        (left,) = client.get("/quarantine", params={"run": str(run), "filter": "state:eq:open"}).json()["items"]
        again = client.post("/quarantine/resubmissions/file", content=back, headers=FILE).json()
        job_ended(client, again["job_id"])
        assert client.get(f"/runs/{again['run_id']}").json()["ledger"]["inserted"] == 0
        no_file = client.post("/quarantine/resubmissions/file", content=back)
        no_export = client.post("/quarantine/resubmissions/file", content=b"a,b\n1,2\n", headers=FILE)
        assert (no_file.status_code, no_export.status_code) == (415, 422)
        assert "headwater quarantine export" in no_export.json()["detail"]
        client.post("/quarantine/dismissals", json={"ids": [left["id"]], "reason": "a test"}).raise_for_status()
        assert client.get("/quarantine/export", params={"run": str(run)}).status_code == 422


def test_all_that_a_run_or_a_rule_refused_is_dismissed_where_it_is_as_many_as_was_said(api: Api) -> None:
    bad = [{"activity_id": f"D{n}", "quantity": quantity} for n, quantity in enumerate(("lots", "lots", "-1"))]
    run, _ = api.river.load(activities(bad), name="dismissed.csv")
    why: dict[str, object] = {"run": str(run), "rule": "activity.quantity.type", "reason": "test readings"}
    with api.client("data_analyst") as client:
        for wrong in ({}, {"ids": ["a"]}, {"ids": ["a"], "records": 2}):
            refused = client.post("/quarantine/dismissals", json=why | wrong)
            assert (refused.status_code, refused.json()["field"]) == (422, "ids"), refused.text
        assert client.post("/quarantine/dismissals", json={"reason": "x", "records": 2}).status_code == 422
        for count in (1, 3):
            other = client.post("/quarantine/dismissals", json=why | {"records": count})
            assert (other.status_code, other.json()["valid"]) == (409, "2"), other.text
        query = {"run": str(run), "filter": "state:eq:open", "count": "true"}
        assert client.get("/quarantine", params=query).json()["total"] == 3
        done = client.post("/quarantine/dismissals", json=why | {"records": 2})
        assert (done.status_code, done.json()) == (201, {"dismissed": 2}), done.text
        assert client.get("/quarantine", params=query).json()["total"] == 1
        assert client.get(f"/runs/{run}").json()["settled_in_quarantine"] == {"dismissed": 2}


@pytest.mark.long
def test_a_workbook_comes_back_marked_and_is_taken_back(api: Api) -> None:
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(activities([{"activity_id": "W1"}, {"activity_id": "W2", "quantity": "much"}]))):
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    with api.client("data_analyst") as client:
        client.post("/mappings", json={"text": json.dumps(MAPPING)}).raise_for_status()
        query = {"name": "away.xlsx", "mapping": "sent_activities"}
        import_id = client.post("/imports", params=query, content=out.getvalue(), headers=TUS).json()["import_id"]
        run = ended(client, import_id, "refused")["run_id"]
        assert client.get("/quarantine/export", params={"format": "workbook"}).json()["field"] == "run"
        marked = client.get("/quarantine/export", params={"format": "workbook", "run": run})
        assert marked.status_code == 200, marked.text
        book = openpyxl.load_workbook(io.BytesIO(marked.content))
        sheet = book.worksheets[0]
        assert sheet.cell(3, 7).comment is not None
        sheet.cell(3, 7).value = "4"
        out = io.BytesIO()
        book.save(out)
        sent = client.post(
            "/quarantine/resubmissions/file", params={"name": "back.xlsx"}, content=out.getvalue(), headers=FILE
        )
        assert (sent.status_code, sent.json()["sent"]) == (202, 1), sent.text
        assert job_ended(client, sent.json()["job_id"])["state"] == "succeeded"
        assert client.get("/records/activity@1/W2").json()["values"]["quantity"].startswith("4")


def test_a_schedule_reads_what_is_kept_here_and_no_path_of_the_server(api: Api) -> None:
    name, content = f"nightly {uuid.uuid4().hex[:8]}.csv", activities([{"activity_id": "N/1"}]).encode()
    schedule: dict[str, Any] = {
        "name": f"nightly-{uuid.uuid4().hex[:8]}", "source": {"upload": name}, "mapping": "sent_activities",
        "cron": "30 2 * * *", "time_zone": "Europe/Berlin",
    }  # fmt: skip
    with api.client("data_engineer") as client:
        client.post("/mappings", json={"text": json.dumps(MAPPING)}).raise_for_status()
        assert client.post("/schedules", json=schedule).status_code == 404
        waiting = client.post("/imports", params={"name": name}, content=content, headers=TUS).json()["import_id"]
        assert ended(client, waiting, "inspected", "refused")["state"] == "inspected"
        path = f"/schedules/{schedule['name']}"
        made = client.post("/schedules", json=schedule)
        assert (made.status_code, made.json()["after"]) == (201, []), made.text
        assert client.post("/schedules", json=schedule).status_code == 409
        first = job_ended(client, client.post(f"{path}/jobs").json()["job_id"])
        assert (first["state"], len(first["runs"])) == ("succeeded", 1), first
        taken = client.get(f"/imports/{waiting}").json()
        assert (taken["state"], taken["run_id"]) == ("planned", first["runs"][0]["run_id"])
        assert taken["job_id"] == first["job_id"]
        assert client.get("/records/activity@1/N%2F1/trace").json()["record"]["key"] == "N/1"
        second = job_ended(client, client.post(f"{path}/jobs").json()["job_id"])
        assert (second["state"], second["runs"]) == ("succeeded", [])
        for source, mapping in (
            ({"upload": "../../../etc/passwd"}, "sent_activities"), ({"upload": name}, "/etc/passwd"),
            ({"upload": name}, "../activity_form.yaml"), ({"connector": "nobodys"}, "sent_activities"),
            ({"upload": name, "contract": "activity@1"}, "sent_activities"), ({}, "sent_activities"),
        ):  # fmt: skip
            refused = client.post("/schedules", json={**schedule, "name": "no", "source": source, "mapping": mapping})
            assert refused.status_code in {404, 422}, (source, mapping, refused.text)
            assert "headwater-" not in refused.text
        assert client.delete(path).status_code == 204


@pytest.mark.long
def test_factors_are_sent_and_an_inventory_is_made_traced_compared_and_published(api: Api) -> None:
    known = {"activity_type": "electricity", "valid_from": "2031-01-01", "valid_to": "2032-01-01"}
    sent = factors([{"factor_id": "http-grid", "co2e_kg_per_unit": "0.4", **known}]).encode()
    row = {"activity_type": "electricity", "region": "DE", "unit": "kWh", "period_start": "2031-02-01"}
    with api.client("data_engineer") as client:
        (told,) = client.post("/factors/imports", params={"name": "factors.csv"}, content=sent, headers=FILE).json()
        assert job_ended(client, told["job_id"])["state"] == "succeeded", told
        wrong = client.post(
            "/factors/imports", params={"name": "f.csv", "mapping": "activity_form"}, content=sent, headers=FILE
        )
        assert (wrong.status_code, wrong.json()["field"]) in {(422, "mapping"), (404, "mapping")}
        assert "http-grid" in client.get("/factors/export", params={"region": "DE"}).text
        assert "factor_id;" in client.get("/factors/export", params={"region": "DE", "delimiter": ";"}).text
        entered = [{**row, "activity_id": "INV/1", "quantity": "1000"}]
        client.post("/records/activity@1", json={"records": entered}).raise_for_status()
        first = inventory_made(client)
        assert (first["activities"], first["is_new"]) == (1, True)
        assert not inventory_made(client)["is_new"]
        inventory = first["inventory_id"]
        path = f"/inventories/{inventory}"
        assert client.get(f"{path}/lines/INV%2F1/trace").status_code == 422  # there are two: by location and by market
        trace = client.get(f"{path}/lines/INV%2F1/trace", params={"method": "location_based"}).json()
        assert (trace["recomputed"], trace["line"]["co2e_kg"], trace["record"]["key"]) == (True, "400.000000", "INV/1")
        assert client.get(f"{path}/lines/INV%2F1/choices").json()[0]["taken"] == "http-grid"
        lines = client.get(f"{path}/lines.csv")
        assert lines.headers["content-length"] == str(len(lines.content))
        assert next(csv.DictReader(io.StringIO(lines.text)))["activity_id"] == "INV/1"
        assert client.get(f"{path}/report.html").text.startswith("<!doctype html")
        client.post("/records/activity@1", json={"records": [{**entered[0], "quantity": "1500"}]}).raise_for_status()
        second = inventory_made(client)["inventory_id"]
        moved = client.get("/comparisons", params={"old": inventory, "new": second}).json()
        assert float(moved["difference_kg"]) == 200
        number = client.post(f"/inventories/{second}/publication")
        assert number.status_code == 201, number.text
        assert client.post(f"/inventories/{second}/publication").status_code == 409
        assert client.delete(f"/inventories/{second}").status_code == 409
        assert client.delete(path).status_code == 204
        listed = [each["inventory_id"] for each in client.get("/inventories").json()]
        assert (second in listed, inventory in listed) == (True, False)
        for rates in ("/etc/passwd", "../rates.csv"):
            away = {**INVENTORY, "factors": {"rates": rates}}
            unsent = client.post("/inventories", json={"document": json.dumps(away)})
            named = client.post("/inventories", json={"document": json.dumps(away), "rates": "Date,USD"})
            assert (unsent.status_code, named.status_code) == (422, 422)
