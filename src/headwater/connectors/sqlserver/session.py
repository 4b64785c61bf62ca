"""A transaction on a SQL Server, by mssql-python, whose results are streams of Arrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.protocol import Cause, Problem
from headwater.connectors.sql import Field
from headwater.connectors.sql.probe import without
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema
from headwater.connectors.sqlserver.config import SqlServerConfig
from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, unasked
from headwater.extras import how_to_install

_BATCH_ROWS = 8192
_WORDS: tuple[tuple[str, Cause], ...] = (
    (r"certificate|SSL|TLS|encrypt", "tls"),
    (r"Login failed|18456", "login"),
    (r"Cannot open database|4060", "not_found"),
    (r"permission was denied|916|229", "missing_right"),
    (r"timeout|timed out", "timeout"),
)
_REMEDIES: dict[Cause, str] = {
    "not_found": "Check the name of the database",
    "missing_right": "Ask for the right to connect to the database",
    "timeout": "Check routes and firewalls between this machine and the server",
    "tls": "See that the machine trusts the server's certificate, or choose another `tls`",
    "protocol": "Check the config, or ask whoever runs the server",
}
_PASSING = re.compile(
    r"deadlock|snapshot isolation transaction aborted|lock request time out|timeout|timed out|communication link"
    r"|connection (?:is|was) (?:closed|broken|lost)|not currently available|shutdown|TCP Provider",
    re.IGNORECASE,
)


def driver() -> Any:
    """The library. Misuse where it is not installed."""
    try:
        import mssql_python  # noqa: PLC0415 - an extra, which few need
    except ImportError:
        raise unasked(
            Misuse("the library for SQL Server is not installed", remedy=how_to_install("sqlserver"))
        ) from None
    return mssql_python


@contextmanager
def session(
    config: SqlServerConfig, password: str, reach: Callable[[], Sequence[Problem]]
) -> Iterator[SqlServerSession]:
    """A session; leaving it gives up what still runs. Where none can be had, `reach` says why."""
    library = driver()
    try:
        connection = library.connect(address(config, password), timeout=config.connect_timeout)
    except library.Error as error:
        problems = reach()
        raise (raised(problems[0]) if problems else error_of(error, config, password)) from None
    connection.timeout = config.statement_timeout
    try:
        opened = SqlServerSession(connection, library.Error, lambda error: error_of(error, config, password))
        opened.begin()
        yield opened
    finally:
        with suppress(library.Error):
            connection.rollback()
        with suppress(library.Error):
            connection.close()


def address(config: SqlServerConfig, password: str) -> str:
    """The connection in ODBC's form; it holds the password and is shown to nobody."""
    options = {
        "Server": f"tcp:{config.host},{config.port}",
        "Database": config.database,
        "UID": config.user,
        "PWD": password,
        "Encrypt": "yes",
        "TrustServerCertificate": "no" if config.tls == "verify-full" else "yes",
        "ApplicationIntent": "ReadOnly",
    }
    return "".join(f"{name}={{{value.replace('}', '}}')}}};" for name, value in options.items())


class SqlServerSession:
    """One transaction, all of one moment."""

    def __init__(self, connection: Any, failure: type[Exception], said: Callable[[Exception], HeadwaterError]) -> None:
        self._connection = connection
        self._failure = failure
        self._said = said

    def begin(self) -> None:
        """A statement sees one moment: by row versions where the database keeps them, by locks where it does not."""
        found = self.rows(
            Statement("SELECT CONVERT(varchar(1), snapshot_isolation_state) FROM sys.databases WHERE name = DB_NAME()")
        )
        level = "SNAPSHOT" if found and found[0][0] == "1" else "SERIALIZABLE"
        try:
            self._connection.rollback()
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        except self._failure as error:
            raise self._said(error) from None

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(statement.sql, *statement.values)
                found = cursor.fetchall()
        except self._failure as error:
            raise self._said(error) from None
        return [tuple(None if value is None else str(value) for value in row) for row in found]

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, bounded in memory, in the schema of these fields."""
        made = schema(fields)
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(statement.sql, *statement.values)
                for batch in cursor.arrow_reader(_BATCH_ROWS):
                    columns = [shaped(column, each) for column, each in zip(batch.columns, fields, strict=True)]
                    yield pa.RecordBatch.from_arrays(columns, schema=made)
        except self._failure as error:
            raise self._said(error) from None


def shaped(column: Any, field: Field) -> Any:
    """As the field promises, from the text that was selected."""
    kind = field.column.arrow
    if field.shape == "real":
        return column.cast(pa.float64()).cast(kind)
    column = column.cast(kind)
    if field.shape in {"datetime", "datetimeoffset", "time of day"}:
        column = pc.replace_substring_regex(column, r"(\.\d*?)0+(Z?)$", r"\1\2")
        column = pc.replace_substring_regex(column, r"\.(Z?)$", r"\1")
    return column


def problem_of(error: Exception, config: SqlServerConfig, password: str) -> Problem:
    """Why no connection is to be had."""
    said = without(password, " ".join(str(error).split()))
    cause: Cause = next((cause for words, cause in _WORDS if re.search(words, said)), "protocol")
    return config.login.problem(cause, said, _REMEDIES)


def error_of(error: Exception, config: SqlServerConfig, password: str) -> HeadwaterError:
    """What the caller does next, of whatever the driver raised."""
    said = without(password, " ".join(str(error).split()))
    if _PASSING.search(said):
        return RetryLater("the server gave up", where=config.where, value=said)
    if "permission was denied" in said:
        return Misuse(f"a right is missing: {said}", where=config.where, remedy=f"Grant it to {config.user!r}")
    if type(error).__name__ == "DataError":
        return InputRefused("the server cannot give these rows", where=config.where, value=said)
    return Misuse("the server refuses the statement", where=config.where, value=said)
