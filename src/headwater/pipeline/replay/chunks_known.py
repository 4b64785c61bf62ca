"""What the model remembers of the chunks it has done again: enough to decide between competing rows as a load does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import duckdb


@dataclass(frozen=True, kw_only=True)
class KnownChunk:
    """A committed chunk and its run."""

    chunk_id: UUID
    run_id: UUID
    run_started: datetime
    source: str
    source_id: bytes
    chunk_no: int
    first_record: int
    reused: UUID | None


@dataclass(kw_only=True)
class KnownChunks:
    """All of them, in Python and as the engine's table `known_chunks`; `superseded` counts the rows each has lost, and
    `adopted` are those that could not be done again. `source_units` has the units that sources belong to so far.
    """

    connection: duckdb.DuckDBPyConnection
    by_id: dict[UUID, KnownChunk] = field(default_factory=dict)
    superseded: Counter[UUID] = field(default_factory=Counter)
    adopted: set[UUID] = field(default_factory=set)
    source_units: dict[bytes, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection.execute(
            "CREATE TABLE known_chunks (chunk UUID, run UUID, started TIMESTAMPTZ, source VARCHAR, first_record BIGINT,"
            " reused UUID, source_id BLOB, chunk_no INTEGER)"
        )
        self.connection.execute("CREATE TABLE source_units (source_id BLOB, unit UUID)")

    def belongs(self, source_id: bytes, unit_id: UUID | None) -> None:
        """From now on the records of a source are those of a unit, or of none."""
        self.connection.execute("DELETE FROM source_units WHERE source_id = $1", [source_id])
        self.source_units.pop(source_id, None)
        if unit_id is not None:
            self.connection.execute("INSERT INTO source_units VALUES ($1, $2)", [source_id, unit_id])
            self.source_units[source_id] = unit_id

    def add(self, chunk: KnownChunk) -> None:
        """From now on it is there."""
        self.by_id[chunk.chunk_id] = chunk
        self.connection.execute(
            "INSERT INTO known_chunks VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                chunk.chunk_id,
                chunk.run_id,
                chunk.run_started,
                chunk.source,
                chunk.first_record,
                chunk.reused,
                chunk.source_id,
                chunk.chunk_no,
            ],
        )
