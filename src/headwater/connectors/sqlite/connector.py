"""SQLite as a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pyarrow as pa

from headwater.connectors.protocol import ForeignKey, Problem, Resolve, Selection, SourcePlan
from headwater.connectors.sql import Field, Session, SqlTable
from headwater.connectors.sql.one_file import FileSource
from headwater.connectors.sql.planning import plan
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import foreign_keys, schema
from headwater.connectors.sqlite import catalog, text_times
from headwater.connectors.sqlite.config import SqliteConfig
from headwater.connectors.sqlite.dialect import SqliteDialect
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater

__all__ = ["SqliteConfig", "SqliteConnector"]

_BATCH_ROWS = 4096
_BATCH_CHARACTERS = 4 * 2**20


class SqliteSession:
    """A connection that reads only."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self._path = path

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        with _said(self._path):
            found = self.connection.execute(statement.sql, statement.values).fetchall()
        return [tuple(None if value is None else str(value) for value in row) for row in found]

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, in batches of so many rows or characters."""
        made = schema(fields)
        signs = ["." if field.column.numbers else statement.decimal for field in fields]
        with _said(self._path), closing(self.connection.execute(statement.sql, statement.values)) as cursor:
            rows: list[list[str | None]] = []
            length = 0
            for row in cursor:
                rows.append([_text(value, sign) for value, sign in zip(row, signs, strict=True)])
                length += sum(len(text) for text in rows[-1] if text is not None)
                if len(rows) >= _BATCH_ROWS or length >= _BATCH_CHARACTERS:
                    yield _batch(rows, made)
                    rows, length = [], 0
            yield _batch(rows, made)


class SqliteConnector(FileSource):
    """Tables and views of one file."""

    dialect = SqliteDialect()
    engine = "SQLite"
    marks = frozenset({b"SQLite format 3\0", b""})
    no_database = "this is no database of SQLite's, or an encrypted one"

    def __init__(self, config: SqliteConfig, resolve: Resolve) -> None:
        del resolve  # a file asks for no secret
        super().__init__(config.path)
        self._config = config

    @contextmanager
    def session(self) -> Iterator[SqliteSession]:
        path = self._path
        if problems := self.reach():
            raise raised(problems[0])
        with _said(path):
            connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=ro",
                uri=True,
                timeout=self._config.lock_timeout,
                isolation_level=None,
                check_same_thread=False,  # batches may be taken by another thread than asked for them
            )
        with closing(connection):
            connection.text_factory = _decoded
            with _said(path):
                connection.execute("BEGIN")  # all statements see what the first does
            yield SqliteSession(connection, path)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        with _said(self._path):
            return catalog.tables(cast("SqliteSession", session).connection, self.dialect, name)

    def plan(self, selection: Selection) -> SourcePlan:
        with self.session() as session:
            declared = self._table(session, selection.table)
            table = text_times.checked(session, declared, selection)
            found = plan(self.dialect, table, selection, session.rows)
            if table is declared:  # a declared time is taken at its word
                return replace(found, notices=text_times.ways_told(session, table, selection))
            return replace(found, notices=text_times.notices(selection, found.upto))

    def mistakes(self, session: Session, table: SqlTable, selection: Selection) -> list[Problem]:
        try:
            table = text_times.checked(session, table, selection)
        except Misuse as error:
            facts = {"valid": error.valid, "remedy": error.remedy}
            return [Problem(cause="config", what=error.what, where=table.name, **facts)]
        return super().mistakes(session, table, selection)

    def located(self, session: Session, name: str, locator: Mapping[str, Any]) -> SqlTable:
        return text_times.located(super().located(session, name, locator), locator)

    def references(self, session: Session) -> Mapping[str, Sequence[ForeignKey]]:
        return foreign_keys(session.rows(catalog.FOREIGN_KEYS))


def _decoded(data: bytes) -> str | bytes:
    """Text that is no UTF-8 stays bytes: nothing of it is to be lost."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _text(value: Any, decimal: str) -> str | None:
    """A value as `texts` of Parquet writes one of its type: beside numbers a column may hold texts that look so."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, float):
        if not isfinite(value):
            return "Infinity" if value > 0 else "-Infinity"
        return format(Decimal(repr(value)), "f").removesuffix(".0").replace(".", decimal)
    return str(value)


def _batch(rows: Sequence[Sequence[str | None]], made: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(made)
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=made)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """SQLite's errors as those of the house."""
    try:
        yield
    except sqlite3.Error as error:
        raise _error_of(error, path) from None


def _error_of(error: sqlite3.Error, path: Path) -> HeadwaterError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT}:
        return RetryLater("somebody else has the file locked", where=str(path), remedy="Wait, or raise `lock_timeout`")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_TOOBIG}:
        return InputRefused("the file cannot be read", where=str(path), value=str(error))
    return Misuse("SQLite refuses", where=str(path), value=str(error))
