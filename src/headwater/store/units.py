"""Units of an organisation as kept: a tree of any depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from headwater.errors import Conflict
from headwater.store.queries import named_queries
from headwater.store.records import select

QUERIES = named_queries("units")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A division, department, laboratory or site; without a parent it stands directly in the organisation."""

    unit_id: UUID
    parent_id: UUID | None
    kind: str
    name: str
    version: int
    created_at: datetime
    archived_at: datetime | None


def add_unit(
    connection: psycopg.Connection[Any], tenant_id: UUID, unit_id: UUID, *, parent_id: UUID | None, kind: str, name: str
) -> None:
    """Conflict where one of that name stands in that place."""
    values = {"tenant_id": tenant_id, "unit_id": unit_id, "parent_id": parent_id, "kind": kind, "name": name}
    _with_a_name_of_its_own(connection, "add", values)


def get_unit(connection: psycopg.Connection[Any], tenant_id: UUID, unit_id: UUID) -> Unit | None:
    """One unit, archived or not."""
    found = select(connection, Unit, QUERIES["unit"], {"tenant_id": tenant_id, "unit_id": unit_id})
    return found[0] if found else None


def list_units(connection: psycopg.Connection[Any], tenant_id: UUID, *, archived: bool = False) -> list[Unit]:
    """All of them by name; archived ones too, where they are asked for."""
    return select(connection, Unit, QUERIES["units"], {"tenant_id": tenant_id, "archived": archived})


def units_below(connection: psycopg.Connection[Any], tenant_id: UUID, unit_id: UUID) -> set[UUID]:
    """A unit and all below it, archived or not."""
    rows = connection.execute(QUERIES["below"], {"tenant_id": tenant_id, "unit_id": unit_id})
    return {unit for (unit,) in rows}


def change_unit(
    connection: psycopg.Connection[Any], tenant_id: UUID, unit_id: UUID, *, parent_id: UUID | None, kind: str, name: str
) -> None:
    """Conflict where another of that name stands in that place."""
    values = {"tenant_id": tenant_id, "unit_id": unit_id, "parent_id": parent_id, "kind": kind, "name": name}
    _with_a_name_of_its_own(connection, "change", values)


def archive_units(connection: psycopg.Connection[Any], tenant_id: UUID, units: Iterable[UUID], at: datetime) -> int:
    """How many were not archived before."""
    values = {"tenant_id": tenant_id, "units": list(units), "at": at}
    return connection.execute(QUERIES["archive"], values).rowcount


def restore_units(connection: psycopg.Connection[Any], tenant_id: UUID, units: Iterable[UUID], at: datetime) -> int:
    """How many of these were archived at that time; Conflict where another has taken a name."""
    return _with_a_name_of_its_own(connection, "restore", {"tenant_id": tenant_id, "units": list(units), "at": at})


def hanging_on(connection: psycopg.Connection[Any], tenant_id: UUID, units: Iterable[UUID]) -> tuple[int, int, int]:
    """How many roles, grants and tokens of services stand in these units."""
    row = connection.execute(QUERIES["hanging_on"], {"tenant_id": tenant_id, "units": list(units)}).fetchone()
    return row or (0, 0, 0)


def _with_a_name_of_its_own(connection: psycopg.Connection[Any], query: str, values: dict[str, Any]) -> int:
    try:
        return connection.execute(QUERIES[query], values).rowcount
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "another unit of this name stands in the same place",
            where="unit",
            value=values.get("name"),
            valid="a name that no other has there",
        ) from error
