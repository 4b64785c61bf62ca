"""Connections are dealt out among the processes of a server: none idles while another has all."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Api, started
from tests.api.test_stopping import below
from tests.workers import until

pytestmark = [pytest.mark.server, pytest.mark.skipif(sys.platform != "linux", reason="Linux deals them out")]

LISTENS, TAKEN = "0A", "01"
MANY = 40


def test_each_process_takes_of_many_that_come_at_once(api: Api, tmp_path: Path) -> None:
    with (
        started(api.database, api.log.parent, tmp_path / "server.log", "--no-worker", "--workers", "2") as (
            url,
            process,
        ),
        contextlib.ExitStack() as kept,
    ):
        at = urlsplit(url)
        port = at.port or 0

        def serving() -> set[int]:
            return {pid for pid in below(process.pid) if sockets_of(pid) & inodes(port, LISTENS)}

        until(lambda: len(inodes(port, LISTENS)) == 2, "each process listens by a socket of its own")
        for _ in range(MANY):
            kept.enter_context(socket.create_connection((str(at.hostname), port)))
        until(lambda: len(of_all := inodes(port, TAKEN)) == MANY and 0 not in of_all, "all are taken")
        taken = {pid: len(sockets_of(pid) & inodes(port, TAKEN)) for pid in serving()}
        assert len(taken) == 2
        assert sum(taken.values()) == MANY
        assert min(taken.values()) >= 5  # one deal in five million is less even


def inodes(port: int, state: str) -> set[int]:
    """Of the sockets at a port of this machine in a state; 0 for one that nobody has taken yet."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    found = (line.split() for line in lines)
    return {int(each[9]) for each in found if int(each[1].split(":")[1], 16) == port and each[3] == state}


def sockets_of(pid: int) -> set[int]:
    """The inodes of the sockets that a process has open."""
    found = set()
    for each in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            name = os.readlink(each)  # noqa: PTH115 - what it names is no path
            if name.startswith("socket:["):
                found.add(int(name[8:-1]))
    return found
