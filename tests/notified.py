"""Receivers on this machine: programs and chats that take HTTP; and what goes together, as a model."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from tests.connectors.certificates import Certificates


@dataclass(frozen=True)
class Request:
    """What has come."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answering:
    """How a receiver answers, one request after the other; then as the last time."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    trickles: bool = False  # a byte now and then, without an end
    after: Event | None = None  # not before this


class Receiver:
    """An HTTP server that keeps what it is sent."""

    def __init__(self, certificates: Certificates | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answering] = [Answering()]
        self.came = Event()
        self._over = Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_: object) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificates is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://localhost:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def answer(self, *answers: Answering) -> None:
        """Answer so from now on."""
        self.answers = list(answers)

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.requests.append(Request(handler.path, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.after is not None:
            self.came.set()
            answer.after.wait(60)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        self.came.set()
        if not answer.trickles:
            handler.wfile.write(answer.body)
            return
        while not self._over.wait(0.2):
            handler.wfile.write(b".")
            handler.wfile.flush()


@contextmanager
def receiving(certificates: Certificates | None = None) -> Iterator[Receiver]:
    """A receiver until the block ends."""
    receiver = Receiver(certificates)
    try:
        yield receiver
    finally:
        receiver.stop()


def grouped(
    things: Sequence[tuple[str, datetime]], goes: Callable[[datetime], datetime]
) -> list[list[tuple[str, datetime]]]:
    """What goes together of events in order of time: from the first of an event until its message `goes`."""
    groups: list[list[tuple[str, datetime]]] = []
    waiting: dict[str, tuple[datetime, list[tuple[str, datetime]]]] = {}
    for event, at in things:
        open_until, group = waiting.get(event, (at, []))
        if at >= open_until:
            group = []
            groups.append(group)
            waiting[event] = (goes(at), group)
        group.append((event, at))
    return groups


def as_slack_takes(payload: Any) -> list[str]:
    """What is wrong with a message by Slack's documentation of blocks and their limits; empty where nothing is."""
    wrong = []
    if set(payload) - {"text", "blocks"} or not isinstance(payload.get("text"), str) or not payload["text"]:
        wrong.append("text is missing, or there is more than text and blocks")
    if not 1 <= len(payload["blocks"]) <= 50:
        wrong.append("1 to 50 blocks")
    for block in payload["blocks"]:
        match block:
            case {"type": "header", "text": {"type": "plain_text", "text": str(text)}} if len(block) == 2:
                wrong += [] if 1 <= len(text) <= 150 else ["a header of 1 to 150 signs"]
            case {"type": "section", "text": {"type": "mrkdwn", "text": str(text)}} if len(block) == 2:
                wrong += [] if 1 <= len(text) <= 3000 else ["a section of 1 to 3000 signs"]
                wrong += ["mark-up that was not meant"] if "<" in text or ">" in text else []
            case {"type": "context", "elements": [{"type": "mrkdwn", "text": str()}]} if len(block) == 2:
                pass
            case _:
                wrong.append(f"no such block: {block}")
    return wrong
