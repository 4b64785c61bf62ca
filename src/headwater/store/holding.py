"""Keeping others from a record while it is corrected by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headwater.errors import Conflict
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.store.database import Database

QUERIES = named_queries("requests")


@contextmanager
def held_record(database: Database, tenant_id: UUID, contract: str, key: str) -> Iterator[None]:
    """Nobody else corrects the record until the block ends; Conflict where somebody does."""
    with database.apart().connect(tenant_id) as connection:
        with translated("hold a record"):
            row = connection.execute(QUERIES["hold"], {"name": f"record {tenant_id} {contract} {key}"}).fetchone()
            connection.commit()
        if row is None or not row[0]:
            raise Conflict("somebody corrects this record just now", where=contract, value=key)
        yield
