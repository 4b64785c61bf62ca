"""HTTP by uvicorn and httptools, whose parser keeps whatever it is sent: heads of requests are bounded here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MOST_HEAD = 64 * 1024
"""Bytes of a request's line, of its header lines and of those that may follow its body, all together."""


class _TooLarge(Exception):
    """The parser tells it as an error of what was sent."""


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, which answers 400 and hangs up where a head, or what stands between pieces of a body, is
    longer than `MOST_HEAD`: also while it comes, however small the pieces, so that nobody fills the memory.

    The parser calls back for each line of a head and each piece of a body once it is whole; what it has called back for
    nothing yet is what it keeps by itself.
    """

    _head = 0  # bytes of this request's head so far
    _unheard = 0  # bytes that came since the parser last called back

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does; bytes are counted for each connection."""
        super().connection_made(transport)
        self._head = self._unheard = 0

    def data_received(self, data: bytes) -> None:
        """Parse it, and hang up where too much has come that was neither a line nor a body."""
        self._unheard += len(data)
        super().data_received(data)
        if self._unheard > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("Request header fields too large.")

    def on_message_begin(self) -> None:
        """The next request: a head of its own."""
        self._head = self._unheard = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head, or one after the body."""
        self._count(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unheard = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body, which whoever reads it bounds."""
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unheard = 0
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._unheard = 0
        self._head += size
        if self._head > MOST_HEAD:
            raise _TooLarge
