"""A transaction on a PostgreSQL server that reads only, by ADBC."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

import adbc_driver_postgresql
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.dialect import setting
from headwater.connectors.postgresql.refusals import error_of
from headwater.connectors.protocol import Problem
from headwater.connectors.sql import Field
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema

_BATCH_BYTES = 4 * 2**20

# What texts look like must not depend on the server's, the database's or the role's settings.
_SETTINGS = {
    "transaction_read_only": "on",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
}


@contextmanager
def session(config: PostgresConfig, password: str, reach: Callable[[], Sequence[Problem]]) -> Iterator[PostgresSession]:
    """A session; what still runs when it is left is cancelled. Where none can be had, `reach` says why."""

    def said(error: DriverError) -> Exception:
        return error_of(error, config, password)

    try:
        connection = dbapi.connect(address(config, password))
    except DriverError as error:
        problems = reach()
        raise (raised(problems[0]) if problems else said(error)) from None
    opened = PostgresSession(connection, said)
    try:
        opened.begin({**_SETTINGS, "statement_timeout": str(config.statement_timeout * 1000)})
        yield opened
    finally:
        opened.leave()


def address(config: PostgresConfig, password: str) -> str:
    """The connection as libpq's URL; it holds the password and is shown to nobody."""
    options = {
        "connect_timeout": config.connect_timeout,
        "application_name": "headwater",
        "client_encoding": "UTF8",
        "host": config.host,
        "port": config.port,
        "user": config.user,
        "dbname": config.database,
        "password": password,
        "passfile": "/dev/null/none",  # no secret but the one referred to
        "gssencmode": "disable",
        "sslmode": "disable" if config.is_local else config.sslmode,
        "tcp_user_timeout": config.connect_timeout * 3000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    if config.sslmode.startswith("verify") and not config.is_local:
        trusted = config.ca_file or ssl.get_default_verify_paths().cafile
        options["sslrootcert"] = str(trusted or "system")
    given = {name: value for name, value in options.items() if value != ""}
    return "postgresql://?" + urlencode(given, quote_via=quote)


class PostgresSession:
    """One transaction, one moment a statement."""

    def __init__(self, connection: Any, said: Callable[[DriverError], Exception]) -> None:
        self._connection = connection
        self._said = said
        self._running: Any = None

    def begin(self, settings: dict[str, str]) -> None:
        """Say how the server is to write values, and that nothing is to be written."""
        self._set(list(settings.items()))

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        found: list[tuple[str | None, ...]] = []
        for batch in self._run(statement):
            columns = [_plain(column) for column in batch.columns]
            found.extend(zip(*columns, strict=True))
        return found

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, bounded in memory, in the schema of these fields."""
        made = schema(fields)
        for batch in self._run(statement):
            columns = [_shaped(column, field) for column, field in zip(batch.columns, fields, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=made)

    def leave(self) -> None:
        """Give up what runs, and the connection."""
        with suppress(DriverError):
            if self._running is not None:
                self._running.adbc_cancel()
        with suppress(DriverError):
            if self._running is not None:
                self._running.close()
        with suppress(DriverError):
            self._connection.close()

    def _run(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        if statement.values:
            self._set([(setting(number), str(value)) for number, value in enumerate(statement.values, 1)])
        try:
            self._running = self._connection.cursor(
                adbc_stmt_kwargs={
                    adbc_driver_postgresql.StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)
                }
            )
            self._running.execute(statement.sql)
            with closing(self._running.fetch_record_batch()) as reader:
                yield from reader
            self._running.close()
            self._running = None
        except DriverError as error:
            raise self._said(error) from None
        except (pa.ArrowException, OSError) as error:
            # A stream of Arrow's hands on the driver's message without its class.
            raise self._said(DriverError(str(error), status_code=0)) from None

    def _set(self, settings: Sequence[tuple[str, str]]) -> None:
        calls = ", ".join(f"set_config('{name}', ${number}, true)" for number, (name, _) in enumerate(settings, 1))
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT {calls}", [value for _, value in settings])
                cursor.fetchall()
        except DriverError as error:
            raise self._said(error) from None


def _plain(column: Any) -> list[str | None]:
    if pa.types.is_boolean(column.type):
        column = pc.if_else(column, "true", "false")
    made: list[str | None] = column.cast(pa.string()).to_pylist()
    return made


def _shaped(column: Any, field: Field) -> Any:
    """As the field promises: moments as ISO 8601 writes them, everything else in its own type."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if column.type != field.column.arrow:
        column = column.cast(field.column.arrow)
    if not field.shape:
        return column
    column = pc.replace_substring(column, " ", "T", max_replacements=1)
    return pc.replace_substring(column, "+00", "Z") if field.shape == "zoned" else column
