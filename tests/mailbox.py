"""A real SMTP server on this machine, and what it was given."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.connectors.certificates import Certificates
from tests.servers import free_port


class Mailbox:
    """What an SMTP server was given; `refuse` says what it answers to a recipient or a message instead."""

    def __init__(self) -> None:
        self.taken: list[tuple[Envelope, bool]] = []
        self.refuse: dict[str, str] = {}
        self.came = Event()

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:  # noqa: N802 - aiosmtpd's
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        self.taken.append((envelope, session.ssl is not None))
        self.came.set()
        return "250 OK"

    def read(self, number: int = 0) -> EmailMessage:
        """One of the messages, as a mail program has it."""
        content = self.taken[number][0].original_content
        assert isinstance(content, bytes)
        return BytesParser(policy=default).parsebytes(content)


@contextmanager
def mail_server(
    box: Mailbox, certificates: Certificates | None = None, login: Any = None, *, at_once: bool = False
) -> Iterator[int]:
    """An SMTP server on a free port; with certificates it insists on TLS and a login."""
    context = None
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
    options: dict[str, Any] = {}
    if context is not None:
        options = {"authenticator": login, "auth_required": True, "auth_require_tls": not at_once}
        options |= {"ssl_context": context} if at_once else {"tls_context": context, "require_starttls": True}
    port = free_port()
    server = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60, **options)
    server.start()
    try:
        yield port
    finally:
        server.stop()
