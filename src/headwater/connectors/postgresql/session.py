"""A transaction on a PostgreSQL server that reads only, by ADBC."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import adbc_driver_postgresql
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from headwater.connectors.postgresql.config import PostgresConfig
from headwater.connectors.postgresql.dialect import setting
from headwater.connectors.postgresql.refusals import error_of
from headwater.connectors.postgresql.waiting import Caller, NoAnswer
from headwater.connectors.protocol import Problem
from headwater.connectors.sql import Field
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema
from headwater.errors import RetryLater

T = TypeVar("T")
_BATCH_BYTES = 4 * 2**20
_DAY = 86_400  # the most that may be asked for as `statement_timeout`

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

    opened = PostgresSession(config, said)
    try:
        try:
            opened.connect(address(config, password))
        except DriverError as error:
            problems = reach()
            raise (raised(problems[0]) if problems else said(error)) from None
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
    """One transaction, all of one moment. No answer is waited for longer than a statement may take, and a bit."""

    def __init__(self, config: PostgresConfig, said: Callable[[DriverError], Exception]) -> None:
        self._config = config
        self._said = said
        self._connection: Any = None
        self._running: Any = None
        self._reader: Any = None
        self._seconds = (config.statement_timeout or _DAY) + config.connect_timeout
        self._caller = Caller(self._seconds)

    def connect(self, to: str) -> None:
        """Open the connection. Raises what the driver raises."""

        def connected() -> None:
            self._connection = dbapi.connect(to)
            with self._connection.cursor() as cursor:  # before all else: the first question settles the moment
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        self._ask(connected)

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
        """Give up what runs, and the connection. Where the server does not answer, it is left to find out by itself."""
        cancelled: Thread | None = None
        if self._caller.is_waiting:
            cancelled = Thread(target=self._cancel, name="postgresql cancels", daemon=True)
            cancelled.start()

        def closed() -> None:
            if cancelled is not None:
                cancelled.join()
            else:
                self._cancel()
            for each in (self._reader, self._running, self._connection):
                with suppress(DriverError, pa.ArrowException, OSError):
                    if each is not None:
                        each.close()

        self._caller.end(closed, 0 if cancelled else self._config.connect_timeout)

    def _cancel(self) -> None:
        with suppress(DriverError):
            if self._running is not None:
                self._running.adbc_cancel()

    def _run(self, statement: Statement) -> Iterator[pa.RecordBatch]:
        if statement.values:
            self._set([(setting(number), str(value)) for number, value in enumerate(statement.values, 1)])
        try:
            self._ask(lambda: self._execute(statement))
            while (batch := self._ask(lambda: next(self._reader, None))) is not None:
                yield batch
            self._ask(self._finish)
        except DriverError as error:
            raise self._said(error) from None
        except (pa.ArrowException, OSError) as error:
            # A stream of Arrow's hands on the driver's message without its class.
            raise self._said(DriverError(str(error), status_code=0)) from None

    def _execute(self, statement: Statement) -> None:
        self._running = self._connection.cursor(
            adbc_stmt_kwargs={adbc_driver_postgresql.StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)}
        )
        self._running.execute(statement.sql)
        self._reader = self._running.fetch_record_batch()

    def _finish(self) -> None:
        self._reader.close()
        self._running.close()
        self._reader = self._running = None

    def _set(self, settings: Sequence[tuple[str, str]]) -> None:
        calls = ", ".join(f"set_config('{name}', ${number}, true)" for number, (name, _) in enumerate(settings, 1))

        def told() -> None:
            with self._connection.cursor() as cursor:
                cursor.execute(f"SELECT {calls}", [value for _, value in settings])
                cursor.fetchall()

        try:
            self._ask(told)
        except DriverError as error:
            raise self._said(error) from None

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return self._caller.ask(call)
        except NoAnswer:
            raise RetryLater(
                f"the connection is up, and nothing came over it for {self._seconds} s",
                where=self._config.where,
                remedy="Where it happens again, look at what stands between this machine and the server; the time is"
                " that of `statement_timeout` and `connect_timeout`",
            ) from None


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
