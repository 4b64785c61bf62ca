"""Server processes, workers and PostgreSQL killed while files are sent and syncs asked for: what was accepted is done.

Clients do as good ones do: they name their requests, go on with an upload where it ends, and send again what was not
answered, to whichever server answers.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
import yaml

from headwater.services import kept_mappings
from headwater.services.access.policy import Role
from headwater.services.connectors.keeping import add
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.api.conftest import token_of
from tests.faults.evidence import assert_books_balance
from tests.faults.kept_running import House
from tests.faults.test_server_lost import postmaster
from tests.river import River, activities, factors
from tests.servers import Installation, TestServer
from tests.synced import MAPPING

pytestmark = [pytest.mark.server, pytest.mark.faults, pytest.mark.long]
FILES, ROWS, CONNECTORS, SYNCS, CHUNK = 3, 200, 1, 2, 50
SECONDS = 8.0
"""About what the work takes, once the servers answer."""
LONGEST = 240.0
TUS = {"Tus-Resumable": "1.0.0"}
LOADED = {"succeeded", "succeeded_with_quarantine"}


@dataclass
class Client:
    """Sends to one server after the other until it is answered."""

    urls: list[str]
    token: str
    asked: int = 0
    again: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + LONGEST)

    def send(self, method: str, path: str, *known: int, **more: Any) -> httpx.Response:
        """An answer with one of these statuses; whatever else may pass is asked for again."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        said: object = None
        while time.monotonic() < self.deadline:
            self.asked += 1
            try:
                url = f"{self.urls[self.asked % len(self.urls)]}{path}"
                answer = httpx.request(method, url, headers=headers, timeout=30, **more)
            except httpx.TransportError as error:
                said = error
            else:
                if answer.status_code in known and not _is_being_done(answer):
                    return answer
                said = answer.text
                assert answer.status_code in {409, 429, 503}, said
            self.again += 1
            Event().wait(0.2)
        pytest.fail(f"never answered: {method} {path}: {said}")

    def made(self, path: str, key: str, **more: Any) -> str:
        """The id of what was made by a request that is named; of one whose answer was lost the answer says what."""
        headers = {**more.pop("headers", {}), "Idempotency-Key": key}
        answer = self.send("POST", path, 201, 202, 409, headers=headers, **more)
        if answer.status_code == httpx.codes.CONFLICT:
            return str(answer.json()["field"]).rpartition("/")[2]
        return str(answer.json()["import_id" if path == "/imports" else "job_id"])


def _is_being_done(answer: httpx.Response) -> bool:
    """As where the server that did it was killed, and the database has not heard of it yet."""
    conflict = answer.status_code == httpx.codes.CONFLICT
    return conflict and not str(answer.json()["field"]).startswith(("import/", "job/", "Upload-Offset"))


def send_file(client: Client, name: str, content: bytes) -> str:
    """In pieces, each from where the file ends so far."""
    said = {"filename": name, "mapping": "activity_form"}
    named = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    begun = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": named}
    import_id = client.made("/imports", f"send {name}", headers=begun)
    place = f"/imports/{import_id}/file"
    while (offset := int(client.send("HEAD", place, 200).headers["upload-offset"])) < len(content):
        piece = content[offset : offset + 8_000]
        headers = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        client.send("PATCH", place, 204, 409, headers=headers, content=piece)
    return import_id


def ended(client: Client, path: str, has_ended: Callable[[dict[str, Any]], bool], river: River) -> dict[str, Any]:
    """What stands there once it has ended."""
    while True:
        found: dict[str, Any] = client.send("GET", path, 200).json()
        if has_ended(found):
            return found
        if time.monotonic() > client.deadline - 5:
            pytest.fail(f"{path} does not end: {found}\n{at_hand(river)}")
        Event().wait(0.3)


def at_hand(river: River) -> str:
    """What the database says of work that goes on, for whoever has to find out why it does not."""
    asked = (
        "imports", "jobs", "runs", "headwater_queue.procrastinate_jobs", "headwater_queue.procrastinate_workers",
        "pg_locks", "pg_stat_activity",
    )  # fmt: skip
    return "\n".join(f"{table}: {river.rows(f'SELECT * FROM {table}')}" for table in asked)


@dataclass(frozen=True)
class Scene:
    """What is sent, and what it is to come to."""

    river: River
    files: dict[str, bytes]
    token: str
    settings: dict[str, str]


@pytest.fixture
def scene(river: River, installation: Installation) -> Scene:
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    kept_mappings.keep_mapping(river.installation, Path(river.mapping("activity_form")).read_text())
    kept_mappings.keep_mapping(river.installation, yaml.safe_dump(MAPPING))
    for number in range(CONNECTORS):
        path = river.folder / f"plant{number}.db"
        with closing(sqlite3.connect(path)) as source, source:
            source.execute("CREATE TABLE reading (reading_id INTEGER PRIMARY KEY, site TEXT, month TEXT, kwh TEXT)")
            rows = [(number * ROWS + n, "s", f"2024-{n % 12 + 1:02}-01", f"{n * 1.5}") for n in range(1, ROWS + 1)]
            source.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", rows)
        add(river.installation, f"plant{number}", "sqlite", {"path": str(path)})
    files = {
        f"meters{file}.csv": activities(
            [{"activity_id": f"u{file}-{n}", "quantity": str(n)} for n in range(ROWS)]
        ).encode()
        for file in range(FILES)
    }
    settings = {
        "HEADWATER_DATABASE_URL": river.app_url,
        "HEADWATER_DATA_DIR": str(river.installation.settings.data_dir),
        "HEADWATER_CHUNK_SIZE": str(CHUNK),
        "HEADWATER_LOG_LEVEL": "warning",
        "HEADWATER_API_REQUESTS_A_MINUTE": "1000000",
    }
    token = token_of(installation.database, river.installation.tenant_id, Role.ADMIN)
    return Scene(river=river, files=files, token=token, settings=settings)


@pytest.mark.faults(instants=20, sample=1)
def test_what_was_accepted_is_done_once_whoever_is_killed(
    scene: Scene, installation: Installation, server: TestServer, instant: float, seed: int
) -> None:
    river, draw = scene.river, random.Random(f"{seed} {instant}")
    with House(river.folder, scene.settings) as house, ThreadPoolExecutor(8) as threads:
        clients = [Client(house.urls, scene.token) for _ in range(FILES + CONNECTORS * SYNCS)]
        for url in house.urls:
            Client([url], scene.token).send("GET", "/organisation", 200)
        uploads = {
            name: threads.submit(send_file, clients[number], name, content)
            for number, (name, content) in enumerate(scene.files.items())
        }
        wanted = {"table": "reading", "mapping": "meter_readings", "chunk_size": CHUNK, "key": ["reading_id"]}
        syncs = [
            threads.submit(
                clients[FILES + n].made, f"/connectors/plant{n % CONNECTORS}/syncs", f"sync {n}", json=wanted
            )
            for n in range(CONNECTORS * SYNCS)
        ]
        begun = time.monotonic()
        struck = [draw.choice(house.servers), draw.choice(house.workers), server]
        ats = sorted([instant * SECONDS, *(draw.uniform(0, SECONDS) for _ in struck[1:])])
        for at, what in zip(ats, draw.sample(struck, len(struck)), strict=True):
            Event().wait(max(0.0, begun + at - time.monotonic()))
            _strike(what)
        imports = {name: upload.result() for name, upload in uploads.items()}
        jobs = [sync.result() for sync in syncs]
        # Time passes: workers look whether files that arrived have been gone on with.
        river.change("UPDATE headwater_queue.procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'go_on'")
        client = Client(house.urls, scene.token)
        for name, import_id in imports.items():
            found = ended(
                client, f"/imports/{import_id}", lambda found: bool(found["run"] and found["run"]["ended"]), river
            )
            assert found["sha256"] == hashlib.sha256(scene.files[name]).hexdigest()
        for job in jobs:
            found = ended(client, f"/jobs/{job}", lambda found: found["finished_at"] is not None, river)
            assert found["state"] in LOADED, found
        _await_quiet(river)
    _assert_done_once(river, imports)
    assert_books_balance(installation)
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def _strike(what: Any) -> None:
    if isinstance(what, TestServer):
        os.kill(postmaster(what), signal.SIGKILL)
        what.start_again()
    else:
        what.kill()


def _await_quiet(river: River) -> None:
    """Until workers have nothing in hand: a job's end is told before its row leaves the queue."""
    deadline = time.monotonic() + LONGEST
    while river.rows("SELECT FROM headwater_queue.procrastinate_jobs"):
        assert time.monotonic() < deadline, river.rows("SELECT * FROM headwater_queue.procrastinate_jobs")
        Event().wait(0.2)


def _assert_done_once(river: River, imports: dict[str, str]) -> None:
    jobs = river.rows("SELECT state, attempts FROM jobs")
    assert {job["state"] for job in jobs} <= LOADED
    assert len(jobs) == FILES + CONNECTORS * SYNCS
    assert len(river.rows("SELECT FROM imports")) == FILES
    assert len(river.rows("SELECT DISTINCT job_id FROM imports JOIN jobs USING (tenant_id, job_id)")) == FILES
    assert {str(row["import_id"]) for row in river.rows("SELECT import_id FROM imports")} == set(imports.values())
    runs = river.rows("SELECT kind, state, chunks_planned FROM runs WHERE source_name <> 'factors.csv'")
    assert sorted(run["kind"] for run in runs) == ["import"] * FILES + ["sync"] * CONNECTORS * SYNCS
    assert {run["state"] for run in runs} == {"succeeded"}
    rows = river.rows("SELECT activity_id, quantity FROM activity_v1")
    wanted = {f"u{file}-{n}": n for file in range(FILES) for n in range(ROWS)} | {
        str(number * ROWS + n): n * 1.5 for number in range(CONNECTORS) for n in range(1, ROWS + 1)
    }
    assert {row["activity_id"]: row["quantity"] for row in rows} == wanted
    assert len(rows) == len(wanted) == river.rows("SELECT count(*) AS n FROM emission_v1")[0]["n"]
    read = river.rows("SELECT sum(read) AS read, sum(inserted) AS inserted, sum(unchanged) AS unchanged FROM chunks")[0]
    again = CONNECTORS * (SYNCS - 1) * ROWS
    assert (read["read"] - 1, read["inserted"] - 1, read["unchanged"]) == (len(wanted) + again, len(wanted), again)
    tenant = river.installation.settings.data_dir / "uploads" / str(river.installation.tenant_id)
    assert list(tenant.iterdir()) == []
