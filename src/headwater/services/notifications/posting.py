"""A body sent to an address that an organisation names: once, to no place that only this server reaches, and in time.

The name is resolved here, every address it has is looked at, and the connection goes to one that was looked at: a name
that means another address a moment later gains nothing. Redirects are not followed, of an answer only its beginning is
read, and no proxy of the environment is used.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from headwater.errors import Misuse, RetryLater
from headwater.services.connectors.reach import may_reach, networks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from headwater.settings import Settings

SECONDS = 15.0
"""For all of it: name, connection, sending, answer."""
MOST_READ = 2000
"""Bytes of an answer."""
LONGEST_AFTER = 86_400.0
REMEDY = "Take a public address, or have whoever runs the server name its network in HEADWATER_API_NETWORKS."
IN_CLEAR = (
    "To send by http:// to a machine of your own, have whoever runs the server name its network in"
    " HEADWATER_API_NETWORKS, as 127.0.0.0/8."
)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where may be sent to, as of connectors that are made over HTTP: what is public, and these networks.

    everywhere  whoever may transform is trusted with the server
    """

    networks: Sequence[IPv4Network | IPv6Network] = ()
    everywhere: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Reach:
        """As the settings have it."""
        return cls(networks=networks_of(settings), everywhere=settings.api_local_sources)

    @property
    def in_clear(self) -> bool:
        """Whether http may do: only where whoever runs the server has named the network."""
        return self.everywhere or bool(self.networks)

    def holds(self, address: str, scheme: str) -> bool:
        """Whether an address may be sent to."""
        found = ip_address(address.partition("%")[0])
        if self.everywhere or any(found in network for network in self.networks):
            return True
        return scheme == "https" and may_reach(found, ())


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a receiver answers. `after`: seconds that it asks to be left alone."""

    status: int
    text: str
    after: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it has what was sent."""
        return 200 <= self.status < 300


def check_url(url: str, reach: Reach) -> str:
    """The host of an address that may be kept; Misuse, which does not repeat the address, for another."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        host, parts = None, urlsplit("")
    schemes = {"https", "http"} if reach.in_clear else {"https"}
    is_plain = url.isprintable() and " " not in url and "#" not in url and parts.username is None
    if not host or parts.scheme not in schemes or not is_plain:
        raise Misuse(
            "this is no address that can be sent to",
            where="url",
            valid=f"one that begins with {':// or '.join(sorted(schemes))}://, without a user and without #",
            remedy=IN_CLEAR if parts.scheme == "http" and not reach.in_clear else None,
        )
    return host


def post(url: str, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    """Send it. RetryLater where nobody answers in time, Misuse where it may not be sent there; neither tells where."""
    check_url(url, reach)
    return asyncio.run(_posted(url, body, headers, reach))


async def _posted(url: str, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    try:
        async with asyncio.timeout(SECONDS):
            return await _sent(httpx.URL(url), body, headers, reach)
    except TimeoutError:
        raise RetryLater(f"the receiver has not answered within {SECONDS:.0f} s") from None
    except httpx.TransportError as error:
        # Without `from`: the library's error holds the request, and with it the address.
        raise RetryLater(f"the receiver cannot be reached: {_told(error)}") from None


async def _sent(url: httpx.URL, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    refused: httpx.ConnectError | httpx.ConnectTimeout | None = None
    # The transport alone: a client would log the address, which of a chat is its secret.
    async with httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False) as transport:
        for address in await _addresses(url, reach):
            request = httpx.Request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "Host": url.netloc.decode("ascii"), "Accept": "*/*"},
                extensions={"sni_hostname": url.raw_host.decode("ascii"), "timeout": httpx.Timeout(SECONDS).as_dict()},
            )
            try:
                answer = await transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refused = error
                continue
            try:
                return Answer(status=answer.status_code, text=await _beginning(answer), after=_after(answer))
            finally:
                await answer.aclose()
    raise refused or RetryLater("the name of the receiver has no address")


async def _addresses(url: httpx.URL, reach: Reach) -> list[str]:
    """The addresses of a name, all of which may be reached; Misuse where one may not."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.raw_host.decode("ascii"), port, type=1)
    except (OSError, UnicodeError):
        raise RetryLater("the name of the receiver is not known") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not all(reach.holds(address, url.scheme) for address in addresses):
        raise Misuse("the receiver is at an address that only this server reaches", where="url", remedy=REMEDY)
    return addresses


async def _beginning(answer: httpx.Response) -> str:
    read = b""
    async for part in answer.aiter_raw():
        read += part
        if len(read) >= MOST_READ:
            break
    return read[:MOST_READ].decode(errors="replace")


def _after(answer: httpx.Response) -> float | None:
    """Retry-After in seconds: a number of them, or a date (RFC 9110)."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:9]), LONGEST_AFTER)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_AFTER)


def _told(error: httpx.TransportError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Certificates as everywhere; SSL_CERT_FILE names others."""
    return httpx.create_ssl_context()
