"""HTTP by uvicorn and httptools, whose parser takes whatever it is sent: what is no body is bounded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MOST_HEAD = 64 * 1024
"""Bytes of a request's line, of its header lines and of those that may follow its body, all together."""
MOST_AHEAD = 16
"""Requests that may be sent on one connection before the first of them is answered."""


class _Refused(Exception):
    """The parser tells it as an error of what was sent."""


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which hangs up where a head, or what stands between pieces of a body, is longer than
    `MOST_HEAD`: also while it comes, however small the pieces, so that nobody fills the memory.

    The parser calls back for each line of a head and each piece of a body once it is whole; what it has called back for
    nothing yet is what it keeps by itself. What cannot be read is answered by 400, after the requests that came whole
    before it. Lines after a body are read over, for headers of a request are those that stand before it.
    """

    _head = 0  # bytes of this request's head so far
    _unheard = 0  # bytes that came since the parser last called back
    _hosts = 0
    _is_in_head = True
    _is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does; everything is counted for each connection."""
        super().connection_made(transport)
        self._head = self._unheard = 0
        self._is_over = False

    def data_received(self, data: bytes) -> None:
        """Parse it, and hang up where it cannot be read or too much has come that was neither a line nor a body."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._unheard += len(data)
        try:
            self._feed(data)
            self._refuse_unheard()
        except (HttpParserError, _Refused):
            self._is_over = True
            self._end()

    def _feed(self, data: bytes) -> None:
        """All of it: who offers another protocol is answered by this one, and so is what they sent after that."""
        while data:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
            else:
                return

    def _refuse_unheard(self) -> None:
        if self._unheard > MOST_HEAD:
            raise _Refused

    def _end(self) -> None:
        """Answer requests that are whole, and no other; then hang up."""
        last: RequestResponseCycle | None = self.cycle
        if last is None or last.response_complete:
            self.send_400_response("Invalid HTTP request received.")
        elif not last.more_body:
            last.keep_alive = False
        elif self.pipeline or last.response_started:
            self.transport.close()
        else:
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """The next request: a head of its own."""
        self._head = self._unheard = self._hosts = 0
        self._is_in_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head, or one after the body."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if self._is_in_head:
            self._look_at(name.lower(), value)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unheard, self._is_in_head = 0, False
        if len(self.pipeline) >= MOST_AHEAD or (self._hosts != 1 and self.parser.get_http_version() == "1.1"):
            raise _Refused
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body, which whoever reads it bounds."""
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unheard = 0
        super().on_message_complete()

    def _look_at(self, name: bytes, value: bytes) -> None:
        """What HTTP asks of heads beyond what the parser does: one host, and no coding that is not undone here."""
        self._hosts += name == b"host"
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise _Refused

    def _count(self, size: int) -> None:
        self._unheard = 0
        self._head += size
        if self._head > MOST_HEAD:
            raise _Refused
