"""Keys of subjects, by which personal values of records are encrypted, as kept: encrypted by the organisation's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("subject_keys")


@dataclass(frozen=True, kw_only=True)
class SubjectKey:
    """A subject's key, encrypted by the organisation's key of that number, and the keyed hash it is found by."""

    subject_id: UUID
    subject_index: bytes
    wrapped_by: int
    nonce: bytes
    wrapped: bytes


def keys_by_index(
    connection: psycopg.Connection[Any], tenant_id: UUID, indexes: Collection[bytes], *, hold: bool
) -> list[SubjectKey]:
    """Of those who have one; `hold`: nobody is erased whose key is used to the end of the transaction."""
    values = {"tenant_id": tenant_id, "indexes": list(indexes)}
    return select(connection, SubjectKey, QUERIES["by_index_held" if hold else "by_index"], values)


def keys_by_id(connection: psycopg.Connection[Any], tenant_id: UUID, ids: Collection[UUID]) -> list[SubjectKey]:
    """Of those who are not erased."""
    return select(connection, SubjectKey, QUERIES["by_id"], {"tenant_id": tenant_id, "ids": list(ids)})


def add_keys(connection: psycopg.Connection[Any], tenant_id: UUID, keys: Sequence[SubjectKey]) -> None:
    """Keep those of whom none is kept yet; the others stay."""
    connection.execute(QUERIES["add"], {"tenant_id": tenant_id, **_columns(keys)})


def keys_of_older(connection: psycopg.Connection[Any], tenant_id: UUID, newest: int, *, limit: int) -> list[SubjectKey]:
    """Some that another key of the organisation than the newest encrypts; none where none is left."""
    values = {"tenant_id": tenant_id, "newest": newest, "limit": limit}
    return select(connection, SubjectKey, QUERIES["wrapped_by_older"], values)


def wrap_again(connection: psycopg.Connection[Any], tenant_id: UUID, keys: Sequence[SubjectKey]) -> None:
    """The same keys, encrypted by another of the organisation."""
    connection.execute(QUERIES["wrap_again"], {"tenant_id": tenant_id, **_columns(keys)})


def remove_keys(connection: psycopg.Connection[Any], tenant_id: UUID, ids: Collection[UUID]) -> int:
    """Delete them for good; how many there were."""
    return connection.execute(QUERIES["remove"], {"tenant_id": tenant_id, "ids": list(ids)}).rowcount


def _columns(keys: Sequence[SubjectKey]) -> dict[str, list[Any]]:
    return {field.name: [getattr(key, field.name) for key in keys] for field in fields(SubjectKey)}
