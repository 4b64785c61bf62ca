"""A door to the database for one tenant at a time, as the role that owns nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from headwater.errors import Misuse, Stopped
from headwater.store import audit, jobs
from headwater.store.failures import translate, translated
from headwater.store.load import ChunkKey, ChunkTransaction
from headwater.store.queries import named_queries
from headwater.store.queue import queue_connector

if TYPE_CHECKING:
    from procrastinate import PsycopgConnector

    from headwater.store.requests import RequestKey
    from headwater.store.sealed import Opener

QUERIES = named_queries("session")
CONNECT_SECONDS = 10
LET_GO_SECONDS = 3.0
ANYHOW: Mapping[str, str] = MappingProxyType({})


class TenantConnection(psycopg.Connection[TupleRow]):
    """A connection bound to one tenant, on behalf of an actor, whom the audit chain names.

    Inside its `with` block psycopg's errors can be caught as such; those that leave it are Headwater's.
    """

    actor: str = audit.ACTOR
    came_by: Mapping[str, str] = ANYHOW  # session and token of the actor
    job_id: UUID | None = None  # on whose behalf runs are planned, where it is a job's
    request: RequestKey | None = None  # the write that it is part of, where that is named
    opens: Opener | None = None  # personal values that are read through it
    bound_to: tuple[UUID, frozenset[UUID] | None] | None = None  # a tenant, and units of it
    holds: bool = False  # it may keep others from something until it is closed

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Commit or roll back, close, and translate what leaves the block."""
        with translated("database"):
            super().__exit__(exc_type, exc_val, exc_tb)
        if isinstance(exc_val, psycopg.Error):
            raise translate(exc_val, where="database") from exc_val

    def close(self) -> None:
        """Let others at what it holds, and end the session, which takes a moment."""
        if self.holds and not self.closed:
            self._let_go()
        super().close()

    @property
    def is_lost(self) -> bool:
        """Whether the server has ended the session, as far as its socket tells: nothing is asked, and nothing waited
        for.
        """
        try:
            with DefaultSelector() as socket:
                socket.register(self.pgconn.socket, EVENT_READ)
                while socket.select(0):
                    self.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
        return self.closed

    def _let_go(self) -> None:
        if self.info.transaction_status in {TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN}:
            return  # nobody answers, or nobody listened to the answer: with the session all is let go
        with suppress(psycopg.Error):  # a session that is lost holds nothing
            self._ask_and_wait(b"ROLLBACK;\n" + QUERIES["let_go"].encode())

    def _ask_and_wait(self, query: bytes) -> None:
        """Wait for the answer, but not for long: where the network swallows everything there is none."""
        until = monotonic() + LET_GO_SECONDS
        self.pgconn.send_query(query)
        with DefaultSelector() as socket:
            socket.register(self.pgconn.socket, EVENT_READ)
            while (left := until - monotonic()) > 0:
                self.pgconn.flush()
                if not self.pgconn.is_busy():
                    if self.pgconn.get_result() is None:
                        return
                elif socket.select(left):
                    self.pgconn.consume_input()


@dataclass(frozen=True, kw_only=True)
class Behalf:
    """For whom, and for what, connections are opened.

    came_by: session and token of the actor, as the audit chain tells them.
    fence: of the attempt at the job. Its connections are refused once another worker has taken the job.
    units: whose records are seen, and no others; None where all are
    """

    actor: str = audit.ACTOR
    came_by: Mapping[str, str] = field(default_factory=dict)
    job_id: UUID | None = None
    fence: int | None = None
    request: RequestKey | None = None
    units: frozenset[UUID] | None = None

    @property
    def session_name(self) -> str:
        """How the server knows a session."""
        if self.job_id is None or self.fence is None:
            return "headwater"
        return f"{jobs.session_name(self.job_id)} {self.fence}"


NOBODY = Behalf()


class Database:
    """Connections as the application's role. Forced row-level security shows it the rows of its tenant, no others."""

    def __init__(
        self, app_url: str, behalf: Behalf = NOBODY, opens: Callable[[TenantConnection, UUID], Opener] | None = None
    ) -> None:
        self._url = app_url
        self._behalf = behalf
        self.opens = opens

    @property
    def url(self) -> str:
        """Where it is; a secret."""
        return self._url

    def acting(self, actor: str, came_by: Mapping[str, str] = ANYHOW) -> Database:
        """The same database, on behalf of somebody else."""
        return self._on(replace(self._behalf, actor=actor, came_by=came_by))

    def for_job(self, job_id: UUID, actor: str, fence: int | None = None) -> Database:
        """The same database for a job, whose runs are noted as such, on behalf of whoever asked for it.

        fence: of the attempt, where another worker may take the job: from then on it is refused.
        """
        return Database(self._url, Behalf(actor=actor, job_id=job_id, fence=fence), self.opens)

    def for_request(self, request: RequestKey) -> Database:
        """The same database for a write that is named: what it writes says so in its own transaction."""
        return self._on(replace(self._behalf, request=request))

    def within(self, units: frozenset[UUID] | None) -> Database:
        """The same database, in which of records only those of these units are seen; None: all."""
        return self._on(replace(self._behalf, units=units))

    def opening(self, opens: Callable[[TenantConnection, UUID], Opener]) -> Database:
        """The same database, through whose connections personal values are read in clear."""
        opened = copy(self)
        opened.opens = opens
        return opened

    def _on(self, behalf: Behalf) -> Database:
        return Database(self._url, behalf, self.opens)

    def connect(self, tenant_id: UUID) -> TenantConnection:
        """A new connection, autocommit off, for the rows of `tenant_id`; use it as `with database.connect(…) as c:`.

        RetryLater when the server cannot be reached, Misuse when the role could look past row-level security. Stopped
        for an attempt at a job that another worker has taken since.
        """
        connection = self._bound(tenant_id)
        connection.autocommit = False
        return connection

    def asking(self, tenant_id: UUID) -> TenantConnection:
        """The same for questions that each stand alone: nothing is begun before them and ended after, which costs as
        much as a small question does. In one transaction of READ COMMITTED each would see no other rows.
        """
        return self._bound(tenant_id)

    def _bound(self, tenant_id: UUID) -> TenantConnection:
        """A connection in autocommit, for this tenant and on this behalf."""
        connection = self._opened()
        if connection.bound_to != (tenant_id, self._behalf.units):
            self._bind(connection, tenant_id)
        self._refuse_if_taken(connection, tenant_id)
        connection.actor = self._behalf.actor
        connection.came_by = self._behalf.came_by
        connection.job_id = self._behalf.job_id
        connection.request = self._behalf.request
        connection.opens = self.opens(connection, tenant_id) if self.opens is not None else None
        return connection

    def _bind(self, connection: TenantConnection, tenant_id: UUID) -> None:
        connection.bound_to = None
        with translated("connect to the database"):
            try:
                # Outside a transaction, because a rollback would take the tenant away with it.
                row = connection.execute(
                    QUERIES["bind_tenant"], {"tenant": str(tenant_id), "units": _listed(self._behalf.units)}
                ).fetchone()
            except BaseException:
                connection.close()
                raise
        if row is None or row[0]:
            role = connection.info.user
            connection.close()
            raise Misuse(
                "the application's role may look past row-level security",
                where="HEADWATER_DATABASE_URL",
                value=role,
                valid="a role that is NOSUPERUSER and NOBYPASSRLS and not the owner's",
                remedy="Give the owner's URL to `headwater db upgrade` only, and the application a role of its own.",
            )
        connection.bound_to = tenant_id, self._behalf.units

    def _refuse_if_taken(self, connection: TenantConnection, tenant_id: UUID) -> None:
        job_id, fence = self._behalf.job_id, self._behalf.fence
        if job_id is None or fence is None:
            return
        try:
            with translated("look whose the job is"):
                is_theirs = jobs.is_theirs(connection, tenant_id, job_id, fence)
        except BaseException:
            connection.close()
            raise
        if not is_theirs:
            connection.close()
            raise Stopped("another worker has taken this job meanwhile", where=f"job {job_id}")

    def apart(self) -> Database:
        """The same, each connection one of its own."""
        return self

    def holding(self, tenant_id: UUID) -> TenantConnection:
        """A connection of its own for what keeps others out: what it holds is free the moment it is closed."""
        connection = self.apart().connect(tenant_id)
        connection.holds = True
        return connection

    def for_one_request(self) -> AbstractContextManager[Database]:
        """The same until the block ends; where connections are kept open, all that is asked meanwhile goes by one."""
        return nullcontext(self)

    def hold(self, tenant_id: UUID, name: str) -> TenantConnection | None:
        """A connection that alone holds what is called so, until it is closed; None where somebody else does."""
        connection = self.holding(tenant_id)
        try:
            with translated(f"hold {name.partition(' ')[0]}"):
                row = connection.execute(QUERIES["hold"], {"name": name}).fetchone()
                connection.commit()
        except BaseException:
            connection.close()
            raise
        if row is None or not row[0]:
            connection.close()
            return None
        return connection

    def _opened(self) -> TenantConnection:
        """A connection in autocommit, bound to no tenant, or to one that it says."""
        with translated("connect to the database"):
            return TenantConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name=self._behalf.session_name,
            )

    def snapshot(self, tenant_id: UUID) -> TenantConnection:
        """A connection that changes nothing and sees all as it was at its first question, whoever works meanwhile."""
        connection = self.connect(tenant_id)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection

    def queue(self, *, connections: int) -> PsycopgConnector:
        """What a worker takes jobs through, those of all organisations."""
        return queue_connector(self._url, connections=connections)

    @contextmanager
    def chunk(self, key: ChunkKey) -> Iterator[ChunkTransaction]:
        """A connection and the one transaction of a chunk; what its `commit` did not save is undone."""
        with self.connect(key.tenant_id) as connection:
            # Chunks are as different as their bounds: a plan for any would be one for a few rows, which take hours.
            connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            yield ChunkTransaction(connection, key)
            connection.rollback()


def _listed(units: frozenset[UUID] | None) -> str:
    """As an array of PostgreSQL; nothing where nothing is kept back."""
    return "" if units is None else f"{{{','.join(map(str, sorted(units)))}}}"
