"""Organisations: made known by `db upgrade`, `default` first and then the one that the settings name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.values.canonical import record_id

QUERIES = named_queries("tenants")
DEFAULT_TENANT = "default"


def tenant_id(name: str) -> UUID:
    """The id of an organisation: a hash of its name, the same on every installation."""
    return record_id("tenant", name)


def is_known(connection: psycopg.Connection[Any], tenant: UUID) -> bool:
    """Whether the organisation to which a connection is bound was made known."""
    return connection.execute(QUERIES["known"], {"tenant_id": tenant}).fetchone() is not None


def add_tenant(owner: psycopg.Connection, name: str) -> UUID:
    """Make an organisation known, in the owner's open transaction; one known already stays as it is."""
    new = tenant_id(name)
    owner.execute(QUERIES["bind"], {"tenant_id": str(new)})
    owner.execute(QUERIES["add"], {"tenant_id": new, "name": name})
    return new
def name_of(connection: psycopg.Connection[Any], tenant: UUID) -> str:
    """What the organisation to which a connection is bound is called."""
    row = connection.execute(QUERIES["name"], {"tenant_id": tenant}).fetchone()
    return str(row[0]) if row else ""


