"""A worker (see `tests.faults.worker`) as the test that kills it sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from tests.faults.worker import REFUSED

ROOT = Path(__file__).parents[2]
LONGEST = 240  # seconds that a worker may take, on a busy machine


class Worker:
    """A process that works on a stage. Made by `start`, which returns when the work begins."""

    def __init__(self, process: subprocess.Popen[str], began: float, said: IO[str]) -> None:
        self.process = process
        self._began = began
        self._said = said

    @classmethod
    def start(cls, *arguments: str, environment: Mapping[str, str] | None = None) -> Self:
        environment = {**os.environ, **(environment or {})}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", *arguments],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line == "begun\n", process.stderr.read()
        return cls(process, time.monotonic(), process.stderr)

    def wait_for(self, seconds: float) -> bool:
        """Let the work go on until so many seconds after its beginning; False where it ended before."""
        try:
            self.process.wait(max(0.0, self._began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            return True
        return False

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._close()

    def end(self) -> tuple[str, float]:
        """Wait for the end: what it said (nothing where all went well) and how many seconds it took.

        Words of Headwater's are let through, any other error is a failure of the test.
        """
        # communicate() would wait for stdout too; the worker says nothing more there.
        code = self.process.wait(LONGEST)
        seconds = time.monotonic() - self._began
        said = self._said.read()
        self._close()
        assert code in {0, REFUSED}, said
        assert (code == 0) == (not said), said
        assert "Traceback" not in said
        return said, seconds

    def _close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
