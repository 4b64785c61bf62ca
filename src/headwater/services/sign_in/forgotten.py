"""A password that was forgotten: a link by mail, to the address that is kept of somebody and to no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from headwater.services.notifications.mail import carry, letter
from headwater.services.sign_in.addresses import known_of
from headwater.services.sign_in.authentication import NOBODY
from headwater.services.sign_in.links import INVITATION, ask_for_reset
from headwater.store.tenants import tenant_id
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from email.message import EmailMessage

    from headwater.services.installation import Installation
    from headwater.services.sign_in.links import Link

INVITES = """You are invited to the organisation {organisation}. Set a password, and you are signed in:

{url}

The link works once, until {until} UTC, in place of any that you were given before.
"""
RESETS = """Somebody, most likely you, asks to set another password for your account in the organisation {organisation}:

{url}

The link works once, until {until} UTC. All your sessions end by it.
If it was not you who asked, there is nothing to do: your password stays as it is.
"""


def mail_link(installation: Installation, organisation: str, email: str) -> None:
    """Mail a link to whoever has this address there, if anybody has and was sent none just now.

    What came of it is for the log, not for whoever asks: they could learn from it, and from how long it takes, who is
    known here.
    """
    link = ask_for_reset(installation, organisation, email)
    if link is None:
        return
    there = installation.acting(NOBODY, tenant_id(organisation))
    with there.database.connect(there.tenant_id) as connection:
        to = known_of(there, connection, link.person_id)[0]
    outcome = carry(there, _written(link, str(there.settings.smtp_from), to, organisation))
    if not outcome.is_sent:
        get_logger(__name__).warning("a link was made, and its mail was not sent", error=outcome.error)


def _written(link: Link, sender: str, to: str, organisation: str) -> EmailMessage:
    invites = link.purpose == INVITATION
    subject = f"Your invitation ({organisation})" if invites else f"Another password ({organisation})"
    mail = letter(sender, [to], subject, at=datetime.now(UTC), message_id=uuid4())
    until = f"{link.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    text = INVITES if invites else RESETS
    mail.set_content(text.format(organisation=organisation, url=link.url, until=until))
    return mail
