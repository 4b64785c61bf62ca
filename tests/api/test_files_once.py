"""A write that brings a file is done once by its Idempotency-Key, whichever process is asked, wherever it breaks."""

from __future__ import annotations

import csv
import hashlib
import io
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.api.conftest import Api, started
from tests.api.test_imports import TUS, ended
from tests.api.test_resources import FILE, mended
from tests.river import activities, factors
from tests.workers import until

REPLAYED = "idempotent-replayed"
WHOLE = activities({"activity_id": f"B{n:05}"} for n in range(9000)).encode()
"""More than is read from a connection at once."""


def keyed(**more: str) -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex, **more}


def same_twice(client: httpx.Client, path: str, name: str, content: bytes, headers: dict[str, str]) -> Any:
    """What is answered to the same request sent twice, which another file by the same key does not get."""
    first, second, other = (
        client.post(path, params={"name": name}, content=each, headers=headers)
        for each in (content, content, content + b"\n")
    )
    assert first.is_success, first.text
    assert (second.status_code, second.json(), second.headers[REPLAYED]) == (first.status_code, first.json(), "true")
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key"), other.text
    elsewhere = client.post(path, params={"name": f"other-{name}"}, content=content, headers=headers)
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (422, "Idempotency-Key"), elsewhere.text
    return first.json()


def imports_named(api: Api, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.river.rows(
        "SELECT import_id, state, size, received FROM imports WHERE name = %(name)s", name=name
    )
    return found


def test_an_import_that_is_sent_twice_by_one_key_is_one_wherever_it_is_asked_for(api: Api) -> None:
    name, headers = f"once-{uuid.uuid4().hex}.csv", keyed(**TUS)

    def send(_: int) -> httpx.Response:
        with api.client("data_engineer") as client:  # a connection of its own: whichever process takes it
            return client.post("/imports", params={"name": name}, content=WHOLE, headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(12)))
    assert {each.status_code for each in answers} <= {201, 409}
    (kept,) = imports_named(api, name)
    assert {each.json()["import_id"] for each in answers if each.status_code == 201} == {str(kept["import_id"])}
    with api.client("data_engineer") as client:
        told = same_twice(client, "/imports", name, WHOLE, headers)
        again = client.post("/imports", params={"name": name}, content=WHOLE, headers=headers)
        assert (again.headers["upload-offset"], again.headers["tus-resumable"]) == (str(len(WHOLE)), "1.0.0")
        assert again.headers["location"].endswith(f"{told['import_id']}/file")
        assert len(imports_named(api, name)) == 1


def test_an_import_without_its_file_is_told_apart_by_what_is_said_of_the_file(api: Api) -> None:
    headers = keyed(**{"Upload-Length": "10"})
    query = {"name": f"said-{uuid.uuid4().hex}.csv"}
    with api.client("data_engineer") as client:
        first, second = (client.post("/imports", params=query, headers=headers) for _ in range(2))
        assert (first.status_code, second.json(), second.headers["upload-offset"]) == (201, first.json(), "0")
        longer = client.post("/imports", params=query, headers={**headers, "Upload-Length": "11"})
        assert (longer.status_code, longer.json()["field"]) == (422, "Idempotency-Key")
        assert len(imports_named(api, query["name"])) == 1


def test_a_piece_of_a_file_that_is_sent_twice_by_one_key_gets_the_first_answer(api: Api) -> None:
    with api.client("data_engineer") as client:
        begun = client.post("/imports", params={"name": "pieces.csv"}, headers={"Upload-Length": "20"})
        place, headers = f"/imports/{begun.json()['import_id']}/file", keyed(**TUS, **{"Upload-Offset": "0"})
        first, second, other = (
            client.patch(place, content=each, headers=headers) for each in (b"a,b\n", b"a,b\n", b"a;b\n")
        )
        assert (first.status_code, first.headers["upload-offset"]) == (204, "4")
        assert (second.status_code, second.headers["upload-offset"], second.headers[REPLAYED]) == (204, "4", "true")
        assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
        assert client.head(place).headers["upload-offset"] == "4"


def test_an_import_that_breaks_off_is_gone_on_with_by_the_same_key(api: Api) -> None:
    name, headers = f"broken-{uuid.uuid4().hex}.csv", keyed(**TUS)
    with broken_off(api, api.url, name, headers) as connection:
        until(lambda: has_bytes(api, name), "some of it is here")
        connection.close()
    until(lambda: imports_named(api, name)[0]["received"] > 0, "what came is kept")
    with api.client("data_engineer") as client:

        def send(content: bytes) -> httpx.Response:
            return client.post("/imports", params={"name": name}, content=content, headers=headers)

        until(lambda: send(b"x" * len(WHOLE)).json()["field"] == "body", "another file is refused")
        assert send(WHOLE + b"\n").status_code == 422
        whole = send(WHOLE)
        assert (whole.status_code, whole.headers["upload-offset"]) == (201, str(len(WHOLE))), whole.text
        (kept,) = imports_named(api, name)
        assert (whole.json()["import_id"], kept["received"]) == (str(kept["import_id"]), len(WHOLE))
        assert (send(WHOLE).json(), send(WHOLE).headers[REPLAYED]) == (whole.json(), "true")
        assert send(WHOLE[::-1]).status_code == 422
        assert ended(client, str(kept["import_id"]), "inspected", "refused")["state"] == "inspected"
        assert client.get(f"/imports/{kept['import_id']}/rows").json()["rows"][0][0] == "B00000"


def test_an_import_whose_server_is_killed_is_gone_on_with_by_another(api: Api, tmp_path: Path) -> None:
    name, headers = f"killed-{uuid.uuid4().hex}.csv", keyed(**TUS)
    log = tmp_path / "killed.log"
    with (
        started(api.database, api.river.folder, log, "--no-worker") as (url, process),
        broken_off(api, url, name, headers),
    ):
        until(lambda: has_bytes(api, name), "some of it is here")
        process.kill()
        process.wait(60)
    with api.client("data_engineer") as client:

        def send() -> httpx.Response:
            return client.post("/imports", params={"name": name}, content=WHOLE, headers=headers)

        until(lambda: send().status_code == 201, "what the killed one held is free")
        (kept,) = imports_named(api, name)
        assert (send().json()["import_id"], kept["received"]) == (str(kept["import_id"]), len(WHOLE))


def ended_by_the_server(api: Api, *names: str) -> int:
    """How many sessions that held something of these names the server of the database has ended."""
    (row,) = api.river.rows(
        "SELECT count(pg_terminate_backend(pid, 10000)) AS n FROM (SELECT DISTINCT pid FROM pg_locks, unnest("
        "   %(names)s::text[]) AS name WHERE locktype = 'advisory'"
        "   AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(name, 0)) AS held",
        names=list(names),
    )
    return int(row["n"])


def request_of(api: Api, headers: dict[str, str]) -> str:
    """What the hold on a request is called that has been begun."""
    key = headers["Idempotency-Key"]
    asked = "SELECT tenant_id, actor FROM api_requests WHERE idempotency_key = %(key)s"
    until(lambda: bool(api.river.rows(asked, key=key)), "it is begun")
    (begun,) = api.river.rows(asked, key=key)
    return f"request {begun['tenant_id']} {begun['actor']} {key}"


def test_an_import_whose_hold_is_lost_is_told_so_at_once_and_is_one(api: Api) -> None:
    name, headers = f"lost-{uuid.uuid4().hex}.csv", keyed(**TUS)
    with broken_off(api, api.url, name, headers) as connection, api.client("data_engineer") as client:
        until(lambda: has_bytes(api, name), "some of it is here")
        (begun,) = imports_named(api, name)
        held = (request_of(api, headers), f"import {api.tenants['default']} {begun['import_id']}")

        def send() -> httpx.Response:
            return client.post("/imports", params={"name": name}, content=WHOLE, headers=headers)

        assert send().status_code == 409
        assert ended_by_the_server(api, *held) == 2
        meanwhile = send()
        assert (meanwhile.status_code, meanwhile.json()["detail"]) == (
            409, "somebody else works on this import just now",
        )  # fmt: skip
        connection.sendall(b"x")
        told = connection.recv(65536)
        assert told.startswith(b"HTTP/1.1 503"), told
        until(lambda: send().status_code == 201, "what the lost one held is free")
        (kept,) = imports_named(api, name)
        assert (kept["import_id"], kept["received"]) == (begun["import_id"], len(WHOLE))
        assert (send().json()["import_id"], send().headers[REPLAYED]) == (str(kept["import_id"]), "true")
        shown = ended(client, str(kept["import_id"]), "inspected", "refused")
        assert shown["sha256"] == hashlib.sha256(WHOLE).hexdigest()


def test_factors_whose_hold_is_lost_are_loaded_once(api: Api) -> None:
    name, headers = f"lost-{uuid.uuid4().hex}.csv", keyed(**FILE)
    sent = factors({"factor_id": f"{name}-{n}", "valid_from": f"{2100 + n}-01-01", "valid_to": f"{2101 + n}-01-01"}
                   for n in range(500)).encode()  # fmt: skip
    with (
        broken_off(api, api.url, name, headers, path="/factors/imports", content=sent) as connection,
        api.client("data_engineer") as client,
    ):
        assert ended_by_the_server(api, request_of(api, headers)) == 1
        whole = client.post("/factors/imports", params={"name": name}, content=sent, headers=headers)
        assert whole.status_code == 202, whole.text
        connection.sendall(sent[len(sent) // 2 :])
        told = connection.recv(65536)
        assert told.startswith(b"HTTP/1.1 503"), told
        again = client.post("/factors/imports", params={"name": name}, content=sent, headers=headers)
        assert (again.json(), again.headers[REPLAYED]) == (whole.json(), "true")
        runs = client.get("/runs", params={"filter": f"source_name:eq:{name}"}).json()["items"]
        assert len(runs) == 1


def has_bytes(api: Api, name: str) -> bool:
    """Whether some of a file lies where files on their way are."""
    return any(path.stat().st_size for path in (api.river.folder / "data" / "uploads").glob(f"*/*/{name}"))


def broken_off(
    api: Api, url: str, name: str, headers: dict[str, str], *, path: str = "/imports", content: bytes = WHOLE
) -> socket.socket:
    """A connection by which half a file was sent."""
    address = urlsplit(url)
    told = headers | {
        "Host": "here", "Authorization": f"Bearer {api.tokens['default', 'data_engineer']}",
        "Content-Length": str(len(content)),
    }  # fmt: skip
    head = "".join(f"{key}: {value}\r\n" for key, value in told.items())
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    begin = f"POST /api/v1{path}?name={name} HTTP/1.1\r\n{head}\r\n".encode()
    connection.sendall(begin + content[: len(content) // 2])
    return connection


def test_files_of_factors_and_of_mended_records_are_taken_once_by_one_key(api: Api) -> None:
    sent = factors([{"factor_id": f"once-{uuid.uuid4().hex}", "region": "FR"}]).encode()
    refused = activities([{"activity_id": f"O{n}-{uuid.uuid4()}", "quantity": "lots"} for n in range(2)])
    run, _ = api.river.load(refused, name="once.csv")
    with api.client("data_engineer") as client:
        (told,) = same_twice(client, "/factors/imports", "factors.csv", sent, keyed(**FILE))
        assert told["error"] is None, told
        export = client.get("/quarantine/export", params={"run": str(run)}).content
        back = mended(export, "quantity", "12")
        assert len(list(csv.DictReader(io.StringIO(export.decode("utf-8-sig"))))) == 2
        before = runs_of(api)
        planned = same_twice(client, "/quarantine/resubmissions/file", "back.csv", back, keyed(**FILE))
        assert runs_of(api) - before == {planned["run_id"]}


def runs_of(api: Api) -> set[str]:
    return {str(each["run_id"]) for each in api.river.rows("SELECT run_id FROM runs")}
