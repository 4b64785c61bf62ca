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
        transport = self._by_host.get(host) or self._by_host.setdefault(host, self._made())
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


def proxy_of(url: str) -> str | None:
    """The proxy of the environment that is asked for this URL, and looks its name up; None where none is.

    Whoever guards addresses says it to the client: left to itself that reads NO_PROXY in its own way.
    """
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or any(proxy_bypass(name) for name in (parts.hostname or "", parts.netloc.rpartition("@")[2])):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _sent_to(request: httpx.Request, host: str, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
