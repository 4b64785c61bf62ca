"""Connecting to the address that was looked at: a name that leads elsewhere a moment later changes nothing.

The name stays what TLS and the Host header say, so that certificates are looked at as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

AddressesOf = Callable[[str], Sequence[str]]
"""The addresses of a host; an error of the house where one of them is not to be reached."""


class Reaching(httpx.BaseTransport):
    """Sends each request to the first address of its host that takes it."""

    def __init__(self, addresses_of: AddressesOf, made: Callable[[], httpx.BaseTransport]) -> None:
        self._addresses_of = addresses_of
        self._made = made
        self._by_host: dict[str, httpx.BaseTransport] = {}  # no connection serves two names

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Its answer."""
        host = request.url.host
        transport = self._by_host.setdefault(host, self._made())
        failed: httpx.TransportError | None = None
        for address in self._addresses_of(host):
            try:
                return transport.handle_request(_sent_to(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or httpx.ConnectError("the name has no address", request=request)

    def close(self) -> None:
        """All connections."""
        for transport in self._by_host.values():
            transport.close()


def goes_by_proxy(url: str) -> bool:
    """Whether a proxy of the environment is asked for this URL: then it is the proxy that looks the name up."""
    parts = urlsplit(url)
    proxies = getproxies()
    return bool((parts.scheme in proxies or "all" in proxies) and not proxy_bypass(parts.hostname or ""))


def _sent_to(request: httpx.Request, host: str, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
