"""Where the chunks of one run go, and what earlier runs of the same source left behind: the pipeline's `ChunkStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Self
from uuid import UUID

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.rows import dict_row

from headwater.errors import HeadwaterError, RetryLater
from headwater.store import chunks, runs
from headwater.store.brought import BroughtKeys
from headwater.store.corrected import OpenRecords
from headwater.store.database import Database, TenantConnection
from headwater.store.failures import translate, translated
from headwater.store.load import ChunkKey, ChunkTransaction
from headwater.store.queries import named_queries
from headwater.store.sealed import Sealing

QUERIES = named_queries("chunks")
RAW_HASH = np.dtype("V16")
KEY_HASH = np.dtype(np.uint64)


@dataclass(frozen=True, kw_only=True)
class EarlierChunk:
    """A committed chunk whose rows all stand; see `pipeline.ports.EarlierChunk`."""

    chunk_id: UUID
    root: UUID
    chunk_no: int
    raw_sha256: bytes
    relies_on: Mapping[UUID, int]
    ledger: Mapping[str, Any]


class RunChunks:
    """The chunks of one run, loaded over one connection that also holds the run, so that nobody else works on it.

    brought   where the keys of the rows are kept that its chunks bring
    identity  where it does not read all of its source, so that no end of it tells what that has corrected, and chunks
              do: the columns by which the source tells its rows apart
    in_order  the numbers of the chunks in which a key read again is a row that was changed meanwhile: see
              `pipeline.source_rows`
    """

    def __init__(
        self,
        database: Database,
        tenant_id: UUID,
        run: runs.Run,
        *,
        contract: str,
        chunk_ids: Mapping[int, UUID],
        settled_from: datetime | None = None,
        sealing: Callable[[TenantConnection, UUID], Sealing] | None = None,
        identity: Sequence[str] = (),
        brought: BroughtKeys | None = None,
        corrects: bytes | None = None,
        in_order: range = range(0),
    ) -> None:
        self._database = database
        self._in_order = in_order
        self._corrects = corrects
        self._brought = brought
        self._tenant_id = tenant_id
        self._run = run
        self._contract = contract
        self._chunk_ids = chunk_ids
        self._settled_from = settled_from
        self._sealing = sealing
        self._refused_before = (
            _refused_before(tenant_id, run, contract, identity, later_is_newer=bool(in_order)) if identity else None
        )
        self._writer = self._held_connection()
        self._reader: TenantConnection | None = None
        self._reading = Lock()  # the engine's thread asks for hashes, and the writer's
        self._by_number: dict[int, EarlierChunk] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._writer, self._reader):
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()

    def look_back(self, logic_hash: bytes) -> None:
        """Find what earlier runs of the source committed by this logic and still stands."""
        values = {
            "tenant_id": self._tenant_id,
            "source_id": self._run.source_id,
            "run_id": self._run.run_id,
            "logic_hash": logic_hash,
        }
        with (
            self._database.connect(self._tenant_id) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(QUERIES["candidates"], values).fetchall()
            relied = {UUID(str(chunk)) for row in rows for chunk, _ in row["relies_on"]}
            lost: dict[UUID, int] = dict(
                connection.execute(
                    QUERIES["lost_rows"], {"tenant_id": self._tenant_id, "chunks": list(relied)}
                ).fetchall()
            )
        for row in rows:
            relies_on = {UUID(str(chunk)): int(count) for chunk, count in row.pop("relies_on")}
            if row["superseded"] or any(lost.get(chunk) != count for chunk, count in relies_on.items()):
                continue
            chunk = EarlierChunk(
                chunk_id=row["chunk_id"],
                root=row["root"],
                chunk_no=row["chunk_no"],
                raw_sha256=bytes(row["raw_sha256"]),
                relies_on={row["chunk_id"]: 0, **relies_on},
                ledger=row,
            )
            self._by_number[chunk.chunk_no] = chunk

    def earlier(self, chunk_no: int, raw_sha256: bytes) -> EarlierChunk | None:
        """The chunk in the same place with these very bytes whose rows stood when the run began."""
        found = self._by_number.get(chunk_no)
        return found if found is not None and found.raw_sha256 == raw_sha256 else None

    def alike(self, chunk_no: int) -> EarlierChunk | None:
        """The chunk of that number in the latest run of the source whose rows stood when the run began."""
        return self._by_number.get(chunk_no)

    def standing(self, root: UUID) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint64]]:
        """Raw hashes (16 bytes) and key hashes of the records that stand, aligned."""
        with self._reading, translated("read the hashes of an earlier chunk"):
            if self._reader is None or self._reader.closed:
                self._reader = self._database.connect(self._tenant_id)
            with self._reader.transaction():
                raw_hashes, key_hashes = chunks.standing(self._reader, self._tenant_id, root)
        return np.frombuffer(raw_hashes, RAW_HASH), np.frombuffer(key_hashes, KEY_HASH)

    def key_hashes(self, *, after: int = 0) -> Iterator[npt.NDArray[np.uint64]]:
        """Key hashes of what this run has read in its committed chunks, chunk by chunk; in those after one."""
        values = {"tenant_id": self._tenant_id, "run_id": self._run.run_id, "after": after}
        with (
            translated("read the keys of this run"),
            self._database.connect(self._tenant_id) as connection,
            connection.cursor(name="keys_read") as cursor,
        ):
            cursor.itersize = 8
            for (hashes,) in cursor.execute(QUERIES["keys_read"], values):
                yield np.frombuffer(bytes(hashes or b""), KEY_HASH)

    @contextmanager
    def begin(self, chunk_no: int) -> Iterator[ChunkTransaction]:
        """The transaction of a chunk; left without commit, nothing of it remains."""
        if self._writer.closed:
            self._writer = self._held_connection()
        key = ChunkKey(
            tenant_id=self._tenant_id,
            run_id=self._run.run_id,
            chunk_id=self._chunk_ids[chunk_no],
            chunk_no=chunk_no,
            source_id=self._run.source_id,
            contract=self._contract,
            run_started=self._run.started_at,
            settled_from=self._settled_from,
            corrects=self._corrects,
            later_is_newer=chunk_no in self._in_order,
        )
        sealing = self._sealing(self._writer, key.chunk_id) if self._sealing is not None else None
        try:
            yield ChunkTransaction(self._writer, key, sealing, self._refused_before, self._brought)
        except psycopg.errors.UniqueViolation as error:
            raise RetryLater(
                "another run has just loaded the same keys", where=f"chunk {chunk_no}", value=error.diag.message_detail
            ) from error
        except psycopg.Error as error:
            raise translate(error, where=f"chunk {chunk_no}") from error
        finally:
            if not self._writer.closed:
                with suppress(psycopg.Error):
                    self._writer.rollback()

    def fail(self, chunk_no: int, error: HeadwaterError) -> None:
        """Record a chunk as a gap: see `pipeline.ports.ChunkStore.fail`."""
        kept, whole = error.as_kept(), str(error)
        with self._database.connect(self._tenant_id) as connection:
            if whole != kept["message"]:
                sealing = self._sealing(connection, self._chunk_ids[chunk_no]) if self._sealing is not None else None
                with suppress(HeadwaterError):  # a gap is noted also where no key is to be had
                    kept["whole"] = whole if sealing is None else sealing.failed(whole)
            chunks.mark_failed(connection, self._tenant_id, self._run.run_id, chunk_no, error=kept)

    def _held_connection(self) -> TenantConnection:
        connection = self._database.holding(self._tenant_id)
        try:
            with translated("hold the run"):
                runs.hold_run(connection, self._tenant_id, self._run.run_id)
                runs.hold_source(connection, self._tenant_id, self._run)
                connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection


def _refused_before(
    tenant_id: UUID, run: runs.Run, contract: str, identity: Sequence[str], *, later_is_newer: bool
) -> OpenRecords:
    return OpenRecords(
        tenant_id,
        run.source_id,
        contract,
        run_id=run.run_id,
        started=run.started_at,
        identity=identity,
        later_is_newer=later_is_newer,
    )
