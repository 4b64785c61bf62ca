"""Keys that a source held and holds no longer, kept with the chunks that read them: others may hold them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.store.failures import translated
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    import numpy.typing as npt
    import psycopg

    from headwater.store.runs import Run

    Hashes = npt.NDArray[np.uint64]

QUERIES = named_queries("given_up")


def is_last_and_whole(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run) -> bool:
    """Whether a run of a file is the newest of its source, has read something and lacks no chunk."""
    row = connection.execute(QUERIES["is_last_and_whole"], _of(tenant_id, run)).fetchone()
    return bool(row and row[0])


def held_before(
    connection: psycopg.Connection[Any], tenant_id: UUID, run: Run, reading: Sequence[UUID]
) -> Iterator[tuple[UUID, Hashes, bytes | None]]:
    """Chunk by chunk, the keys that earlier runs of a source read and that may be given up, and which of them are so
    by now. `reading` are the chunks by which this run has read its own.
    """
    values = {**_of(tenant_id, run), "reading": list(reading)}
    with translated("read the keys of earlier runs"), connection.cursor(name="held_before") as cursor:
        cursor.itersize = 8
        for chunk_id, keys, given_up in cursor.execute(QUERIES["held_before"], values):
            yield chunk_id, _hashes(keys), None if given_up is None else bytes(given_up)


def note(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID, given_up: bytes | None) -> None:
    """Keep what of the keys of a chunk its source holds no longer; None for nothing."""
    connection.execute(QUERIES["note"], {"tenant": tenant_id, "chunk": chunk_id, "given_up": given_up})


def latest_of_connector(
    connection: psycopg.Connection[Any], tenant_id: UUID, connector_id: UUID
) -> list[tuple[UUID, bytes, str]]:
    """The newest run of each file that came through a connector, with its source and what that is called."""
    values = {"tenant": tenant_id, "connector": connector_id}
    found = connection.execute(QUERIES["latest_of_connector"], values)
    return [(run_id, bytes(source_id), name) for run_id, source_id, name in found]


def given_up_since(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run, gone: Sequence[UUID]) -> Hashes:
    """Keys that other sources of the contract have read after a run, and hold no longer; with all that the runs `gone`
    have read.
    """
    values = {**_of(tenant_id, run), "gone": list(gone)}
    return _hashes(b"".join(bytes(keys or b"") for (keys,) in connection.execute(QUERIES["given_up_since"], values)))


def holding_since(connection: psycopg.Connection[Any], tenant_id: UUID, run: Run, gone: Sequence[UUID]) -> list[UUID]:
    """The chunks by which other sources of the contract have read, after a run, what they hold still."""
    values = {**_of(tenant_id, run), "gone": list(gone)}
    return [chunk_id for (chunk_id,) in connection.execute(QUERIES["holding_since"], values)]


def _of(tenant_id: UUID, run: Run) -> dict[str, Any]:
    return {
        "tenant": tenant_id,
        "run": run.run_id,
        "source": run.source_id,
        "started": run.started_at,
        "contract": run.contract_hash,
    }


def _hashes(keys: bytes | None) -> Hashes:
    return np.frombuffer(bytes(keys or b""), np.uint64)
