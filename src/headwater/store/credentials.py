"""Secrets as kept: ciphertext only; the key never comes near the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.errors import Misuse
from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("connectors")


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A secret, encrypted by the key of that id."""

    name: str
    key_id: str
    nonce: bytes
    ciphertext: bytes
    updated_at: datetime


def put_credential(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, name: str, key_id: str, nonce: bytes, ciphertext: bytes
) -> None:
    """Keep a secret; one of that name is replaced. Misuse where the name is none."""
    values = {"tenant_id": tenant_id, "name": name, "key_id": key_id, "nonce": nonce, "ciphertext": ciphertext}
    try:
        connection.execute(QUERIES["put_credential"], values)
    except psycopg.errors.CheckViolation as error:
        raise Misuse(
            "no name for a credential",
            where="credential",
            value=name,
            valid="small letters, digits, _ and -, a letter first, at most 63",
        ) from error


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
