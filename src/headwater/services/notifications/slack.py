"""The form of Slack's incoming webhooks, which others take too: blocks, and text for those who show none.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from headwater import __version__
from headwater.errors import Misuse, RetryLater
from headwater.services.notifications.outcomes import Outcome
from headwater.services.notifications.posting import post

if TYPE_CHECKING:
    from headwater.services.notifications.posting import Reach
    from headwater.services.notifications.wording import Message

LONGEST_HEADER, LONGEST_SECTION = 150, 3000
"""Signs, as Slack counts them."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
SIGNS = {"info": ":information_source:", "warning": ":warning:", "error": ":x:", "critical": ":rotating_light:"}
_HALF_A_SIGN = re.compile(r"&[a-z]{0,3}\Z", re.ASCII)
_WORD = re.compile(r"[a-z_]{1,64}", re.ASCII)


def payload(message: Message) -> dict[str, Any]:
    """What is sent."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(message.subject, LONGEST_HEADER)}},
    ]
    blocks += [
        {"type": "section", "text": {"type": "mrkdwn", "text": _cut(_plain(line), LONGEST_SECTION)}}
        for line in message.lines
    ]
    said = f"{SIGNS[message.severity]} {message.severity} · {message.event}"
    more = f"{said} · {_plain(message.more)}" if message.more else said
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(more, LONGEST_SECTION)}]})
    return {"text": _cut(_plain(message.text), LONGEST_SECTION), "blocks": blocks}


def send(message: Message, url: str, *, reach: Reach) -> Outcome:
    """Tell people in a chat. What it does not take is not sent again, but where it is busy or down."""
    body = json.dumps(payload(message), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"headwater/{__version__}"}
    try:
        answer = post(url, body, headers, reach)
    except RetryLater as error:
        return Outcome(error=error.what)
    except Misuse as error:
        return Outcome(error=str(error), passes=False)
    if answer.is_taken:
        return Outcome(status=answer.status)
    word = answer.text.strip()
    said = f" ({word})" if _WORD.fullmatch(word) else ""  # as invalid_payload; anything else is not ours to show
    return Outcome(
        status=answer.status,
        error=f"the chat answered {answer.status}{said}",
        passes=answer.status in PASSING,
        after=answer.after,
    )


def _plain(text: str) -> str:
    """What is not meant as mark-up: Slack's three signs; and nobody is called by name in a file's."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else _HALF_A_SIGN.sub("", text[: longest - 1]) + "…"
