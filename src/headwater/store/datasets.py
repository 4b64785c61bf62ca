"""Copies of records for others: offered to one organisation, or public to all of the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.tenants import bind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    Noting = Callable[[psycopg.Connection[Any], int], None]

QUERIES = named_queries("datasets")
LISTED = 500


def offer(connection: psycopg.Connection[Any], tenant_id: UUID, values: Mapping[str, Any]) -> None:
    """Keep a copy that another organisation may take."""
    connection.execute(QUERIES["offer"], {"tenant": tenant_id, **values})


def clear(connection: psycopg.Connection[Any], tenant_id: UUID) -> int:
    """Keep nothing of copies that nobody can take any more; how many may be taken."""
    connection.execute(QUERIES["clear"], {"tenant": tenant_id})
    row = connection.execute(QUERIES["open_offers"], {"tenant": tenant_id}).fetchone()
    return int(row[0]) if row else 0


def offers(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[dict[str, Any]]:
    """The latest offers of an organisation."""
    return _rows(connection, "offers", {"tenant": tenant_id, "limit": LISTED})


def open_offer(connection: psycopg.Connection[Any], tenant_id: UUID, offer_id: UUID) -> dict[str, Any] | None:
    """An offer that may be taken, locked."""
    return next(iter(_rows(connection, "open_offer", {"tenant": tenant_id, "offer": offer_id})), None)


def note_taken(connection: psycopg.Connection[Any], tenant_id: UUID, offer_id: UUID) -> None:
    """It was taken."""
    connection.execute(QUERIES["taken"], {"tenant": tenant_id, "offer": offer_id})


def withdraw(connection: psycopg.Connection[Any], tenant_id: UUID, offer_id: UUID) -> bool:
    """Nobody takes it from now on; False where there is no such offer, or it is withdrawn already."""
    return connection.execute(QUERIES["withdraw"], {"tenant": tenant_id, "offer": offer_id}).rowcount == 1


def public(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """What is public, by name."""
    return _rows(connection, "public", {})


def content(connection: psycopg.Connection[Any], name: str, version: int | None) -> dict[str, Any] | None:
    """One that is public, with what is in it."""
    return next(iter(_rows(connection, "content", {"name": name, "version": version})), None)


def publish(owner_url: str, tenant_id: UUID, values: Mapping[str, Any], note: Noting) -> int | None:
    """Put a copy where all may read it, as the owner, and note it; its version. None where the name is another's."""
    with translated("publish a dataset"), psycopg.connect(owner_url) as owner:
        owner.execute(QUERIES["lock_names"])
        taken = owner.execute(QUERIES["publisher"], values).fetchone()
        if taken is not None and taken[0] != values["publisher"]:
            return None
        row = owner.execute(QUERIES["publish"], values).fetchone()
        version = int(row[0]) if row else None
        if version is not None:
            _note(owner, tenant_id, note, version)
    return version


def take_back(owner_url: str, tenant_id: UUID, name: str, publisher: str | None, note: Noting) -> int:
    """No version of it is shown any more, which is noted; how many were."""
    with translated("withdraw a dataset"), psycopg.connect(owner_url) as owner:
        count = owner.execute(QUERIES["take_back"], {"name": name, "publisher": publisher}).rowcount
        if count:
            _note(owner, tenant_id, note, count)
    return count


def _note(owner: psycopg.Connection[Any], tenant_id: UUID, note: Noting, number: int) -> None:
    """In the chain of an organisation, in the owner's transaction: nothing is public that is not noted."""
    bind(owner, tenant_id)
    note(owner, number)


def _rows(connection: psycopg.Connection[Any], query: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(QUERIES[query], values).fetchall()
