"""E-mail through the one SMTP server that the settings name: messages of channels, and letters of other services."""

from __future__ import annotations

import html
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx

from headwater.errors import Misuse
from headwater.services.access.masking import mask
from headwater.services.connectors.secrets import resolve
from headwater.services.notifications.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.notifications.wording import Message
    from headwater.settings import Settings

SECONDS = 15.0
"""For each word of the conversation."""
PERMANENT = range(500, 600)


def is_offered(settings: Settings) -> bool:
    """Whether mail can be sent from here."""
    return settings.smtp_host is not None and settings.smtp_from is not None


def refuse_without_server(settings: Settings) -> None:
    """Misuse where nothing can be sent."""
    if not is_offered(settings):
        raise Misuse(
            "no server for e-mail is set",
            where="smtp_host",
            valid="the name of an SMTP server",
            remedy="Have whoever runs the server set HEADWATER_SMTP_HOST and HEADWATER_SMTP_FROM.",
        )


def letter(sender: str, to: Sequence[str], subject: str, *, at: datetime, message_id: UUID) -> EmailMessage:
    """One without a content yet. What is sent again under one id is the same letter to whoever takes it."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(f"[Headwater] {subject}".split())
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id.hex}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in answer
    return mail


def composed(message: Message, sender: str, to: Sequence[str], *, at: datetime) -> EmailMessage:
    """Text and HTML of one content."""
    mail = letter(sender, to, message.subject, at=at, message_id=message.message_id)
    mail["X-Headwater-Event"] = message.event
    mail.set_content(message.text + "\n")
    items = "".join(f"<li>{html.escape(line)}</li>" for line in message.lines)
    more = f"<p>{html.escape(message.more)}</p>" if message.more else ""
    mail.add_alternative(
        f"<!doctype html><html><body><h1>{html.escape(message.subject)}</h1><ul>{items}</ul>{more}</body></html>\n",
        subtype="html",
    )
    return mail


def send(installation: Installation, message: Message, to: Sequence[str], *, at: datetime) -> Outcome:
    """Tell people."""
    return carry(installation, composed(message, str(installation.settings.smtp_from), to, at=at))


def carry(installation: Installation, mail: EmailMessage) -> Outcome:
    """Send a letter. A refusal for good (5xx) is not tried again; one for now (4xx), and a server that is down, is."""
    settings = installation.settings
    try:
        refuse_without_server(settings)
        said = settings.smtp_password
        password = None if said is None else resolve(installation, said.get_secret_value())
    except Misuse as error:
        return Outcome(error=str(error), passes=False)
    try:
        with _connected(settings) as server:
            if settings.smtp_user is not None and password is not None:
                server.login(settings.smtp_user, password)
            refused = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        return _refused(error.recipients, "the server takes none of the addresses")
    except smtplib.SMTPAuthenticationError as error:
        return Outcome(status=error.smtp_code, error="the server does not take user and password", passes=False)
    except smtplib.SMTPResponseException as error:
        what = f"the server refused the message ({error.smtp_code})"
        return Outcome(status=error.smtp_code, error=what, passes=error.smtp_code not in PERMANENT)
    except smtplib.SMTPNotSupportedError:
        what = "the server offers no TLS, or no login; see HEADWATER_SMTP_SECURITY"
        return Outcome(error=what, passes=False)
    except ssl.SSLCertVerificationError as error:
        return Outcome(error=f"the server's certificate is not trusted ({error.verify_message})")
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(error=f"the server cannot be reached: {type(error).__name__}")
    return _refused(refused, "some of the addresses were refused, the others have it") if refused else Outcome()


def _connected(settings: Settings) -> smtplib.SMTP:
    host, port = str(settings.smtp_host), settings.smtp_port
    name = str(settings.smtp_from).rpartition("@")[2]
    if settings.smtp_security == "tls":
        context = httpx.create_ssl_context()
        return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, local_hostname=name, timeout=SECONDS)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=httpx.create_ssl_context())
    except BaseException:
        server.close()
        raise
    return server


def _refused(recipients: dict[str, tuple[int, bytes]], what: str) -> Outcome:
    """Sent again, those who have it would get it twice: only where nobody has, and all may pass, is it tried again."""
    codes = [code for code, _ in recipients.values()]
    told = ", ".join(f"{mask(address)} ({code})" for address, (code, _) in recipients.items())
    passes = what.startswith("the server") and all(code not in PERMANENT for code in codes)
    return Outcome(status=codes[0], error=f"{what}: {told}", passes=passes)
