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


@pytest.mark.parametrize(
    ("processes", "least"), [(1, 2), (2, 4)], ids=["one process", "two processes"]
)  # the worker and what attempts are forked from, and the server processes
def test_all_that_a_server_started_ends_when_it_is_killed(api: Api, tmp_path: Path, processes: int, least: int) -> None:
    log = tmp_path / "server.log"
    with started(api.database, api.log.parent, log, "--workers", str(processes)) as (url, process):
        until(lambda: len(below(process.pid)) >= least, "the worker has begun")
        left = below(process.pid)
        process.kill()
        process.wait()
        until(lambda: not any(map(lives, left)), "its worker and its server processes end")
        assert not listens(url)
    assert "whoever started the worker is gone: it stops" in log.read_text()


def below(pid: int) -> set[int]:
    """The processes that a process started, and those that they did."""
    parents = {number: parent for number, (_, parent) in processes_now().items()}
    found, more = set[int](), {pid}
    while more := {number for number, parent in parents.items() if parent in more} - found:
        found |= more
    return found


def lives(pid: int) -> bool:
    """Whether a process is there, and not only what nobody has waited for."""
    return processes_now().get(pid, ("Z", 0))[0] != "Z"


def processes_now() -> dict[int, tuple[str, int]]:
    """The state and the parent of each process."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            found[int(stat.parent.name)] = (state, int(parent))
    return found


def listens(url: str) -> bool:
    at = urlsplit(url)
    with socket.socket() as asking:
        return asking.connect_ex((str(at.hostname), at.port or 0)) == 0
