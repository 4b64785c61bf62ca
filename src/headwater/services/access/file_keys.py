"""The keys of organisations as the store of blobs asks for them: see `store.sealed_files`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from headwater.errors import Stopped
from headwater.services.access.keys import keyring_of

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.services.access.keys import Keyring, Openers
    from headwater.settings import Settings
    from headwater.store.database import Database
    from headwater.store.sealed_files import Wrapped


class OrganisationFileKeys:
    """Asks the database over connections of its own: a file may be kept where no transaction is open, and what it is
    encrypted by must be there whatever becomes of one that is.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def wrap(self, tenant_id: UUID, key: bytes, bound_to: bytes) -> Wrapped:
        """Encrypt a key by the organisation's newest, asked for each time: another process may have made it since."""
        with self._database.connect(tenant_id) as connection:
            return keyring_of(self._settings, tenant_id, connection).wrap(key, bound_to)

    def unwrap(self, tenant_id: UUID, wrapped: Wrapped, bound_to: bytes, where: str) -> bytes:
        """The key; Stopped where this is not what was encrypted, or by what is not known. The organisation's keys that
        were opened once are not asked for again.
        """
        openers = cast("Openers", self._database.opens)
        known = openers.known(tenant_id)
        if known is not None:
            with suppress(Stopped):
                return known.unwrap_known(wrapped, bound_to, where)
        with self._database.connect(tenant_id) as connection:
            return openers.keyring(connection, tenant_id, make=False).unwrap(wrapped, bound_to, where)


class FileKeysOf:
    """The keys of one organisation as they are at hand, for many of its files."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def wrap(self, tenant_id: UUID, key: bytes, bound_to: bytes) -> Wrapped:
        """See `store.sealed_files.FileKeys`."""
        return self._of(tenant_id).wrap(key, bound_to)

    def unwrap(self, tenant_id: UUID, wrapped: Wrapped, bound_to: bytes, where: str) -> bytes:
        """See `store.sealed_files.FileKeys`."""
        return self._of(tenant_id).unwrap(wrapped, bound_to, where)

    def _of(self, tenant_id: UUID) -> Keyring:
        if tenant_id != self._keyring.tenant_id:
            raise AssertionError("these are the keys of one organisation")
        return self._keyring
