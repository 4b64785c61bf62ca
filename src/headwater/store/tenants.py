"""Organisations. Until there can be more than one, everything belongs to the organisation named `default`."""

from __future__ import annotations

from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.values.canonical import record_id

QUERIES = named_queries("tenants")
DEFAULT_TENANT = "default"


def tenant_id(name: str) -> UUID:
    """The id of an organisation: a hash of its name, the same on every installation."""
    return record_id("tenant", name)


def add_tenant(owner: psycopg.Connection, name: str) -> UUID:
    """Make an organisation known, in the owner's open transaction; one known already stays as it is."""
    new = tenant_id(name)
    owner.execute(QUERIES["bind"], {"tenant_id": str(new)})
    owner.execute(QUERIES["add"], {"tenant_id": new, "name": name})
    return new
