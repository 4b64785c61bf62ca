"""What one caller can take of a server: places for what lasts, looks for tokens, and what of it the chain keeps."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit

import httpx
import pytest

from headwater.services.access.policy import Role
from headwater.services.imports import plan_file
from headwater.services.sign_in.bearers import Bearer, Kind
from tests.api.conftest import Api, serving, token_of
from tests.api.test_imports import CONTENT, TUS
from tests.workers import until

PLACES = 2


@pytest.fixture(scope="module")
def limited(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of one process that gives each token two places and each address twelve looks at once; no worker."""
    log = tmp_path_factory.mktemp("limited") / "server.log"
    limits = {"HEADWATER_API_REQUESTS_A_MINUTE": "1200", "HEADWATER_API_LONG_REQUESTS": str(PLACES)}
    with serving(api.database, api.river.folder, log, "--no-worker", **limits) as url:
        yield f"{url}/api/v1"


def client_of(api: Api, url: str, role: Role = Role.DATA_ENGINEER) -> httpx.Client:
    token = token_of(api.database.database, api.tenants["default"], role)
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def known_client_of(api: Api, url: str, role: Role = Role.DATA_ENGINEER) -> httpx.Client:
    """A client whose token the server has seen to hold: its address may have no looks left for another."""
    client = client_of(api, url, role)
    asked = f"{url}/organisation"
    until(lambda: httpx.get(asked, headers=client.headers).status_code == 200, "the address has looks left")
    return client


def test_slow_uploads_and_streams_take_the_places_of_one_token_only(api: Api, limited: str) -> None:
    go_on = Event()

    def slowly() -> Iterator[bytes]:
        yield b"activity_id"
        go_on.wait(60)
        yield b",quantity"

    with client_of(api, limited) as client, client_of(api, limited) as other, ThreadPoolExecutor() as pool:
        begun = [
            client.post("/imports", params={"name": "slow.csv"}, headers={"Upload-Length": "1000"}).json()["import_id"]
            for _ in range(PLACES + 1)
        ]
        headers = {**TUS, "Upload-Offset": "0"}
        sending = [
            pool.submit(client.patch, f"/imports/{import_id}/file", content=slowly(), headers=headers)
            for import_id in begun[:-1]
        ]
        until(lambda: held(api) == PLACES, "the uploads hold their imports")
        refused = client.patch(f"/imports/{begun[-1]}/file", content=b"x", headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5"), refused.text
        assert held(api) == PLACES
        assert other.post("/imports", params={"name": "o.csv"}, content=b"a\n", headers=TUS).status_code == 201
        assert client.get("/organisation").status_code == 200
        go_on.set()
        assert [each.result(60).status_code for each in sending] == [204] * PLACES
        assert client.patch(f"/imports/{begun[-1]}/file", content=b"x", headers=headers).status_code == 204

        source = api.river.folder / "never-begun.csv"
        source.write_text(CONTENT, encoding="utf-8")
        run = plan_file(api.river.installation, source, api.river.mapping("activity_form"))  # nobody carries it out
        path = f"/runs/{run}/events"
        with client.stream("GET", path) as first, client.stream("GET", path) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            assert client.get(path).status_code == 429
            with other.stream("GET", path) as others:
                assert others.status_code == 200
        until(lambda: stream_opens(client, path), "streams that are left give their places back")


def stream_opens(client: httpx.Client, path: str) -> bool:
    with client.stream("GET", path) as stream:
        return stream.status_code == 200


def held(api: Api) -> int:
    """Sessions that hold an advisory lock until they end, as an upload does."""
    of_this = "database = (SELECT oid FROM pg_database WHERE datname = %(name)s)"
    return len(
        api.river.rows(f"SELECT FROM pg_locks WHERE locktype = 'advisory' AND {of_this}", name=api.database.name)
    )


def test_tokens_that_are_tried_out_are_not_looked_up_for_ever(api: Api, limited: str) -> None:
    wrong = Bearer.new(Kind.TOKEN, api.tenants["default"]).text
    with client_of(api, limited, Role.VIEWER) as known:
        assert known.get("/organisation").status_code == 200
        for headers in ({"Authorization": f"Bearer {wrong}"}, {}):
            seen = refused_at_last(f"{limited}/organisation", headers)
            assert set(seen) <= {401, 429}
            assert known.get("/organisation").status_code == 200  # from the same address, and seen to hold


def refused_at_last(url: str, headers: dict[str, str]) -> list[int]:
    seen: list[int] = []
    deadline = time.monotonic() + 60
    while 429 not in seen:
        answer = httpx.get(url, headers=headers)
        seen.append(answer.status_code)
        assert time.monotonic() < deadline, seen
    assert "of one address" in answer.json()["valid"]
    return seen


def test_a_token_that_holds_is_told_to_wait_where_it_asks_too_often(api: Api, limited: str) -> None:
    with known_client_of(api, limited, Role.VIEWER) as client, known_client_of(api, limited, Role.VIEWER) as other:
        deadline, seen = time.monotonic() + 60, set[int]()
        with ThreadPoolExecutor(4) as pool:
            while 429 not in seen:
                answers = list(pool.map(lambda _: client.get("/organisation"), range(40)))
                seen |= {each.status_code for each in answers}
                assert time.monotonic() < deadline, seen
        refused = next(each for each in answers if each.status_code == 429)
        assert seen == {200, 429}
        assert refused.json()["valid"] == "1,200 a minute of one token"
        assert int(refused.headers["retry-after"]) >= 1
        assert other.get("/organisation").status_code == 200  # each token has its own


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(api: Api, limited: str) -> None:
    large = b'{"records": [' + b" " * 2**20 + b"]}"
    headers = {"Content-Type": "application/json"}
    with known_client_of(api, limited) as client:
        for content in (large, (large[at : at + 2**16] for at in range(0, len(large), 2**16))):
            refused = client.post("/records/activity@1", content=content, headers=headers)
            assert (refused.status_code, refused.json()["field"]) == (413, "body"), refused.text
            assert refused.json()["valid"] == "at most 1,048,576 bytes"
        assert client.post("/records/activity@1", content=large[: 2**20], headers=headers).status_code == 400


def test_more_records_than_one_request_may_have_are_refused_and_none_is_taken(api: Api, limited: str) -> None:
    too_many: list[tuple[str, dict[str, object], str]] = [
        ("/records/activity@1", {"records": [{"activity_id": f"MANY-{n}"} for n in range(1001)]}, "body.records"),
        (
            "/quarantine/resubmissions",
            {"records": [{"id": str(n), "cells": {"a": "1"}} for n in range(1001)]},
            "body.records",
        ),
        ("/quarantine/dismissals", {"ids": [str(n) for n in range(10_001)], "reason": "many"}, "body.ids"),
        ("/records/activity@1/deletions", {"keys": [str(n) for n in range(10_001)], "reason": "many"}, "body.keys"),
    ]
    before = api.river.rows("SELECT count(*) FROM runs")
    with known_client_of(api, limited) as client:
        for path, body, field in too_many:
            refused = client.post(path, json=body)
            assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
    assert api.river.rows("SELECT count(*) FROM runs") == before


@pytest.mark.long
def test_a_body_that_does_not_come_is_not_waited_for_and_what_came_of_a_file_is_kept(api: Api, limited: str) -> None:
    address = urlsplit(limited)
    with known_client_of(api, limited) as client:
        token = client.headers["authorization"]
    name = f"slow-{uuid.uuid4().hex}.csv"
    told = {**TUS, "Host": "here", "Authorization": token, "Content-Length": "100"}
    head = "".join(f"{key}: {value}\r\n" for key, value in told.items())
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.sendall(f"POST /api/v1/imports?name={name} HTTP/1.1\r\n{head}\r\nhalf".encode())
        answer = connection.recv(2**16).decode()
    assert answer.startswith("HTTP/1.1 408 "), answer
    (kept,) = api.river.rows("SELECT received, state FROM imports WHERE name = %(name)s", name=name)
    assert (kept["received"], kept["state"]) == (4, "uploading")


def test_what_was_refused_is_kept_by_its_route_and_not_by_what_was_asked(api: Api) -> None:
    secret = f"jane.{uuid.uuid4().hex}@example.org"
    with api.client("viewer") as client:
        refused = client.patch(f"/records/activity@1/{secret}", json={"values": {"quantity": "1"}})
        assert (refused.status_code, refused.json()["value"]) == (403, "write")
        correlation = refused.headers["x-correlation-id"]
    (kept,) = api.river.rows(
        "SELECT resource FROM audit_entries WHERE action = 'access.refused' ORDER BY at DESC, seq DESC LIMIT 1"
    )
    assert kept["resource"] == "PATCH /records/{reference}/{key}"
    log = api.log.read_text()
    assert correlation in log
    assert secret not in log
