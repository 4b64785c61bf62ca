"""What information_schema says of tables: those of the catalog that the login may see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.databricks.dialect import DatabricksDialect, as_text
from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement

_COLUMNS = """
SELECT c.table_schema, c.table_name, t.comment, c.column_name, c.full_data_type, c.is_nullable
  FROM information_schema.columns c
  JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
 WHERE c.table_schema <> 'information_schema' AND {which}
 ORDER BY concat(c.table_schema, '.', c.table_name), c.table_schema, c.ordinal_position
"""
_KEYS = """
SELECT c.table_schema, c.table_name, c.column_name
  FROM information_schema.key_column_usage c
  JOIN information_schema.table_constraints t ON t.constraint_schema = c.constraint_schema
       AND t.constraint_name = c.constraint_name AND t.table_schema = c.table_schema AND t.table_name = c.table_name
 WHERE t.constraint_type = 'PRIMARY KEY' AND {which}
 ORDER BY c.table_schema, c.table_name, c.ordinal_position
"""
_EXACT: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
}
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    "date": "date",
    "timestamp": "zoned",
    "timestamp_ntz": "time",
}
_PARTED = ("array<", "map<", "struct<", "variant")


def columns(name: str | None, schemas: Sequence[str]) -> Statement:
    """The columns of the table of this name; of all in these schemas; of all, where none is given."""
    return _asked(_COLUMNS, name, schemas)


def keys(name: str | None, schemas: Sequence[str]) -> Statement:
    """The columns of the primary keys of the same."""
    return _asked(_KEYS, name, schemas)


def _asked(sql: str, name: str | None, schemas: Sequence[str]) -> Statement:
    if name is not None:
        return Statement(sql.format(which="concat(c.table_schema, '.', c.table_name) = :p1"), (name,))
    if schemas:
        places = ", ".join(f":p{number}" for number in range(1, len(schemas) + 1))
        return Statement(sql.format(which=f"c.table_schema IN ({places})"), tuple(schemas))
    return Statement(sql.format(which="TRUE"))


def tables(
    dialect: DatabricksDialect, found: Sequence[Sequence[str | None]], primary: Sequence[Sequence[str | None]]
) -> list[SqlTable]:
    """The tables of which these are the columns and those of primary keys."""
    key_of: dict[tuple[str | None, str | None], list[str]] = {}
    for schema, table, column in primary:
        key_of.setdefault((schema, table), []).append(str(column))
    made = []
    for (schema, name), group in groupby(found, key=lambda row: (str(row[0]), str(row[1]))):
        rows = list(group)
        fields = tuple(_field(dialect, str(row[3]), str(row[4]), is_nullable=row[5] == "YES") for row in rows)
        key = key_of.get((schema, name), [])
        made.append(
            SqlTable(
                name=f"{schema}.{name}",
                source=f"{dialect.quoted(schema)}.{dialect.quoted(name)}",
                fields=fields,
                key=tuple(key) if set(key) <= {field.name for field in fields} else (),
                comment=rows[0][2] or "",
                is_key_enforced=False,
            )
        )
    return made


def _field(dialect: DatabricksDialect, name: str, declared: str, *, is_nullable: bool) -> Field:
    quoted = dialect.quoted(name)
    kind, _, collation = declared.lower().partition(" collate ")
    arrow, shape = _type(kind)
    if collation and collation != "utf8_binary":
        shape = "collated"
    is_plain = kind in _EXACT
    return Field(
        column=Column(name=name, type=declared, arrow=arrow, nullable=is_nullable, numbers=shape == "json"),
        select=quoted if is_plain else as_text(shape, quoted),
        order=f"{quoted} COLLATE UTF8_BINARY" if shape == "collated" else quoted,
        cast="string" if arrow == pa.string() and kind not in _FAMILIES else kind,
        family=_FAMILIES.get(kind, "other"),
        shape=shape,
    )


def _type(kind: str) -> tuple[pa.DataType, str]:
    """How `read` gives a column, and what is to be done for it."""
    decimal = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind)
    if decimal:
        return pa.decimal128(int(decimal[1]), int(decimal[2])), "number"
    if kind.startswith(_PARTED):
        return pa.string(), "json"
    if kind in {"timestamp", "timestamp_ntz"}:
        return pa.string(), "zoned" if kind == "timestamp" else "time"
    return _EXACT.get(kind, pa.string()), "bytes" if kind == "binary" else ""
