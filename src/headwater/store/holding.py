"""Keeping others from a record while it is corrected by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headwater.errors import Conflict

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.store.database import Database


@contextmanager
def held_record(database: Database, tenant_id: UUID, contract: str, key: str) -> Iterator[None]:
    """Nobody else corrects the record until the block ends; Conflict where somebody does."""
    held = database.hold(tenant_id, f"record {tenant_id} {contract} {key}")
    if held is None:
        raise Conflict(
            "somebody corrects this record just now",
            where=contract,
            value=key,
            remedy="Look at the record again in a moment, then decide.",
        )
    with held:
        yield
