"""Runs a command in a process of its own and tells what it took: time, processor seconds, memory.

Reads /proc, so it works on Linux only.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
#: Seconds between two looks at the memory of the processes.
_LOOK: Final = 0.05
PROC: Final = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One finished command. Processor seconds are user and system time of the command and all its children."""

    seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float | None
    peak_memory_mib: float
    output: str


class CommandFailedError(Exception):
    """A measured command ended with an exit code that was not expected."""


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        for thread in (PROC / str(pid) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                found |= {int(child)} | _children(int(child))
    except OSError:
        # The process ended while it was looked at.
        return found
    return found


def resident_kib(pid: int) -> int:
    """Memory of a process that is in use, in KiB; 0 where it has ended."""
    try:
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    except OSError:
        # The process ended while it was looked at.
        return 0
    return 0


def processes_of(pid: int) -> set[int]:
    """A process and all that it has started, or what these have."""
    return {pid} | _children(pid)


class _MemoryWatch(threading.Thread):
    """Keeps the largest sum of resident memory of a process and its children, looked at twenty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak_kib = 0

    def run(self) -> None:
        while not self._ended.wait(_LOOK):
            self.peak_kib = max(self.peak_kib, sum(map(resident_kib, processes_of(self._pid))))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _cpu_ticks(pid: int, *, with_ended_children: bool) -> int:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        # The process ended while it was looked at; its parent counts it as an ended child.
        return 0
    # The second field, the command in parentheses, may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(ticks) for ticks in fields[11:15])
    return user + system + (ended_user + ended_system if with_ended_children else 0)


def used_ticks(pid: int) -> int:
    """Ticks of the clock that a process and its ended children have used."""
    return _cpu_ticks(pid, with_ended_children=True)


def server_cpu_seconds(postmaster: int) -> float:
    """Processor seconds that a PostgreSQL server has used up to now: postmaster, living children and ended ones."""
    ticks = _cpu_ticks(postmaster, with_ended_children=True)
    ticks += sum(_cpu_ticks(child, with_ended_children=True) for child in _children(postmaster))
    return ticks * _TICK


def run_measured(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    postmaster: int | None = None,
    source: int | None = None,
    expected: Sequence[int] = (0,),
) -> Measured:
    """Run `command` to its end. Where the work of servers counts too, `postmaster` is the process id of the one that is
    loaded into, `source` that of another that is read from.

    Raises CommandFailedError with the command's own words if its exit code is not `expected`.
    """
    servers = [server for server in (postmaster, source) if server is not None]
    server_before = sum(map(server_cpu_seconds, servers))
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaint:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=complaint,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        watch = _MemoryWatch(process.pid)
        watch.start()
        # wait4 gives the processor time of this one child; getrusage would add up all children so far.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        output.seek(0)
        complaint.seek(0)
        if process.returncode not in expected:
            words = (complaint.read() + output.read())[-4000:]
            raise CommandFailedError(f"exit code {process.returncode} of {' '.join(map(str, command))}:\n{words}")
        return Measured(
            seconds=seconds,
            client_cpu_seconds=usage.ru_utime + usage.ru_stime,
            server_cpu_seconds=sum(map(server_cpu_seconds, servers)) - server_before if servers else None,
            peak_memory_mib=watch.peak_kib / 1024,
            output=output.read(),
        )
