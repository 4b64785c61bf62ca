"""Where a server listens: the address is taken before anything is begun, and shared among processes evenly."""

from __future__ import annotations

import socket as sockets
import sys
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from threading import Event, Thread
from typing import TYPE_CHECKING

import typer

from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket


@contextmanager
def bound(host: str, port: int, *, shared: bool = False) -> Iterator[socket]:
    """A socket at which the server will listen, before anything is begun or said. Misuse where it cannot be had.

    shared: by processes that listen there each by its own: see `own_listener`.
    """
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    # Named so, asyncio knows it for TCP and sends at once; else a body waits 40 ms until its head is acknowledged.
    with ExitStack() as kept:
        made = kept.enter_context(sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP))
        made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
            if sys.platform == "linux":
                kept.enter_context(_alone(made))
        except OSError as error:
            raise Misuse(
                f"it cannot be listened there: {error.strerror or error}",
                where="serve",
                value=f"{host}:{port}",
                remedy="Say another --port or --host, or end what listens there.",
            ) from error
        if shared and sys.platform == "linux":  # only now: who asks for an address that is taken must be told so
            made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEPORT, 1)
        made.set_inheritable(True)
        yield made


@contextmanager
def _alone(address: socket) -> Iterator[None]:
    """No other server of ours has this address, though nobody listens there yet. OSError where one has.

    Two may bind it until one listens, and where their processes do so side by side Linux would deal the connections of
    the one out to the other, too. A name that ends with its process tells them apart.
    """
    with sockets.socket(sockets.AF_UNIX) as name:
        name.bind("\0headwater serve {} {}".format(*address.getsockname()))
        yield


def own_listener(address: socket) -> socket:
    """A socket of this process alone at an address that `bound` holds for several.

    Linux deals new connections out among those that listen so. At one that all share, whoever wakes first takes them:
    of forty that came at once often all, and the other process idled. Elsewhere all share one.
    """
    if sys.platform != "linux":
        return address
    made = sockets.socket(address.family, address.type, address.proto)
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEPORT, 1)
    made.bind(address.getsockname())
    return made


def url_of(listening: socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = _reached(listening), listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reached(listening: socket) -> str:
    """By which address of this machine; who listens everywhere listens here."""
    host: str = listening.getsockname()[0]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - see above


def is_here(listening: socket) -> bool:
    """Whether it is reached from this machine by a loopback address."""
    found = ip_address(listening.getsockname()[0])
    return found.is_loopback or found.is_unspecified


@contextmanager
def telling_when_up(listening: socket, url: str) -> Iterator[None]:
    """Say on standard error where the server is found, once a connection is taken there."""
    ended, family, there = Event(), listening.family, (_reached(listening), listening.getsockname()[1])

    def answers() -> bool:
        """Nobody listens before the application has started."""
        with sockets.socket(family) as asking:
            asking.settimeout(1)
            return asking.connect_ex(there) == 0

    def look() -> None:
        while not ended.wait(0.1):
            if answers():
                typer.echo(f"listening on {url}", err=True)
                return

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
