"""Secrets by reference: from the environment, from a file, or stored encrypted; never shown again.

Stored ones are encrypted by AES-GCM (NIST SP 800-38D) with a fresh nonce each time, bound to organisation and name, so
that a ciphertext moved to another row does not open. The key stands outside the database.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from headwater.documents.near import did_you_mean
from headwater.errors import Misuse, Stopped
from headwater.services.access.policy import Right
from headwater.services.connectors.wrapped_keys import unwrapped
from headwater.settings import KEY_BYTES, VALID_KEYS, WRAPPED_KEY, are_keys
from headwater.store import audit, credentials
from headwater.store.connectors import list_connectors
from headwater.store.credentials import Sealed

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.services.installation import Installation
    from headwater.settings import Settings
    from headwater.store.connectors import StoredConnector

NONCE_BYTES = 12
KEY_FILE = "credentials.key"
MAX_SECRET_BYTES = 64 * 1024
VALID = "env:NAME, file:/PATH or stored:NAME"


class _Said(Mapping[str, bytes]):
    """Keys as the settings say them, each made of its words, by a KMS maybe, when it is asked for."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def __getitem__(self, key_id: str) -> bytes:
        return _key(self._words[key_id])

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._words

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


@dataclass(frozen=True)
class Keys:
    """Keys by id; the first encrypts. One that is not needed is not asked for: its KMS may be out of reach."""

    by_id: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.by_id)})"

    @property
    def current_id(self) -> str:
        """The id of the one that encrypts."""
        return next(iter(self.by_id))

    @property
    def current(self) -> tuple[str, bytes]:
        """The one that encrypts."""
        return self.current_id, self.by_id[self.current_id]


def keys_of(settings: Settings) -> Keys:
    """The keys the settings name, or the one in the data folder, which is made where there is none."""
    said = settings.credentials_keys
    text = said.get_secret_value() if said else _key_file(settings.data_dir / KEY_FILE)
    parts = (part.strip().partition(":") for part in text.split(","))
    return Keys(_Said({key_id: encoded for key_id, _, encoded in parts}))


def _key(text: str) -> bytes:
    wrapped = WRAPPED_KEY.fullmatch(text)
    return unwrapped(wrapped["arn"], wrapped["ciphertext"]) if wrapped else base64.b64decode(text)


def _key_file(path: Path) -> str:
    """What the file of keys holds; one is made where there is none."""
    try:
        if not path.exists():
            _make_key_file(path)
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Stopped(
            f"the file of keys for credentials cannot be read or made: {error.strerror}",
            where=str(path),
            remedy="Give this user the right to it, or say keys in HEADWATER_CREDENTIALS_KEYS.",
        ) from error
    except UnicodeDecodeError:
        text = ""
    if not are_keys(text):
        raise Stopped(
            "the file of keys for credentials holds none",
            where=str(path),
            valid=VALID_KEYS,
            remedy="Put it back from a copy. Without its key, what it encrypts must be stored again.",
        )
    return text


def _make_key_file(path: Path) -> None:
    """Whole or not at all, and never over another: of processes that begin at once, one's key is everybody's.

    By a lock on the file that becomes it, for not every disk has hard links. What a process that was killed has begun
    is written anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(begun, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            begun.unlink(missing_ok=True)
            return
        os.fchmod(file.fileno(), 0o600)  # whoever began it
        file.truncate()
        file.write("k1:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        file.flush()
        os.fsync(file.fileno())
        begun.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def store_secret(installation: Installation, name: str, secret: str) -> None:
    """Keep a secret under a name; one of that name is replaced."""
    installation.require(Right.TRANSFORM)
    tenant_id = installation.tenant_id
    sealed = seal(installation, keys_of(installation.settings), name, secret)
    with installation.database.connect(tenant_id) as connection:
        credentials.put_credential(connection, tenant_id, name=name, sealed=sealed)
        _note(installation, connection, "credential.stored", name, key=sealed.key_id)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A secret as it is listed: the id of the key that encrypts it, when it was stored, and what refers to it.

    used_by  connectors, and settings of this process; () where nothing here does
    """

    name: str
    key: str
    updated_at: datetime
    used_by: tuple[str, ...]


def stored(installation: Installation) -> list[Stored]:
    """Each secret, by name."""
    installation.require(Right.TRANSFORM)
    with installation.database.connect(installation.tenant_id) as connection:
        found = credentials.list_credentials(connection, installation.tenant_id)
        there = list_connectors(connection, installation.tenant_id)
    return [
        Stored(
            name=each.name,
            key=each.key_id,
            updated_at=each.updated_at,
            used_by=_users(installation.settings, there, each.name),
        )
        for each in found
    ]


def forget(installation: Installation, name: str, *, force: bool = False) -> None:
    """Misuse where there is no such secret, and, without `force`, where a connector or a setting refers to it."""
    installation.require(Right.TRANSFORM)
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        there = [each.name for each in credentials.list_credentials(connection, tenant_id)]
        if name not in there:
            raise Misuse(
                "no credential is stored under this name",
                where="credential",
                value=name,
                valid=", ".join(there) or "none is stored",
                remedy=did_you_mean(name, there),
            )
        users = _users(installation.settings, list_connectors(connection, tenant_id), name)
        if users and not force:
            raise Misuse(
                f"it is in use: {', '.join(users)}",
                where=f"credential {name}",
                remedy="Have them refer to another secret first, or add --force: they cannot log in then.",
            )
        credentials.remove_credential(connection, tenant_id, name)
        _note(installation, connection, "credential.forgotten", name)


def _users(settings: Settings, connectors: Sequence[StoredConnector], name: str) -> tuple[str, ...]:
    """What refers to the secret of that name."""
    return (
        *(f"connector {each.name}" for each in connectors if _refers(each.config, name)),
        *(f"setting {each}" for each in _settings_that_refer(settings, name)),
    )


def _refers(config: object, name: str) -> bool:
    """Whether a config, as it is stored, refers to the secret of that name."""
    if isinstance(config, Mapping):
        return any(
            value == f"stored:{name}" if key.endswith("_ref") else _refers(value, name) for key, value in config.items()
        )
    return isinstance(config, list) and any(_refers(each, name) for each in config)


def _settings_that_refer(settings: Settings, name: str) -> list[str]:
    said = f"stored:{name}"
    return [key for key, value in settings if isinstance(value, SecretStr) and value.get_secret_value() == said]


def rotate(installation: Installation) -> int:
    """Encrypt by the current key what another key encrypts; how many there were. Syncs go on meanwhile, and a secret
    that somebody stores meanwhile stays as they said.
    """
    installation.require(Right.TRANSFORM)
    keys, tenant_id = keys_of(installation.settings), installation.tenant_id
    key_id, rotated = keys.current_id, 0
    with installation.database.connect(tenant_id) as connection:
        for each in credentials.list_credentials(connection, tenant_id):
            if each.key_id != key_id:
                sealed = seal(installation, keys, each.name, open_sealed(installation, keys, each.name, each))
                rotated += credentials.encrypt_again(connection, tenant_id, each, sealed=sealed)
        if rotated:
            _note(installation, connection, "credential.rotated", "*", key=key_id, credentials=rotated)
    return rotated


def resolve(installation: Installation, reference: str) -> str:
    """The secret a reference stands for; Misuse, without the secret, where there is none."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        found = os.environ.get(name)
        if not found:
            raise Misuse(
                f"the environment variable {name} is not set, or it is empty",
                where="secret",
                remedy="Set it where Headwater runs: for this command, and for every server and worker.",
            )
        return found
    if kind == "file" and name:
        return _from_file(Path(name))
    if kind == "stored" and name:
        with installation.database.connect(installation.tenant_id) as connection:
            stored = credentials.get_credential(connection, installation.tenant_id, name)
        if stored is None:
            raise Misuse(
                f"no credential is stored under the name {name}",
                where="secret",
                remedy=f"Store it: headwater connectors credentials set {name}",
            )
        return open_sealed(installation, keys_of(installation.settings), stored.name, stored)
    raise Misuse("no reference to a secret", where="secret", valid=VALID)


def _from_file(path: Path) -> str:
    named = f"the file with the secret, {path.absolute()},"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        if len(content) > MAX_SECRET_BYTES:
            raise Misuse(f"{named} is too long for a secret", where="secret", valid="at most 64 KiB")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise Misuse(f"{named} cannot be read: {error.strerror}", where="secret", valid="a text file") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"{named} cannot be read: it is no text", where="secret", valid="a text in UTF-8") from error


def open_sealed(installation: Installation, keys: Keys, name: str, stored: Sealed) -> str:
    """The secret that was sealed for this name of this organisation; Misuse where its key is not known."""
    key = keys.by_id.get(stored.key_id)
    if key is None:
        raise Misuse(
            f"it is encrypted by the key {stored.key_id}, which is not known here; known are: {', '.join(keys.by_id)}",
            where=f"credential {name}",
            remedy=f"{how_to_add(stored.key_id)} Or store the credential again.",
        )
    try:
        secret: bytes = AESGCM(key).decrypt(stored.nonce, stored.ciphertext, _bound_to(installation, name))
    except InvalidTag as error:
        raise Stopped(
            f"the key {stored.key_id} known here does not open it: it was encrypted by another key of that name,"
            " or was changed since",
            where=f"credential {name}",
            remedy=f"If keys were changed: {how_to_add(stored.key_id)} Else store it again; find out who changed it.",
        ) from error
    return secret.decode()


def how_to_add(key_id: str) -> str:
    """What is to be done where the key of that id is missing."""
    return (
        f"Add the {key_id} it was encrypted by behind a comma in HEADWATER_CREDENTIALS_KEYS (one that was made without "
        f"a word of yours is the line in {KEY_FILE} of the data folder), and give a new key a name that none had."
    )


def seal(installation: Installation, keys: Keys, name: str, secret: str) -> Sealed:
    """A secret encrypted by the current key, bound to this name of this organisation."""
    key_id, key = keys.current
    nonce = secrets.token_bytes(NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, secret.encode(), _bound_to(installation, name))
    return Sealed(key_id=key_id, nonce=nonce, ciphertext=ciphertext)


def _bound_to(installation: Installation, name: str) -> bytes:
    return f"{installation.tenant_id}/{name}".encode()


def _note(installation: Installation, connection: Any, action: str, name: str, **payload: object) -> None:
    audit.append(connection, installation.tenant_id, action=action, resource=f"credential/{name}", payload=payload)
