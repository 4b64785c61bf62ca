"""What every source that is reached by HTTP has in its config: where it is, who asks, and how patiently."""

from __future__ import annotations

import ipaddress
import math
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from headwater.connectors.protocol import Config

READ_AHEAD = 2
"""Chunks read at once before their turn: most of the time of a request is spent waiting for its answer."""
Reference = Annotated[str, Field(min_length=1, description="where the secret is: env:NAME, file:/PATH, stored:NAME")]


class NoAuth(Config):
    """Nobody is asked who they are."""

    kind: Literal["none"] = "none"


class BasicAuth(Config):
    """User and password with every request.

    user  who asks
    """

    kind: Literal["basic"] = "basic"
    user: str
    password_ref: Reference


class BearerAuth(Config):
    """A token that somebody else renews."""

    kind: Literal["bearer"] = "bearer"
    token_ref: Reference


class ApiKeyAuth(Config):
    """A key in a header of the source's choice. Never in the URL: those are logged on the way.

    header  in which the key is sent
    """

    kind: Literal["api_key"] = "api_key"
    header: str = Field(default="X-API-Key", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
    key_ref: Reference


class _TokenUrl(Config):
    """Who buys tokens, and where.

    token_url  where tokens are bought
    client_id  who buys them
    client_in  where client and secret stand in that request
    """

    token_url: str
    client_id: str
    client_secret_ref: Reference
    client_in: Literal["header", "body"] = "header"

    @field_validator("token_url")
    @classmethod
    def _is_a_safe_url(cls, url: str) -> str:
        return checked_url(url)


class ClientCredentials(_TokenUrl):
    """OAuth2: a program on its own behalf (RFC 6749, 4.4).

    scope  what the token is for, as the service calls it
    """

    kind: Literal["client_credentials"] = "client_credentials"
    scope: str = ""


class RefreshToken(_TokenUrl):
    """OAuth2: a long-lived token that buys short-lived ones (RFC 6749, 6)."""

    kind: Literal["refresh_token"] = "refresh_token"
    refresh_token_ref: Reference


Auth = Annotated[
    NoAuth | BasicAuth | BearerAuth | ApiKeyAuth | ClientCredentials | RefreshToken, Field(discriminator="kind")
]


class HttpConfig(Config):
    """Base of the configs of sources reached by HTTP.

    auth               who asks, by the `kind` of what the service takes
    url                where the service begins; https, or http on this very machine
    connect_seconds    for the connection, TLS included
    read_seconds       for the next bytes of an answer, the first included
    response_seconds   for an answer as a whole
    max_answer_mb      an answer that is held whole; longer ones are refused
    max_file_mb        an answer that is written to disk first, where a source has no pages
    requests_a_minute  to this host, by all syncs of the organisation together
    ca_file            PEM file with the authorities to trust, instead of the usual ones
    """

    url: str
    auth: Auth = NoAuth()
    connect_seconds: float = Field(default=10, gt=0, le=600)
    read_seconds: float = Field(default=60, gt=0, le=3600)
    response_seconds: float = Field(default=300, gt=0, le=86400)
    max_answer_mb: float = Field(default=32, gt=0, le=1024)
    max_file_mb: float = Field(default=2048, gt=0, le=65536)
    requests_a_minute: int = Field(default=100, ge=1, le=100_000)
    ca_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_a_safe_url(cls, url: str) -> str:
        return checked_url(url)

    @field_validator("connect_seconds", "read_seconds", "response_seconds", "max_answer_mb", "max_file_mb")
    @classmethod
    def _is_finite(cls, number: float) -> float:
        if not math.isfinite(number):
            raise ValueError("a finite number is needed")
        return number


def checked_url(url: str) -> str:
    """The URL, where a secret may be sent there. Raises ValueError without the URL itself, which may hold one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("this is no URL; valid: https://host/path") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise ValueError("a URL with a host is needed; valid: https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("user and password do not stand in the URL, which is logged on the way; set auth")
    if parts.query or parts.fragment:
        raise ValueError("a URL ends before ? and #")
    if parts.scheme == "http" and not _on_this_machine(parts.hostname):
        raise ValueError("http sends secrets readable by all on the way; valid: https://…, http only for 127.0.0.1")
    return url


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
