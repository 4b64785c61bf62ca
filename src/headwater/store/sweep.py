"""The final key sweep of a full load: rows of the source that it no longer holds go to history, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from psycopg import sql

from headwater.contracts.table import history_name, table_name
from headwater.store import audit
from headwater.store.failures import translated
from headwater.store.load_names import contract_of
from headwater.store.queries import named_queries
from headwater.store.stored_rows import canonical, row_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import numpy.typing as npt
    import psycopg
    import pyarrow as pa

    from headwater.contracts.document import Document, FieldSpec
    from headwater.store.runs import Run

QUERIES = named_queries("sweep")
HOUSE_COLUMNS = ("absent", "record_no", "row_hash")


class OfSource(Protocol):
    """What is asked of a run, also of one that is only tried: its source, and since when rows are not older."""

    @property
    def source_id(self) -> bytes:
        """As `runs.source_id`."""

    @property
    def started_at(self) -> datetime:
        """As `runs.started_at`."""


def older_keys(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    document: Document,
    run: OfSource,
    *,
    beside: Sequence[FieldSpec] = (),
) -> Iterator[pa.RecordBatch]:
    """Keys, as canonical texts, of the rows that stand and came from earlier runs of this run's source; what is
    personal as it is stored. Fields `beside` them come after.
    """
    older = sql.SQL(QUERIES["older_rows"].partition("\n")[2]).format(
        target=sql.Identifier(table_name(document)),
        tenant=sql.Literal(tenant_id),
        source=sql.Literal(run.source_id),
        started=sql.Literal(run.started_at),
    )
    yield from row_batches(
        connection,
        columns=[canonical(spec) for spec in (*document.key, *beside)],
        tables=older,
        order=[sql.Identifier(spec.name) for spec in document.key],
    )


def has_rows(connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, source_id: bytes) -> bool:
    """Whether any row of a contract stands that came from a source."""
    query = sql.SQL(QUERIES["has_rows"]).format(target=sql.Identifier(table_name(document)))
    found = connection.execute(query, {"tenant": tenant_id, "source": source_id}).fetchone()
    return bool(found and found[0])


def runs_that_mended(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, run: OfSource
) -> list[UUID]:
    """Runs that mended records of a run's source before that began, and whose rows stand: no full load deletes these
    as long as their source sends the record that was mended.
    """
    query = sql.SQL(QUERIES["runs_that_mended"]).format(target=sql.Identifier(table_name(document)))
    values = {"tenant": tenant_id, "source": run.source_id, "started": run.started_at}
    return [found for (found,) in connection.execute(query, values)]


def reading_chunks(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> list[UUID]:
    """The chunks by which a run has read its records, older ones that it found equal included."""
    rows = connection.execute(QUERIES["reading_chunks"], {"tenant": tenant_id, "run": run_id})
    return [chunk for (chunk,) in rows]


def chunks_since(connection: psycopg.Connection[Any], tenant_id: UUID, run: OfSource) -> list[UUID]:
    """The same of a run and all later ones of its source."""
    values = {"tenant": tenant_id, "source": run.source_id, "started": run.started_at}
    return [chunk for (chunk,) in connection.execute(QUERIES["chunks_since"], values)]


def refused_keys(
    connection: psycopg.Connection[Any], tenant_id: UUID, chunks: Sequence[UUID]
) -> npt.NDArray[np.uint64]:
    """Hashes of the keys under which records were read that these chunks refused last, where any could be read."""
    found = connection.execute(QUERIES["refused_keys"], {"tenant": tenant_id, "chunks": list(chunks)})
    return np.frombuffer(b"".join(bytes(key) for (key,) in found), np.uint64)


def holding_chunks(
    connection: psycopg.Connection[Any], tenant_id: UUID, document: Document, source_id: bytes
) -> list[UUID]:
    """The chunks by which all other sources have read what they hold of a contract: of each those of its latest full
    load that succeeded and of every run since, or of all its runs.
    """
    values = {"tenant": tenant_id, "source": source_id, "name": document.name, "major": document.major}
    return [chunk for (chunk,) in connection.execute(QUERIES["holding_chunks"], values)]


SETTLED, MENDED = ("resubmitted", "dismissed"), ("resubmitted",)
"""States of records that keep no full load from deleting, and of those that stand as they were mended."""


@dataclass(frozen=True, kw_only=True)
class SettledKeys:
    """How many refused records are settled here, and the hashes of their keys; of how many, all dismissed, no key could
    be read; how many more are that were refused before keys were kept.
    """

    records: int
    unread: int
    unknown: int
    hashes: npt.NDArray[np.uint64]


def settled_keys(
    connection: psycopg.Connection[Any], tenant_id: UUID, chunks: Sequence[UUID], states: Sequence[str]
) -> SettledKeys:
    """Of the records that these chunks refused last and that are in one of these states."""
    values = {"tenant": tenant_id, "chunks": list(chunks), "states": list(states)}
    found = [key for (key,) in connection.execute(QUERIES["settled_keys"], values)]
    keys = [bytes(key) for key in found if key is not None]
    hashes = np.frombuffer(b"".join(keys), np.uint64)
    return SettledKeys(records=len(keys), unread=keys.count(b""), unknown=len(found) - len(keys), hashes=hashes)


def key_hashes(
    connection: psycopg.Connection[Any], tenant_id: UUID, chunks: Sequence[UUID]
) -> Iterator[npt.NDArray[np.uint64]]:
    """Of every record that these chunks have read and not refused, whether its row stands or an older one's does."""
    with translated("read the keys of a source"), connection.cursor(name="keys_of_chunks") as cursor:
        cursor.itersize = 8
        for (hashes,) in cursor.execute(QUERIES["key_hashes"], {"tenant": tenant_id, "chunks": list(chunks)}):
            yield np.frombuffer(bytes(hashes or b""), np.uint64)


class Sweep:
    """Deletes rows by key and what was calculated from them, into history, batch by batch in the caller's transaction.

    `chunk_id` is the chunk in whose name it happens.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        tenant_id: UUID,
        run: Run,
        document: Document,
        results: Document | None,
        *,
        chunk_id: UUID,
    ) -> None:
        self.run = run
        self.document = document
        self._connection = connection
        self._tenant_id = tenant_id
        self._results = results
        self._chunk_id = chunk_id
        self._deleted = {"records": 0, "results": 0}

    def delete(self, keys: Mapping[str, Sequence[str]], hashes: npt.NDArray[np.uint64]) -> None:
        """The rows with these keys: columns of canonical texts, and their hashes as chunks have them."""
        targets = {"records": self.document} | ({"results": self._results} if self._results else {})
        with translated("sweep a full load"):
            for name, target in targets.items():
                self._deleted[name] += delete_rows(
                    self._connection, self._tenant_id, target, self.document, keys=keys, chunk_id=self._chunk_id
                )
            values = {
                "tenant": self._tenant_id,
                "contract": contract_of(self.document),
                "hashes": [each.tobytes() for each in hashes],
                "reason": swept_with(self.run.run_id),
            }
            self._connection.execute(QUERIES["expire_swept"], values)

    def finish(self, is_right_still: Callable[[], bool]) -> bool:
        """Note in the audit chain what was deleted, if anything; False, and nothing is, where it is not right any more.

        The chain's head is locked for the question: nobody commits between it and the entry.
        """
        if not any(self._deleted.values()):
            return True
        with translated("sweep a full load"):
            audit.lock_head(self._connection, self._tenant_id)
            if not is_right_still():
                return False
            audit.append(
                self._connection,
                self._tenant_id,
                action="run.swept",
                resource=f"run/{self.run.run_id}",
                payload=self._deleted,
            )
        return True


def swept_with(run_id: UUID) -> str:
    """Why a mended record is not settled any more."""
    return f"not sent any more, and deleted as it was mended, in run {run_id}"


def swept_by(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID) -> dict[str, int]:
    """How many rows a full load has deleted in the end: `records`, and `results` that were calculated from them."""
    values = {"tenant": tenant_id, "resource": f"run/{run_id}"}
    records, results = connection.execute(QUERIES["swept_by"], values).fetchone() or (0, 0)
    return {"records": records, "results": results}


def delete_rows(
    connection: psycopg.Connection[Any],
    tenant_id: UUID,
    target: Document,
    keyed: Document,
    *,
    keys: Mapping[str, Sequence[str]],
    chunk_id: UUID,
) -> int:
    """The rows of `target` that carry these keys of `keyed` go to history in the name of `chunk_id`, a chunk or a
    deletion by hand; how many there were.
    """
    names = [spec.name for spec in keyed.key]
    columns = [*(spec.name for spec in target.fields), *HOUSE_COLUMNS]
    arrays = sql.SQL(", ").join(key_array(keyed.by_name[name]) for name in names)
    statement = sql.SQL(QUERIES["delete_rows"]).format(
        target=sql.Identifier(table_name(target)),
        history=sql.Identifier(history_name(target)),
        arrays=arrays,
        keys=sql.SQL(", ").join(map(sql.Identifier, names)),
        same_key=sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("k", name)) for name in names
        ),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        gone_columns=sql.SQL(", ").join(sql.Identifier("g", column) for column in columns),
    )
    values = {f"key_{name}": list(keys[name]) for name in names}
    lost = connection.execute(statement, {"tenant": tenant_id, "chunk": chunk_id, **values}).fetchall()
    for chunk, count in lost:
        connection.execute(QUERIES["count_lost"], {"tenant": tenant_id, "chunk": chunk, "lost": count})
    return sum(count for _, count in lost)


def key_array(spec: FieldSpec) -> sql.Composed:
    """The texts of one key field as an array of its type."""
    type_name = sql.SQL(spec.stored_type.partition(" COLLATE")[0])
    return sql.SQL("{}::text[]::{}[]").format(sql.Placeholder(f"key_{spec.name}"), type_name)
