"""What information_schema says of tables: those of the database that the login may select from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pyarrow as pa

from headwater.connectors.mysql.dialect import MysqlDialect
from headwater.connectors.protocol import Column
from headwater.connectors.sql import Family, Field, SqlTable
from headwater.connectors.sql.statements import Statement

# information_schema tells a login of the columns on which it has any right: of those, the ones it may select.
_COLUMNS = """
SELECT t.TABLE_NAME, t.TABLE_ROWS, t.TABLE_COMMENT, t.TABLE_TYPE, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE,
       c.IS_NULLABLE, c.NUMERIC_PRECISION, c.NUMERIC_SCALE
  FROM information_schema.TABLES t
  JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
 WHERE t.TABLE_SCHEMA = DATABASE() AND FIND_IN_SET('select', c.PRIVILEGES) > 0
   AND (%s = '' OR BINARY t.TABLE_NAME = BINARY %s)
 ORDER BY BINARY t.TABLE_NAME, c.ORDINAL_POSITION
"""
_KEYS = """
SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME
  FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 AND (%s = '' OR BINARY TABLE_NAME = BINARY %s)
 ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX
"""
_PART_KEYS = """
SELECT TABLE_NAME, INDEX_NAME FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = DATABASE() AND (SUB_PART IS NOT NULL OR COLUMN_NAME IS NULL)
   AND (%s = '' OR BINARY TABLE_NAME = BINARY %s)
"""
# JSON is a longtext of valid JSON to MariaDB; MySQL has the type, and does not tell of which tables its checks are.
TELLS_CHECKS = Statement(
    "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema'"
    " AND TABLE_NAME = 'CHECK_CONSTRAINTS' AND COLUMN_NAME = 'TABLE_NAME'"
)
"""Gives rows where the server tells which columns hold valid JSON only."""
_JSON = """
SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
 WHERE CONSTRAINT_SCHEMA = DATABASE() AND CHECK_CLAUSE LIKE 'json\\_valid(%%)'
   AND (%s = '' OR BINARY TABLE_NAME = BINARY %s)
"""
_EXISTS = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND BINARY TABLE_NAME = BINARY %s"
_ENGINE = (
    "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND BINARY TABLE_NAME = BINARY %s"
)
FOREIGN_KEYS = Statement("""
SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
       IF(REFERENCED_TABLE_SCHEMA = DATABASE(), REFERENCED_TABLE_NAME,
          CONCAT(REFERENCED_TABLE_SCHEMA, '.', REFERENCED_TABLE_NAME)), REFERENCED_COLUMN_NAME
  FROM information_schema.KEY_COLUMN_USAGE
 WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
 ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION
""")
SOME = Statement("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() LIMIT 1")
"""Gives a row where there is any table that the server tells the login of, readable or not."""
IS_WIDE = Statement(
    "SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE TABLE_SCHEMA"
    " UNION ALL SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE <> 'USAGE'"
)
"""Gives rows where the login has a right in the whole database."""

_WHOLE = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring"}
_BYTES |= {"polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "vector"}
_CAST: dict[str, tuple[pa.DataType, str]] = {
    "float": (pa.float32(), "DOUBLE"),  # its own text has 6 digits, which are too few
    "double": (pa.float64(), "DOUBLE"),
    "bit": (pa.uint64(), "UNSIGNED"),
    "year": (pa.uint16(), "UNSIGNED"),
}
# As texts: days such as 0000-00-00 and 2026-02-00 are values there, and times go beyond 24 hours.
_TIMES = {"datetime": "DATETIME(6)", "timestamp": "DATETIME(6)", "date": "DATE", "time": "TIME(6)"}
_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(_WHOLE, "integer"),
    "date": "date",
    "datetime": "time",
    "timestamp": "zoned",
}


def exists(name: str) -> Statement:
    """Whether there is a table on which the login has any right."""
    return Statement(_EXISTS, (name,))


def engine(name: str) -> Statement:
    """What keeps the rows of a table; null of a view."""
    return Statement(_ENGINE, (name,))


def columns(name: str | None) -> Statement:
    """The columns of all tables, or of the one of this name."""
    return Statement(_COLUMNS, (name or "", name or ""))


def unique(name: str | None) -> Statement:
    """The columns of the unique indexes of the same."""
    return Statement(_KEYS, (name or "", name or ""))


def partial(name: str | None) -> Statement:
    """The indexes of the same that hold beginnings of texts, or expressions."""
    return Statement(_PART_KEYS, (name or "", name or ""))


def valid_json(name: str | None) -> Statement:
    """The checks of the same by which a column holds valid JSON only."""
    return Statement(_JSON, (name or "", name or ""))


def tables(
    dialect: MysqlDialect,
    found: Sequence[Sequence[str | None]],
    indexes: Sequence[Sequence[str | None]],
    parts: Sequence[Sequence[str | None]],
    checks: Sequence[Sequence[str | None]] = (),
) -> list[SqlTable]:
    """The tables of which these are the columns, the indexes, and the checks by which columns hold valid JSON."""
    is_json = {(table, clause) for table, clause in checks}
    no_keys = {(row[0], row[1]) for row in parts}
    keys: dict[str | None, list[list[str]]] = {}
    for (table, index), group in groupby(indexes, key=lambda row: (row[0], row[1])):
        if (table, index) not in no_keys:
            keys.setdefault(table, []).append([str(row[2]) for row in group])
    made = []
    for name, columns_of in groupby(found, key=lambda row: str(row[0])):
        rows = list(columns_of)
        fields = tuple(
            _field(dialect, row, is_json=(name, f"json_valid({dialect.quoted(str(row[4]))})") in is_json)
            for row in rows
        )
        never_null = {field.name for field in fields if not field.column.nullable}
        is_view = rows[0][3] != "BASE TABLE"
        made.append(
            SqlTable(
                name=name,
                source=dialect.quoted(name),
                fields=fields,
                key=next((tuple(key) for key in keys.get(name, []) if set(key) <= never_null), ()),
                rows=None if rows[0][1] is None else int(rows[0][1]),
                comment="" if is_view else rows[0][2] or "",
            )
        )
    return made


def _field(dialect: MysqlDialect, row: Sequence[str | None], *, is_json: bool) -> Field:
    name, kind, declared = (str(part) for part in row[4:7])
    quoted = dialect.quoted(name)
    arrow, select, cast = _type(quoted, kind, declared, row[8], row[9])
    return Field(
        column=Column(
            name=name,
            type=declared,
            arrow=arrow,
            nullable=row[7] == "YES",
            numbers=is_json or kind == "json",
            bare=kind in {*_TIMES, "uuid"},
        ),
        select=select,
        # These are ordered by their number, and compared with a text as texts.
        order=f"CAST({quoted} AS CHAR)" if kind in {"enum", "set", "json"} else quoted,
        cast=cast,
        family=_FAMILIES.get(kind, "other"),
        shape=kind,
    )


def _type(
    quoted: str, kind: str, declared: str, precision: str | None, scale: str | None
) -> tuple[pa.DataType, str, str]:
    """How `read` gives a column, the expression selected for it, and what a bound is cast to."""
    if kind in _WHOLE:
        unsigned = "unsigned" in declared
        sizes = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
        larger = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}
        return (larger if unsigned else sizes)[_WHOLE[kind]], quoted, "UNSIGNED" if unsigned else "SIGNED"
    if kind == "decimal":
        digits, places = int(precision or 10), int(scale or 0)
        made = pa.decimal128(digits, places) if digits <= 38 else pa.decimal256(digits, places)
        return made, quoted, f"DECIMAL({digits},{places})"
    if kind in _CAST:
        arrow, cast = _CAST[kind]
        return arrow, quoted if kind == "double" else f"CAST({quoted} AS {cast})", cast
    if kind in _TIMES:
        return pa.string(), quoted, _TIMES[kind]
    if kind in _BYTES:
        return pa.binary(), quoted, "bytes"
    if kind in _TEXTS:
        return pa.string(), quoted, ""
    return pa.string(), f"CAST({quoted} AS CHAR)", ""  # uuid, inet6 and what is yet to come
