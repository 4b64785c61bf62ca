"""Calculated emissions that stand, summed up, and activities that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from headwater.contracts.table import table_name
from headwater.store.queries import named_queries

if TYPE_CHECKING:
    from headwater.contracts.document import Document

QUERIES = named_queries("emissions")
CHANGES_NO_RECORD: Final = (
    r"^(access|channel|credential|grant|identity|import|inventory|job|link|mapping|notifications?|password|role|schedule"
    r"|session|sign_in|token)\.|^run\.(planned|started)$|\.read$"
)
"""Entries of the audit chain after which every record is what it was. Of any other it is taken that one is not."""


@dataclass(frozen=True, kw_only=True)
class EmissionSum:
    """Emissions alike in all that must not be added across."""

    gwp_set: str
    method: str
    scope: int
    activity_type: str
    records: int
    co2e_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class WithoutFigure:
    """Records of a source that were loaded and could not be calculated, for one reason."""

    source_name: str
    rule_id: str
    message: str
    records: int


def emission_sums(
    connection: psycopg.Connection[Any], tenant_id: UUID, *, emission: Document, activity: Document
) -> list[EmissionSum]:
    """By scope, then by activity type, the largest first."""
    query = sql.SQL(QUERIES["by_activity_type"]).format(
        emission=sql.Identifier(table_name(emission)), activity=sql.Identifier(table_name(activity))
    )
    with connection.cursor(row_factory=class_row(EmissionSum)) as cursor:
        return cursor.execute(query, {"tenant_id": tenant_id}).fetchall()


def kept_sums(connection: psycopg.Connection[Any], tenant_id: UUID) -> list[EmissionSum] | None:
    """The sums over all units where they were kept and no record can have changed since."""
    values = {"tenant_id": tenant_id, "changes_no_record": CHANGES_NO_RECORD}
    row = connection.execute(QUERIES["kept"], values).fetchone()
    return None if row is None else [EmissionSum(**each | {"co2e_kg": Decimal(each["co2e_kg"])}) for each in row[0]]


def keep_sums(connection: psycopg.Connection[Any], tenant_id: UUID, seq: int, sums: Sequence[EmissionSum]) -> None:
    """Keep sums over all units as they are after the entry `seq` of the audit chain."""
    kept = [asdict(each) | {"co2e_kg": str(each.co2e_kg)} for each in sums]
    connection.execute(QUERIES["keep"], {"tenant_id": tenant_id, "seq": seq, "sums": Jsonb(kept)})


def without_figure(connection: psycopg.Connection[Any], tenant_id: UUID, runs: Sequence[UUID]) -> list[WithoutFigure]:
    """What these runs loaded without a figure, by source and reason, in source order."""
    with connection.cursor(row_factory=class_row(WithoutFigure)) as cursor:
        return cursor.execute(QUERIES["without_figure"], {"tenant_id": tenant_id, "runs": list(runs)}).fetchall()
