"""Workers as processes, as `headwater worker` starts them, for tests that kill, stop and follow them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psycopg
import pytest

from tests.river import River

LONGEST = 240  # seconds that anything may take, on a busy machine
HEARTBEAT = 0.5


class Workshop:
    """An installation, and workers at it."""

    def __init__(self, river: River) -> None:
        self.river = river
        self._workers: list[subprocess.Popen[bytes]] = []
        self._log = river.folder / "workers.log"

    def interrupted(self) -> int:
        """How many attempts workers have interrupted."""
        return self._log.read_text().count("a job is interrupted")

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """A worker that has begun, or will in a moment."""
        data = self.river.installation.settings.data_dir
        environment = {
            **os.environ, "HEADWATER_DATABASE_URL": self.river.app_url, "HEADWATER_DATA_DIR": str(data),
            "HEADWATER_LOG_LEVEL": "warning",
        }  # fmt: skip
        command = [sys.executable, "-c", "from headwater.cli.main import run; run()", "worker"]
        with self._log.open("a") as log:
            started = subprocess.Popen([*command, "--heartbeat", str(HEARTBEAT), *options], env=environment, stderr=log)
        self._workers.append(started)
        return started

    def stop(self) -> None:
        """Whatever a test has left."""
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        for worker in self._workers:
            worker.wait(LONGEST)

    def attempts(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The processes of a worker's attempts: its server of processes has forked them."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        children = {pid for pid, parent in found.items() if parent == worker.pid}
        return [pid for pid, parent in found.items() if parent in children]

    @contextmanager
    def held(self, run_id: object, chunk_no: int) -> Iterator[None]:
        """Whoever commits this chunk of a run waits until the block ends."""
        with psycopg.connect(self.river.superuser_url) as superuser:
            superuser.execute("SELECT FROM chunks WHERE run_id = %s AND chunk_no = %s FOR UPDATE", (run_id, chunk_no))
            yield

    def someone_waits(self) -> bool:
        """Whether somebody waits for a row that is held."""
        return bool(
            self.river.rows(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                " AND wait_event IN ('transactionid', 'tuple')"
            )
        )


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so; what other processes do tells nobody here."""
    for _ in range(LONGEST * 20):
        if condition():
            return
        Event().wait(0.05)
    pytest.fail(f"never: {what}")
