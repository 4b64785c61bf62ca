"""What INFORMATION_SCHEMA says of tables: those of the database that the role may see."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.protocol import Column
from headwater.connectors.snowflake.dialect import SnowflakeDialect, as_text
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement

_COLUMNS = """
SELECT c.table_schema, c.table_name, t.row_count, t.comment, c.column_name, c.data_type, c.is_nullable,
       c.numeric_precision, c.numeric_scale, c.collation_name
  FROM information_schema.columns c
  JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
 WHERE c.table_schema <> 'INFORMATION_SCHEMA' AND {which}
 ORDER BY c.table_schema || '.' || c.table_name, c.table_schema, c.ordinal_position
"""
_TIMES: dict[str, tuple[str, Family]] = {
    "DATE": ("", "date"),
    "TIME": ("clock", "other"),
    "TIMESTAMP_NTZ": ("time", "time"),
    "TIMESTAMP_LTZ": ("zoned", "zoned"),
    "TIMESTAMP_TZ": ("zoned", "zoned"),
}
_TEXTS = {"VARIANT": "json", "OBJECT": "json", "ARRAY": "json", "MAP": "json", "JSON": "json"}
_TEXTS |= {"GEOGRAPHY": "geography", "GEOMETRY": "geography", "VECTOR": "vector"}
_EXACT: dict[str, pa.DataType] = {"FLOAT": pa.float64(), "BOOLEAN": pa.bool_()}
# SHOW gives created_on, database, schema, table, column, place, …
_SCHEMA, _TABLE, _COLUMN, _PLACE = 2, 3, 4, 5


def columns(name: str | None, schemas: Sequence[str]) -> Statement:
    """The columns of the table of this name; of all in these schemas; of all, where none is given."""
    if name is not None:
        return Statement(_COLUMNS.format(which="c.table_schema || '.' || c.table_name = ?"), (name,))
    if schemas:
        return Statement(_COLUMNS.format(which=f"c.table_schema IN ({', '.join('?' * len(schemas))})"), tuple(schemas))
    return Statement(_COLUMNS.format(which="TRUE"))


def primary_keys(table: SqlTable | None) -> Statement:
    """The columns of the primary key of a table; of all tables of the database, where none is given."""
    return Statement("SHOW PRIMARY KEYS" + (f" IN TABLE {table.source}" if table else ""))


def keys(shown: Sequence[Sequence[str | None]]) -> dict[str, tuple[str, ...]]:
    """From what SHOW PRIMARY KEYS gives: the columns of each table's key, by its name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for row in shown:
        found.setdefault(f"{row[_SCHEMA]}.{row[_TABLE]}", []).append((int(str(row[_PLACE])), str(row[_COLUMN])))
    return {table: tuple(name for _, name in sorted(columns)) for table, columns in found.items()}


def tables(dialect: SnowflakeDialect, rows: Sequence[Sequence[str | None]]) -> list[SqlTable]:
    """The tables of which these are the columns; without their keys."""
    found = []
    for (schema, name), group in groupby(rows, key=lambda row: (str(row[0]), str(row[1]))):
        columns = list(group)
        found.append(
            SqlTable(
                name=f"{schema}.{name}",
                source=f"{dialect.quoted(schema)}.{dialect.quoted(name)}",
                fields=tuple(_field(dialect, row[4:10]) for row in columns),
                rows=None if columns[0][2] is None else int(columns[0][2]),
                comment=columns[0][3] or "",
                is_key_enforced=False,
            )
        )
    return found


def _field(dialect: SnowflakeDialect, row: Sequence[str | None]) -> Field:
    """A column, from its name, type, whether null, digits, decimals and collation."""
    name, kind, null, precision, scale, collation = row
    quoted, declared = dialect.quoted(str(name)), str(kind)
    if declared == "NUMBER":
        declared = f"NUMBER({precision or 38},{scale or 0})"
    arrow, shape, family = _type(str(kind), int(precision or 38), int(scale or 0))
    if collation:
        shape = "collated"
    return Field(
        column=Column(
            name=str(name),
            type=declared,
            arrow=arrow,
            nullable=null == "YES",
            numbers=shape == "json" or kind == "DECFLOAT",
        ),
        select=quoted if arrow != pa.string() or kind == "TEXT" else as_text(shape, quoted),
        order=f"COLLATE({quoted}, 'utf8')" if collation else quoted,
        cast="VARCHAR" if kind == "TEXT" else declared,
        family=family,
        shape=shape,
    )


def _type(kind: str, precision: int, scale: int) -> tuple[pa.DataType, str, Family]:
    """How `read` gives a column, what is to be done for it, and what it is as a cursor."""
    if kind == "NUMBER":
        return pa.decimal128(precision, scale), "number", "other" if scale else "integer"
    if kind in _EXACT:
        return _EXACT[kind], "", "other"
    if kind == "BINARY":
        return pa.binary(), "bytes", "other"
    if kind in _TIMES:
        return pa.string(), *_TIMES[kind]
    return pa.string(), _TEXTS.get(kind, ""), "other"  # DECFLOAT and what is yet to come: as Snowflake writes it
