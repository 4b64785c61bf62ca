"""A server that is told to stop ends what it still asks of the database, and says so to whoever waits for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from headwater.services.access.policy import Role
from tests.api.conftest import Api, serving, token_of
from tests.workers import until

pytestmark = pytest.mark.server
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.slow
def test_who_asks_for_long_is_told_that_the_server_ends(api: Api, tmp_path: Path) -> None:
    log, token = tmp_path / "server.log", token_of(api.database.database, api.tenants["default"], Role.ADMIN)
    with psycopg.connect(api.database.superuser_url) as held, ThreadPoolExecutor(1) as pool:
        with serving(api.database, api.river.folder, log, "--no-worker") as url:
            held.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
            asked = pool.submit(
                httpx.post, f"{url}/api/v1/verifications", headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            until(lambda: bool(api.river.rows(WAITING)[0]["count"]), "the verification waits for the lock")
        # The server has ended although nobody gave the lock back.
        answer = asked.result(60)
    assert (answer.status_code, answer.json()["detail"]) == (503, "the server ends")
    assert "Traceback" not in log.read_text()
