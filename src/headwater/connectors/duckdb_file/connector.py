"""DuckDB as a source."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.duckdb_file import catalog
from headwater.connectors.duckdb_file.config import DuckdbConfig
from headwater.connectors.duckdb_file.dialect import DuckdbDialect
from headwater.connectors.protocol import ForeignKey, Problem, Resolve
from headwater.connectors.sql import Field, Session, SqlTable
from headwater.connectors.sql.one_file import FileSource
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import foreign_keys, schema
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater

__all__ = ["DuckdbConfig", "DuckdbConnector"]

_BATCH_ROWS = 8192


class DuckdbSession:
    """A connection that reads only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, said: Callable[[duckdb.Error], HeadwaterError]) -> None:
        self._connection = connection
        self._said = said

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        try:
            found = self._connection.execute(statement.sql, list(statement.values)).fetchall()
        except duckdb.Error as error:
            raise self._said(error) from None
        return [tuple(_plain(value) for value in row) for row in found]

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, bounded in memory, in the schema of these fields."""
        made = schema(fields)
        try:
            reader = self._connection.sql(statement.sql, params=list(statement.values)).to_arrow_reader(_BATCH_ROWS)
            with closing(reader):
                for batch in reader:
                    columns = [_shaped(column, field) for column, field in zip(batch.columns, fields, strict=True)]
                    yield pa.RecordBatch.from_arrays(columns, schema=made)
        except duckdb.Error as error:
            raise self._said(error) from None
        except (pa.ArrowException, OSError) as error:  # raised by the stream, whose class is Arrow's
            raise self._said(duckdb.Error(str(error))) from None


class DuckdbConnector(FileSource):
    """Tables and views of one file."""

    dialect = DuckdbDialect()
    engine = "DuckDB"
    marks = frozenset({b"DUCK"})
    marked_at = 8
    no_database = "this is no database of DuckDB's"

    def __init__(self, config: DuckdbConfig, resolve: Resolve) -> None:
        del resolve  # a file asks for no secret
        super().__init__(config.path)
        self._config = config

    @contextmanager
    def session(self) -> Iterator[DuckdbSession]:
        if problems := super().reach():
            raise raised(problems[0])
        try:
            connection = duckdb.connect(
                str(self._path),
                read_only=True,
                config={
                    "memory_limit": f"{self._config.memory_limit_mb}MB",
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "enable_external_access": "false",
                },
            )
        except duckdb.Error as error:
            raise self._said(error) from None
        with closing(connection):
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")  # it would be printed on stdout
            yield DuckdbSession(connection, self._said)

    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        columns, unique = session.rows(catalog.columns(name)), session.rows(catalog.constraints(name))
        return catalog.tables(self.dialect, columns, unique)

    def references(self, session: Session) -> Mapping[str, Sequence[ForeignKey]]:
        return foreign_keys(session.rows(catalog.FOREIGN_KEYS))

    def reach(self) -> list[Problem]:
        if problems := super().reach():
            return problems
        try:
            with self.session():
                return []
        except HeadwaterError as error:
            return [
                Problem(
                    cause="refused" if isinstance(error, RetryLater) else "protocol",
                    what=error.what if error.value is None else f"{error.what}: {error.value}",
                    where=str(self._path),
                    remedy=error.remedy or "Mend or replace the file",
                )
            ]

    def _said(self, error: duckdb.Error) -> HeadwaterError:
        where, said = str(self._path), " ".join(str(error).split())
        if isinstance(error, duckdb.IOException) and "lock" in said.lower():
            return RetryLater("somebody else writes to the file", where=where, remedy="Wait until they have closed it")
        if isinstance(
            error,
            duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException | duckdb.PermissionException,
        ):
            return Misuse("DuckDB refuses", where=where, value=said)
        if isinstance(error, duckdb.OutOfMemoryException):
            return Misuse(
                "DuckDB refuses", where=where, value=said, remedy="Raise `memory_limit_mb`, or read fewer rows a chunk"
            )
        return InputRefused("the file cannot be read", where=where, value=said)


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _shaped(column: Any, field: Field) -> Any:
    if column.type != field.column.arrow:
        column = column.cast(field.column.arrow)
    if not field.shape:
        return column
    # The year before the first is written (BC), after a space of its own.
    column = pc.replace_substring(column, " ", "T", max_replacements=1)
    return pc.replace_substring(column, "+00", "Z") if field.shape == "zoned" else column
