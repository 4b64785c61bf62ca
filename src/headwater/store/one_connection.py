"""One connection for all that a long answer asks: bound, begun and given back once; all is as it was at first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from headwater.errors import Misuse
from headwater.store.database import Database

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.store.database import TenantConnection


class OneConnection(Database):
    """A door to what one open connection sees; its blocks neither commit nor close it."""

    def __init__(self, database: Database, tenant_id: UUID, connection: TenantConnection) -> None:
        vars(self).update(vars(database))  # in all else as the other
        self._tenant_id = tenant_id
        self._connection = connection

    def connect(self, tenant_id: UUID) -> Any:
        """The one connection. Misuse for another tenant than the one it is bound to."""
        if tenant_id != self._tenant_id:
            raise Misuse("the connection is bound to another organisation", where="database")
        return nullcontext(self._connection)

    def asking(self, tenant_id: UUID) -> Any:
        """Likewise: it stays in its transaction."""
        return self.connect(tenant_id)


@contextmanager
def one_snapshot(database: Database, tenant_id: UUID) -> Iterator[Database]:
    """The database as it is now, by one connection that changes nothing."""
    with database.snapshot(tenant_id) as connection:
        yield OneConnection(database, tenant_id, connection)
