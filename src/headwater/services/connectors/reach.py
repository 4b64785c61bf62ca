"""Where connectors may lead that people made who are not at the server: to what is public, and to networks it allows.

A folder, a database file, a variable or a secret file of the server belongs to whoever runs it, and so do its sockets
and what only it can reach: loopback, link-local and private addresses (RFC 1918, RFC 4193 and the like). Where
everybody who may transform is trusted with the server, `api_local_sources` allows all of it.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from headwater.errors import Misuse, RetryLater, refuse_all, unasked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network

    from headwater.connectors.protocol import Config
    from headwater.services.installation import Installation
    from headwater.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_NAT64 = IPv6Network("64:ff9b::/96")


def refuse_local(settings: Settings, config: Config) -> None:
    """Misuse where a config leads to files, variables or sockets of the server, or to a network that is not allowed."""
    refuse_all(local_values(settings, config))


def local_values(settings: Settings, config: Config) -> Iterator[Misuse]:
    """Each value of a config that leads there."""
    if settings.api_local_sources:
        return
    for key, value in _values(config):
        is_reference = key.endswith("_ref") and isinstance(value, str) and not value.startswith("stored:")
        if isinstance(value, Path) or is_reference:
            yield Misuse(
                "this would read what belongs to the server, not to the organisation",
                where=key,
                valid="stored:NAME for a secret; a source that is reached over the network",
                remedy="Have whoever runs the server add the connector, or allow it by HEADWATER_API_LOCAL_SOURCES.",
            )
        elif leads_inside(key.rpartition(".")[2], value, networks_of(settings)):
            yield _inside(key)


def reach_only(installation: Installation, source: object) -> None:
    """Have a source that is reached by HTTP connect to addresses that were looked at, and to no others."""
    client: Any = getattr(source, "client", None)
    if hasattr(client, "reach_only"):
        networks = networks_of(installation.settings)
        client.reach_only(lambda host: checked_addresses(host, networks))


def checked_addresses(host: str, networks: Sequence[IPv4Network | IPv6Network]) -> list[str]:
    """The addresses of a host as they are now, all of which may be reached; Misuse where one may not."""
    try:
        found = list(dict.fromkeys(str(at[4][0]) for at in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))
    except (OSError, ValueError):
        raise RetryLater("the name of the source is not known", where="url", value=host) from None
    if not all(may_reach(ip_address(each), networks) for each in found):
        raise _inside("url")
    return found


def networks_of(settings: Settings) -> list[IPv4Network | IPv6Network]:
    """Those that are allowed beside public addresses."""
    return [ip_network(each.strip()) for each in settings.api_networks.split(",") if each.strip()]


def leads_inside(key: str, value: object, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether a host or URL leads where it may not, or is no plain name: some clients take lists and sockets."""
    if not isinstance(value, str):
        return False
    host = value if key == "host" else None
    if value.lower().startswith(("http://", "https://")):
        host = urlsplit(value).hostname or ""
    if host is None:
        return False
    if not _HOST.fullmatch(host):
        return True
    try:
        found = {ip_address(str(at[4][0])) for at in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return False  # a name that nobody knows leads nowhere; it is looked at again when the source is opened
    return not all(may_reach(address, networks) for address in found)


def may_reach(address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address is public or in one of these networks; of one that holds an IPv4 address, that counts."""
    if any(address in network for network in networks):
        return True
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if within is None and address in _NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return may_reach(within, networks)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(where: str) -> Misuse:
    return unasked(
        Misuse(
            "this leads to the server itself, or into a network behind it",
            where=where,
            valid="a public address, or one in a network that HEADWATER_API_NETWORKS names",
            remedy="Have whoever runs the server add the connector, or allow the network.",
        )
    )


def _values(value: object, above: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _values(getattr(value, name), f"{above}.{name}" if above else name)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _values(each, f"{above}.{name}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _values(each, f"{above}.{number}")
    elif value is not None:
        yield above, value
