"""Webhooks as the Standard Webhooks specification has them: id, time and body are signed, the id stays the same.

https://github.com/standard-webhooks/standard-webhooks, as of 1.0.0: `v1` is HMAC-SHA256 over `id.timestamp.body`; where
two secrets hold, there are two signatures with a space between them.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from headwater import __version__
from headwater.errors import Misuse, RetryLater
from headwater.services.notifications.outcomes import Outcome
from headwater.services.notifications.posting import post

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from headwater.services.notifications.posting import Reach
    from headwater.services.notifications.wording import Message

PREFIX = "whsec_"
SECRET_BYTES = 32
GONE = 410


def new_secret() -> str:
    """A signing secret, as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(message_id: str, at: datetime, body: bytes, signing: Sequence[str]) -> dict[str, str]:
    """The headers that say who has sent it, one signature a secret."""
    seconds = str(int(at.timestamp()))
    said = b".".join([message_id.encode(), seconds.encode(), body])
    signatures = [
        base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), said, "sha256")).decode()
        for secret in signing
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def send(message: Message, url: str, signing: Sequence[str], *, at: datetime, reach: Reach) -> Outcome:
    """Tell a program. Whatever it answers but success is tried again, but for 410, which says that it is gone."""
    body = json.dumps(message.as_json(), ensure_ascii=False, separators=(",", ":")).encode()
    headers = signed_headers(f"msg_{message.message_id.hex}", at, body, signing)
    headers |= {"Content-Type": "application/json", "User-Agent": f"headwater/{__version__}"}
    try:
        answer = post(url, body, headers, reach)
    except RetryLater as error:
        return Outcome(error=error.what)
    except Misuse as error:
        return Outcome(error=str(error), passes=False)
    if answer.is_taken:
        return Outcome(status=answer.status)
    if 300 <= answer.status < 400:
        return Outcome(status=answer.status, error="the receiver is somewhere else: redirects are not followed")
    if answer.status == GONE:
        return Outcome(status=answer.status, error="the receiver is gone, and says so", passes=False)
    return Outcome(status=answer.status, error=f"the receiver answered {answer.status}", after=answer.after)
