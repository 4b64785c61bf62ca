"""People of an organisation as kept, what they were given, and what that comes to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("people")


@dataclass(frozen=True, kw_only=True)
class Person:
    """What is personal is ciphertext; None of the erased."""

    person_id: UUID
    state: str
    email: bytes | None
    name: bytes | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A role in the organisation, or in a unit and all below it.

    unit_id   null: the organisation
    given_by  who gave it, as the audit chain calls them
    """

    membership_id: UUID
    person_id: UUID
    role: str
    unit_id: UUID | None
    given_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One right in the organisation, or in a unit and all below it.

    unit_id     null: the organisation
    given_by    who gave it, as the audit chain calls them
    expires_at  null: until it is ended
    """

    grant_id: UUID
    person_id: UUID
    right_name: str
    unit_id: UUID | None
    given_by: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Given:
    """A role or a right that holds now, in the organisation or in one unit."""

    role: str | None
    right_name: str | None
    unit_id: UUID | None


def add_person(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, email_index: bytes) -> None:
    """Somebody who is invited; their fields come once they have a key."""
    values = {"tenant_id": tenant_id, "person_id": person_id, "email_index": email_index, "email": None, "name": None}
    connection.execute(QUERIES["add"], values)


def get_person(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> Person | None:
    """One of the organisation's people, erased ones too."""
    found = select(connection, Person, QUERIES["person"], {"tenant_id": tenant_id, "person_id": person_id})
    return found[0] if found else None


def list_people(
    connection: psycopg.Connection[Any], tenant_id: UUID,
    *, state: str | None, units: Collection[UUID] | None, after: UUID | None, limit: int,
) -> list[Person]:  # fmt: skip
    """In the order they came; those with a role in some units, where these are said."""
    values: dict[str, Any] = {"tenant_id": tenant_id, "state": state, "after": after, "limit": limit}
    values["units"] = None if units is None else list(units)
    return select(connection, Person, QUERIES["people"], values)


def find_person(connection: psycopg.Connection[Any], tenant_id: UUID, email_index: bytes) -> UUID | None:
    """Whose address has this keyed hash."""
    row = connection.execute(QUERIES["by_email"], {"tenant_id": tenant_id, "email_index": email_index}).fetchone()
    return row[0] if row else None


def lock(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> None:
    """Keep others from changing somebody, and them from signing in, until the transaction ends."""
    connection.execute(QUERIES["lock"], {"tenant_id": tenant_id, "person_id": person_id})


def change_person(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    person_id: UUID,
    *,
    email_index: bytes | None = None,
    email: bytes | None = None,
    name: bytes | None = None,
) -> None:
    """Fields that are None stay as they are."""
    values = {"tenant_id": tenant_id, "person_id": person_id, "email_index": email_index, "email": email, "name": name}
    connection.execute(QUERIES["change"], values)


def set_state(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, state: str) -> None:
    """Say whether somebody may sign in."""
    connection.execute(QUERIES["set_state"], {"tenant_id": tenant_id, "person_id": person_id, "state": state})


def end_access(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> None:
    """No session or link of theirs works any more; what tokens do is asked of their person each time."""
    _each(connection, tenant_id, person_id, ("end_links", "end_sessions"))


def erase_person(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> None:
    """Take away all that is known of somebody but that they were there; their key is deleted beside this."""
    forgotten = ("forget_failures", "forget_password", "forget_identities", "empty_sessions", "revoke_tokens")
    _each(connection, tenant_id, person_id, (*forgotten, "remove_roles", "remove_grants", "erase"))


def _each(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, names: Sequence[str]) -> None:
    for name in names:
        connection.execute(QUERIES[name], {"tenant_id": tenant_id, "person_id": person_id})


def has_signed_in(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> bool:
    """Whether they have a password or have ever had a session."""
    row = connection.execute(QUERIES["has_signed_in"], {"tenant_id": tenant_id, "person_id": person_id}).fetchone()
    return bool(row and row[0])


def list_roles(connection: psycopg.Connection[Any], tenant_id: UUID, people: Sequence[UUID]) -> list[Membership]:
    """The roles of these people."""
    return select(connection, Membership, QUERIES["roles"], {"tenant_id": tenant_id, "people": list(people)})


def give_role(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID,
    *, membership_id: UUID, role: str, unit_id: UUID | None, given_by: str,
) -> bool:  # fmt: skip
    """False where they have it already."""
    values = {"tenant_id": tenant_id, "person_id": person_id, "membership_id": membership_id}
    more = {"role": role, "unit_id": unit_id, "given_by": given_by}
    given = connection.execute(QUERIES["give_role"], values | more).rowcount == 1
    return given and _touched(connection, tenant_id, person_id)


def take_role(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID, *, role: str, unit_id: UUID | None
) -> bool:
    """False where they do not have it."""
    values = {"tenant_id": tenant_id, "person_id": person_id, "role": role, "unit_id": unit_id}
    taken = connection.execute(QUERIES["take_role"], values).rowcount == 1
    return taken and _touched(connection, tenant_id, person_id)


def list_grants(connection: psycopg.Connection[Any], tenant_id: UUID, people: Sequence[UUID]) -> list[Grant]:
    """The grants of these people, expired ones too."""
    return select(connection, Grant, QUERIES["grants"], {"tenant_id": tenant_id, "people": list(people)})


def get_grant(connection: psycopg.Connection[Any], tenant_id: UUID, grant_id: UUID) -> Grant | None:
    """One grant."""
    found = select(connection, Grant, QUERIES["grant"], {"tenant_id": tenant_id, "grant_id": grant_id})
    return found[0] if found else None


def give_grant(
    connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID,
    *, grant_id: UUID, right_name: str, unit_id: UUID | None, given_by: str, expires_at: datetime | None,
) -> None:  # fmt: skip
    """One right more."""
    values = {"tenant_id": tenant_id, "person_id": person_id, "grant_id": grant_id, "right_name": right_name}
    connection.execute(
        QUERIES["give_grant"], values | {"unit_id": unit_id, "given_by": given_by, "expires_at": expires_at}
    )
    _touched(connection, tenant_id, person_id)


def take_grant(connection: psycopg.Connection[Any], tenant_id: UUID, grant: Grant) -> bool:
    """False where somebody was quicker."""
    taken = (
        connection.execute(QUERIES["take_grant"], {"tenant_id": tenant_id, "grant_id": grant.grant_id}).rowcount == 1
    )
    return taken and _touched(connection, tenant_id, grant.person_id)


def _touched(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> bool:
    return connection.execute(QUERIES["touch"], {"tenant_id": tenant_id, "person_id": person_id}).rowcount == 1


def admins(connection: psycopg.Connection[Any], tenant_id: UUID) -> set[UUID]:
    """Who may sign in and administrates the whole organisation."""
    return {person for (person,) in connection.execute(QUERIES["admins"], {"tenant_id": tenant_id})}


def given_to(connection: psycopg.Connection[Any], tenant_id: UUID, person_id: UUID) -> tuple[str, list[Given]] | None:
    """A person's state and what they were given that holds now, spread over units; None where nobody is there."""
    rows = connection.execute(QUERIES["given"], {"tenant_id": tenant_id, "person_id": person_id}).fetchall()
    if not rows:
        return None
    held = [Given(role=role, right_name=right, unit_id=unit) for _, role, right, unit in rows if role or right]
    return rows[0][0], held
