"""What a change of a mapping would mend: open records that one rule refused, and the runs of their source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from headwater.store.quarantine import QuarantineKey
from headwater.store.queries import named_queries
from headwater.store.records import select
from headwater.store.sealed import opened_refusals, opened_told, opener_of

QUERIES = named_queries("fixes")
FETCH = 1000


@dataclass(frozen=True, kw_only=True)
class Group:
    """Open records of a source that were refused for the same text; `example` is the key of one of them."""

    source_id: bytes
    source_name: str
    rule: str
    field: str
    text: str
    records: int
    example: str


@dataclass(frozen=True, kw_only=True)
class OpenRecord:
    """A refused record that is open, and the run that refused it last."""

    quarantine_id: UUID
    occurrence: int
    raw: Mapping[str, str | None]
    findings: Sequence[Mapping[str, Any]]
    run_id: UUID

    @property
    def key(self) -> QuarantineKey:
        """What it is called by."""
        return QuarantineKey(quarantine_id=self.quarantine_id, occurrence=self.occurrence)


@dataclass(frozen=True, kw_only=True)
class RunOfSource:
    """A run, and the mapping it read its source by."""

    run_id: UUID
    kind: str
    state: str
    mapping_hash: bytes
    mapping_version: str


def groups(connection: psycopg.Connection[Any], tenant_id: UUID, *, run_id: UUID | None, limit: int) -> list[Group]:
    """Texts that several open records were refused for, the most frequent first."""
    names = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Group))
    values = {"tenant_id": tenant_id, "run_id": run_id, "limit": limit}
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        found = cursor.execute(sql.SQL(QUERIES["groups"]).format(columns=names), values).fetchall()
    return _opened(connection, found)


def like_mended(connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, *, limit: int) -> list[Group]:
    """Open records of the rules and fields of which a resubmission has mended one (`example`), most first."""
    names = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Group))
    values = {"tenant_id": tenant_id, "run_id": run_id, "limit": limit}
    with connection.cursor(row_factory=class_row(Group)) as cursor:
        found = cursor.execute(sql.SQL(QUERIES["like_mended"]).format(columns=names), values).fetchall()
    return _opened(connection, found)


def _opened(connection: psycopg.Connection[Any], groups: Sequence[Group]) -> list[Group]:
    """Their texts in clear. What is personal is another text in each record, and is not brought together."""
    opened = opened_told([(group.field, group.text) for group in groups], opener_of(connection))
    return [replace(group, text=str(text)) for group, text in zip(groups, opened, strict=True)]


def open_like(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, source_id: bytes, rule: str, field: str
) -> Iterator[OpenRecord]:
    """Open records that a rule refused for a field, fetched as they are read; the transaction stays open meanwhile."""
    values = {"tenant_id": tenant_id, "source_id": source_id, "rule": rule, "field": field}
    with connection.cursor(name="open_like", row_factory=class_row(OpenRecord)) as cursor:
        cursor.itersize = FETCH
        cursor.execute(QUERIES["open_like"], values)
        while found := cursor.fetchmany(FETCH):
            bodies = [body for record in found for body in (record.raw, record.findings)]
            opened = iter(opened_refusals(bodies, opener_of(connection)))
            yield from (replace(record, raw=next(opened), findings=next(opened)) for record in found)


def origins(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, source_id: bytes, rule: str, field: str
) -> list[UUID]:
    """The runs that refused the records of `open_like` last."""
    values = {"tenant_id": tenant_id, "source_id": source_id, "rule": rule, "field": field}
    return [run for (run,) in connection.execute(QUERIES["origins"], values)]


def sources_of_rule(connection: psycopg.Connection[Any], tenant_id: UUID, rule: str) -> list[bytes]:
    """Sources with open records that a rule refused."""
    values = {"tenant_id": tenant_id, "rule": rule}
    return [bytes(source) for (source,) in connection.execute(QUERIES["sources_of_rule"], values)]


def runs_of_source(connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes) -> list[RunOfSource]:
    """The runs of a source, the latest first."""
    return select(connection, RunOfSource, QUERIES["runs_of_source"], {"tenant_id": tenant_id, "source_id": source_id})


def versions(connection: psycopg.Connection[Any], tenant_id: UUID, mapping: str) -> frozenset[str]:
    """The versions in which a mapping is kept."""
    found = connection.execute(QUERIES["versions"], {"tenant_id": tenant_id, "name": mapping})
    return frozenset(version for (version,) in found)


def run_of_chunk(connection: psycopg.Connection[Any], tenant_id: UUID, chunk_id: UUID) -> tuple[UUID, int]:
    """The run that a chunk of a repair belongs to, and its number there."""
    values = {"tenant_id": tenant_id, "chunk_id": chunk_id}
    row = connection.execute(QUERIES["run_of_chunk"], values).fetchone()
    if row is None:
        raise AssertionError("chunks are never deleted")
    return row[0], row[1]
