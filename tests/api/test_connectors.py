"""Connectors over HTTP, from nothing to rows: made, tried, looked at, changed, synced, removed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from headwater.contracts import Document
from headwater.services.access.policy import Role
from tests.api.closed import hold
from tests.api.conftest import serving, token_of
from tests.river import River, make_river
from tests.servers import TestServer
from tests.workers import until

pytestmark = pytest.mark.server

MAPPING = """
mapping: meters_of_sqlite
version: 1.0.0
contract: activity@1
fields:
  activity_id: {column: id}
  activity_type: {constant: electricity}
  region: {constant: DE}
  period_start: {column: day}
  quantity: {column: kwh}
  unit: {constant: kWh}
"""


@dataclass(frozen=True)
class Trusting:
    """A server of its own at which connectors may read the server's files, and so may its workers."""

    client: httpx.Client
    river: River


@pytest.fixture
def trusting(server: TestServer, documents: tuple[Document, ...], tmp_path: Path) -> Iterator[Trusting]:
    database = server.upgraded(documents)
    headers = {"Authorization": f"Bearer {token_of(database.database, database.tenant_id, Role.ADMIN)}"}
    settings = {"HEADWATER_API_LOCAL_SOURCES": "true"}
    with (
        serving(database, tmp_path, tmp_path / "server.log", **settings) as url,
        httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60, event_hooks={"response": [hold]}) as client,
    ):
        yield Trusting(client, make_river(database, tmp_path))
    server.drop(database)


def source(path: Path, rows: int) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE meters (id TEXT PRIMARY KEY, day DATE, kwh INTEGER)")
        connection.executemany(
            "INSERT INTO meters VALUES (?, '2024-01-01', 5)", ((f"sqlite{number}",) for number in range(rows))
        )
    return path


@pytest.mark.always
def test_a_source_is_connected_from_nothing_to_its_rows(trusting: Trusting, tmp_path: Path) -> None:
    client = trusting.client
    nowhere, there = str(tmp_path / "nowhere.db"), str(source(tmp_path / "meters.db", 30))
    relative = client.post("/connectors", json={"name": "meters", "kind": "sqlite", "config": {"path": "meters.db"}})
    assert (relative.status_code, relative.json()["valid"]) == (422, "a path from the root, as the server has it")
    added = client.post("/connectors", json={"name": "meters", "kind": "sqlite", "config": {"path": nowhere}})
    assert added.status_code == 201, added.text
    (problem,) = client.post("/connectors/meters/validation").json()["problems"]
    assert "nowhere.db" in json.dumps(problem)

    stale = {"If-Match": '"0000"'}
    refused = client.patch("/connectors/meters", json={"path": there}, headers=stale)
    assert (refused.status_code, refused.json()["mine"], refused.json()["theirs"]["path"]) == (
        412, {"path": there}, nowhere,
    )  # fmt: skip
    changed = client.patch("/connectors/meters", json={"path": there}, headers={"If-Match": added.headers["ETag"]})
    assert changed.status_code == 200, changed.text
    assert client.post("/connectors/meters/validation").json() == {"ok": True, "problems": []}

    (table,) = client.post("/connectors/meters/discovery").json()
    assert (table["name"], [column["name"] for column in table["columns"]]) == ("meters", ["id", "day", "kwh"])
    assert client.post("/mappings", json={"text": MAPPING}).status_code == 201
    asked = client.post("/connectors/meters/syncs", json={"table": "meters", "mapping": "meters_of_sqlite"})
    assert asked.status_code == 202, asked.text
    until(lambda: client.get(f"/runs/{asked.json()['run_id']}").json()["ledger"]["inserted"] == 30, "30 rows are in")
    until(lambda: client.get(f"/runs/{asked.json()['run_id']}").json()["finished_at"], "the run has ended")
    synced = client.get(f"/runs/{asked.json()['run_id']}").json()
    assert synced["reconciliation"]["source"]["rows"] == 30
    (state,) = client.get("/connectors/meters").json()["states"]
    assert (state["source_name"], state["gaps"]) == (synced["source"], [])

    (told,) = trusting.river.rows(
        "SELECT payload::jsonb AS payload FROM audit_entries WHERE action = 'connector.changed'"
    )
    assert (told["payload"]["before"], told["payload"]["after"]) == ({"path": nowhere}, {"path": there})
    assert told["payload"]["by"].keys() == {"token"}, "by which token it was done"
    assert client.delete("/connectors/meters").status_code == 204
    assert client.get("/connectors/meters").status_code == 404


def test_a_list_of_refused_rows_tells_null_from_an_empty_text(trusting: Trusting, tmp_path: Path) -> None:
    client, there = trusting.client, source(tmp_path / "meters.db", 3)
    with closing(sqlite3.connect(there)) as connection, connection:
        connection.executemany("INSERT INTO meters VALUES (?, '2024-01-01', ?)", (("null", None), ("empty", "")))
    config = {"path": str(there)}
    client.post("/connectors", json={"name": "meters", "kind": "sqlite", "config": config}).raise_for_status()
    client.post("/mappings", json={"text": MAPPING}).raise_for_status()
    run = client.post("/connectors/meters/syncs", json={"table": "meters", "mapping": "meters_of_sqlite"}).json()[
        "run_id"
    ]
    until(lambda: client.get(f"/runs/{run}").json()["finished_at"], "the run has ended")
    listed = client.get("/quarantine", params={"run": run}).json()["items"]
    assert {each["raw"]["id"]: each["raw"]["kwh"] for each in listed} == {"null": None, "empty": ""}


def test_a_sync_that_stops_for_a_new_column_says_how_one_takes_it(trusting: Trusting, tmp_path: Path) -> None:
    client, there = trusting.client, source(tmp_path / "meters.db", 3)
    config = {"path": str(there)}
    client.post("/connectors", json={"name": "meters", "kind": "sqlite", "config": config}).raise_for_status()
    client.post("/mappings", json={"text": MAPPING}).raise_for_status()

    def sync(drift: str) -> httpx.Response:
        said = {"table": "meters", "mapping": "meters_of_sqlite", "drift": drift}
        asked = client.post("/connectors/meters/syncs", json=said)
        if asked.status_code == 202:
            until(lambda: client.get(f"/runs/{asked.json()['run_id']}").json()["finished_at"], "the run has ended")
        return asked

    assert sync("stop").status_code == 202
    with closing(sqlite3.connect(there)) as connection, connection:
        connection.execute("ALTER TABLE meters ADD COLUMN remark TEXT")
    stopped = sync("stop")
    assert stopped.status_code == 422
    assert stopped.json()["remedy"].endswith("Over HTTP: POST /connectors/{name}/syncs.")
    assert [sync(mode).status_code for mode in ("freeze", "stop", "thaw")] == [202, 202, 422]


def test_what_may_be_said_of_chunks_may_be_said_over_http(trusting: Trusting, tmp_path: Path) -> None:
    client, there = trusting.client, source(tmp_path / "meters.db", 25)
    config = {"path": str(there)}
    client.post("/connectors", json={"name": "meters", "kind": "sqlite", "config": config}).raise_for_status()
    client.post("/mappings", json={"text": MAPPING}).raise_for_status()
    table = {"table": "meters", "mapping": "meters_of_sqlite", "chunk_size": 10, "read_ahead": 2}
    asked = client.post("/connectors/meters/syncs", json={**table, "window": "none"})
    assert asked.status_code == 202, asked.text
    until(lambda: client.get(f"/runs/{asked.json()['run_id']}").json()["finished_at"], "the run has ended")
    committed = client.get(f"/runs/{asked.json()['run_id']}").json()["chunks"]["committed"]
    assert committed == 4, "three of ten rows at most, and one for rows without a key"
    (kept,) = trusting.river.rows("SELECT body::jsonb -> 'load' AS load FROM documents WHERE name = 'sync'")
    assert (kept["load"]["window"], kept["load"]["read_ahead"]) == ("none", 2)
    refused = client.post("/connectors/meters/syncs", json={**table, "window": "day"})
    assert (refused.status_code, refused.json()["valid"].split(";")[0]) == (422, "`none`")
