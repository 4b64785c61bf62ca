"""Keeping others from what is worked on just now, and letting them at it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from headwater.errors import Conflict
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.store.database import Database, TenantConnection

QUERIES = named_queries("requests")


def let_go(connection: TenantConnection) -> None:
    """Let others at what the connection holds, at once: a session that is closed ends a moment later."""
    with suppress(psycopg.Error):  # a session that is lost holds nothing
        connection.rollback()
        connection.execute(QUERIES["let_go"])
        connection.commit()


@contextmanager
def held_record(database: Database, tenant_id: UUID, contract: str, key: str) -> Iterator[None]:
    """Nobody else corrects the record until the block ends; Conflict where somebody does."""
    with database.apart().connect(tenant_id) as connection:
        with translated("hold a record"):
            row = connection.execute(QUERIES["hold"], {"name": f"record {tenant_id} {contract} {key}"}).fetchone()
            connection.commit()
        if row is None or not row[0]:
            raise Conflict("somebody corrects this record just now", where=contract, value=key)
        try:
            yield
        finally:
            let_go(connection)
