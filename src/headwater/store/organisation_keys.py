"""Keys of organisations and people as kept: encrypted, each by the key above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("organisation_keys")


@dataclass(frozen=True, kw_only=True)
class OrganisationKey:
    """One of an organisation's keys, encrypted by the installation's key of that id."""

    key_no: int
    wrapped_by: str
    nonce: bytes
    wrapped: bytes


@dataclass(frozen=True, kw_only=True)
class PersonKey:
    """A person's key, encrypted by the organisation's key of that number."""

    person_id: UUID
    wrapped_by: int
    nonce: bytes
    wrapped: bytes


def list_keys(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[OrganisationKey]:
    """The organisation's keys, the newest last."""
    return select(connection, OrganisationKey, QUERIES["keys"], {"tenant_id": tenant_id})


def has_written(connection: psycopg.Connection[Any]) -> bool:
    """Whether the transaction has written anything, which it may undo."""
    row = connection.execute(QUERIES["has_written"]).fetchone()
    return row is None or bool(row[0])


def add_key(connection: psycopg.Connection[Any], tenant_id: UUID, key: OrganisationKey) -> bool:
    """Keep a key; False where one of this number is there already."""
    return connection.execute(QUERIES["add"], {"tenant_id": tenant_id, **asdict(key)}).rowcount == 1


def lock_people(connection: psycopg.Connection[Any], tenant_id: UUID) -> bool:
    """Until the transaction ends nobody else changes people, units or roles; False where there is no key yet."""
    return connection.execute(QUERIES["lock"], {"tenant_id": tenant_id}).rowcount == 1


def wrap_again(connection: psycopg.Connection[Any], tenant_id: UUID, key: OrganisationKey) -> None:
    """The same key of an organisation, encrypted by another of the installation."""
    connection.execute(QUERIES["wrap_again"], {"tenant_id": tenant_id, **asdict(key)})


def list_person_keys(
    connection: psycopg.Connection[Any], tenant_id: UUID, people: Sequence[UUID] | None = None
) -> list[PersonKey]:
    """Those of everybody, or of some people."""
    return select(connection, PersonKey, QUERIES["person_keys"], {"tenant_id": tenant_id, "people": people})


def add_person_key(connection: psycopg.Connection[Any], tenant_id: UUID, key: PersonKey) -> None:
    """Keep the key of somebody who has none."""
    connection.execute(QUERIES["add_person_key"], {"tenant_id": tenant_id, **asdict(key)})


def wrap_person_key_again(connection: psycopg.Connection[Any], tenant_id: UUID, key: PersonKey) -> None:
    """The same key of a person, encrypted by another of the organisation."""
    connection.execute(QUERIES["wrap_person_key_again"], {"tenant_id": tenant_id, **asdict(key)})


def remove_person_key(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> bool:
    """Delete it for good; False where there was none."""
    return (
        connection.execute(QUERIES["remove_person_key"], {"tenant_id": tenant_id, "person_id": person_id}).rowcount == 1
    )
