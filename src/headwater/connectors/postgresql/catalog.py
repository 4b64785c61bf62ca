"""What pg_catalog says of tables: those the login may select from, with their columns, keys and types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.postgresql.dialect import PostgresDialect
from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement

# One row a column that may be read, tables in the order of their names.
# A foreign key to a partition does not matter: partitions are read through their table.
_TABLES = """
SELECT n.nspname, c.relname, CAST(c.reltuples AS bigint), obj_description(c.oid, 'pg_class'),
       a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CASE WHEN t.typtype = 'd' THEN
         (WITH RECURSIVE under AS (SELECT t.typname AS name, t.typbasetype AS base
                                    UNION ALL
                                   SELECT b.typname, b.typbasetype FROM under JOIN pg_type b ON b.oid = under.base)
          SELECT name FROM under WHERE base = 0) ELSE t.typname END, t.typtype, t.typcategory,
       CASE WHEN a.attcollation = 0 OR co.collname IN ('C', 'POSIX') THEN ''
            WHEN co.collname = 'default' AND d.datcollate IN ('C', 'POSIX') AND d.datlocprovider = 'c' THEN ''
            ELSE 'C' END,
       (SELECT json_agg(ka.attname ORDER BY k.place)
          FROM (SELECT i.indkey, i.indnkeyatts FROM pg_index i
                 WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                   AND i.indpred IS NULL AND i.indexprs IS NULL
                   AND NOT EXISTS (SELECT FROM unnest(i.indkey) WITH ORDINALITY AS u(attnum, place)
                                     JOIN pg_attribute x ON x.attrelid = c.oid AND x.attnum = u.attnum
                                    WHERE u.place <= i.indnkeyatts AND NOT (
                                          x.attnotnull AND has_column_privilege(c.oid, x.attnum, 'SELECT')))
                 ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) best,
               LATERAL unnest(best.indkey) WITH ORDINALITY AS k(attnum, place)
          JOIN pg_attribute ka ON ka.attrelid = c.oid AND ka.attnum = k.attnum
         WHERE k.place <= best.indnkeyatts),
       CAST(c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) AS text)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
"""
_ONE = " AND CAST(n.nspname AS text) || '.' || c.relname = current_setting('headwater.p1')"
_ALL = """
   AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
   AND (current_setting('headwater.p1') = '[]'
        OR CAST(n.nspname AS text) IN (SELECT json_array_elements_text(CAST(current_setting('headwater.p1') AS json))))
"""
_SORTED = " ORDER BY CAST(n.nspname AS text) || '.' || c.relname COLLATE \"C\", n.oid, c.oid, a.attnum"

_EXISTS = """
SELECT n.nspname, c.relname, CAST(has_schema_privilege(n.oid, 'USAGE') AS text),
       CAST(EXISTS (SELECT FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS text)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE CAST(n.nspname AS text) || '.' || c.relname = current_setting('headwater.p1')
"""
# One row a schema that holds tables: whether it may be used, and whether any column in it could be read then.
_CLOSED = f"""
SELECT n.nspname, CAST(has_schema_privilege(n.oid, 'USAGE') AS text),
       CAST(bool_or(has_any_column_privilege(c.oid, 'SELECT')) AS text)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') {_ALL}
 GROUP BY n.oid, n.nspname ORDER BY CAST(n.nspname AS text) COLLATE "C"
"""
_COLUMNS = """
SELECT a.attname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE CAST(n.nspname AS text) || '.' || c.relname = current_setting('headwater.p1')
   AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')
 ORDER BY a.attnum
"""

# Of a partitioned table the key that was declared, not the copies of its partitions.
FOREIGN_KEYS = Statement("""
SELECT CAST(n.nspname AS text) || '.' || c.relname, CAST(k.oid AS text), a.attname,
       CAST(fn.nspname AS text) || '.' || fc.relname, fa.attname
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class fc ON fc.oid = k.confrelid
  JOIN pg_namespace fn ON fn.oid = fc.relnamespace
 CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(own, other, place)
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.own
  JOIN pg_attribute fa ON fa.attrelid = fc.oid AND fa.attnum = u.other
 WHERE k.contype = 'f' AND k.conparentid = 0
 ORDER BY n.oid, c.oid, k.conname, u.place
""")

# Types whose binary form Arrow holds exactly. All others come as the server writes them.
_EXACT: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "bytea": pa.binary(),
}
# Types, also of what a domain is made of, whose texts are numbers wherever they look so; JSON may be a bare number.
_NUMBERS = {"numeric", "money", "float4", "float8", "json", "jsonb"}
NOT_ACROSS = "the key is not enforced across the tables that inherit from this one, whose rows are read with it"
_FAMILIES: dict[str, Family] = {
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "date": "date",
    "timestamp": "time",
    "timestamptz": "zoned",
}


def named(name: str) -> Statement:
    """The columns of the table of this name."""
    return Statement(_TABLES + _ONE + _SORTED, (name,))


def of_schemas(schemas: Sequence[str]) -> Statement:
    """The columns of all tables in these schemas; of all but the system's own, where none is given."""
    return Statement(_TABLES + _ALL + _SORTED, (json.dumps(list(schemas)),))


def exists(name: str) -> Statement:
    """Whether there is a table, readable or not; its schema, whether that may be used, whether it has columns."""
    return Statement(_EXISTS, (name,))


def closed(schemas: Sequence[str]) -> Statement:
    """What there is in these schemas, or in all, for a login that may read none of it."""
    return Statement(_CLOSED, (json.dumps(list(schemas)),))


def unreadable(name: str) -> Statement:
    """The columns of a table that the login may not read."""
    return Statement(_COLUMNS, (name,))


def tables(dialect: PostgresDialect, rows: Sequence[Sequence[str | None]]) -> list[SqlTable]:
    """The tables of which these are the columns."""
    found = []
    for (schema, name), group in groupby(rows, key=lambda row: (str(row[0]), str(row[1]))):
        columns = list(group)
        estimate = int(str(columns[0][2]))
        key = tuple(json.loads(str(columns[0][11]))) if columns[0][11] else ()
        # Rows of tables that inherit are read with it, and its index does not see them, as one over partitions does.
        is_inherited = columns[0][12] == "true"
        comment = columns[0][3] or ""
        found.append(
            SqlTable(
                name=f"{schema}.{name}",
                source=f"{dialect.quoted(schema)}.{dialect.quoted(name)}",
                fields=tuple(_field(dialect, *row[4:11]) for row in columns),
                key=key,
                rows=estimate if estimate >= 0 else None,  # -1: never analysed
                comment="; ".join(filter(None, [comment, NOT_ACROSS if key and is_inherited else ""])),
                is_key_enforced=not is_inherited,
            )
        )
    return found


def _field(dialect: PostgresDialect, *row: str | None) -> Field:
    name, declared, not_null, kind, sort, category, collation = (str(part or "") for part in row)
    quoted = dialect.quoted(name)
    arrow = _EXACT.get(kind, pa.string()) if sort == "b" else pa.string()
    is_number = pa.types.is_string(arrow) and kind in _NUMBERS and category != "A"
    family: Family = _FAMILIES.get(kind, "other") if sort == "b" else "other"
    select = quoted
    if sort != "b" or kind not in _EXACT:
        select = f"CAST({_as_text(quoted, kind, sort, category)} AS text)"
    return Field(
        column=Column(
            name=name,
            type=declared,
            arrow=arrow,
            nullable=not_null != "true",
            numbers=is_number,
            bare=sort == "b" and kind in {*_FAMILIES, "numeric", "uuid"},
        ),
        select=select,
        order=f'{quoted} COLLATE "{collation}"' if collation else quoted,
        cast=declared,
        family=family,
        shape=family if family in {"time", "zoned"} else "",
        made_of=kind if sort == "d" else "",
    )


def _as_text(quoted: str, kind: str, sort: str, category: str) -> str:
    if category == "A" or sort == "c":  # arrays of any dimension and composites, exact and in the words of JSON
        return f"to_json({quoted})"
    if kind == "money":  # its own text depends on the server's locale
        return f"CAST({quoted} AS numeric)"
    return quoted
