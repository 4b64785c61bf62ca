"""Rows of sources kept with the columns that were noted of their tables, encrypted by whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.store.queries import named_queries

QUERIES = named_queries("connectors")


@dataclass(frozen=True, kw_only=True)
class KeptSample:
    """A sample as it is kept: the number of the organisation's key, a nonce, what they encrypt, when it was taken."""

    key_no: int
    nonce: bytes
    sealed: bytes
    sampled_at: datetime


def keep_sample(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    connector_id: UUID,
    table: str,
    sealed: tuple[int, bytes, bytes],
) -> None:
    """Keep it in place of the one before; nothing where no columns of the table were noted."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "table_name": table}
    key_no, nonce, sample = sealed
    connection.execute(QUERIES["keep_sample"], {**values, "key_no": key_no, "nonce": nonce, "sample": sample})


def kept_sample(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID, table: str
) -> KeptSample | None:
    """The one there is."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id, "table_name": table}
    row = connection.execute(QUERIES["kept_sample"], values).fetchone()
    return None if row is None else KeptSample(sealed=row[0], key_no=row[1], nonce=row[2], sampled_at=row[3])


def forget_samples(connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID | None = None) -> int:
    """Forget those of one connector, or all of the organisation; how many there were."""
    values = {"tenant_id": tenant_id, "connector_id": connector_id}
    return connection.execute(QUERIES["forget_samples"], values).rowcount
