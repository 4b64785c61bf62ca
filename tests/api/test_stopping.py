"""A server that is told twice to stop ends at once, says what it cut off, and leaves nothing half-done."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from headwater.services.imports import plan_file
from tests.api.conftest import Api, started
from tests.river import activities
from tests.workers import until

pytestmark = pytest.mark.server


def test_a_second_interrupt_ends_it_at_once_and_says_what_it_cut_off(api: Api, tmp_path: Path) -> None:
    source = api.river.folder / "not-begun.csv"
    source.write_text(activities([{"activity_id": "never"}]), encoding="utf-8")
    run = plan_file(api.river.installation, source, api.river.mapping("activity_form"))  # nobody carries it out
    log = tmp_path / "server.log"
    headers = {"Authorization": f"Bearer {api.tokens['default', 'admin']}"}
    with started(api.database, api.log.parent, log, "--no-worker") as (url, process):
        with httpx.stream("GET", f"{url}/api/v1/runs/{run}/events", headers=headers, timeout=60) as stream:
            assert stream.status_code == 200
            process.send_signal(signal.SIGINT)
            while listens(url):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(httpx.TransportError):
                stream.read()
        assert process.wait(60) == 0, log.read_text()
    assert "ended at once: 1 request was cut off. Nothing is left half-done" in log.read_text()
    assert api.river.rows("SELECT state FROM runs WHERE run_id = %(run)s", run=run) == [{"state": "pending"}]


def test_several_processes_end_at_once_too_and_say_what_all_of_them_cut_off(api: Api, tmp_path: Path) -> None:
    source = api.river.folder / "not-begun.csv"
    source.write_text(activities([{"activity_id": "never"}]), encoding="utf-8")
    run = plan_file(api.river.installation, source, api.river.mapping("activity_form"))
    log = tmp_path / "server.log"
    headers = {"Authorization": f"Bearer {api.tokens['default', 'admin']}"}
    with (
        started(api.database, api.log.parent, log, "--no-worker", "--workers", "2") as (url, process),
        contextlib.ExitStack() as kept,
    ):
        for _ in range(3):
            asked = httpx.stream("GET", f"{url}/api/v1/runs/{run}/events", headers=headers, timeout=60)
            assert kept.enter_context(asked).status_code == 200
        process.send_signal(signal.SIGINT)
        until(lambda: "Waiting for child process" in log.read_text(), "the processes are told to stop")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    assert "ended at once: 3 requests were cut off. Nothing is left half-done" in log.read_text()


def listens(url: str) -> bool:
    at = urlsplit(url)
    with socket.socket() as asking:
        return asking.connect_ex((str(at.hostname), at.port or 0)) == 0
