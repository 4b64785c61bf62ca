"""Keys that personal data is encrypted by, each kept encrypted by the one above it.

    key of the installation (outside the database: HEADWATER_CREDENTIALS_KEYS)
    └── keys of the organisation (the newest encrypts, all decrypt)
        ├── key of each person   → their fields: address, name, …
        ├── key of each subject  → personal values of records about them (`seals.py`)
        └── key of the index     → keyed hashes, by which an exact value is found again

- A field is AES-256-GCM with a fresh nonce, bound to organisation, person and field: moved to another row or column it
  does not open.
- To erase a person is to delete their key. What was encrypted by it, in copies of the database too, is then noise; the
  audit chain holds ids and ciphertext only, and stays valid.
- The key of the index comes by HKDF from the organisation's *first* key, and that key is kept for good. So neither a
  new key of the installation nor one of the organisation changes an index: the unique constraint on addresses holds
  while keys are changed, and nobody has to be found and hashed again. Whoever has got hold of the first key itself
  could try addresses against the hashes: then all are to be hashed anew, which is no change of keys.
- A new key of the organisation encrypts the keys of people and subjects again, not their fields: one short row each.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headwater.errors import NotFound, Stopped
from headwater.services.access.policy import Right
from headwater.services.access.seals import Seals
from headwater.services.connectors.secrets import NONCE_BYTES, how_to_add, keys_of
from headwater.settings import KEY_BYTES
from headwater.store import audit
from headwater.store import organisation_keys as stored
from headwater.store.organisation_keys import OrganisationKey, PersonKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from headwater.services.connectors.secrets import Keys
    from headwater.services.installation import Installation
    from headwater.settings import Settings


@dataclass(frozen=True)
class DataKey:
    """The key of one person, opened: encrypts and decrypts their fields."""

    tenant_id: UUID
    person_id: UUID
    key: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.person_id})"

    def encrypt(self, field: str, text: str) -> bytes:
        """Nonce and ciphertext; another each time."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, text.encode(), self._bound_to(field))

    def decrypt(self, field: str, sealed: bytes) -> str:
        """The text; Stopped where this is not what was encrypted for this person's field."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return _open(self.key, nonce, ciphertext, self._bound_to(field), f"{field} of person/{self.person_id}").decode()

    def _bound_to(self, field: str) -> bytes:
        return f"field/{self.tenant_id}/{self.person_id}/{field}".encode()


@dataclass(frozen=True)
class Keyring:
    """The keys of one organisation, opened, over a connection of it."""

    tenant_id: UUID
    connection: Any
    above: Keys
    by_no: dict[int, bytes]

    def __repr__(self) -> str:
        return f"Keyring({self.tenant_id}, {len(self.by_no)} keys)"

    @property
    def newest(self) -> int:
        """Number of the key that encrypts."""
        return max(self.by_no)

    @cached_property
    def index_key(self) -> bytes:
        """By which what is looked for is hashed."""
        info = f"blind index/{self.tenant_id}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.by_no[1])

    def index(self, kind: str, text: str) -> bytes:
        """A keyed hash by which `text` is found again, of no use without the key; equal texts of two kinds differ."""
        return hmac.digest(self.index_key, f"{kind}\0{text}".encode(), sha256)

    def make(self, person_id: UUID) -> DataKey:
        """A key for somebody who has none."""
        key = secrets.token_bytes(KEY_BYTES)
        stored.add_person_key(self.connection, self.tenant_id, self._wrap(person_id, key))
        return DataKey(self.tenant_id, person_id, key)

    def of(self, person_id: UUID) -> DataKey:
        """A person's key; NotFound where they were erased."""
        found = stored.list_person_keys(self.connection, self.tenant_id, [person_id])
        if not found:
            raise NotFound(
                "there is no key of this person: unknown, or erased",
                where="person",
                value=person_id,
                valid="somebody who is not erased",
                remedy="`headwater people list` shows them.",
            )
        return self._opened(found[0])

    def of_everybody(self, people: Sequence[UUID] | None = None) -> dict[UUID, DataKey]:
        """The keys of all people, or of some, who are not erased."""
        found = stored.list_person_keys(self.connection, self.tenant_id, people)
        return {each.person_id: self._opened(each) for each in found}

    def wrap_again(self) -> int:
        """Encrypt by the newest key those of people that an older one encrypts; how many."""
        old = [
            each for each in stored.list_person_keys(self.connection, self.tenant_id) if each.wrapped_by != self.newest
        ]
        for each in old:
            again = self._wrap(each.person_id, self._opened(each).key)
            stored.wrap_person_key_again(self.connection, self.tenant_id, again)
        return len(old)

    def wrap(self, key: bytes, bound_to: bytes) -> tuple[int, bytes, bytes]:
        """A key encrypted by the newest of the organisation: that one's number, nonce, ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self.newest, nonce, AESGCM(self.by_no[self.newest]).encrypt(nonce, key, bound_to)

    def unwrap(self, wrapped: tuple[int, bytes, bytes], bound_to: bytes, where: str) -> bytes:
        """The key; Stopped where this is not what was wrapped for it."""
        with suppress(Stopped):
            return self.unwrap_known(wrapped, bound_to, where)
        self.by_no.update(_all_opened(self.connection, self.tenant_id, self.above))  # others are there since
        return self.unwrap_known(wrapped, bound_to, where)

    def unwrap_known(self, wrapped: tuple[int, bytes, bytes], bound_to: bytes, where: str) -> bytes:
        """The same by the keys at hand, without asking for others."""
        number, nonce, ciphertext = wrapped
        if number not in self.by_no:
            raise _no_such_key(number, self.by_no, where)
        return _open(self.by_no[number], nonce, ciphertext, bound_to, where)

    def _wrap(self, person_id: UUID, key: bytes) -> PersonKey:
        number, nonce, wrapped = self.wrap(key, self._person(person_id))
        return PersonKey(person_id=person_id, wrapped_by=number, nonce=nonce, wrapped=wrapped)

    def _opened(self, each: PersonKey) -> DataKey:
        wrapped, where = (each.wrapped_by, each.nonce, each.wrapped), f"the key of person/{each.person_id}"
        key = self.unwrap(wrapped, self._person(each.person_id), where)
        return DataKey(self.tenant_id, each.person_id, key)

    def _person(self, person_id: UUID) -> bytes:
        return f"person key/{self.tenant_id}/{person_id}".encode()


def keyring(installation: Installation, connection: Any) -> Keyring:
    """The organisation's keys, the first of which is made in this transaction where there is none."""
    return keyring_of(installation.settings, installation.tenant_id, connection)


def keyring_of(settings: Settings, tenant_id: UUID, connection: Any) -> Keyring:
    """The same, for whoever has no more of the installation at hand."""
    above = keys_of(settings)
    by_no = _all_opened(connection, tenant_id, above)
    if not by_no:
        stored.add_key(connection, tenant_id, _wrapped(tenant_id, above, 1, secrets.token_bytes(KEY_BYTES)))
        by_no = _all_opened(connection, tenant_id, above)  # another's, who was quicker
    return Keyring(tenant_id, connection, above, by_no)


def seals_of(settings: Settings, connection: Any, tenant_id: UUID) -> Seals:
    """What seals and opens personal values of the organisation's records over its connection."""
    return Seals(partial(keyring_of, settings, tenant_id, connection), connection, tenant_id)


class Openers:
    """Opens personal values of records for whoever reads them. The keys of an organisation are opened once and kept for
    as long as it lives, as long as a server that is; those of subjects are read each time, for they may be erased.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._known: dict[UUID, Keyring] = {}

    def __call__(self, connection: Any, tenant_id: UUID) -> Seals:
        """What opens over a connection of the organisation."""
        return Seals(partial(self.keyring, connection, tenant_id), connection, tenant_id)

    def known(self, tenant_id: UUID) -> Keyring | None:
        """The keys of an organisation that were opened before, over no connection."""
        return self._known.get(tenant_id)

    def keyring(self, connection: Any, tenant_id: UUID, *, make: bool = True) -> Keyring:
        """The keys of an organisation over a connection of it; `make` the first where there is none."""
        known = self._known.get(tenant_id)
        if known is not None:
            return replace(known, connection=connection)
        above = keys_of(self.settings)
        by_no = _all_opened(connection, tenant_id, above)
        if not by_no:
            none = Keyring(tenant_id, connection, above, {})
            return keyring_of(self.settings, tenant_id, connection) if make else none
        if not stored.has_written(connection):  # one that is made in a transaction may be undone with it
            self._known[tenant_id] = Keyring(tenant_id, None, above, by_no)
        return Keyring(tenant_id, connection, above, by_no)


def locked_keyring(installation: Installation, connection: Any) -> Keyring:
    """The same, and until the transaction ends nobody else changes people, units or roles of this organisation."""
    if not stored.lock_people(connection, installation.tenant_id):
        keyring(installation, connection)
        stored.lock_people(connection, installation.tenant_id)
    return keyring(installation, connection)


def rotate(installation: Installation) -> tuple[int, int]:
    """A new key for the organisation: how many keys of its own, and of people and subjects, were encrypted again.

    The keys of the organisation are encrypted by the installation's current one, those of people and of the subjects of
    records by the new key of the organisation. Nobody has to wait for it but who changes people.
    """
    installation.require(Right.MANAGE_USERS)
    tenant_id, above = installation.tenant_id, keys_of(installation.settings)
    with installation.database.connect(tenant_id) as connection:
        locked_keyring(installation, connection)
        again = _wrap_again(connection, tenant_id, above)
        before = stored.list_keys(connection, tenant_id)[-1].key_no
        stored.add_key(connection, tenant_id, _wrapped(tenant_id, above, before + 1, secrets.token_bytes(KEY_BYTES)))
        keys = keyring(installation, connection)
        people = keys.wrap_again()
        subjects = seals_of(installation.settings, connection, tenant_id).wrap_again()
        payload = {"key": keys.newest, "by": above.current[0], "people": people, "subjects": subjects}
        audit.append(connection, tenant_id, action="keys.rotated", resource="organisation", payload=payload)
    return again, people + subjects


def encrypt_again(installation: Installation) -> int:
    """Encrypt by the installation's current key the organisation's keys that another encrypts; how many there were."""
    installation.require(Right.MANAGE_USERS, on="organisation")
    tenant_id, above = installation.tenant_id, keys_of(installation.settings)
    with installation.database.connect(tenant_id) as connection:
        stored.lock_people(connection, tenant_id)
        again = _wrap_again(connection, tenant_id, above)
        if again:
            payload = {"by": above.current[0], "keys": again}
            audit.append(connection, tenant_id, action="keys.encrypted", resource="organisation", payload=payload)
    return again


def _wrap_again(connection: Any, tenant_id: UUID, above: Keys) -> int:
    again = [each for each in stored.list_keys(connection, tenant_id) if each.wrapped_by != above.current[0]]
    for each in again:
        key = _opened(tenant_id, above, each)
        stored.wrap_again(connection, tenant_id, _wrapped(tenant_id, above, each.key_no, key))
    return len(again)


def folded(email: str) -> str:
    """An address as it is compared: in whatever case it is written, it is the same."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def _all_opened(connection: Any, tenant_id: UUID, above: Keys) -> dict[int, bytes]:
    return {each.key_no: _opened(tenant_id, above, each) for each in stored.list_keys(connection, tenant_id)}


def _wrapped(tenant_id: UUID, above: Keys, key_no: int, key: bytes) -> OrganisationKey:
    key_id, by = above.current
    nonce = secrets.token_bytes(NONCE_BYTES)
    wrapped = AESGCM(by).encrypt(nonce, key, _organisation(tenant_id, key_no))
    return OrganisationKey(key_no=key_no, wrapped_by=key_id, nonce=nonce, wrapped=wrapped)


def _opened(tenant_id: UUID, above: Keys, each: OrganisationKey) -> bytes:
    by = above.by_id.get(each.wrapped_by)
    where = f"key {each.key_no} of the organisation"
    if by is None:
        raise Stopped(
            f"it is encrypted by the key {each.wrapped_by}, which is not known here; known are: "
            + ", ".join(above.by_id),
            where=where,
            remedy=f"{how_to_add(each.wrapped_by)} Without it nobody's personal data can be read.",
        )
    return _open(by, each.nonce, each.wrapped, _organisation(tenant_id, each.key_no), where)


def _no_such_key(number: int, known: Iterable[int], where: str) -> Stopped:
    return Stopped(
        "it is encrypted by a key of the organisation that is not there, or was changed since",
        where=where,
        value=number,
        valid=", ".join(map(str, sorted(known))) or "the organisation has none",
        remedy="Restore the database from a backup that has the key. Where the key was deleted, it is lost for good.",
    )


def _organisation(tenant_id: UUID, key_no: int) -> bytes:
    return f"organisation key/{tenant_id}/{key_no}".encode()


def _open(key: bytes, nonce: bytes, ciphertext: bytes, bound_to: bytes, where: str) -> bytes:
    try:
        opened: bytes = AESGCM(key).decrypt(nonce, ciphertext, bound_to)
    except (InvalidTag, ValueError) as error:
        raise Stopped(
            "the key that is known here does not open it: it was encrypted by another, or was changed or moved since",
            where=where,
            remedy="Look whether HEADWATER_CREDENTIALS_KEYS, or the file of keys in the data folder, is the one it was "
            "stored by. Else put it back from a backup, and find out who changed it.",
        ) from error
    return opened
