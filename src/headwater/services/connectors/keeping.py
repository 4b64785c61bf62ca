"""Connectors by name: added, changed, removed, opened with their secrets resolved."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard
from uuid import uuid4

from headwater.connectors.configs import config_of, refuse_relative, with_values
from headwater.connectors.protocol import Config, Connector, FileStore
from headwater.errors import Conflict, Misuse, unasked
from headwater.services.access.policy import Right
from headwater.services.connectors.kinds import kind_named
from headwater.services.connectors.pacing import paced
from headwater.services.connectors.reach import reach_only, refuse_local
from headwater.services.connectors.secrets import resolve
from headwater.store import audit, connectors, schedules
from headwater.store.samples import forget_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from threading import Event

    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector


def version_of(stored: StoredConnector) -> str:
    """The version of a config, which a change or a removal names: a hash of what it says."""
    return hashlib.sha256(json.dumps(dict(stored.config), sort_keys=True).encode()).hexdigest()[:32]


def refuse_another(stands: StoredConnector, expected: str | None, *, mine: object) -> None:
    """Conflict with both where a connector, which is locked, is in another version than is expected, if any is."""
    if expected is not None and version_of(stands) != expected:
        error = Conflict(
            "it was changed since you looked",
            where="If-Match",
            value=expected,
            valid=version_of(stands),
            remedy="Look again, then decide.",
        )
        error.mine, error.theirs = mine, dict(stands.config)
        raise error


def add(
    installation: Installation, name: str, kind: str, config: Mapping[str, Any], *, from_outside: bool = False
) -> StoredConnector:
    """Keep a connector. Misuse where the kind, the name or a value of the config is wrong.

    from_outside: by who is not at the server: where it leads is looked at each time it is opened.
    """
    installation.require(Right.TRANSFORM)
    checked = config_of(kind_named(kind), with_values({}, config))
    refuse_relative(kind_named(kind), checked)
    connector_id = uuid4()
    with installation.database.connect(installation.tenant_id) as connection:
        connectors.add_connector(
            connection, installation.tenant_id, connector_id,
            name=name, kind=kind, config=_plain(checked), from_outside=from_outside,
        )  # fmt: skip
        _note(installation, connection, "connector.added", connector_id, name=name, kind=kind)
        return connectors.get_connector(connection, installation.tenant_id, connector_id)


def change(installation: Installation, name: str, config: Mapping[str, Any]) -> StoredConnector:
    """Put values into the config of a connector; those not named stay, also beside a key that stands within others."""
    installation.require(Right.TRANSFORM)
    with installation.database.connect(installation.tenant_id) as connection:
        found = connectors.find_connector(connection, installation.tenant_id, name)
        checked = config_of(kind_named(found.kind), with_values(found.config, config))
        refuse_relative(kind_named(found.kind), checked)
        plain = _plain(checked)
        connectors.change_config(connection, installation.tenant_id, found.connector_id, plain)
        _note(installation, connection, "connector.changed", found.connector_id, **changed(config, found.config, plain))
        return connectors.get_connector(connection, installation.tenant_id, found.connector_id)


def remove(installation: Installation, name: str, *, force: bool = False, expected: str | None = None) -> None:
    """Let go of a connector; what came through it stays, and so do its runs.

    Conflict, without `force`, where schedules read through it, and where it is in another version than is expected.
    """
    installation.require(Right.TRANSFORM)
    with installation.database.connect(installation.tenant_id) as connection:
        connectors.lock_connector(connection, installation.tenant_id, name)
        found = connectors.find_connector(connection, installation.tenant_id, name)
        refuse_another(found, expected, mine="removed")
        users = schedules.reading_through(connection, installation.tenant_id, name)
        if users and not force:
            raise Conflict(
                f"it is in use: {', '.join(f'schedule {each}' for each in users)}",
                where=f"connector {name}",
                remedy="Remove them first (`headwater schedules remove`), or say force: their jobs fail then.",
            )
        connectors.remove_connector(connection, installation.tenant_id, found.connector_id)
        forget_samples(connection, installation.tenant_id, found.connector_id)
        _note(installation, connection, "connector.removed", found.connector_id, name=name)


def find(installation: Installation, name: str) -> StoredConnector:
    """The connector of a name."""
    installation.require(Right.READ)
    with installation.database.connect(installation.tenant_id) as connection:
        return connectors.find_connector(connection, installation.tenant_id, name)


@contextmanager
def opened(
    installation: Installation, stored: StoredConnector, *, given_up: Event | None = None
) -> Iterator[Connector | FileStore]:
    """The source of a connector, open until the block ends; once `given_up` is set, nobody waits to ask it."""
    kind = kind_named(stored.kind)
    config = config_of(kind, stored.config)
    guarded = stored.from_outside and not installation.settings.api_local_sources
    if guarded:
        refuse_local(installation.settings, config)
    source = kind.open(config, lambda reference: _secret(installation, reference))
    try:
        if guarded:
            reach_only(installation, source)
        with paced(installation, source, given_up=given_up):
            yield source
    finally:
        source.close()


def _secret(installation: Installation, reference: str) -> str:
    try:
        return resolve(installation, reference)
    except Misuse as error:
        raise unasked(error) from error.__cause__


def is_store(source: Connector | FileStore) -> TypeGuard[FileStore]:
    """Whether it brings files rather than tables."""
    return hasattr(source, "files")


def tables_of(source: Connector | FileStore, stored: StoredConnector) -> Connector:
    """A source that has tables; Misuse where it is a store of files."""
    if is_store(source):
        raise Misuse(
            "this connector brings files, not tables",
            where=f"connector {stored.name}",
            value=stored.kind,
            remedy="Name no table: in a sync, each file is a run of its own.",
        )
    return source  # type: ignore[return-value]  # what is no store has tables


def _plain(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)


def changed(names: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a config as they were and are, as the audit chain tells a change. Secrets stand in none but by name."""
    named = sorted({name.partition(".")[0] for name in names})
    return {"before": {name: before.get(name) for name in named}, "after": {name: after.get(name) for name in named}}


def _note(installation: Installation, connection: Any, action: str, connector_id: object, **payload: Any) -> None:
    audit.append(
        connection, installation.tenant_id, action=action, resource=f"connector/{connector_id}", payload=payload
    )
