"""A source is asked no more often than may be, by two processes together."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from headwater.errors import RetryLater
from headwater.store.turns import Turns
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.river import River

pytestmark = pytest.mark.server
AT_MOST, SECONDS, ASKED_BY_EACH = 10, 2.0, 15
PROCESS = """
import sys
from pathlib import Path
from uuid import UUID
from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.config import HttpConfig
from headwater.services.connectors.pacing import paced
from headwater.services.installation import Installation
from headwater.settings import Settings
from headwater.store.blobs import BlobStore
from headwater.store.database import Database

url, database, tenant, at_most, seconds, times = sys.argv[1:]
settings = Settings(data_dir=Path.cwd(), database_url=None)
installation = Installation(
    settings=settings, database=Database(database), blobs=BlobStore(settings.blob_dir), tenant_id=UUID(tenant)
)

class Source:
    client = HttpClient(HttpConfig(url=url, requests_a_minute=int(at_most)), str)

with paced(installation, Source, seconds=float(seconds)), Source.client as client:
    for number in range(int(times)):
        client.json(url)
"""


def test_two_processes_keep_one_rate(river: River) -> None:
    came: list[float] = []

    def answer(_: Asked) -> Reply:
        came.append(time.monotonic())
        return json_reply([])

    with http_server(answer) as server:
        said = [server.url, river.app_url, river.installation.tenant_id, AT_MOST, SECONDS, ASKED_BY_EACH]
        command = [sys.executable, "-c", PROCESS, *map(str, said)]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        for process in processes:
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    assert len(came) == 2 * ASKED_BY_EACH
    windows = [later - earlier for earlier, later in zip(came, came[AT_MOST:], strict=False)]
    assert min(windows) > SECONDS / 2  # one that comes late makes the time to the next look shorter than it was
    assert river.rows("SELECT requests_a_minute, turns FROM source_turns") == [
        {"requests_a_minute": AT_MOST, "turns": 2 * ASKED_BY_EACH}
    ]


def test_a_place_reserved_by_a_clock_that_was_wrong_is_free(river: River) -> None:
    turns = Turns(river.installation.database, river.installation.tenant_id)
    try:
        assert [turns.take("http://a:80", 2) for _ in range(2)] == [0.0, 0.0]
        assert 55 < turns.take("http://a:80", 2) <= 60
        assert 55 < turns.take("http://a:80", 2) <= 60
        assert 115 < turns.take("http://a:80", 2) <= 120
        assert turns.take("http://b:80", 2) == 0.0
        river.change("UPDATE source_requests SET sent_at = sent_at + interval '2 hours' WHERE origin = 'http://a:80'")
        assert turns.take("http://a:80", 2) == 0.0
        river.change(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(RetryLater):
            turns.take("http://a:80", 2)
        assert turns.take("http://a:80", 2) >= 0.0
    finally:
        turns.close()
