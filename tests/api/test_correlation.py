"""One id leads from a request to its job, its run and each chunk, in the log and in what is kept."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.api.conftest import Api
from tests.api.test_imports import CONTENT, TUS, ended


def test_the_id_of_a_request_goes_with_its_job_its_run_and_each_chunk(api: Api) -> None:
    mine = f"upload-{uuid.uuid4().hex[:12]}"
    content = CONTENT.replace("I-BAD", uuid.uuid4().hex).encode()
    with api.client("data_engineer", **{"X-Correlation-Id": mine}) as client:
        name = {"name": f"{mine}.csv", "mapping": "activity_form"}
        sent = client.post("/imports", params=name, content=content, headers=TUS)
        assert sent.headers["x-correlation-id"] == mine
        import_id = sent.json()["import_id"]
    with api.client("data_engineer") as client:
        run = ended(client, import_id)["run_id"]
        assert client.get(f"/runs/{run}").json()["correlation_id"] == mine
        (job,) = [each for each in client.get("/jobs").json()["items"] if each["correlation_id"] == mine]
        problem = client.get("/runs/none", headers={"X-Correlation-Id": mine})
        assert (problem.status_code, problem.json()["correlation_id"]) == (404, mine)
    deadline = time.monotonic() + 30
    while "job ended" not in {each["event"] for each in entries(api, mine)}:
        assert time.monotonic() < deadline, entries(api, mine)
        time.sleep(0.05)
    told = {each["event"]: each for each in entries(api, mine)}
    assert told["request"]["route"]
    assert told["job begun"]["job_id"] == job["job_id"] == told["chunk committed"]["job_id"]
    assert told["run begun"]["run_id"] == run == told["chunk committed"]["run_id"]
    assert (told["chunk committed"]["chunk_no"], told["job ended"]["state"]) == (1, "succeeded_with_quarantine")


def entries(api: Api, correlation: str) -> list[dict[str, Any]]:
    return [entry for entry in _entries(api) if entry.get("correlation_id") == correlation]


def _entries(api: Api) -> Iterator[dict[str, Any]]:
    for line in api.log.read_text().splitlines():
        if line.startswith("{"):
            yield json.loads(line)
