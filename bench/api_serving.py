"""`headwater serve` as a benchmark has it, and what it uses of processors and memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from bench.measure import PROC, processes_of, resident_kib, used_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 120
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A server with its processes."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor seconds of all its processes up to now."""
        return sum(used_ticks(pid) for pid in processes_of(self.pid)) * _TICK

    def memory_mib(self) -> float:
        """Resident memory of all its processes; what they share is counted for each."""
        return sum(map(resident_kib, processes_of(self.pid))) / 1024

    def memory_by_process(self) -> dict[str, float]:
        """The same, each by its command and id."""
        return {f"{_name(pid)} {pid}": resident_kib(pid) / 1024 for pid in sorted(processes_of(self.pid))}


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "ended"


@contextlib.contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, port: int, workers: int, worker: bool
) -> Iterator[Serving]:
    """Serve until the block ends; the log is what the processes say."""
    arguments = ["serve", "--port", str(port), "--workers", str(workers), "--worker" if worker else "--no-worker"]
    environment = {"HEADWATER_API_REQUESTS_A_MINUTE": "1000000", "HEADWATER_LOG_LEVEL": "warning", **environment}
    with log.open("ab") as out:
        process = subprocess.Popen([*command, *arguments], env={**os.environ, **environment}, stdout=out, stderr=out)
        try:
            _await(process, f"http://127.0.0.1:{port}", log)
            yield Serving(url=f"http://127.0.0.1:{port}", pid=process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the server did not start:\n{log.read_text(encoding='utf-8')[-4000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").is_success:
                return
        time.sleep(0.2)
