"""Personal values of records, sealed by the key of their subject: whom the record is about.

- A value is AES-256-SIV (RFC 5297), bound to organisation, subject and place. SIV needs no nonce: the same value of the
  same subject in the same place is the same ciphertext, so that a personal key still names one row.
- Beside it stands a keyed hash of the value, under which an exact value is found again whoever's it is.
- A subject is found by a keyed hash, and named in ciphertexts by a number drawn for it: when its key is deleted,
  nothing that is left says whose they were.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from headwater.pipeline.refusals import KEYED
from headwater.store import subject_keys as stored
from headwater.store.sealed import SEALED, SIGN
from headwater.store.subject_keys import SubjectKey
from headwater.values.canonical import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from headwater.contracts import Document
    from headwater.services.access.keys import Keyring
    from headwater.store.sealed import Place

SUBJECT_KEY_BYTES = 64
INDEX_BYTES = 16
REWRAPPED_AT_ONCE = 10_000


@dataclass(frozen=True)
class Subject:
    """Whom values are about: the key that seals them, opened."""

    tenant_id: UUID
    subject_id: UUID
    key: bytes

    def __repr__(self) -> str:
        return f"Subject({self.subject_id})"

    @property
    def mark(self) -> str:
        """What stands in every ciphertext of theirs, and in no other."""
        return f".{self._named}."

    @cached_property
    def _named(self) -> str:
        return _text(self.subject_id.bytes)

    @cached_property
    def _binding(self) -> str:
        return f"value/{self.tenant_id}/{self.subject_id}/"

    @cached_property
    def _siv(self) -> AESSIV:
        return AESSIV(self.key)

    def seal(self, place: str, text: str, index: bytes = b"") -> str:
        """The ciphertext as it is stored; `index` is the keyed hash by which the value is found, if it is to be."""
        sealed = self._siv.encrypt(text.encode("utf-8", "surrogatepass"), [self._bound_to(place)])
        return f"{SIGN}{_text(index)}.{self._named}.{_text(sealed)}"

    def open(self, place: str, sealed: str) -> str | None:
        """The text; None where this was not sealed for this subject at this place."""
        try:
            opened = self._siv.decrypt(_bytes(sealed.rpartition(".")[2]), [self._bound_to(place)])
        except (InvalidTag, ValueError):
            return None
        return opened.decode("utf-8", "surrogatepass")

    def _bound_to(self, place: str) -> bytes:
        return (self._binding + place).encode()


class Seals:
    """Seals and opens over one connection of an organisation, and keeps the keys it has opened."""

    def __init__(self, keyring: Callable[[], Keyring], connection: Any, tenant_id: UUID) -> None:
        self._keyring = keyring
        self._connection = connection
        self._tenant_id = tenant_id
        self._known: dict[UUID, Subject | None] = {}

    def __repr__(self) -> str:
        return f"Seals({self._tenant_id})"

    @cached_property
    def keys(self) -> Keyring:
        """The organisation's keys, read when the first is needed."""
        return self._keyring()

    def __call__(self, sealed: Collection[Place]) -> Mapping[Place, str]:
        """The text of each; of those whose key is gone, or that were changed or moved, there is none."""
        whose = {place: subject_of(place[1]) for place in sealed}
        self._learn(set(whose.values()))
        found = {}
        for place, subject_id in whose.items():
            subject = self._known[subject_id]
            text = subject.open(*place) if subject is not None else None
            if text is not None:
                found[place] = text
        return found

    def sealed_key(self, document: Document, key: Mapping[str, object]) -> dict[str, object]:
        """Values of a key as they are stored; such that no row has them where nobody is known by them."""
        text = SEPARATOR.join(spec.kind.canonical(key[spec.name]) for spec in document.subject_fields)
        subject = self.subjects(document.subject_domain, [text]).get(text)
        found = dict(key)
        for name in document.personal.keys() & key.keys():
            plain = document.by_name[name].kind.canonical(key[name])
            found[name] = self.index(name, plain) if subject is None else self.seal(subject, name, plain)
        return found

    def held(self, digest: str) -> str:
        """A digest of keys as the audit chain holds it: what it says of few keys could be tried out otherwise."""
        return KEYED + self.keys.index("refused keys", digest).hex()

    def index(self, place: str, text: str) -> str:
        """What every ciphertext of this value at this place begins with, whoever's it is."""
        return f"{SIGN}{_text(self._index(place, text))}."

    def seal(self, subject: Subject, place: str, text: str) -> str:
        """The ciphertext as it is stored, to be found by the value."""
        return subject.seal(place, text, self._index(place, text))

    def subjects(self, domain: str, texts: Collection[str], *, make: bool = False) -> dict[str, Subject]:
        """Who is known in a domain by these texts; `make` gives a key to those who have none, in this transaction."""
        index_of = {text: self.keys.index(f"subject {domain}", text) for text in texts}
        found = self._by_index(index_of.values(), hold=make)
        missing = [index for index in index_of.values() if index not in found]
        if make and missing:
            stored.add_keys(self._connection, self._tenant_id, [self._made(index) for index in sorted(set(missing))])
            found |= self._by_index(missing, hold=True)
        return {text: found[index] for text, index in index_of.items() if index in found}

    def wrap_again(self) -> int:
        """Encrypt by the organisation's newest key those of subjects that an older one encrypts; how many."""
        count = 0
        while old := stored.keys_of_older(self._connection, self._tenant_id, self.keys.newest, limit=REWRAPPED_AT_ONCE):
            again = [self._wrapped(each.subject_id, each.subject_index, self._opened(each).key) for each in old]
            stored.wrap_again(self._connection, self._tenant_id, again)
            count += len(old)
        return count

    def _index(self, place: str, text: str) -> bytes:
        return self.keys.index(f"value {place}", text)[:INDEX_BYTES]

    def _by_index(self, indexes: Iterable[bytes], *, hold: bool) -> dict[bytes, Subject]:
        rows = stored.keys_by_index(self._connection, self._tenant_id, list(indexes), hold=hold)
        return {bytes(each.subject_index): self._opened(each) for each in rows}

    def _learn(self, ids: set[UUID]) -> None:
        unknown = ids - self._known.keys()
        if unknown:
            rows = stored.keys_by_id(self._connection, self._tenant_id, unknown)
            self._known |= dict.fromkeys(unknown) | {each.subject_id: self._opened(each) for each in rows}

    def _made(self, index: bytes) -> SubjectKey:
        subject_id = UUID(bytes=secrets.token_bytes(16), version=4)
        return self._wrapped(subject_id, index, secrets.token_bytes(SUBJECT_KEY_BYTES))

    def _wrapped(self, subject_id: UUID, index: bytes, key: bytes) -> SubjectKey:
        number, nonce, wrapped = self.keys.wrap(key, self._bound_to(subject_id))
        return SubjectKey(subject_id=subject_id, subject_index=index, wrapped_by=number, nonce=nonce, wrapped=wrapped)

    def _opened(self, each: SubjectKey) -> Subject:
        wrapped, where = (each.wrapped_by, each.nonce, each.wrapped), f"the key of subject/{each.subject_id}"
        key = self.keys.unwrap(wrapped, self._bound_to(each.subject_id), where)
        return Subject(self._tenant_id, each.subject_id, key)

    def _bound_to(self, subject_id: UUID) -> bytes:
        return f"subject key/{self._tenant_id}/{subject_id}".encode()


def subject_of(sealed: str) -> UUID:
    """The number of the subject whose key opens a ciphertext."""
    match = SEALED.fullmatch(sealed)
    if match is None:
        raise AssertionError("only ciphertexts are asked about")
    return UUID(bytes=_bytes(match[2]))


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
