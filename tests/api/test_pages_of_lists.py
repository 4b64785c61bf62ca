"""Lists are read on from where a page ended: each item once, whatever comes meanwhile."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx

from headwater.services.access.policy import Role
from tests.api.conftest import OTHER, Api, token_of
from tests.api.test_resources import job_ended
from tests.api.test_schedules import added
from tests.river import activities, factors


def walked(client: httpx.Client, path: str, **asked: Any) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    pages: list[list[dict[str, Any]]] = []
    cursor = None
    while not pages or cursor:
        answer = client.get(path, params=asked | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
    return pages


def assert_paged(client: httpx.Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    """Page by page it is what it is at once, and a cursor is of its own question only."""
    (whole,) = walked(client, path, limit=1000, **asked)
    pages = walked(client, path, limit=2, **asked)
    assert len(whole) > 2
    assert [item for page in pages for item in page] == whole
    assert {len(page) for page in pages[:-1]} == {2}
    cursor = client.get(path, params={"limit": 2, **asked}).json()["next_cursor"]
    elsewhere = "/people" if path != "/people" else "/jobs"
    mark, _ = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    places: tuple[Any, ...] = ([], 1, [{}], ["", "", ""])
    texts = ["{}", "[]", '["x", []]', *(json.dumps([mark, place]) for place in places)]
    forged = [urlsafe_b64encode(text.encode()).decode() for text in texts]
    for each in forged:
        assert client.get(path, params=asked | {"cursor": each}).status_code == 422, each
    for other, params in ((path, asked | {"cursor": cursor[:-2]}), (elsewhere, {"cursor": cursor})):
        refused = client.get(other, params=params)
        assert (refused.status_code, refused.json()["field"]) == (422, "cursor"), refused.text
    return whole


def assert_asked_alone(client: httpx.Client, path: str, *others: tuple[str, dict[str, Any]], **asked: Any) -> None:
    """A cursor of one question is refused by each of the others; by its own it is gone on with."""
    cursor = client.get(path, params={"limit": 1, **asked}).json()["next_cursor"]
    assert cursor
    assert client.get(path, params=asked | {"cursor": cursor}).status_code == 200
    for other, params in others:
        refused = client.get(other, params=params | {"cursor": cursor})
        assert (refused.status_code, refused.json().get("field")) == (422, "cursor"), (other, params, refused.text)


def test_what_schedules_did_is_read_page_by_page(api: Api) -> None:
    with api.client("data_engineer") as client:
        name = added(client)
        shown = client.get(f"/schedules/{name}").json()
        asked = [client.post(f"/schedules/{name}/jobs").json()["job_id"] for _ in range(5)]
        for job in asked:
            assert job_ended(client, job)["state"] == "succeeded"
        history = assert_paged(client, f"/schedules/{name}/history")
        assert [each["job_id"] for each in history] == asked[::-1]
        assert {(each["outcome"], each["state"]) for each in history} == {("asked", "succeeded")}
        log = assert_paged(client, "/updates", name=name)
        assert {each["job_id"] for each in log} == set(asked)
        of_it = f"asked_by:eq:schedule/{shown['schedule_id']}"
        jobs = assert_paged(client, "/jobs", filter=of_it)
        assert [each["job_id"] for each in jobs] == asked[::-1]
        assert jobs[0].keys() | {"runs"} == client.get(f"/jobs/{asked[-1]}").json().keys()
        other = added(client)
        assert_asked_alone(client, f"/schedules/{name}/history", (f"/schedules/{other}/history", {}))
        assert_asked_alone(client, "/updates", ("/updates", {"name": other}), ("/updates", {}), name=name)
        by_state = [("/jobs", {"filter": of_it}), ("/jobs", {"filter": of_it, "state": "failed"})]
        assert_asked_alone(client, "/jobs", *by_state, filter=of_it, state="succeeded")
        told = client.get("/jobs", params={"filter": of_it, "limit": 2, "state": "succeeded"}).json()
        assert (told["total"], len(told["items"])) == (5, 2)
        first = client.get("/jobs", params={"filter": of_it, "limit": 2}).json()
        job_ended(client, client.post(f"/schedules/{name}/jobs").json()["job_id"])
        second = client.get("/jobs", params={"filter": of_it, "limit": 2, "cursor": first["next_cursor"]}).json()
        assert [each["job_id"] for each in second["items"]] == asked[2:0:-1]
    with api.client("admin", OTHER) as stranger:
        assert stranger.get(f"/schedules/{name}/history").status_code == 404
        refused = stranger.get("/jobs", params={"cursor": first["next_cursor"], "filter": of_it})
        assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


def test_factors_are_read_page_by_page(api: Api) -> None:
    source = f"pages {uuid.uuid4().hex[:8]}"
    names = [f"page-{source[-8:]}-{number}" for number in (3, 1, 5, 2, 4)]
    sent = [
        {"factor_id": name, "source": source, "region": "IS", "valid_from": f"20{40 + n}-01-01",
         "valid_to": f"20{41 + n}-01-01"}
        for n, name in enumerate(names)
    ]  # fmt: skip
    api.river.load(factors(sent), name=f"{source}.csv", mapping="factor_form")
    with api.client("data_engineer") as client:
        found = assert_paged(client, "/factors", source=source)
        assert [each["factor_id"] for each in found] == sorted(names)
        page = client.get("/factors", params={"source": source, "limit": 2}).json()
        assert page["total"] == 5
        other = client.get("/factors", params={"limit": 2, "cursor": page["next_cursor"]})
        assert (other.status_code, other.json()["field"]) == (422, "cursor")


def test_people_are_read_page_by_page(api: Api) -> None:
    with api.client("admin") as client:

        def invited() -> str:
            body = {"email": f"{uuid.uuid4().hex}@example.org", "name": "Paged Person", "role": "viewer"}
            person: str = client.post("/people", json=body).json()["person_id"]
            return person

        people = [invited() for _ in range(4)]
        found = [each["person_id"] for each in assert_paged(client, "/people", state="invited")]
        assert found[-4:] == people
        first = client.get("/people", params={"limit": len(found) - 1, "state": "invited"}).json()
        later = invited()
        second = client.get("/people", params={"cursor": first["next_cursor"], "state": "invited"}).json()
        assert [each["person_id"] for each in second["items"]] == [people[-1], later]
        clear = {"cursor": first["next_cursor"], "state": "invited", "limit": 1, "clear": True}
        (shown,) = client.get("/people", params=clear).json()["items"]
        assert shown["name"] == "Paged Person"
        noted = client.get("/audit", params={"filter": "resource:eq:people", "limit": 1}).json()["items"][0]
        assert noted["payload"]["people"] == [people[-1]]
        client.delete(f"/people/{people[-1]}").raise_for_status()
        assert [each["person_id"] for each in client.get("/people", params=clear | {"limit": 5}).json()["items"]] == [
            later
        ]


def test_what_no_text_holds_is_refused_as_a_wrong_call(api: Api) -> None:
    with api.client("admin") as client:
        for path in (
            "/updates?name=%00",
            "/schedules/%00",
            "/schedules/a%00/history",
            "/updates?filter=schedule:eq:%00",
        ):
            refused = client.get(path)
            assert refused.status_code == 422, (path, refused.text)


def test_a_cursor_of_one_run_is_none_of_another(api: Api) -> None:
    marks = f"p{uuid.uuid4().hex[:6]}"
    one, other = (
        api.river.load(
            activities([{"activity_id": f"{marks}-{place}-{n}", "quantity": "many"} for n in range(4)]),
            name=f"{marks}-{place}.csv",
            chunk_size=2,
        )[0]
        for place in ("a", "b")
    )
    with api.client("admin") as client:
        assert_asked_alone(client, f"/runs/{one}/chunks", (f"/runs/{other}/chunks", {}))
        of_other = {"run": str(other)}
        assert_asked_alone(client, "/quarantine", ("/quarantine", of_other), ("/quarantine", {}), run=str(one))


def test_a_list_is_gone_on_with_though_more_is_seen_by_now(api: Api) -> None:
    marks = f"q{uuid.uuid4().hex[:6]}"
    names = [f"{marks}-{place}.csv" for place in ("a", "b", "c")]
    for name in names:
        api.river.load(activities([{"activity_id": name}]), name=name)
    with api.client("admin") as admin:
        unit = admin.post("/units", json={"name": marks, "kind": "site"}).json()["unit_id"]

        def brought(name: str) -> None:
            source = admin.get(f"/sources/{name}").json()["source_id"]
            admin.put(f"/sources/{source}/unit", json={"unit_id": unit}).raise_for_status()

        brought(names[0])
        brought(names[2])
        text = token_of(api.database.database, api.tenants["default"], Role.VIEWER, uuid.UUID(unit))
        headers = {"Authorization": f"Bearer {text}"}
        with httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, timeout=60) as of_unit:
            page = of_unit.get("/runs", params={"limit": 1}).json()
            brought(names[1])
            following = of_unit.get("/runs", params={"limit": 9, "cursor": page["next_cursor"]})
    assert following.status_code == 200, following.text
    shown = [each["source_name"] for each in [*page["items"], *following.json()["items"]]]
    assert shown == names[::-1]
