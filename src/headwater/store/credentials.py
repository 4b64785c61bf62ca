"""Secrets as kept: ciphertext only; the key never comes near the database."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.errors import Misuse
from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("connectors")


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A secret, encrypted by the key of that id."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, kw_only=True)
class Credential(Sealed):
    """A secret under its name."""

    name: str
    updated_at: datetime


def put_credential(connection: psycopg.Connection[Any], tenant_id: UUID, *, name: str, sealed: Sealed) -> None:
    """Keep a secret; one of that name is replaced. Misuse where the name is none."""
    try:
        connection.execute(QUERIES["put_credential"], {"tenant_id": tenant_id, "name": name, **asdict(sealed)})
    except psycopg.errors.CheckViolation as error:
        raise Misuse(
            "no name for a credential",
            where="credential",
            value=name,
            valid="small letters, digits, _ and -, a letter first, at most 63",
        ) from error


def encrypt_again(connection: psycopg.Connection[Any], tenant_id: UUID, before: Credential, *, sealed: Sealed) -> bool:
    """The same secret by another key; False where it was stored anew or forgotten since it was looked at."""
    values = {"tenant_id": tenant_id, "name": before.name, "nonce_before": before.nonce, **asdict(sealed)}
    return connection.execute(QUERIES["encrypt_again"], values).rowcount == 1


def get_credential(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> Credential | None:
    """The secret of a name, or None."""
    found = select(connection, Credential, QUERIES["credential"], {"tenant_id": tenant_id, "name": name})
    return found[0] if found else None


def list_credentials(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[Credential]:
    """All of them, by name."""
    return select(connection, Credential, QUERIES["credentials"], {"tenant_id": tenant_id})


def remove_credential(connection: psycopg.Connection[Any], tenant_id: UUID, name: str) -> bool:
    """Forget a secret; False where there was none."""
    values = {"tenant_id": tenant_id, "name": name}
    return connection.execute(QUERIES["remove_credential"], values).rowcount == 1
