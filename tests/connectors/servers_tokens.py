"""A front before another server, as SAP's communication arrangements have one: tokens by client credentials (RFC 6749).

It hands tokens out, lets nobody through without one that is good, and asks the server behind by a login of its own.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import httpx

from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.connectors.servers_odata import PASSWORD, USER
from tests.planted import HANDING_OUT, planted

CLIENT, SECRET = "sb-headwater", planted("the secret of the client, & more/of:it")
TOKEN = planted("a-token-that-the-front-gives")
_PASSED_ON = ("content-type", "odata-version", "dataserviceversion")


@dataclass
class Front:
    """Tokens are good for `good_for` requests, all threads' together, and then for none, whatever they promised.

    given    how many tokens were handed out
    refused  how many requests came with none, or with one that was over
    """

    behind: str
    good_for: int
    url: str = ""
    given: int = 0
    refused: int = 0
    let_through: int = 0
    good: str = ""
    left: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        """What is answered to whoever asks from outside."""
        if asked.path == "/oauth/token":
            return self._token(asked)
        if not self._lets(asked.headers.get("authorization")):
            return json_reply({"error": "invalid_token"}, 401, WWW_Authenticate='Bearer error="invalid_token"')
        query = urlencode(dict(asked.params), quote_via=quote, safe="$,()':/")
        found = httpx.get(
            f"{self.behind}{asked.path}{'?' if query else ''}{query}",
            headers={"Accept": asked.headers.get("accept", "*/*")},
            auth=(USER, PASSWORD),
            timeout=60,
            trust_env=False,
        )
        # Links in an answer name the host that was asked for it.
        body = found.content.replace(self.behind.encode(), self.url.encode())
        kept = {name: found.headers[name] for name in _PASSED_ON if name in found.headers}
        return Reply(body=body, status=found.status_code, headers=kept)

    def _token(self, asked: Asked) -> Reply:
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {login}":
            return json_reply({"error": "invalid_client"}, 401)
        if asked.method != "POST" or asked.form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"}, 400)
        with self.lock:
            self.given += 1
            self.good, self.left = f"{TOKEN}-{self.given}", self.good_for
            return json_reply(
                {"access_token": self.good, "token_type": "bearer", "expires_in": 3600}, 200, **HANDING_OUT
            )

    def _lets(self, said: str | None) -> bool:
        """Whether a request is let through; one that is uses the token up by one."""
        with self.lock:
            is_good = self.left > 0 and said == f"Bearer {self.good}"
            self.left -= is_good
            self.let_through += is_good
            self.refused += not is_good
            return is_good


@contextmanager
def front_of(behind: str, good_for: int) -> Iterator[Front]:
    """A front that runs until the end of the block."""
    front = Front(behind=behind, good_for=good_for)
    with http_server(front.answer) as server:
        front.url = server.url
        yield front
