"""Whether somebody answers at a host and port: name, connection and time told apart, in no driver's words."""

from __future__ import annotations

import socket
from pathlib import Path

from headwater.connectors.protocol import Problem


def problem_of(host: str, port: int, seconds: float) -> Problem | None:
    """What stands in the way of a connection over TCP; None where somebody takes it."""
    where = f"{host}:{port}"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Problem(
            cause="name_not_found",
            what="the host has no address",
            where=where,
            remedy="Check the name, and whether this machine can look it up",
        )
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except ConnectionRefusedError:
        return Problem(
            cause="refused",
            what="nothing takes connections there",
            where=where,
            remedy="Check the port, and whether the server is running and listens on this address",
        )
    except OSError as error:
        return Problem(
            cause="timeout",
            what=f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else "it cannot be reached",
            where=where,
            remedy="Check routes and firewalls between this machine and the server",
        )
    return None


def socket_problem_of(path: Path, seconds: float) -> Problem | None:
    """What stands in the way of a connection by a Unix socket; None where somebody takes it."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(str(path))
    except FileNotFoundError:
        return Problem(
            cause="name_not_found",
            what="there is no such Unix socket",
            where=str(path),
            remedy="Check `host`, and whether the server is running",
        )
    except PermissionError:
        return Problem(
            cause="missing_right",
            what="this account may not use the Unix socket",
            where=str(path),
            remedy="Give the account that runs Headwater the right to, or connect over TCP",
        )
    except OSError:
        return Problem(
            cause="refused",
            what="nothing takes connections at the Unix socket",
            where=str(path),
            remedy="Check whether the server is running",
        )
    return None


def answer(host: str, port: int, seconds: float, said: bytes, length: int) -> bytes | Problem:
    """The first bytes that a server answers to `said`, none where it closes; a problem where it keeps silent."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.settimeout(seconds)
            if said:
                connection.sendall(said)
            return connection.recv(length)
    except TimeoutError:
        return Problem(
            cause="timeout",
            what=f"the connection is taken, and nothing answers within {seconds:g} s",
            where=f"{host}:{port}",
            remedy="Check that the server is not overloaded, and that nothing between holds its answers back",
        )
    except OSError:
        return b""


def without(secret: str, text: str) -> str:
    """A text of somebody else's with a secret taken out."""
    return text.replace(secret, "***") if secret else text
