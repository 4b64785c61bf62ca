"""Connectors made and changed by people who are not at the server: what is the server's own they cannot reach."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headwater.connectors.configs import config_of, relative_paths, relative_secrets
from headwater.errors import refuse_all
from headwater.services.access.policy import Right
from headwater.services.connectors import keeping
from headwater.services.connectors.kinds import kind_named
from headwater.services.connectors.reach import local_values
from headwater.store import audit, connectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.connectors.protocol import Config, RemoteFile, Table
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


def add(installation: Installation, name: str, kind: str, config: Mapping[str, Any]) -> StoredConnector:
    """Keep a connector. Misuse for what is wrong, and for what leads to the server itself."""
    installation.require(Right.TRANSFORM, on="connectors")
    checked = config_of(kind_named(kind), config)
    _refuse(installation, kind, checked)
    return keeping.add(installation, name, kind, config, from_outside=True)


def change(
    installation: Installation, name: str, config: Mapping[str, Any], *, expected: str | None = None
) -> StoredConnector:
    """Put values into a config; those not named stay, those that are null go. Conflict where it is another by now."""
    installation.require(Right.TRANSFORM, on=f"connector/{name}")
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        connectors.lock_connector(connection, tenant_id, name)
        found = connectors.find_connector(connection, tenant_id, name)
        keeping.refuse_another(found, expected, mine=dict(config))
        merged = {key: value for key, value in {**found.config, **config}.items() if value is not None}
        checked = config_of(kind_named(found.kind), merged)
        _refuse(installation, found.kind, checked)
        plain = checked.model_dump(mode="json", exclude_none=True)
        connectors.change_config(connection, tenant_id, found.connector_id, plain, from_outside=True)
        audit.append(
            connection, tenant_id, action="connector.changed", resource=f"connector/{found.connector_id}",
            payload=keeping.changed(config, found.config, plain),
        )  # fmt: skip
        return connectors.get_connector(connection, tenant_id, found.connector_id)


def _refuse(installation: Installation, name: str, config: Config) -> None:
    """Misuse with every value that leads to the server, or that means something else in another folder."""
    kind = kind_named(name)
    elsewhere = (*relative_secrets(kind, config), *relative_paths(kind, config))
    refuse_all(tuple(local_values(installation.settings, config)) or elsewhere)


def plain(found: Sequence[Table] | Sequence[RemoteFile]) -> list[dict[str, Any]]:
    """Tables or files of a source as plain values; types of columns in words."""
    body: list[dict[str, Any]] = json.loads(json.dumps([asdict(each) for each in found], default=str))
    return body
