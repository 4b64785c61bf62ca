"""What a report shows of a run and its source: figures by scope and month, factors used, findings with samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from headwater.contracts.table import table_name
from headwater.store.queries import named_queries
from headwater.store.sealed import opened_told, opener_of

if TYPE_CHECKING:
    from headwater.contracts.document import Document

QUERIES = named_queries("report")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A sum of what may be added up; `month` is its first day, for reported figures the first of the year."""

    gwp_set: str
    method: str
    scope: int
    category: int | None
    month: date
    records: int
    co2e_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class FactorUse:
    """A factor, the pinned set it was taken from, and what was calculated with it."""

    factor_id: str
    factor_set: bytes
    records: int
    co2e_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One of `total` findings of a rule, of which `still_open` are open in quarantine.

    line  in the file; for records that were loaded the number of the record
    """

    rule_id: str
    field: str
    message: str
    valid: str
    mend: str
    line: int
    value: str | None
    state: str
    total: int
    still_open: int


def calculated(
    connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes, *, activity: Document, emission: Document
) -> list[Figure]:
    """Figures calculated from the activities of a source."""
    return _select(connection, Figure, _tables("figures", activity=activity, emission=emission), tenant_id, source_id)


def reported(
    connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes, *, contract: Document
) -> list[Figure]:
    """Figures that a source reports, as `facility_emission` holds them."""
    return _select(connection, Figure, _tables("reported", reported=contract), tenant_id, source_id)


def factors_used(
    connection: psycopg.Connection[Any], tenant_id: UUID, source_id: bytes, *, activity: Document, emission: Document
) -> list[FactorUse]:
    """Factors behind the figures of a source, the weightiest first."""
    query = _tables("factors_used", activity=activity, emission=emission)
    return _select(connection, FactorUse, query, tenant_id, source_id)


def findings_of(
    connection: psycopg.Connection[Any], tenant_id: UUID, run_id: UUID, *, refused: bool, samples: int
) -> list[Sample]:
    """The first `samples` findings of each rule on records that a run refused, or loaded all the same."""
    values = {"tenant_id": tenant_id, "run_id": run_id, "samples": samples}
    with connection.cursor(row_factory=class_row(Sample)) as cursor:
        found = cursor.execute(QUERIES["refused" if refused else "noticed"], values).fetchall()
    opened = opened_told([(each.field, each.value) for each in found], opener_of(connection))
    return [replace(each, value=value) for each, value in zip(found, opened, strict=True)]


def _tables(query: str, **documents: Document) -> sql.Composed:
    names = {name: sql.Identifier(table_name(document)) for name, document in documents.items()}
    return sql.SQL(QUERIES[query]).format(**names)


def _select(
    connection: psycopg.Connection[Any], record: type[Any], query: sql.Composed, tenant_id: UUID, source_id: bytes
) -> list[Any]:
    with connection.cursor(row_factory=class_row(record)) as cursor:
        return cursor.execute(query, {"tenant_id": tenant_id, "source_id": source_id}).fetchall()
