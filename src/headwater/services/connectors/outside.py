"""Connectors made and changed by people who are not at the server: what is the server's own they cannot reach.

A folder, a database file, a variable or a secret file of the server belongs to whoever runs it, and so does what its
sockets, loopback and link-local addresses lead to. Where everybody who may transform is trusted with the server,
`api_local_sources` allows it.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from headwater.connectors.configs import config_of
from headwater.errors import Conflict, Misuse
from headwater.services.access.policy import Right
from headwater.services.connectors import keeping
from headwater.services.connectors.kinds import kind_named
from headwater.store import audit, connectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headwater.connectors.protocol import Config, RemoteFile, Table
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector

_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def version_of(stored: StoredConnector) -> str:
    """The version of a config, which a change names: a hash of what it says."""
    return hashlib.sha256(json.dumps(dict(stored.config), sort_keys=True).encode()).hexdigest()[:32]


def add(installation: Installation, name: str, kind: str, config: Mapping[str, Any]) -> StoredConnector:
    """Keep a connector. Misuse for what is wrong, and for what leads to the server itself."""
    installation.require(Right.TRANSFORM, on="connectors")
    refuse_local(installation, config_of(kind_named(kind), config))
    return keeping.add(installation, name, kind, config)


def change(
    installation: Installation, name: str, config: Mapping[str, Any], *, expected: str | None = None
) -> StoredConnector:
    """Put values into a config; those not named stay, those that are null go. Conflict where it is another by now."""
    installation.require(Right.TRANSFORM, on=f"connector/{name}")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        connectors.lock_connector(connection, tenant_id, name)
        found = connectors.find_connector(connection, tenant_id, name)
        if expected is not None and version_of(found) != expected:
            error = Conflict(
                "it was changed since you looked", where="If-Match", value=expected, valid=version_of(found)
            )
            error.mine, error.theirs = dict(config), dict(found.config)
            raise error
        merged = {key: value for key, value in {**found.config, **config}.items() if value is not None}
        checked = config_of(kind_named(found.kind), merged)
        refuse_local(installation, checked)
        plain = checked.model_dump(mode="json", exclude_none=True)
        connectors.change_config(connection, tenant_id, found.connector_id, plain)
        audit.append(
            connection, tenant_id, action="connector.changed", resource=f"connector/{found.connector_id}",
            payload={"changed": sorted(config)},
        )  # fmt: skip
        return connectors.get_connector(connection, tenant_id, found.connector_id)


def plain(found: Sequence[Table] | Sequence[RemoteFile]) -> list[dict[str, Any]]:
    """Tables or files of a source as plain values; types of columns in words."""
    body: list[dict[str, Any]] = json.loads(json.dumps([asdict(each) for each in found], default=str))
    return body


def refuse_local(installation: Installation, config: Config) -> None:
    """Misuse where a config leads to files, variables or sockets of the server."""
    if installation.settings.api_local_sources:
        return
    for key, value in _values(config):
        is_reference = key.endswith("_ref") and isinstance(value, str) and not value.startswith("stored:")
        if isinstance(value, Path) or is_reference or _leads_back(key.rpartition(".")[2], value):
            raise Misuse(
                "this would read what belongs to the server, not to the organisation",
                where=key,
                valid="stored:NAME for a secret; a source that is reached over the network",
                remedy="Have whoever runs the server add the connector, or allow it by HEADWATER_API_LOCAL_SOURCES.",
            )


def _leads_back(key: str, value: object) -> bool:
    """Whether a host or URL is the server itself, or no plain name: some clients take a list of hosts and sockets."""
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
        found = {ip_address(at[4][0]) for at in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return False  # a name that nobody knows leads nowhere; to validate the connector says so
    return any(address.is_loopback or address.is_link_local or address.is_unspecified for address in found)


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
