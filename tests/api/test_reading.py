from __future__ import annotations

import io
import uuid
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from tests.api.conftest import OTHER, Api
from tests.api.test_rights import routes
from tests.api.things import of_nobody, sent, things
from tests.river import activities


def _with_other_signs(client: Any, text: str, wanted: list[str]) -> None:
    other = {"filter": wanted, "delimiter": ";"}
    assert client.get("/records/activity@1/export", params=other).text == text.replace(",", ";")
    assert client.get("/records/activity@1/export", params=other | {"delimiter": "."}).status_code == 422


def test_records_are_filtered_sorted_paged_and_exported(api: Api) -> None:
    rows = [{"activity_id": f"A{n:03}", "quantity": str(n), "region": "DE" if n % 2 else "FR"} for n in range(25)]
    run_id, _ = api.river.load(activities([*rows, {"activity_id": "BAD", "quantity": "many"}]), name="read.csv")
    with api.client("reviewer") as client:
        seen: list[str] = []
        cursor = None
        pages = 0
        while pages == 0 or cursor:
            query: dict[str, Any] = {
                "limit": 7,
                "filter": ["region:eq:DE", "quantity:gte:3", "activity_id:starts:A0"],
                "sort": "-quantity",
            }
            page = client.get("/records/activity@1", params=query | ({"cursor": cursor} if cursor else {})).json()
            seen += [item["key"] for item in page["items"]]
            cursor, pages = page["next_cursor"], pages + 1
        assert seen == [f"A{n:03}" for n in range(23, 2, -2)]
        assert pages == 2
        counted = client.get(
            "/records/activity@1", params={"limit": 1, "count": True, "filter": "activity_id:in:A001|A002"}
        )
        assert counted.json()["total"] == 2
        one = client.get("/records/activity@1/A003")
        assert one.headers["etag"] == f'"{one.json()["version"]}"'
        assert Decimal(one.json()["values"]["quantity"]) == 3
        loaded = "activity_id:starts:A0"
        csv = client.get("/records/activity@1/export", params={"filter": ["region:eq:FR", loaded]})
        assert csv.headers["content-type"] == "text/csv; charset=utf-8"
        assert csv.text.count("\n") == 14
        _with_other_signs(client, csv.text, ["region:eq:FR", loaded])
        parquet = client.get(
            "/records/activity@1/export", params={"format": "parquet", "sort": "-quantity", "filter": loaded}
        )
        table = pq.read_table(io.BytesIO(parquet.content))
        assert table["activity_id"][0].as_py() == "A024"
        assert str(table.schema.field("quantity").type).startswith("decimal128")
        arrow = pa.ipc.open_stream(
            client.get("/records/activity@1/export", params={"format": "arrow", "filter": loaded}).content
        )
        assert arrow.read_all().num_rows == 25
        trace = client.get("/records/activity@1/A003/trace").json()
        assert trace["record"]["run"]["run_id"] == str(run_id)
        assert trace["record"]["raw"]["text"] is None
        assert trace["record"]["raw"]["cells"]["quantity"] == "3"
        assert client.get("/records/activity@1/A003/trace", params={"clear": True}).json()["value"] == "write"
        assert client.get("/quarantine").json()["value"] == "write"
        run = client.get(f"/runs/{run_id}").json()
        assert run["ledger"]["quarantined"] == 1
        assert client.get(f"/runs/{run_id}/chunks").json()["items"][0]["inserted"] == 25
    with api.client("admin") as admin:
        in_clear = admin.get("/records/activity@1/A003/trace", params={"clear": True}).json()
        assert "A003" in in_clear["record"]["raw"]["text"]
        refused = admin.get("/quarantine", params={"run": str(run_id)}).json()["items"]
        assert refused[0]["raw"]["quantity"] == "many"
    with api.client("admin", OTHER) as stranger:
        theirs = {item["key"] for item in stranger.get("/records/activity@1").json()["items"]}
        assert not any(key.startswith("A0") for key in theirs)  # what was shared with them is theirs
        there = stranger.get(f"/runs/{run_id}")
        nowhere = stranger.get("/runs/00000000-0000-4000-8000-000000000000")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert {**there.json(), "value": "", "correlation_id": ""} == {
            **nowhere.json(),
            "value": "",
            "correlation_id": "",
        }


def test_errors_have_one_shape_and_a_correlation_id(api: Api) -> None:
    with api.client("viewer") as client:
        wrong = client.get("/records/activity@1", params={"filtre": "quantity:gte:3"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "query.filtre"), "else all there is would be given"
        assert "filter" in wrong.json()["valid"]
        wrong = client.get("/records/activity@1", params={"filter": "quantity:gte:3"})
        assert (wrong.status_code, wrong.json()["value"]) == (403, "query")
    with api.client("reviewer", **{"X-Correlation-Id": "my-own-1"}) as client:
        wrong = client.get("/records/activity@1", params={"filter": "quantity:gte:lots"})
        body = wrong.json()
        assert wrong.headers["content-type"] == "application/problem+json"
        assert wrong.headers["x-correlation-id"] == "my-own-1" == body["correlation_id"]
        assert (wrong.status_code, body["field"], body["value"]) == (422, "filter quantity", "lots")
        assert body["valid"]
        assert client.get("/records/nothing@1").status_code == 404
        assert client.get("/records/activity@1", params={"cursor": "W10"}).json()["field"] == "cursor"
    nobody = httpx.get(f"{api.url}/api/v1/runs")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert httpx.get(f"{api.url}/nothing").json()["status"] == 404
    assert "my-own-1" in api.log.read_text()


def test_what_is_not_there_is_a_404_and_the_past_of_what_was_deleted_is_not(api: Api) -> None:
    api.river.load(activities([{"activity_id": "PAST-1"}, {"activity_id": "PAST-2"}]), name="past.csv")
    at, nowhere = "/records/activity@1", "00000000-0000-4000-8000-000000000000"
    with api.client("data_engineer") as client:
        assert client.get(f"{at}/PAST-1/history").json()["items"] == []  # it stands, and was never another
        client.delete(f"{at}/PAST-2", params={"reason": "to see its past"}).raise_for_status()
        assert client.get(f"{at}/PAST-2").status_code == 404
        (past,) = client.get(f"{at}/PAST-2/history").json()["items"]
        assert (past["key"], past["operation"]) == ("PAST-2", "delete")
        none_such = client.get(f"{at}/PAST-2/history", params={"filter": "operation:eq:update"})
        assert (none_such.status_code, none_such.json()["items"]) == (200, [])
        run = client.get("/runs", params={"limit": 1}).json()["items"][0]["run_id"]
        missing = [
            client.get(f"{at}/PAST-3/history"),
            client.get(f"{at}/PAST-3/trace"),
            client.get("/records/emission@1/only|two/history"),
            client.get("/emissions/PAST-1/trace"),
            *(client.request(*each) for each in of_job(nowhere)),
            *(client.request(*each) for each in of_job("not-even-an-id")),
            client.get("/comparisons", params={"old": nowhere, "new": run}),
            client.get("/indicators/nothing"),
        ]
    for answer in missing:
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:headwater:error:NotFound"), answer.url


def test_whoever_is_refused_is_told_what_is_valid_or_what_to_do(api: Api) -> None:
    document = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=60).json()
    named = things(api)
    silent, statuses = [], set[int]()
    with api.client("admin", OTHER) as client:
        for method, path, _ in routes(document):
            for names in (of_nobody(named), named, named):  # the second of the same is in conflict with the first
                answer = sent(client, method, path, names)
                if answer.is_error and method != "HEAD":
                    statuses.add(answer.status_code)
                    if not {"valid", "remedy"} & answer.json().keys():
                        silent.append((method, path, answer.json()))
    assert silent == []
    assert statuses >= {404, 409, 422}


def test_what_to_do_names_the_route_beside_the_command(api: Api) -> None:
    somebody = {"email": f"{uuid.uuid4().hex}@example.org", "name": "Ann Lee", "role": "viewer"}
    with api.client("admin") as client:
        client.post("/people", json=somebody).raise_for_status()
        twice = client.post("/people", json=somebody)
        assert (twice.status_code, twice.json()["remedy"].endswith("Over HTTP: GET /people.")) == (409, True)
        nowhere = client.get("/records/activity@1/never-loaded").json()
    assert nowhere["remedy"].endswith("Over HTTP: GET /deleted-records/{reference}, GET /quarantine.")


def of_job(job: str) -> list[tuple[str, str]]:
    ways = {"": "GET", "/events": "GET", "/cancellation": "POST", "/repetition": "POST"}
    return [(method, f"/jobs/{job}{way}") for way, method in ways.items()]
