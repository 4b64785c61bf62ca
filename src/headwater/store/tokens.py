"""API tokens as kept: never the secret, only its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from headwater.store.queries import named_queries

QUERIES = named_queries("tokens")


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token: of a person, or of a service with a role of its own, in the organisation or in a unit.

    person_id   whose it is; null of a service
    role        of a service; null of a person's, who may what their own roles let them
    unit_id     the unit that a service's role is in; null: the organisation
    scopes      the rights that it is limited to
    seen_at     when it was used last
    revoked_at  when it was ended before its time
    """

    token_id: UUID
    name: str
    person_id: UUID | None
    role: str | None
    unit_id: UUID | None
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None
    revoked_at: datetime | None
    is_expired: bool


@dataclass(frozen=True, kw_only=True)
class PresentedToken:
    """What decides whether a token that somebody shows opens anything."""

    person_id: UUID | None
    role: str | None
    unit_id: UUID | None
    scopes: list[str]
    secret_hash: bytes
    holds: bool
    is_stale: bool


def add_token(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    token_id: UUID,
    *,
    name: str,
    person_id: UUID | None,
    role: str | None,
    unit_id: UUID | None,
    scopes: list[str],
    secret_hash: bytes,
    created_by: str,
    days: int,
) -> datetime:
    """Keep a token; when it expires."""
    values = {"tenant_id": tenant_id, "token_id": token_id, "name": name, "person_id": person_id, "role": role}
    values |= {"unit_id": unit_id, "scopes": scopes, "secret_hash": secret_hash, "created_by": created_by, "days": days}
    row = connection.execute(QUERIES["add"], values).fetchone()
    assert row is not None  # noqa: S101 (an INSERT … RETURNING of one row)
    expires_at: datetime = row[0]
    return expires_at


def presented_token(connection: psycopg.Connection[Any], tenant_id: UUID, token_id: UUID) -> PresentedToken | None:
    """The token of an id, or None."""
    values = {"tenant_id": tenant_id, "token_id": token_id}
    with connection.cursor(row_factory=class_row(PresentedToken)) as cursor:
        return cursor.execute(QUERIES["presented"], values).fetchone()


def see_token(connection: psycopg.Connection[Any], tenant_id: UUID, token_id: UUID) -> None:
    """Note that it is used."""
    connection.execute(QUERIES["see"], {"tenant_id": tenant_id, "token_id": token_id})


def list_tokens(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID | None = None) -> list[Token]:
    """All there ever were, or a person's, the newest first."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(QUERIES["list"], {"tenant_id": tenant_id, "person_id": person_id}).fetchall()


def get_token(connection: psycopg.Connection[Any], tenant_id: UUID, token_id: UUID) -> Token | None:
    """One token, or None."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(QUERIES["get"], {"tenant_id": tenant_id, "token_id": token_id}).fetchone()


def revoke_token(connection: psycopg.Connection[Any], tenant_id: UUID, token_id: UUID) -> bool:
    """False where it was revoked already."""
    return connection.execute(QUERIES["revoke"], {"tenant_id": tenant_id, "token_id": token_id}).rowcount == 1
