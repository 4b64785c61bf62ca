"""Bodies that are of another kind than an address takes are refused in words that say which it takes."""

from __future__ import annotations

from headwater.services.entered_records import enter
from tests.api.conftest import Api
from tests.river import activities

ROW = {
    "activity_id": "body", "activity_type": "electricity", "region": "DE", "period_start": "2024-01-01",
    "period_end": "2024-02-01", "quantity": "1", "unit": "kWh",
}  # fmt: skip


def test_a_file_of_another_content_type_is_told_the_one_that_is_taken(api: Api) -> None:
    content = activities([{"activity_id": "typed"}]).encode()
    with api.client("data_engineer") as client:
        refused = client.post("/imports?name=t.csv", content=content, headers={"Content-Type": "text/csv"})
        told = refused.json()
        assert (refused.status_code, told["field"], told["value"]) == (415, "Content-Type", "text/csv")
        assert told["valid"] == "application/offset+octet-stream"
        without = client.post("/imports?name=t.csv", content=iter([content]))
        assert (without.status_code, without.json()["valid"]) == (415, told["valid"])
        begun = client.post("/imports?name=t.csv", headers={"Upload-Length": "7", "Content-Type": "text/csv"})
        assert begun.status_code == 201, begun.text
        assert client.delete(f"{begun.headers['location'].removeprefix('/api/v1')}").status_code == 204
        whole = client.post("/factors/imports?name=f.csv", content=content, headers={"Content-Type": "text/csv"}).json()
        assert (whole["value"], whole["valid"]) == ("text/csv", "application/octet-stream")


def test_a_number_with_decimals_is_to_be_a_text_and_all_that_is_wrong_is_told(api: Api) -> None:
    enter(api.river.installation, "activity@1", [ROW])
    with api.client("data_engineer") as client:
        path = "/records/activity@1/body"
        refused = client.patch(path, json={"values": {"quantity": 12.5, "supplier": ["a"]}})
        told = refused.json()
        assert (refused.status_code, told["field"], told["value"]) == (422, "body.values.quantity", "12.5")
        assert told["detail"] == 'a number with decimals is written as a text such as "12.5", so that it stays exact'
        (_, other) = told["errors"]
        assert (other["field"], other["message"]) == (
            "body.values.supplier",
            "a field holds one value: a text, a whole number, true, false or null",
        )
        changed = client.patch(path, json={"values": {"quantity": "12.50", "supplier": "a"}})
        assert changed.status_code == 200, changed.text
        assert client.get(path).json()["values"]["quantity"] == "12.500000"


def test_all_that_is_wrong_with_a_connector_is_told_at_once(api: Api) -> None:
    inside = {"host": "127.0.0.1", "database": "d", "user": "u", "password_ref": "env:HOME"}
    misfit = [f"config of mysql, {key}" for key in ("database", "host", "hst", "port", "user")]
    with api.client("data_engineer") as client:
        for config, fields in ((inside, ["host", "password_ref"]), ({"hst": "h", "port": "many"}, misfit)):
            refused = client.post("/connectors", json={"name": "wrong", "kind": "mysql", "config": config})
            told = refused.json()
            found = {each["field"]: each["message"] for each in told["errors"]}
            assert (refused.status_code, sorted(set(found) - {"config of mysql, password_ref"})) == (422, fields), told
            assert (told["field"], told["detail"]) == next(iter(found.items()))
