"""Server processes and workers as an operator keeps them: killed at any instant, they are started again at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.servers import free_port


class Kept:
    """A program that is started again whenever it has ended."""

    def __init__(self, log: Path, environment: dict[str, str], *arguments: str) -> None:
        self._log, self._environment, self._arguments = log, environment, arguments
        self._over = threading.Event()
        self._process = self._start()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()
        self.killed = 0

    def kill(self) -> None:
        """SIGKILL."""
        self.killed += 1
        self._process.kill()

    def stop(self) -> None:
        """As an operator does."""
        self._over.set()
        self._watching.join()
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "from headwater.cli.main import run; run()", *self._arguments]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            if self._process.poll() is not None:
                self._process = self._start()


class House:
    """Two server processes and two workers over one database."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        environment |= settings
        self.log = folder / "house.log"
        ports = [free_port() for _ in range(2)]
        self.urls = [f"http://127.0.0.1:{port}/api/v1" for port in ports]
        self.servers = [Kept(self.log, environment, "serve", "--no-worker", "--port", str(port)) for port in ports]
        self.workers = [Kept(self.log, environment, "worker", "--heartbeat", "2", "--at-once", "2") for _ in range(2)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.workers, *self.servers):
            each.stop()
