"""Secrets of channels, encrypted as credentials are: bound to organisation and channel, by a key outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headwater.services.access.policy import Right
from headwater.services.connectors.secrets import keys_of, open_sealed, seal
from headwater.store import audit, notifications

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.store.credentials import Sealed
    from headwater.store.database import TenantConnection


def sealed(installation: Installation, channel_id: UUID, secret: str) -> Sealed:
    """A secret of a channel, as it is kept."""
    return seal(installation, keys_of(installation.settings), _name(channel_id), secret)


def secrets_of(installation: Installation, connection: TenantConnection, channel_id: UUID) -> list[str]:
    """Those that hold, the newest first."""
    keys = keys_of(installation.settings)
    return [
        open_sealed(installation, keys, _name(channel_id), each)
        for each in notifications.secrets_of(connection, installation.tenant_id, channel_id)
    ]


def addresses_of(secret: str) -> list[str]:
    """The addresses of a channel of e-mail, which are personal and kept as a secret."""
    found: list[str] = json.loads(secret)
    return found


def encrypt_again(installation: Installation) -> int:
    """Encrypt by the current key the secrets of channels that another encrypts; how many there were."""
    installation.require(Right.TRANSFORM, on="notification-channels")
    keys, tenant_id = keys_of(installation.settings), installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        old = [each for each in notifications.all_secrets(connection, tenant_id) if each.key_id != keys.current_id]
        for each in old:
            name = _name(each.channel_id)
            again = seal(installation, keys, name, open_sealed(installation, keys, name, each))
            notifications.encrypt_again(connection, tenant_id, each, again)
        if old:
            audit.append(
                connection, tenant_id, action="channel.secrets_encrypted", resource="notification-channels",
                payload={"by": keys.current_id, "secrets": len(old)},
            )  # fmt: skip
    return len(old)


def _name(channel_id: UUID) -> str:
    """What a ciphertext is bound to; no credential can be called so."""
    return f"notification-channel/{channel_id}"
