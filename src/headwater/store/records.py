"""Reading rows into frozen records: the columns asked for are the record's fields, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

Record = TypeVar("Record")
_DIGITS = re.compile(r"[0-9a-f]{1,32}")


def select(
    connection: psycopg.Connection[Any], record: type[Record], statement: str, values: Mapping[str, Any]
) -> list[Record]:
    """Rows of a named statement as records; its `{columns}` become the record's fields."""
    with connection.cursor(row_factory=class_row(record)) as cursor:
        columns = tuple(field.name for field in fields(record))  # type: ignore[arg-type]
        return cursor.execute(_with_columns(statement, columns), values).fetchall()


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
