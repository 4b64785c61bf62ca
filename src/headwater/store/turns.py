"""Turns of requests to a source, given to all processes one after another."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

import psycopg

from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from uuid import UUID

    from headwater.store.database import Database, TenantConnection

QUERIES = named_queries("turns")
MINUTE = 60.0


class Turns:
    """Gives turns over one connection, which is opened with the first; for several threads."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._connection: TenantConnection | None = None
        self._asking = Lock()

    def take(self, origin: str, requests_a_minute: int, *, seconds: float = MINUTE) -> float:
        """How many seconds to wait before a request is sent: no `seconds` have more turns in them than so many.

        RetryLater where the database cannot be reached.
        """
        values = {"tenant_id": self._tenant_id, "origin": origin, "requests_a_minute": requests_a_minute}
        with self._asking, translated("take a turn to ask the source"):
            if self._connection is None or self._connection.closed:
                self._connection = self._database.connect(self._tenant_id)
            with self._connection.transaction():
                (turn,) = self._connection.execute(QUERIES["next_turn"], values).fetchone() or (1,)
                place = {"place": turn % requests_a_minute, "seconds": seconds}
                (wait,) = self._connection.execute(QUERIES["take_place"], {**values, **place}).fetchone() or (0.0,)
        return float(wait)

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
