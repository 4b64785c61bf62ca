"""An HTTP server of the tests' own: answers what a test says, and fails as real ones do."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.connectors.certificates import Certificates


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is answered.

    cut_after   bytes of the body after which the connection is lost
    hold_after  bytes after which nothing more comes until the server stops
    drip        seconds between one byte and the next
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    hold_after: int | None = None
    drip: float = 0


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON; a `str` stands as it is, so that a test can say how a number is written."""
    body = value if isinstance(value, str) else json.dumps(value)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(body=body.encode(), status=status, headers={"Content-Type": "application/json", **named})


Answer = Callable[[Asked], Reply]


class Server(ThreadingHTTPServer):
    """Listens on a port of its own; `asked` are the requests so far, in order."""

    daemon_threads = True  # a client may keep its connection open

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answer: Answer = lambda _: Reply(status=404)
        self.asked: list[Asked] = []
        self.is_over = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first to arrive
    server: Server

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Nothing."""

    def _reply(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(
            method=self.command,
            path=parts.path,
            params=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): text for name, text in self.headers.items()},
            form=dict(parse_qsl(body.decode())),
        )
        self.server.asked.append(asked)
        reply = self.server.answer(asked)
        self.send_response_only(reply.status)
        for name, text in {"Date": self.date_time_string(), **reply.headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.drip:
            for place in range(len(reply.body)):
                self.wfile.write(reply.body[place : place + 1])
                if self.server.is_over.wait(reply.drip):
                    return
            return
        ends = [end for end in (reply.cut_after, reply.hold_after) if end is not None]
        self.wfile.write(reply.body[: min(ends)] if ends else reply.body)
        if reply.hold_after is not None:
            self.server.is_over.wait()
        if ends:
            self.close_connection = True


@contextlib.contextmanager
def http_server(answer: Answer | None = None, certificates: Certificates | None = None) -> Iterator[Server]:
    """A server that runs until the end of the block; with certificates it speaks TLS."""
    with Server() as server:
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.url = server.url.replace("http:", "https:")
        if answer is not None:
            server.answer = answer
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()
