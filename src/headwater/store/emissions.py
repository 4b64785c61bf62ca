"""Calculated emissions that stand, summed up, and activities that have none."""

from __future__ import annotations

import hashlib
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
CHANGE_NO_RECORD: Final = (
    "access.refused", "channel.tested", "credential.rotated", "credential.stored", "grant.given", "grant.revoked",
    "import.begun", "import.cancelled", "import.given_up", "import.refused", "inventory.calculated",
    "inventory.published", "job.asked", "job.cancel_asked", "job.ended", "link.asked", "link.made", "mapping.kept",
    "notification.asked_again", "notifications.forgotten", "password.changed", "personal_data.read", "role.given",
    "role.taken", "run.planned", "run.started", "schedule.added", "schedule.paused", "schedule.removed",
    "schedule.resumed", "session.begun", "session.ended", "sign_in.oidc", "sign_in.password", "token.created",
    "token.revoked",
)  # fmt: skip
"""Entries of the audit chain after which every record is what it was. Of any other it is taken that one is not."""


@dataclass(frozen=True, kw_only=True)
class EmissionSum:
    """Emissions alike in all that must not be added across.

    gwp_set  set of warming potentials behind the CO2e
    method   location_based or market_based of scope 2, else the factor's
    scope    1, 2 or 3
    records  how many figures are in the sum
    co2e_kg  kg CO2e in that set
    """

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


def sums_statement(*, emission: Document, activity: Document) -> bytes:
    """What sums up emissions by scope, then by activity type, the largest first."""
    tables = {"emission": table_name(emission), "activity": table_name(activity)}
    named = {name: sql.Identifier(table) for name, table in tables.items()}
    return sql.SQL(QUERIES["by_activity_type"]).format(**named).as_bytes(None)


def emission_sums(connection: psycopg.Connection[Any], tenant_id: UUID, statement: bytes) -> list[EmissionSum]:
    """The sums by every row that the connection sees."""
    with connection.cursor(row_factory=class_row(EmissionSum)) as cursor:
        return cursor.execute(statement, {"tenant_id": tenant_id}).fetchall()


def kept_sums(
    connection: psycopg.Connection[Any], tenant_id: UUID, statement: bytes
) -> tuple[list[EmissionSum], int] | None:
    """The sums over all units where they were kept and no record can have changed since; and how many entries of the
    audit chain ago that was.
    """
    values = {"made_by": _made_by(statement), "change_no_record": list(CHANGE_NO_RECORD)}
    row = connection.execute(QUERIES["kept"], {"tenant_id": tenant_id, **values}).fetchone()
    if row is None:
        return None
    return [EmissionSum(**each | {"co2e_kg": Decimal(each["co2e_kg"])}) for each in row[0]], int(row[1])


def keep_sums(
    connection: psycopg.Connection[Any], tenant_id: UUID, statement: bytes, *, seq: int, sums: Sequence[EmissionSum]
) -> None:
    """Keep sums over all units as they are after the entry `seq` of the audit chain."""
    kept = [asdict(each) | {"co2e_kg": str(each.co2e_kg)} for each in sums]
    values = {"seq": seq, "made_by": _made_by(statement), "sums": Jsonb(kept)}
    connection.execute(QUERIES["keep"], {"tenant_id": tenant_id, **values})


def _made_by(statement: bytes) -> bytes:
    return hashlib.sha256(statement).digest()


def without_figure(connection: psycopg.Connection[Any], tenant_id: UUID, runs: Sequence[UUID]) -> list[WithoutFigure]:
    """What these runs loaded without a figure, by source and reason, in source order."""
    with connection.cursor(row_factory=class_row(WithoutFigure)) as cursor:
        return cursor.execute(QUERIES["without_figure"], {"tenant_id": tenant_id, "runs": list(runs)}).fetchall()
