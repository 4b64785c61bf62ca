"""The first rows of a source's tables, kept as they were when it was discovered, to be looked at when it is not there.

They may be about people, whatever the source is: they are kept encrypted by the organisation's key, shown to whoever
may take a sample of the source itself, and forgotten with the connector and whenever somebody is erased, whomever they
are about.
"""

from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import HeadwaterError, NotFound
from headwater.services.access.keys import keyring
from headwater.services.access.policy import Right
from headwater.services.connectors.keeping import find
from headwater.store import samples
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from headwater.connectors.protocol import Connector
    from headwater.services.installation import Installation
    from headwater.store.connectors import StoredConnector

ROWS = 100
MOST_BYTES = 2**20
"""Of rows that are longer, fewer are kept."""
TABLES_AT_ONCE = 20
"""Of a source with more tables than these each is asked for its rows when it is looked at alone."""


def keep_samples(
    installation: Installation, stored: StoredConnector, source: Connector, tables: Sequence[str]
) -> Sequence[str]:
    """Keep the first rows of each of these tables in place of those kept before; the tables that gave none, which
    hinders nobody who looks at what there is.
    """
    failed = []
    for table in tables:
        try:
            taken = source.sample(table, ROWS)
        except HeadwaterError as error:
            get_logger(__name__).warning("no sample is kept", connector=stored.name, table=table, error=str(error))
            failed.append(table)
            continue
        keep_sample(installation, stored, table, taken)
    return failed


def keep_sample(installation: Installation, stored: StoredConnector, table: str, taken: pa.Table) -> None:
    """Keep these rows of a table whose columns are noted."""
    tenant_id, content = installation.tenant_id, _packed(taken.slice(0, ROWS))
    with installation.database.connect(tenant_id) as connection:
        keyring(installation, connection)  # where there is no key yet, one is made for good
    with installation.database.connect(tenant_id) as connection:
        sealed = keyring(installation, connection).wrap(content, _bound(stored, table))
        samples.keep_sample(connection, tenant_id, stored.connector_id, table, sealed)


def kept_rows(installation: Installation, name: str, table: str) -> tuple[pa.Table, datetime]:
    """The rows that are kept of a table, and when they were taken. NotFound where none are."""
    installation.require(Right.TRANSFORM)
    stored = find(installation, name)
    with installation.database.connect(installation.tenant_id) as connection:
        kept = samples.kept_sample(connection, installation.tenant_id, stored.connector_id, table)
        if kept is None:
            raise NotFound(
                "no rows are kept of this table",
                where=f"connector {name}",
                value=table,
                remedy=f"Keep some with: headwater connectors discover {name} --table {shlex.quote(table)}",
            )
        sealed, where = (kept.key_no, kept.nonce, kept.sealed), f"the sample of {table}, connector {name}"
        content = keyring(installation, connection).unwrap(sealed, _bound(stored, table), where)
    return pq.read_table(io.BytesIO(content)), kept.sampled_at


def _packed(rows: pa.Table) -> bytes:
    """As Parquet; of rows that are too long together as many as are not, at least one."""
    while True:
        packed = io.BytesIO()
        pq.write_table(rows, packed, compression="zstd")
        if packed.tell() <= MOST_BYTES or rows.num_rows <= 1:
            return packed.getvalue()
        rows = rows.slice(0, rows.num_rows // 2)


def _bound(stored: StoredConnector, table: str) -> bytes:
    return f"sample/{stored.connector_id}/{table}".encode()
