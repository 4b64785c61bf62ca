"""Connectors by name: added, changed, removed, opened with their secrets resolved."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from headwater.connectors.protocol import Config, Connector, FileStore
from headwater.errors import Misuse
from headwater.services.connectors.kinds import kind_named
from headwater.services.connectors.secrets import VALID, resolve
from headwater.store import audit, connectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwater.connectors.protocol import Kind
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


def add(installation: Installation, name: str, kind: str, config: Mapping[str, Any]) -> StoredConnector:
    """Keep a connector. Misuse where the kind, the name or a value of the config is wrong."""
    checked = config_of(kind_named(kind), config)
    connector_id = uuid4()
    with installation.database.connect(installation.tenant_id) as connection:
        connectors.add_connector(
            connection, installation.tenant_id, connector_id, name=name, kind=kind, config=_plain(checked)
        )
        _note(installation, connection, "connector.added", connector_id, name=name, kind=kind)
        return connectors.get_connector(connection, installation.tenant_id, connector_id)


def change(installation: Installation, name: str, config: Mapping[str, Any]) -> StoredConnector:
    """Put values into the config of a connector; those not named stay."""
    with installation.database.connect(installation.tenant_id) as connection:
        found = connectors.find_connector(connection, installation.tenant_id, name)
        checked = config_of(kind_named(found.kind), {**found.config, **config})
        connectors.change_config(connection, installation.tenant_id, found.connector_id, _plain(checked))
        _note(installation, connection, "connector.changed", found.connector_id, changed=sorted(config))
        return connectors.get_connector(connection, installation.tenant_id, found.connector_id)


def remove(installation: Installation, name: str) -> None:
    """Let go of a connector; what came through it stays, and so do its runs."""
    with installation.database.connect(installation.tenant_id) as connection:
        found = connectors.find_connector(connection, installation.tenant_id, name)
        connectors.remove_connector(connection, installation.tenant_id, found.connector_id)
        _note(installation, connection, "connector.removed", found.connector_id, name=name)


def find(installation: Installation, name: str) -> StoredConnector:
    """The connector of a name."""
    with installation.database.connect(installation.tenant_id) as connection:
        return connectors.find_connector(connection, installation.tenant_id, name)


@contextmanager
def opened(installation: Installation, stored: StoredConnector) -> Iterator[Connector | FileStore]:
    """The source of a connector, open until the block ends."""
    kind = kind_named(stored.kind)
    source = kind.open(config_of(kind, stored.config), lambda reference: resolve(installation, reference))
    try:
        yield source
    finally:
        source.close()


def config_of(kind: Kind, values: Mapping[str, Any]) -> Config:
    """A typed config; Misuse naming the first value that is wrong, which is not shown where it may be a secret."""
    try:
        config = kind.config.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "config"
        known = ", ".join(kind.config.model_fields)
        unknown = first["type"] == "extra_forbidden"
        raise Misuse(
            "there is no such key" if unknown else _lower(first["msg"]),
            where=f"config of {kind.name}, {key}",
            valid=known if unknown or first["type"] == "missing" else None,
        ) from None  # the cause would show the value
    for key, value in config.model_dump().items():
        if key.endswith("_ref") and value is not None and not _is_reference(str(value)):
            raise Misuse(
                "secrets are not written into a config, it refers to them",
                where=f"config of {kind.name}, {key}",
                valid=VALID,
                remedy="Store the secret: headwater connectors credentials set NAME; then say stored:NAME here.",
            )
    return config


def _is_reference(value: str) -> bool:
    kind, colon, name = value.partition(":")
    return bool(colon and name and kind in {"env", "file", "stored"})


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _plain(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)


def _note(installation: Installation, connection: Any, action: str, connector_id: object, **payload: Any) -> None:
    audit.append(
        connection, installation.tenant_id, action=action, resource=f"connector/{connector_id}", payload=payload
    )
