"""The audit chain as stored: one a tenant, appended to in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from headwater.audit.chain import GENESIS, START, Anchor, Entry, next_entry
from headwater.errors import Conflict
from headwater.store.queries import named_queries

QUERIES = named_queries("audit")
BY = "by"
"""In the payload of an entry: session or token by which whoever acted had come."""
FETCH = 1000
ACTOR = "headwater"  # what nobody has signed in for is done by the installation: the command line


def append(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    *,
    action: str,
    resource: str,
    payload: Mapping[str, object],
    actor: str | None = None,
    result: str = "done",
) -> Anchor:
    """Add an entry in the open transaction. Call it last: the chain's head stays locked until the commit.

    actor: left out, whoever the connection was opened for; by which session or token they came is told in the
    payload, as `by`. Where that was for a named request, it is noted as done; Conflict where another attempt at it has
    taken over.
    """
    came_by = getattr(connection, "came_by", {})
    request = getattr(connection, "request", None)
    if request is not None and result == "done" and not action.endswith(".read"):
        noted = connection.execute(QUERIES["note_write"], {**request.values, "resource": resource})
        if not noted.rowcount:
            raise Conflict(
                "the hold on this request was lost, and the same was sent again meanwhile",
                where="Idempotency-Key",
                value=request.key,
                remedy="Send it again: you will get the answer of the other.",
            )
    last = lock_head(connection, tenant_id)
    entry = next_entry(
        last,
        tenant_id=tenant_id,
        at=datetime.now(UTC),
        actor=actor or acting(connection),
        action=action,
        resource=resource,
        payload=payload if actor or not came_by else {**payload, BY: dict(came_by)},
        result=result,
    )
    connection.execute(QUERIES["append"], asdict(entry))
    return Anchor(seq=entry.seq, entry_hash=entry.entry_hash)


def acting(connection: psycopg.Connection[Any]) -> str:
    """On whose behalf a connection was opened."""
    return str(getattr(connection, "actor", ACTOR))


def lock_head(connection: psycopg.Connection[Any], tenant_id: UUID) -> Anchor:
    """The end of the chain, locked until the transaction ends: lock nothing after it."""
    row = connection.execute(QUERIES["lock_head"], {"tenant_id": tenant_id}).fetchone()
    if row is None:
        connection.execute(QUERIES["begin_chain"], {"tenant_id": tenant_id, "genesis": GENESIS})
        row = connection.execute(QUERIES["lock_head"], {"tenant_id": tenant_id}).fetchone()
    return Anchor(seq=row[0], entry_hash=bytes(row[1])) if row else START


def head(connection: psycopg.Connection[Any], tenant_id: UUID) -> Anchor:
    """The end of the chain, to be noted in reports; `0:00…` while there is no entry."""
    row = connection.execute(QUERIES["head"], {"tenant_id": tenant_id}).fetchone()
    return Anchor(seq=row[0], entry_hash=bytes(row[1])) if row else START


def entries(connection: psycopg.Connection[Any], tenant_id: UUID, *, first: int = 1) -> Iterator[Entry]:
    """The chain in order from entry `first` on, fetched as it is read; the transaction must stay open meanwhile."""
    with connection.cursor(name="audit_entries", row_factory=class_row(Entry)) as cursor:
        cursor.itersize = FETCH
        cursor.execute(QUERIES["entries"], {"tenant_id": tenant_id, "first": first})
        yield from cursor


def entries_of(connection: psycopg.Connection[Any], tenant_id: UUID, resource: str) -> tuple[Entry, ...]:
    """What was done to one thing: `run/<id>` gives the run and its chunks."""
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return tuple(cursor.execute(QUERIES["of_resource"], {"tenant_id": tenant_id, "resource": resource}))
