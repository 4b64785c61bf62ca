"""Heads of requests, and what else of a request is no body: bounded while it comes, however it is cut."""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.server
CHUNKED = b"POST /api/v1/units HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "goes_on"),
    [
        pytest.param(b"GET /api/v1/organisation HTTP/1.1\r\n", b"X-Line: " + b"x" * 1000 + b"\r\n", id="lines"),
        pytest.param(b"GET /api/v1/organisation HTTP/1.1\r\nX-Line: ", b"x" * 1000, id="one line"),
        pytest.param(b"GET /api/v1/organisation HTTP/1.1\r\n", b"x" * 1000, id="a name"),
        pytest.param(b"GET /api/v1/organisation?", b"x" * 1000, id="an address"),
        pytest.param(b"", b"\r\n" * 500, id="nothing"),
        pytest.param(CHUNKED + b"1;", b"x" * 1000, id="said of a chunk"),
        pytest.param(CHUNKED + b"1\r\na\r\n0\r\n", b"X-Line: " + b"x" * 1000 + b"\r\n", id="lines after a body"),
        pytest.param(CHUNKED + b"1\r\na\r\n0\r\nX-Line: ", b"x" * 1000, id="one line after a body"),
    ],
)
def test_what_never_ends_beside_a_body_is_not_kept(api: Api, begun: bytes, goes_on: bytes) -> None:
    """Sent in pieces, so that each alone is small: the connection is ended while it is sent, not when it is whole."""
    with connected(api) as connection:
        connection.sendall(begun)
        with pytest.raises(ConnectionError):
            send_again(connection, goes_on, times=5000)
    with api.client() as client:
        assert client.get("/organisation").is_success


def test_a_head_as_large_as_it_may_be_is_answered(api: Api) -> None:
    answer = httpx.get(f"{api.url}/healthz", headers={f"X-Line-{number}": "x" * 1000 for number in range(60)})
    assert answer.json() == {"status": "alive"}
    refused = httpx.get(f"{api.url}/healthz", headers={f"X-Line-{number}": "x" * 1000 for number in range(70)})
    assert (refused.status_code, refused.headers["connection"]) == (400, "close")


OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"


@pytest.mark.parametrize("at_once", [False, True])
def test_whoever_offers_another_protocol_is_answered_by_this_one(api: Api, at_once: bool) -> None:
    """As clients do that speak HTTP/2 where they can; what they send next on the same connection is answered too."""
    asked = [f"GET /healthz HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode() for more in (OFFER, "")]
    with connected(api) as connection:
        for each in [b"".join(asked)] if at_once else asked:
            connection.sendall(each)
            answers = b""
            while answers.count(b'{"status":"alive"}') < each.count(b"GET "):
                piece = connection.recv(65536)
                assert piece, f"it hung up after {answers!r}"
                answers += piece


PROBE = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"


def test_a_flood_of_requests_on_one_connection_is_not_kept(api: Api) -> None:
    """Each is small, and none waits for the answer to the one before."""
    answers = all_of(api, PROBE * 20_000)
    assert 0 < answers.count(b"HTTP/1.1 200 OK") < 1000
    with api.client() as client:
        assert client.get("/organisation").is_success


def test_what_cannot_be_read_takes_no_answer_from_what_came_before(api: Api) -> None:
    answers = all_of(api, PROBE * 2 + b"nonsense\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert b" 400 " not in answers
    assert all_of(api, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_lines_after_a_body_are_no_headers(api: Api) -> None:
    answer = all_of(api, CHUNKED + b"2\r\n{}\r\n0\r\nX-Correlation-Id: after-the-body\r\n\r\n", ends=False)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"after-the-body" not in answer


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("GET /healthz HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts"),
        pytest.param(
            "POST /api/v1/units HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", id="a coding"
        ),
        pytest.param(
            "POST /api/v1/units HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
            id="two lengths",
        ),
    ],
)
def test_a_head_that_may_be_read_in_two_ways_is_refused(api: Api, head: str) -> None:
    assert all_of(api, head.encode()).startswith(b"HTTP/1.1 400 ")


def connected(api: Api) -> socket.socket:
    address = urlsplit(api.url)
    return socket.create_connection((str(address.hostname), address.port), timeout=60)


def all_of(api: Api, sent: bytes, *, ends: bool = True) -> bytes:
    """What is answered until the server hangs up; or to where it has answered once."""
    found = b""
    with connected(api) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        while piece := connection.recv(65536):
            found += piece
            if not ends and b"\r\n\r\n" in found:
                break
    return found


def send_again(connection: socket.socket, piece: bytes, *, times: int) -> None:
    for _ in range(times):
        connection.sendall(piece)
