"""Writes that named an Idempotency-Key: each is done once, and what was answered is kept for a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from headwater.errors import Conflict
from headwater.store.failures import translated
from headwater.store.queries import named_queries
from headwater.store.records import select

if TYPE_CHECKING:
    from headwater.store.database import Database, TenantConnection

QUERIES = named_queries("requests")
KEPT = timedelta(days=1)
FORGOTTEN = bytes(32)
"""In place of the hash of a request of which neither what was asked nor what was answered is kept."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was answered; without a status, whoever began it was killed. Without a body, it was shown once.

    wrote: the first thing that was written, in the very transaction that wrote it.
    """

    request_hash: bytes
    status: int | None
    headers: Mapping[str, str] | None
    body: bytes | None
    wrote: str | None

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody can tell any more what was asked."""
        return self.request_hash == FORGOTTEN

    @property
    def has_done_nothing(self) -> bool:
        """Whether whoever began it was killed before anything was written."""
        return self.status is None and self.wrote is None


@dataclass(frozen=True, kw_only=True)
class RequestKey:
    """Names a write of somebody, and the attempt at it that is made: of several only the latest may write."""

    tenant_id: UUID
    actor: str
    key: str
    attempt: UUID = field(default_factory=uuid4)

    @property
    def values(self) -> dict[str, object]:
        """For statements."""
        return {"tenant_id": self.tenant_id, "actor": self.actor, "key": self.key, "attempt": self.attempt}


def forget_answers(connection: TenantConnection, tenant_id: UUID, *, but: RequestKey | None) -> None:
    """Keep of requests that were begun no more than whether they were done: what was answered, and the hash of what was
    asked, may tell of somebody. `but` is the one that asks for this.
    """
    values = {"tenant_id": tenant_id, "forgotten": FORGOTTEN, "actor": but and but.actor, "key": but and but.key}
    connection.execute(QUERIES["forget_answers"], values)


class HeldRequest:
    """A write that nobody else does until it is let go."""

    def __init__(self, database: Database, key: RequestKey) -> None:
        """Conflict where somebody does the same just now."""
        self.key = key
        held = database.hold(key.tenant_id, f"request {key.tenant_id} {key.actor} {key.key}")
        if held is None:
            raise Conflict(
                "the same request is being done just now",
                where="Idempotency-Key",
                value=key.key,
                remedy="Wait, and send it again: you will get its answer.",
            )
        self._connection = held

    def begin(self, request_hash: bytes, *, goes_on: bool = False) -> Answered | None:
        """Note that it is begun; or what there is of it already. Of what is done again, whoever did it before may write
        nothing more: where they are at it still, they have lost their hold.

        goes_on: an import that was begun is gone on with
        """
        values = {**self.key.values, "request_hash": request_hash, "forgotten": FORGOTTEN, "goes_on": goes_on}
        with translated("note a request"), self._connection.transaction():
            self._connection.execute(QUERIES["forget_old"], {"tenant_id": self.key.tenant_id, "age": KEPT})
            if self._connection.execute(QUERIES["begin"], values).rowcount:
                return None
            self._connection.execute(QUERIES["take_over"], values)  # waits for whoever is about to have written
            found = select(self._connection, Answered, QUERIES["find"], values)
        return found[0] if found else None

    @property
    def is_lost(self) -> bool:
        """Whether the session that holds it has been ended."""
        return self._connection.is_lost

    def end(
        self, status: int, headers: Mapping[str, str], body: bytes | None, *, request_hash: bytes | None = None
    ) -> None:
        """Keep the answer; of one that was forgotten meanwhile, that there was one.

        request_hash: of all that was asked, where not all of it was here when it was begun.
        """
        answer = {"status": status, "headers": Jsonb(dict(headers)), "body": body, "request_hash": request_hash}
        values = {**self.key.values, **answer, "forgotten": FORGOTTEN}
        with translated("note an answer"), self._connection.transaction():
            self._connection.execute(QUERIES["end"], values)

    def drop(self) -> None:
        """It came to nothing: it may be sent again."""
        with translated("forget a request"), self._connection.transaction():
            self._connection.execute(QUERIES["drop"], self.key.values)

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()
