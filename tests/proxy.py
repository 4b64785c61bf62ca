"""What stands between a sync and its source, and fails there: goes silent, hangs up, or breaks the connection off."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Literal

Fault = Literal["silent", "closed", "reset"]
_PIECE = 512
"""Bytes handed on at once: few, so that a fault can fall anywhere in a result."""


class Proxy:
    """Hands on what either side says. `handed` is how many bytes came from the source so far.

    A fault falls on the connection that carries the byte it was asked for, once; those after it are well again.
    """

    def __init__(self, reach: Callable[[], socket.socket]) -> None:
        self._reach = reach
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._due: tuple[Fault, int] | None = None
        self.handed = 0
        self.fallen = 0
        self.port = int(self._listening.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def fail(self, fault: Fault, after: int) -> None:
        """Fail once so many more bytes came from the source."""
        with self._lock:
            self._due = (fault, self.handed + after)

    def close(self) -> None:
        """Hang up on everybody."""
        self._over.set()
        for each in self._threads:
            each.join()
        self._listening.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            if select.select([self._listening], [], [], 0.1)[0]:
                client, _ = self._listening.accept()
                self._threads.append(threading.Thread(target=self._hand_on, args=(client, self._reach())))
                self._threads[-1].start()

    def _hand_on(self, client: socket.socket, source: socket.socket) -> None:
        with client, source, contextlib.suppress(OSError):
            while not self._over.is_set():
                ready = select.select([client, source], [], [], 0.1)[0]
                for each in ready:
                    said = each.recv(_PIECE if each is source else 65_536)
                    fault = self._fault_in(len(said)) if each is source else None
                    if fault == "silent":
                        self._over.wait()  # both connections stay up, and nothing comes any more
                        return
                    if fault is not None:
                        client.sendall(said[: len(said) // 2])
                    if fault == "reset":
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if fault is not None or not said:
                        return
                    (client if each is source else source).sendall(said)

    def _fault_in(self, count: int) -> Fault | None:
        with self._lock:
            self.handed += count
            if self._due is None or self.handed < self._due[1]:
                return None
            (fault, _), self._due = self._due, None
            self.fallen += 1
            return fault


@contextlib.contextmanager
def proxy(reach: Callable[[], socket.socket]) -> Iterator[Proxy]:
    """Between whoever connects to `port` and what `reach` connects to."""
    made = Proxy(reach)
    try:
        yield made
    finally:
        made.close()


def reached(host: str, port: int) -> socket.socket:
    """A connection to a PostgreSQL server, by a Unix socket where the host is a folder."""
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{host}/.s.PGSQL.{port}")
    return connection
