"""Errors of obstore, by what stands in the way. Their own words are kept back: they show addresses as signed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import urlsplit

from headwater.connectors.protocol import Cause, Problem
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater

# Codes of S3 and Azure that say more than the status they come with.
_CODES: dict[Cause, set[str]] = {
    "login": {
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "InvalidToken",
        "ExpiredToken",
        "TokenRefreshRequired",
        "RequestTimeTooSkewed",
        "AuthenticationFailed",
        "InvalidAuthenticationInfo",
        "NoAuthenticationInformation",
    },
    "missing_right": {
        "AccessDenied",
        "AllAccessDisabled",
        "AuthorizationFailure",
        "AuthorizationPermissionMismatch",
        "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch",
        "InsufficientAccountPermissions",
        "PublicAccessNotPermitted",
    },
    "not_found": {"NoSuchBucket", "ContainerNotFound", "ResourceNotFound"},
}
_CODE = re.compile(r"<Code>(\w{3,60})</Code>")
_NAME = re.compile(r'[Pp]ath:? "([^"]*)"')
_STATUS = re.compile(r"status(?: code)?: (\d{3})\b")
_BY_STATUS: dict[int, Cause] = {401: "login", 403: "missing_right", 404: "not_found"}

# What the network says, in the words of the libraries that obstore is made of; the first that fits.
_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("name_not_found", ("dns error", "failed to lookup address")),
    ("tls", ("certificate", "invalidcontenttype", "alertreceived", "handshake", "peerincompatible")),
    ("timeout", ("kind: timeout", "timedout", "timed out")),
    ("refused", ("connection refused", "tcp connect error", "connection reset", "connectionreset", "broken pipe")),
)


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Why a store did not give what it was asked for. `passes`: whether trying again may help."""

    kind: Cause | Literal["changed"]
    code: str = ""
    passes: bool = False


def obstacle(error: Exception) -> Obstacle:
    """What an error of obstore means."""
    text, kind = str(error), type(error).__name__
    code = found[1] if (found := _CODE.search(text)) else ""
    status = int(number[1]) if (number := _STATUS.search(text)) else 0
    for cause, codes in _CODES.items():
        if code in codes:
            return Obstacle(kind=cause, code=code)
    if kind == "InvalidPathError":
        return Obstacle(kind="config", code=named[1] if (named := _NAME.search(text)) else "")
    if kind == "PreconditionError":
        return Obstacle(kind="changed", code=code)
    if status >= 500 or status == 429:
        return Obstacle(kind="protocol", code=code or str(status), passes=True)
    by_class: dict[str, Cause] = {
        "FileNotFoundError": "not_found",
        "UnauthenticatedError": "login",
        "PermissionDeniedError": "missing_right",
    }
    if kind in by_class or status in _BY_STATUS:
        return Obstacle(kind=by_class.get(kind) or _BY_STATUS[status], code=code)
    return _on_the_way(text, code or (str(status) if status else ""))


def _on_the_way(text: str, code: str) -> Obstacle:
    """What came in between. Below `inner` stands what failed, above it how it was tried."""
    inner = text[text.find("inner:") :].lower()
    for cause, words in _WORDS:
        if any(word in inner for word in words):
            return Obstacle(kind=cause, passes=cause != "tls")
    return Obstacle(kind="protocol", code=code, passes=not code)


WORDS: dict[str, tuple[str, str]] = {
    "config": (
        "a key is no path of names, so that no files can be listed beside it",
        "Set prefix to a folder without such keys, or rename it: no empty names, no . or .., no control characters",
    ),
    "name_not_found": ("the host has no address", "Look at endpoint_url, region and account; is the network up?"),
    "refused": ("nothing answers there", "Look at endpoint_url; is the server up, is a firewall between?"),
    "timeout": (
        "no answer came in time",
        "Try again; if it stays so, set timeout_seconds higher or look at the network",
    ),
    "tls": (
        "no trusted connection could be made",
        "Look at the certificate; name a private authority in ca_certificate; http:// is for servers without TLS",
    ),
    "login": ("the login is not taken", "Look at the key and at what its _ref refers to, and at this machine's clock"),
    "missing_right": ("the login may not do this", "Ask whoever runs the store for this right"),
    "not_found": ("this does not exist", "Look at its name and at the account or region it is in"),
    "protocol": ("the answer is not that of such a store", "Look at endpoint_url: is it a store of this kind?"),
}


ON_THE_WAY = {"name_not_found", "refused", "timeout", "tls"}
"""What is told with the host that was asked: the bucket is not to blame."""


def problem(found: Obstacle, where: str, asked: str, address: str) -> Problem:
    """What a person is told; `asked` is what was tried, with the right that it needs; `address` where requests go."""
    what, remedy = WORDS[found.kind]
    code = host_of(address) if found.kind in ON_THE_WAY else found.code
    told = f"{what} ({code})" if code else what
    return Problem(cause=cast("Cause", found.kind), what=f"{told}: {asked}", where=where, remedy=remedy)


def host_of(address: str) -> str:
    """Host and port of an address, and nothing else."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or {'http': 80}.get(parts.scheme, 443)}"


def error_of(found: Obstacle, where: str, asked: str, address: str) -> HeadwaterError:
    """The same as an error: RetryLater for what may pass, else Misuse."""
    said = problem(found, where, asked, address)
    kind = RetryLater if found.passes else InputRefused if found.kind == "config" else Misuse
    return kind(said.what, where=said.where, remedy=said.remedy)
