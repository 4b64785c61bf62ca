"""Passwords, failures, one-time links, sessions and identities as kept; times are those of the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("sign_in")

FREE_ATTEMPTS = 5
FIRST_LOCK_SECONDS = 30
LONGEST_LOCK_SECONDS = 15 * 60


@dataclass(frozen=True, kw_only=True)
class PresentedSession:
    """What decides whether a session that somebody shows holds."""

    person_id: UUID
    secret_hash: bytes
    holds: bool
    is_stale: bool


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A session; address and agent are ciphertext by the person's key."""

    session_id: UUID
    person_id: UUID
    method: str
    address: bytes | None
    agent: bytes | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredLink:
    """A one-time link; it holds while it is neither used nor expired and its person may use it."""

    person_id: UUID
    purpose: str
    secret_hash: bytes
    expires_at: datetime
    holds: bool


@dataclass(frozen=True, kw_only=True)
class LockedPerson:
    """Somebody whom nobody changes until the transaction ends."""

    state: str
    hash: str | None


def count_attempt(connection: psycopg.Connection[Any], tenant_id: UUID, email_index: bytes) -> float:
    """Count an attempt to sign in with an address; 0, or for how many seconds more no attempt is looked at."""
    values: dict[str, Any] = {"tenant_id": tenant_id, "email_index": email_index, "free": FREE_ATTEMPTS}
    values |= {"first_seconds": FIRST_LOCK_SECONDS, "longest_seconds": LONGEST_LOCK_SECONDS}
    if connection.execute(QUERIES["count_attempt"], values).fetchone() is not None:
        return 0
    row = connection.execute(QUERIES["locked_for"], values).fetchone()
    return max(1.0, row[0]) if row else 1.0


def forget_failures(connection: psycopg.Connection[Any], tenant_id: UUID, email_index: bytes) -> None:
    """Whoever has that address begins anew."""
    connection.execute(QUERIES["forget_failures"], {"tenant_id": tenant_id, "email_index": email_index})


def password_of(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> str | None:
    """The hash of somebody who may sign in, or None."""
    row = connection.execute(QUERIES["password"], _person(tenant_id, person_id)).fetchone()
    return str(row[0]) if row else None


def lock_person(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> LockedPerson | None:
    """State and password of a person, which stay so until the transaction ends."""
    with connection.cursor(row_factory=class_row(LockedPerson)) as cursor:
        return cursor.execute(QUERIES["lock_person"], _person(tenant_id, person_id)).fetchone()


def put_password(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, hashed: str) -> None:
    """A password in place of the one there was."""
    connection.execute(QUERIES["put_password"], {**_person(tenant_id, person_id), "hash": hashed})


def rehash(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, before: str, hashed: str) -> None:
    """The same password, hashed anew."""
    connection.execute(QUERIES["rehash"], {**_person(tenant_id, person_id), "hash": hashed, "hash_before": before})


def activate(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> None:
    """Whoever was invited is there now."""
    connection.execute(QUERIES["activate"], _person(tenant_id, person_id))


def add_link(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    link_id: UUID,
    *,
    person_id: UUID,
    purpose: str,
    secret_hash: bytes,
    minutes: int,
) -> datetime:
    """Keep a link, in place of those of its purpose before; when it expires."""
    end_links(connection, tenant_id, person_id, purpose)
    values = {**_person(tenant_id, person_id), "link_id": link_id, "purpose": purpose, "secret_hash": secret_hash}
    return _moment(connection, "add_link", {**values, "minutes": minutes})


def end_links(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, purpose: str | None = None
) -> None:
    """No link of a person's works any more, or none of this purpose."""
    connection.execute(QUERIES["end_links"], {**_person(tenant_id, person_id), "purpose": purpose})


def linked_lately(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, purpose: str, seconds: int
) -> bool:
    """Whether a person was given a link of this purpose within so many seconds."""
    values = {**_person(tenant_id, person_id), "purpose": purpose, "seconds": seconds}
    return connection.execute(QUERIES["linked_lately"], values).fetchone() is not None


def get_link(connection: psycopg.Connection[Any], tenant_id: UUID, link_id: UUID) -> StoredLink | None:
    """A link, which nobody else uses until the transaction ends; None where there is none."""
    with connection.cursor(row_factory=class_row(StoredLink)) as cursor:
        return cursor.execute(QUERIES["link"], {"tenant_id": tenant_id, "link_id": link_id}).fetchone()


def add_session(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    session_id: UUID,
    *,
    person_id: UUID,
    secret_hash: bytes,
    method: str,
    address: bytes | None,
    agent: bytes | None,
    hours: int,
) -> datetime:
    """Keep a session; when it expires."""
    values = {**_person(tenant_id, person_id), "session_id": session_id, "secret_hash": secret_hash, "method": method}
    return _moment(connection, "add_session", {**values, "address": address, "agent": agent, "hours": hours})


def presented_session(
    connection: psycopg.Connection[Any], tenant_id: UUID, session_id: UUID, *, idle_minutes: int
) -> PresentedSession | None:
    """The session of an id, or None."""
    values = {"tenant_id": tenant_id, "session_id": session_id, "idle_minutes": idle_minutes}
    with connection.cursor(row_factory=class_row(PresentedSession)) as cursor:
        return cursor.execute(QUERIES["session"], values).fetchone()


def see_session(connection: psycopg.Connection[Any], tenant_id: UUID, session_id: UUID) -> None:
    """Note that it is used."""
    connection.execute(QUERIES["see_session"], {"tenant_id": tenant_id, "session_id": session_id})


def list_sessions(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, idle_minutes: int
) -> list[StoredSession]:
    """Those of a person that hold."""
    values = {**_person(tenant_id, person_id), "idle_minutes": idle_minutes}
    return select(connection, StoredSession, QUERIES["sessions"], values)


def end_session(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, session_id: UUID) -> bool:
    """False where a person has no such session, or it has ended."""
    values = {**_person(tenant_id, person_id), "session_id": session_id}
    return connection.execute(QUERIES["end_session"], values).rowcount == 1


def end_sessions(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, but: UUID | None = None
) -> int:
    """How many of a person's were ended: on suspension and erasure all; `but`: the one that goes on."""
    return connection.execute(QUERIES["end_sessions"], {**_person(tenant_id, person_id), "but": but}).rowcount


def identified(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, issuer: str, subject_index: bytes
) -> UUID | None:
    """Whom a provider calls by a subject, or None."""
    values = {"tenant_id": tenant_id, "issuer": issuer, "subject_index": subject_index}
    row = connection.execute(QUERIES["identity"], values).fetchone()
    return row[0] if row else None


def add_identity(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, issuer: str, subject_index: bytes
) -> bool:
    """From now on a provider's subject is this person; False where it is somebody already."""
    values = {**_person(tenant_id, person_id), "issuer": issuer, "subject_index": subject_index}
    return connection.execute(QUERIES["add_identity"], values).rowcount == 1


def _person(tenant_id: UUID, person_id: UUID) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "person_id": person_id}


def _moment(connection: psycopg.Connection[Any], query: str, values: dict[str, Any]) -> datetime:
    row = connection.execute(QUERIES[query], values).fetchone()
    assert row is not None  # noqa: S101 (an INSERT … RETURNING of one row)
    moment: datetime = row[0]
    return moment
