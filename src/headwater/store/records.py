"""Reading rows into frozen records: the columns asked for are the record's fields, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

Record = TypeVar("Record")
_Listed = tuple[tuple[str, tuple[str, ...]], ...]
_DIGITS = re.compile(r"[0-9a-f]{1,32}")


def select(
    connection: psycopg.Connection[Any], record: type[Record], statement: str, values: Mapping[str, Any]
) -> list[Record]:
    """Rows of a named statement as records; its `{columns}` become the record's fields."""
    with connection.cursor(row_factory=class_row(record)) as cursor:
        columns = tuple(field.name for field in fields(record))  # type: ignore[arg-type]
        return cursor.execute(_with_columns(statement, columns), values).fetchall()


def select_joined(
    connection: psycopg.Connection[Any], kinds: Mapping[str, type], statement: str, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a named statement that joins tables, each as records by what the statement calls their tables; its
    `{name}` become the fields of that record. None for a table where an outer join found no row.
    """
    listed = tuple((name, tuple(field.name for field in fields(record))) for name, record in kinds.items())
    rows = connection.execute(_with_tables(statement, listed), values).fetchall()
    return [_apart(row, kinds, listed) for row in rows]


def _apart(row: Sequence[Any], kinds: Mapping[str, type], listed: _Listed) -> dict[str, Any]:
    rest = iter(row)
    told = {name: dict(zip(columns, rest, strict=False)) for name, columns in listed}
    return {
        name: kinds[name](**of_table) if any(value is not None for value in of_table.values()) else None
        for name, of_table in told.items()
    }


@cache  # by the statements of our own files
def _with_tables(statement: str, listed: _Listed) -> bytes:
    columns = {
        table: sql.SQL(", ").join(sql.Identifier(table, column) for column in of_table) for table, of_table in listed
    }
    return sql.SQL(statement).format(**columns).as_bytes(None)


@cache  # by the statements of our own files
def _with_columns(statement: str, columns: tuple[str, ...]) -> bytes:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(statement).format(columns=listed).as_bytes(None)


def number(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]) -> int:
    """The one number that a named statement gives."""
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0


def ids_beginning(connection: psycopg.Connection[Any], statement: str, tenant_id: UUID, text: str) -> list[UUID]:
    """Ids that begin with `text`, hyphens left out: enough of them to tell whether one is meant.

    The statement asks for those from `first` to `last`, in whose order the key of the table has them.
    """
    digits = text.strip().lower().replace("-", "")
    if not _DIGITS.fullmatch(digits):
        return []
    ends = {"first": UUID(digits.ljust(32, "0")), "last": UUID(digits.ljust(32, "f"))}
    return [found for (found,) in connection.execute(statement, {"tenant_id": tenant_id, **ends})]
