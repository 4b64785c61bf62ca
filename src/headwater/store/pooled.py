"""Connections that are kept open between the requests of a server: to open one takes longer than most questions.

Nobody gets one without being bound to their own tenant first, which takes from it what it was bound to. What waits for
long, or holds a lock, takes a connection of its own by `apart` or `holding`: one that is given back is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Semaphore
from types import TracebackType
from typing import TYPE_CHECKING
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from headwater.errors import RetryLater
from headwater.store import audit
from headwater.store.database import ANYHOW, CONNECT_SECONDS, NOBODY, Behalf, Database, TenantConnection
from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from uuid import UUID

QUERIES = named_queries("session")
MOST = 16
KEPT_SHARE = 2
"""Requests keep one connection in so many at most, between two questions: the others are left to whoever asks now."""
WAIT_SECONDS = 2.0
"""After so long a connection is opened beside the pool: who holds one and waits for another must not wait for ever."""

STATEMENT_SECONDS = 300
"""No question of a request takes longer; nor does a transaction wait so long for whoever reads its rows."""


class PooledConnection(TenantConnection):
    """A connection that goes back to its pool where another would be closed, or to the request that keeps it."""

    kept: Kept | None = None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Commit or roll back, give the connection back, and translate what leaves the block."""
        try:
            super().__exit__(exc_type, exc_val, exc_tb)
        finally:
            self.close()

    def close(self) -> None:
        """Back to the pool, broken ones too: it counts them as lent until then, and makes another in their place."""
        pool = getattr(self, "_pool", None)
        if self.closed and pool is not None:
            pool.putconn(self)
        elif self.kept is None or not self.kept.keep(self):
            super().close()


class Kept:
    """The connection that a request goes on with, while nobody asks by it: bound once, however often it is asked."""

    def __init__(self, places: Semaphore) -> None:
        self._places = places
        self._lock = Lock()
        self._free: PooledConnection | None = None
        self._has_ended = False

    def take(self) -> PooledConnection | None:
        """The connection, if there is one that nobody asks by."""
        with self._lock:
            free, self._free = self._free, None
        if free is not None:
            self._places.release()
        return free

    def keep(self, connection: PooledConnection) -> bool:
        """Whether it is kept: one is that has no transaction open, while the request lasts and not too many are."""
        with self._lock:
            if self._free is connection:
                return True
            is_idle = connection.info.transaction_status is TransactionStatus.IDLE
            if self._free is not None or self._has_ended or not is_idle or not self._places.acquire(blocking=False):
                return False
            self._free = connection
        return True

    def end(self) -> None:
        """Give it back, and keep no other."""
        with self._lock:
            self._has_ended = True
        free = self.take()
        if free is not None:
            free.close()


class Pool(ConnectionPool[PooledConnection]):
    """A pool that ends what is still asked when it is closed, instead of leaving it to go on."""

    def __init__(self, url: str, *, most: int) -> None:
        self.lent: WeakSet[PooledConnection] = WeakSet()
        self.places = Semaphore(max(most // KEPT_SHARE, 1))
        self._url = url
        super().__init__(
            url,
            connection_class=PooledConnection,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS, "application_name": "headwater"},
            min_size=1,
            max_size=most,
            max_idle=60,
            max_lifetime=1800,
            configure=_limit,
            close_returns=True,
            open=True,
            name="headwater",
        )

    def close(self, timeout: float = 5) -> None:
        """Give no more connections. Whoever waits for an answer by one gets an error, and so does who asks next."""
        super().close(timeout)
        with suppress(psycopg.Error):  # a server that is gone answers nobody any more
            if pids := [each.info.backend_pid for each in self.lent if not each.closed]:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=CONNECT_SECONDS) as ending:
                    ending.execute(QUERIES["end_sessions"], {"pids": pids})


class PooledDatabase(Database):
    """The same door with a pool behind it."""

    def __init__(self, app_url: str, pool: Pool, behalf: Behalf = NOBODY, kept: Kept | None = None) -> None:
        super().__init__(app_url, behalf)
        self._pool = pool
        self._kept = kept

    def _on(self, behalf: Behalf) -> PooledDatabase:
        on = PooledDatabase(self._url, self._pool, behalf, self._kept)
        on.opens = self.opens
        return on

    @contextmanager
    def for_one_request(self) -> Iterator[PooledDatabase]:
        """The same, which goes by one connection until the block ends; whoever asks while it is in use gets another."""
        kept = Kept(self._pool.places)
        same = PooledDatabase(self._url, self._pool, self._behalf, kept)
        same.opens = self.opens
        try:
            yield same
        finally:
            kept.end()

    def apart(self) -> Database:
        """The same without the pool."""
        return Database(self._url, self._behalf, self.opens)

    def _opened(self) -> TenantConnection:
        connection = self._kept.take() if self._kept is not None else None
        if connection is None:
            with translated("connect to the database"):
                try:
                    connection = self._pool.getconn(timeout=WAIT_SECONDS)
                except PoolTimeout:
                    return super()._opened()
            self._pool.lent.add(connection)
            connection.bound_to, connection.kept = None, self._kept
        _as_new(connection)
        return connection

    def _bound(self, tenant_id: UUID) -> TenantConnection:
        """As of any; a connection that the server has ended meanwhile is given up for another."""
        for _ in range(MOST):
            try:
                return super()._bound(tenant_id)
            except RetryLater:
                if self._pool.closed:
                    raise
        return self.apart().asking(tenant_id)


@contextmanager
def pooled(app_url: str, most: int = MOST) -> Iterator[PooledDatabase]:
    """A database whose connections, so many at most, are kept until the block ends."""
    with Pool(app_url, most=most) as pool:
        yield PooledDatabase(app_url, pool)


def _limit(connection: PooledConnection) -> None:
    connection.execute(QUERIES["limit_time"], {"seconds": f"{STATEMENT_SECONDS}s"})


def _as_new(connection: PooledConnection) -> None:
    """Nothing of whoever had it is left but what it is bound to, which `connect` sees to."""
    fresh = {"isolation_level": None, "read_only": None, "autocommit": True}
    for name, value in fresh.items():
        if getattr(connection, name) is not value:  # to set one takes a lock, and mostly there is nothing to set
            setattr(connection, name, value)
    connection.actor = audit.ACTOR
    connection.came_by = ANYHOW
    connection.job_id = None
    connection.request = None
    connection.opens = None
