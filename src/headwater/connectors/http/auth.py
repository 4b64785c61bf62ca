"""Who asks: the header that says so, and tokens bought before they are needed and renewed when they are refused."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from headwater.connectors.http.config import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    ClientCredentials,
    NoAuth,
    RefreshToken,
)
from headwater.connectors.protocol import Resolve
from headwater.errors import InputRefused, Misuse

_EARLY_SECONDS = 60.0
_LIFETIME_UNSAID = 300.0

Post = Callable[[str, dict[str, str], dict[str, str]], bytes]
"""Send a form with headers to a URL; the body of the answer, status 200. Sorts errors itself."""


class Secrets:
    """What must not be in any word that leaves: everything resolved or bought, in each form it is sent in."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: set[str] = set()

    def get(self, reference: str) -> str:
        """The secret. Misuse where its text cannot be sent in a header."""
        secret = self._resolve(reference)
        if not secret or any(ord(char) < 32 or ord(char) == 127 for char in secret):
            raise Misuse(
                "the secret is empty or has characters that cannot be sent",
                where=reference,
                valid="one line without tabs",
                remedy="See that the file or variable does not end in a line break.",
            )
        return self.keep(secret)

    def keep(self, secret: str) -> str:
        """Remember a secret that was made or bought, to be left out of all words."""
        self._known.add(secret)
        self._known.add(json.dumps(secret)[1:-1])
        return secret

    def left_out(self, text: str) -> str:
        """The text with stars where a secret was."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"<{len(self._known)} secrets>"


class Signature(Protocol):
    """Says with each request who asks."""

    def header(self) -> tuple[str, str] | None:
        """Name and value of the header to send; None for none."""

    def renew(self, refused: str) -> bool:
        """Get another token in place of the header value that was refused; whether trying again makes sense."""


class Fixed:
    """The same header with every request."""

    def __init__(self, header: tuple[str, str] | None) -> None:
        self._header = header

    def header(self) -> tuple[str, str] | None:
        return self._header

    def renew(self, refused: str) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False


class Bought:
    """A token bought where the config says, shared by all threads; lifetimes are told by a clock that never jumps."""

    def __init__(self, auth: ClientCredentials | RefreshToken, secrets: Secrets, post: Post) -> None:
        self._auth = auth
        self._secrets = secrets
        self._post = post
        self._lock = threading.Lock()
        self._value = ""
        self._good_until = 0.0
        self._refresh_token = ""

    def header(self) -> tuple[str, str] | None:
        with self._lock:
            if not self._value or time.monotonic() >= self._good_until:
                self._buy()
            return "Authorization", self._value

    def renew(self, refused: str) -> bool:
        with self._lock:
            if self._value == refused:  # else another thread has renewed it already
                self._buy()
            return True

    def _buy(self) -> None:
        self._value = ""
        headers, form = self._request()
        asked_at = time.monotonic()
        answer = self._parsed(self._post(self._auth.token_url, headers, form))
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise InputRefused(
                "the answer holds no token", where=self._auth.token_url, valid='JSON with "access_token" (RFC 6749)'
            )
        lifetime = _seconds(answer.get("expires_in"))
        self._good_until = asked_at + lifetime - min(_EARLY_SECONDS, lifetime / 10)
        self._value = f"Bearer {self._secrets.keep(token)}"
        newer = answer.get("refresh_token")
        if isinstance(newer, str) and newer:
            self._refresh_token = self._secrets.keep(newer)

    def _request(self) -> tuple[dict[str, str], dict[str, str]]:
        auth = self._auth
        form: dict[str, str] = {"grant_type": auth.kind}
        if isinstance(auth, RefreshToken):
            form["refresh_token"] = self._refresh_token or self._secrets.get(auth.refresh_token_ref)
        elif auth.scope:
            form["scope"] = auth.scope
        secret = self._secrets.get(auth.client_secret_ref)
        if auth.client_in == "header":
            return {"Authorization": basic(auth.client_id, secret, self._secrets)}, form
        return {}, {**form, "client_id": auth.client_id, "client_secret": secret}

    def _parsed(self, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            # Without `from`: the library's error holds the body, and with it perhaps a token.
            raise InputRefused("the answer is no JSON object", where=self._auth.token_url, valid="a token (RFC 6749)")
        return answer


def _seconds(said: object) -> float:
    try:
        seconds = float(str(said))
    except ValueError:
        return _LIFETIME_UNSAID
    return seconds if 0 < seconds < 10 * 365 * 86400 else _LIFETIME_UNSAID


def basic(user: str, password: str, secrets: Secrets) -> str:
    """The value of a header for user and password (RFC 7617)."""
    return "Basic " + secrets.keep(base64.b64encode(f"{user}:{password}".encode()).decode())


def _sendable(secrets: Secrets, reference: str) -> str:
    secret = secrets.get(reference)
    if not secret.isascii():
        raise Misuse("the secret has characters that no header may hold", where=reference, valid="ASCII")
    return secret


def signature(auth: Auth, secrets: Secrets, post: Post) -> Signature:
    """Whatever the config says about who asks. Secrets are resolved when they are first needed, bought ones later."""
    match auth:
        case NoAuth():
            return Fixed(None)
        case BasicAuth():
            return Fixed(("Authorization", basic(auth.user, secrets.get(auth.password_ref), secrets)))
        case BearerAuth():
            return Fixed(("Authorization", f"Bearer {_sendable(secrets, auth.token_ref)}"))
        case ApiKeyAuth():
            return Fixed((auth.header, _sendable(secrets, auth.key_ref)))
        case ClientCredentials() | RefreshToken():
            return Bought(auth, secrets, post)
