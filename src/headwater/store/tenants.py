"""Organisations: made known by `db upgrade` (`default` and the one that the settings name) or one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.records import select
from headwater.values.canonical import record_id

QUERIES = named_queries("tenants")
DEFAULT_TENANT = "default"


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """One that was made known."""

    name: str
    added_at: datetime


def tenant_id(name: str) -> UUID:
    """The id of an organisation: a hash of its name, the same on every installation."""
    return record_id("tenant", name)


def is_known(connection: psycopg.Connection[Any], tenant: UUID) -> bool:
    """Whether the organisation to which a connection is bound was made known."""
    return connection.execute(QUERIES["known"], {"tenant_id": tenant}).fetchone() is not None


def name_of(connection: psycopg.Connection[Any], tenant: UUID) -> str:
    """What the organisation to which a connection is bound is called."""
    row = connection.execute(QUERIES["name"], {"tenant_id": tenant}).fetchone()
    return str(row[0]) if row else ""


def add_tenant(owner: psycopg.Connection, name: str) -> UUID:
    """Make an organisation known, in the owner's open transaction; one known already stays as it is."""
    new = tenant_id(name)
    bind(owner, new)
    owner.execute(QUERIES["add"], {"tenant_id": new, "name": name})
    owner.execute(QUERIES["add_name"], {"name": name})
    return new


def bind(owner: psycopg.Connection[Any], tenant: UUID) -> None:
    """Bind the owner's connection to an organisation until the transaction ends."""
    owner.execute(QUERIES["bind"], {"tenant_id": str(tenant)})


def organisations(owner_url: str) -> list[Organisation]:
    """All there are, by name; the owner alone may ask."""
    with translated("list organisations"), psycopg.connect(owner_url, application_name="headwater") as owner:
        return select(owner, Organisation, QUERIES["names"], {})


def make_known(owner_url: str, name: str) -> bool:
    """Make an organisation known; False where it is already."""
    with translated("add an organisation"), psycopg.connect(owner_url, application_name="headwater") as owner:
        new = tenant_id(name)
        bind(owner, new)
        owner.execute(QUERIES["add"], {"tenant_id": new, "name": name})
        return owner.execute(QUERIES["add_name"], {"name": name}).rowcount == 1


def sizes(connection: psycopg.Connection[Any], tenant: UUID) -> tuple[int, int, int]:
    """How many people who may sign in, units in use and keys an organisation has."""
    return connection.execute(QUERIES["sizes"], {"tenant_id": tenant}).fetchone() or (0, 0, 0)
