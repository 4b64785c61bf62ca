"""What a file of SQLite's says of its tables and views."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Literal

import pyarrow as pa

from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sqlite.dialect import SqliteDialect

_TABLES = """
SELECT name, type FROM pragma_table_list
 WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
   AND (?1 IS NULL OR name = ?1)
 ORDER BY name COLLATE BINARY
"""

# A key that names no columns means the primary key of the other table.
FOREIGN_KEYS = Statement("""
SELECT t.name, f.id, f."from", f."table",
       coalesce(f."to", (SELECT x.name FROM pragma_table_info(f."table") x WHERE x.pk = f.seq + 1))
  FROM pragma_table_list t, pragma_foreign_key_list(t.name) f
 WHERE t.schema = 'main' AND t.type = 'table'
 ORDER BY t.name, f.id DESC, f.seq
""")


def tables(connection: sqlite3.Connection, dialect: SqliteDialect, name: str | None) -> list[SqlTable]:
    """The tables and views, or the one of this name."""
    found = connection.execute(_TABLES, (name,)).fetchall()
    return [_table(connection, dialect, str(each), keeps_types=kind == "table") for each, kind in found]


def _table(connection: sqlite3.Connection, dialect: SqliteDialect, name: str, *, keeps_types: bool) -> SqlTable:
    """`keeps_types`: of a table itself; what a view or a virtual table declares binds none of its values."""
    # hidden: 1 is a hidden column of a virtual table, 2 and 3 are generated ones.
    columns = connection.execute(
        'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid', (name,)
    ).fetchall()
    primary = [column[0] for column in sorted((c for c in columns if c[3]), key=lambda c: c[3])]
    alias = primary if len(primary) == 1 and any(c[3] and c[1].upper() == "INTEGER" for c in columns) else []
    if connection.execute("SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk'", (name,)).fetchone():
        alias = []  # descending, or without a rowid: it has an index of its own, and holds whatever is put into it
    fields = tuple(
        _field(dialect, *column[:3], is_rowid=[column[0]] == alias, keeps_types=keeps_types) for column in columns
    )
    nullable = {field.name for field in fields if field.column.nullable}
    return SqlTable(
        name=name,
        source=dialect.quoted(name),
        fields=fields,
        key=tuple(primary or _unique(connection, name, nullable)),
    )


def _unique(connection: sqlite3.Connection, name: str, nullable: set[str]) -> Sequence[str]:
    """The columns of the narrowest unique index that are never null."""
    found = connection.execute(
        'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial ORDER BY seq DESC', (name,)
    ).fetchall()
    keys = []
    for (index,) in found:
        columns = [
            row[0] for row in connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))
        ]
        if None not in columns and not nullable & set(columns):
            keys.append(columns)
    return min(keys, key=len, default=[])


def _field(
    dialect: SqliteDialect, name: str, declared: str, not_null: int, *, is_rowid: bool, keeps_types: bool
) -> Field:
    quoted = dialect.quoted(name)
    holds = _holds(declared) if keeps_types else "mixed"
    return Field(
        # A column holds values of any type, whatever it is declared as: only a text keeps them all.
        column=Column(
            name=name,
            type=declared or "(none declared)",
            arrow=pa.string(),
            nullable=not not_null and not is_rowid,
            numbers=holds == "numbers",
            mixed=holds == "mixed",
            bare=is_rowid,  # no other column is sure to hold whole numbers alone
        ),
        select=quoted,
        order=quoted,
        cast=declared,
        family=_family(declared),
    )


def _holds(declared: str) -> Literal["numbers", "texts", "mixed"]:
    """What values that look like numbers are in a column of this type: SQLite makes numbers of texts that do, or texts
    of numbers, as they come in (https://sqlite.org/datatype3.html, 3.1; of ANY in a strict table neither).
    """
    kind = declared.strip().upper()
    if "INT" in kind:
        return "numbers"
    if any(word in kind for word in ("CHAR", "CLOB", "TEXT")):
        return "texts"
    return "mixed" if kind in {"", "ANY"} or "BLOB" in kind else "numbers"


def _family(declared: str) -> Family:
    word = re.match(r"\w*", declared.strip().upper())
    name = word[0] if word else ""
    if name in {"DATETIME", "TIMESTAMP", "TIMESTAMPTZ"}:
        return "time"
    if name == "DATE":
        return "date"
    return "integer" if "INT" in name else "other"
