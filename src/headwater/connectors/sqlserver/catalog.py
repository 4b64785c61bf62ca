"""What the catalogue views say of tables: those the login may select from, with their columns, keys and types."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sqlserver.dialect import SqlServerDialect, as_text

_COLUMNS = """
SELECT s.name, o.name, CONVERT(varchar(20), (SELECT SUM(p.rows) FROM sys.partitions p
                                              WHERE p.object_id = o.object_id AND p.index_id IN (0, 1))),
       c.name, COALESCE(b.name, t.name), CONVERT(varchar(10), c.max_length), CONVERT(varchar(10), c.precision),
       CONVERT(varchar(10), c.scale), CONVERT(varchar(1), c.is_nullable)
  FROM sys.objects o
  JOIN sys.schemas s ON s.schema_id = o.schema_id
  JOIN sys.columns c ON c.object_id = o.object_id
  JOIN sys.types t ON t.user_type_id = c.user_type_id
  LEFT JOIN sys.types b ON b.user_type_id = t.system_type_id AND t.is_user_defined = 1 AND t.is_assembly_type = 0
 WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
   AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'SELECT',
                         QUOTENAME(c.name), 'COLUMN') = 1
   AND (? = '' OR s.name + '.' + o.name = ?)
 ORDER BY s.name + '.' + o.name COLLATE Latin1_General_BIN2, c.column_id
"""
_KEYS = """
SELECT s.name, o.name, CONVERT(varchar(10), i.index_id), c.name
  FROM sys.indexes i
  JOIN sys.objects o ON o.object_id = i.object_id
  JOIN sys.schemas s ON s.schema_id = o.schema_id
  JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.is_included_column = 0
  JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
 WHERE i.is_unique = 1 AND i.is_disabled = 0 AND i.has_filter = 0 AND (? = '' OR s.name + '.' + o.name = ?)
 ORDER BY s.name, o.name, i.is_primary_key DESC, i.index_id, k.key_ordinal
"""
_EXISTS = """
SELECT s.name, o.name FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
 WHERE o.type IN ('U', 'V') AND s.name + '.' + o.name = ?
"""
# A login is told of no table on which it has no right at all, unless it may read the database.
IS_WIDE = Statement("SELECT 1 WHERE HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'SELECT') = 1")

_WHOLE: dict[str, pa.DataType] = {
    "tinyint": pa.uint8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
}
_BYTES = {"binary", "varbinary", "image", "geometry", "geography", "hierarchyid"}
_TIMES: dict[str, tuple[str, Family]] = {
    "date": ("date", "date"),
    "datetime": ("datetime", "time"),
    "datetime2": ("datetime", "time"),
    "smalldatetime": ("datetime", "time"),
    "datetimeoffset": ("datetimeoffset", "zoned"),
    "time": ("time of day", "other"),
}


def columns(name: str | None) -> Statement:
    """The columns of all tables, or of the one of this name."""
    return Statement(_COLUMNS, (name or "", name or ""))


def unique(name: str | None) -> Statement:
    """The columns of the unique indexes of the same, primary keys first."""
    return Statement(_KEYS, (name or "", name or ""))


def exists(name: str) -> Statement:
    """Whether there is a table that the login may know of."""
    return Statement(_EXISTS, (name,))


def tables(
    dialect: SqlServerDialect, found: Sequence[Sequence[str | None]], indexes: Sequence[Sequence[str | None]]
) -> list[SqlTable]:
    """The tables of which these are the columns and indexes."""
    keys: dict[tuple[str | None, str | None], list[list[str]]] = {}
    for (schema, table, _), group in groupby(indexes, key=lambda row: (row[0], row[1], row[2])):
        keys.setdefault((schema, table), []).append([str(row[3]) for row in group])
    made = []
    for (schema, name), columns_of in groupby(found, key=lambda row: (str(row[0]), str(row[1]))):
        rows = list(columns_of)
        fields = tuple(_field(dialect, [str(part) for part in row[3:9]]) for row in rows)
        never_null = {each.name for each in fields if not each.column.nullable}
        made.append(
            SqlTable(
                name=f"{schema}.{name}",
                source=f"{dialect.quoted(schema)}.{dialect.quoted(name)}",
                fields=fields,
                key=next((tuple(key) for key in keys.get((schema, name), []) if set(key) <= never_null), ()),
                rows=None if rows[0][2] is None else int(rows[0][2]),
            )
        )
    return made


def _field(dialect: SqlServerDialect, said: Sequence[str]) -> Field:
    """A column, from what sys.columns says of it: name, type, bytes, digits, decimals, whether null."""
    name, kind, length, precision, scale, null = said
    quoted, declared = dialect.quoted(name), _declared(kind, int(length), precision, scale)
    arrow, shape, family = _type(kind, int(precision), int(scale))
    if kind in _WHOLE or kind == "bit":
        select = quoted
    elif shape in {"bytes", "rowversion"}:
        select = f"CONVERT(varbinary(max), {quoted})"
    else:
        select = as_text(shape, quoted)
    return Field(
        column=Column(
            name=name,
            type=declared,
            arrow=arrow,
            nullable=null == "1",
            bare=kind in {*_TIMES, "uniqueidentifier"},
        ),
        select=select,
        order=quoted,
        cast="nvarchar(4000)" if arrow == pa.string() and not shape and kind != "uniqueidentifier" else declared,
        family=family,
        shape=shape,
    )


def _type(kind: str, precision: int, scale: int) -> tuple[pa.DataType, str, Family]:
    """How `read` gives a column, which text holds its values, and what it is as a cursor."""
    if kind in _WHOLE:
        return _WHOLE[kind], "", "integer"
    if kind == "bit":
        return pa.bool_(), "", "other"
    if kind in {"decimal", "numeric"}:
        return pa.decimal128(precision, scale), "decimal", "other"
    if kind in {"money", "smallmoney"}:
        return pa.decimal128(19, 4), "money", "other"
    if kind in {"float", "real"}:
        return pa.float64() if kind == "float" else pa.float32(), kind, "other"
    if kind in _TIMES:
        shape, family = _TIMES[kind]
        return pa.string(), shape, family
    if kind in {"timestamp", "rowversion"}:
        return pa.binary(), "rowversion", "integer"
    return (pa.binary(), "bytes", "other") if kind in _BYTES else (pa.string(), "", "other")


def _declared(kind: str, length: int, precision: str, scale: str) -> str:
    """The type in the server's own words; sys.columns counts two bytes a character of nchar and nvarchar."""
    if kind in {"decimal", "numeric"}:
        return f"{kind}({precision},{scale})"
    if kind in {"datetime2", "datetimeoffset", "time"}:
        return f"{kind}({scale})"
    if kind in {"char", "varchar", "binary", "varbinary"}:
        return f"{kind}({length if length >= 0 else 'max'})"
    if kind in {"nchar", "nvarchar"}:
        return f"{kind}({length // 2 if length >= 0 else 'max'})"
    return kind
