"""Heads of requests, and what else of a request is no body: bounded while it comes, however it is cut."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
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
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
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


def test_whoever_offers_another_protocol_is_answered_by_this_one(api: Api) -> None:
    """As clients do that speak HTTP/2 where they can; what they send next on the same connection is answered too."""
    address = urlsplit(api.url)
    offers = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        for more in (offers, ""):
            connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode())
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, json.loads(answer.read())) == (200, {"status": "alive"})


def send_again(connection: socket.socket, piece: bytes, *, times: int) -> None:
    for _ in range(times):
        connection.sendall(piece)
