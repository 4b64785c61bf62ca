"""What a file of DuckDB's says of its tables and views."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.duckdb_file.dialect import DuckdbDialect
from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement

_COLUMNS = """
SELECT c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable, t.estimated_size, t.comment
  FROM duckdb_columns() c
  LEFT JOIN duckdb_tables() t ON t.table_oid = c.table_oid AND t.database_name = c.database_name
 WHERE c.database_name = current_database() AND NOT c.internal
   AND (? = '' OR c.schema_name || '.' || c.table_name = ?)
 ORDER BY c.schema_name || '.' || c.table_name, c.column_index
"""
_KEYS = """
SELECT schema_name, table_name, constraint_type, CAST(to_json(constraint_column_names) AS VARCHAR)
  FROM duckdb_constraints()
 WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
   AND (? = '' OR schema_name || '.' || table_name = ?)
 ORDER BY constraint_type, len(constraint_column_names), constraint_index
"""
FOREIGN_KEYS = Statement("""
SELECT schema_name || '.' || table_name, constraint_index, unnest(constraint_column_names),
       schema_name || '.' || referenced_table, unnest(referenced_column_names),
       generate_subscripts(constraint_column_names, 1) AS place
  FROM duckdb_constraints()
 WHERE database_name = current_database() AND constraint_type = 'FOREIGN KEY'
 ORDER BY schema_name, table_name, constraint_index, place
""")
_EXACT: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UTINYINT": pa.uint8(),
    "USMALLINT": pa.uint16(),
    "UINTEGER": pa.uint32(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
}
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"),
        "integer",
    ),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "time"),
    "TIMESTAMP WITH TIME ZONE": "zoned",
    "DATE": "date",
}


def columns(name: str | None) -> Statement:
    """The columns of all tables, or of the one of this name."""
    return Statement(_COLUMNS, (name or "", name or ""))


def constraints(name: str | None) -> Statement:
    """The unique constraints of the same, primary keys first."""
    return Statement(_KEYS, (name or "", name or ""))


def tables(
    dialect: DuckdbDialect, found: Sequence[Sequence[str | None]], unique: Sequence[Sequence[str | None]]
) -> list[SqlTable]:
    """The tables of which these are the columns and constraints."""
    made = []
    for (schema, name), group in groupby(found, key=lambda row: (str(row[0]), str(row[1]))):
        rows = list(group)
        fields = tuple(_field(dialect, str(row[2]), str(row[3]), is_nullable=row[4] == "true") for row in rows)
        never_null = {field.name for field in fields if not field.column.nullable}
        keys = [json.loads(str(row[3])) for row in unique if (row[0], row[1]) == (schema, name)]
        made.append(
            SqlTable(
                name=f"{schema}.{name}",
                source=f"{dialect.quoted(schema)}.{dialect.quoted(name)}",
                fields=fields,
                key=next((tuple(key) for key in keys if set(key) <= never_null), ()),
                rows=None if rows[0][5] is None else int(rows[0][5]),
                comment=rows[0][6] or "",
            )
        )
    return made


def _field(dialect: DuckdbDialect, name: str, declared: str, *, is_nullable: bool) -> Field:
    quoted = dialect.quoted(name)
    arrow = _EXACT.get(declared)
    decimal = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", declared)
    if decimal:
        arrow = pa.decimal128(int(decimal[1]), int(decimal[2]))
    family = _FAMILIES.get(declared, "other")
    return Field(
        column=Column(
            name=name,
            type=declared,
            arrow=pa.string() if arrow is None else arrow,
            nullable=is_nullable,
            numbers=declared == "JSON",
            bare=declared == "UUID" or declared in _FAMILIES,
        ),
        select=quoted if arrow is not None else f"CAST({_as_text(quoted, declared)} AS VARCHAR)",
        order=quoted,
        cast=declared,
        family=family,
        shape=family if family in {"time", "zoned"} else "",
    )


def _as_text(quoted: str, declared: str) -> str:
    """Lists, structs and maps in the words of JSON, in which numbers keep their digits."""
    return f"to_json({quoted})" if declared.endswith("]") or declared.startswith(("STRUCT(", "MAP(")) else quoted
