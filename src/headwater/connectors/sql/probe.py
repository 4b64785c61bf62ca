"""Whether somebody answers at a host and port: name, connection and time told apart, in no driver's words."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

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


def https_problem_of(host: str, port: int, seconds: float, *, tls: bool, trusted: Path | None = None) -> Problem | None:
    """What stands in the way of HTTPS (of HTTP, without `tls`); nothing where a proxy is asked: it says so itself.

    `trusted` is the file or folder of authorities that the driver trusts, None for those of this machine.
    """
    if tls and is_proxied(host):
        return None
    if problem := problem_of(host, port, seconds):
        return problem
    if not tls:
        said = answer(host, port, seconds, f"HEAD / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode(), 5)
        return said if isinstance(said, Problem) else None
    where = f"{host}:{port}"
    try:
        context = _trusting(trusted)
    except OSError:
        return Problem(
            cause="tls",
            what="the certificates that are to be trusted cannot be read",
            where=str(trusted),
            remedy="Check the variable that names them",
        )
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            context.wrap_socket(connection, server_hostname=host).close()
    except TimeoutError:
        return _silent(where, seconds)
    except ssl.SSLCertVerificationError as error:
        return Problem(
            cause="tls",
            what=f"the certificate is not trusted: {error.verify_message}",
            where=where,
            remedy=f"Check the host, and the certificates trusted: {trusted or 'those that this machine trusts'}",
        )
    except OSError:
        return Problem(
            cause="tls",
            what="no connection with TLS can be made",
            where=where,
            remedy="Check host and port, and what stands between this machine and the server",
        )
    return None


def _trusting(trusted: Path | None) -> ssl.SSLContext:
    if trusted is None:
        return ssl.create_default_context()
    return (
        ssl.create_default_context(capath=trusted) if trusted.is_dir() else ssl.create_default_context(cafile=trusted)
    )


def is_proxied(host: str) -> bool:
    """Whether this machine reaches the host by a proxy for HTTPS; it may then have no address here."""
    return "https" in getproxies() and not proxy_bypass(host)


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
        return _silent(f"{host}:{port}", seconds)
    except OSError:
        return b""


def _silent(where: str, seconds: float) -> Problem:
    return Problem(
        cause="timeout",
        what=f"the connection is taken, and nothing answers within {seconds:g} s",
        where=where,
        remedy="Check that the server is not overloaded, and that nothing between holds its answers back",
    )


def without(secret: str, text: str) -> str:
    """A text of somebody else's with a secret taken out."""
    return text.replace(secret, "***") if secret else text
