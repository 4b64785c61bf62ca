"""A transaction on a MySQL or MariaDB server that reads only, by PyMySQL, row after row as the server sends them."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pymysql
from pymysql.converters import encoders
from pymysql.cursors import Cursor, SSCursor

from headwater.connectors.mysql.config import MysqlConfig
from headwater.connectors.mysql.refusals import error_of
from headwater.connectors.mysql.rows import Row, packets, values
from headwater.connectors.protocol import Problem
from headwater.connectors.sql import Field
from headwater.connectors.sql.source import raised
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema
from headwater.errors import HeadwaterError

_BATCH_ROWS = 8192
_BATCH_BYTES = 4 * 2**20
_DAY = 86_400  # the most that may be asked for as `statement_timeout`
# How parameters are written; of values none is read: each comes as the server writes it.
_AS_WRITTEN: Any = dict(encoders)
# What the driver raises where a connection breaks off while a row is read.
FAILURES = (pymysql.Error, OSError, EOFError, struct.error)


@contextmanager
def session(config: MysqlConfig, password: str, reach: Callable[[], Sequence[Problem]]) -> Iterator[MysqlSession]:
    """A session; what still runs when it is left is given up. Where none can be had, `reach` says why."""

    def said(error: Exception) -> HeadwaterError:
        return error_of(error, config, password)

    try:
        connection = connect(config, password)
    except FAILURES as error:
        problems = reach()
        raise (raised(problems[0]) if problems else said(error)) from None
    opened = MysqlSession(connection, said)
    try:
        opened.begin(config.statement_timeout)
        yield opened
    finally:
        opened.leave()


def connect(config: MysqlConfig, password: str) -> Any:
    """A connection on which every value comes as the server writes it. Raises what the driver raises."""
    reached: dict[str, Any] = {"unix_socket": config.host} if config.is_local else {"host": config.host}
    if config.is_local or config.tls == "disable":
        reached["ssl_disabled"] = True
    else:
        reached["ssl"] = trust(config)
    connection: Any = pymysql.connect(
        port=config.port,
        user=config.user,
        password=password.encode(),
        database=config.database,
        charset="utf8mb4",
        conv=_AS_WRITTEN,
        connect_timeout=config.connect_timeout,
        read_timeout=config.connect_timeout,
        autocommit=True,
        program_name="headwater",
        **reached,
    )
    # Greeting and login have the time of a connection; from now on a statement's as well, which the server is to keep.
    seconds = (config.statement_timeout or _DAY) + config.connect_timeout
    connection._read_timeout = seconds  # noqa: SLF001 - it can be said only once
    return connection


def trust(config: MysqlConfig) -> ssl.SSLContext:
    """Whom TLS trusts."""
    context = ssl.create_default_context(cafile=str(config.ca_file) if config.ca_file else None)
    if config.tls == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class MysqlSession:
    """One transaction, all that InnoDB keeps of one moment."""

    def __init__(self, connection: Any, said: Callable[[Exception], HeadwaterError]) -> None:
        self._connection = connection
        self._said = said
        self._streams = False

    def begin(self, seconds: int) -> None:
        """Say how the server is to write values, how long it may take, and that nothing is to be written."""
        is_mariadb = "mariadb" in str(self._connection.server_version).lower() or self._is_mariadb()
        limit = ("max_statement_time", seconds) if is_mariadb else ("max_execution_time", seconds * 1000)
        # net_write_timeout: how long the server waits for a reader who is busy with the rows before.
        settings = {"net_write_timeout": 3600, "net_read_timeout": 3600, limit[0]: limit[1]}
        listed = ", ".join(f"{name} = %s" for name in settings)
        self.rows(Statement(f"SET SESSION time_zone = '+00:00', sql_mode = '', {listed}", tuple(settings.values())))
        self.rows(Statement("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        self.rows(Statement("START TRANSACTION READ ONLY"))

    def _is_mariadb(self) -> bool:
        return "mariadb" in str(self.rows(Statement("SELECT VERSION()"))[0][0]).lower()

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        try:
            with self._connection.cursor(Cursor) as cursor:
                cursor.execute(statement.sql, statement.values)
                found = cursor.fetchall()
        except FAILURES as error:
            raise self._said(error) from None
        return [tuple(part.decode() if isinstance(part, bytes) else part for part in row) for row in found]

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, in batches of so many rows or bytes."""
        made = schema(fields)
        self._streams = True
        try:
            cursor = self._connection.cursor(SSCursor)
            cursor.execute(statement.sql, statement.values)
            rows: list[Row] = []
            length = 0
            for packet in packets(self._connection):
                rows.append(values(packet))
                length += len(packet)
                if len(rows) >= _BATCH_ROWS or length >= _BATCH_BYTES:
                    yield _batch(rows, fields, made)
                    rows, length = [], 0
            cursor.close()
        except FAILURES as error:
            raise self._said(error) from None
        self._streams = False
        yield _batch(rows, fields, made)

    def leave(self) -> None:
        """Give up the connection; of a result that is not read to its end nothing more is fetched."""
        with suppress(*FAILURES):
            if self._streams:
                result = self._connection._result  # noqa: SLF001 - its only way to drop rows is to read them all
                if result is not None:
                    result.unbuffered_active = False
                self._connection._force_close()  # noqa: SLF001 - a polite close would wait behind the rows
            else:
                self._connection.close()


def _batch(rows: Sequence[Row], fields: Sequence[Field], made: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    return pa.RecordBatch.from_arrays(
        [_shaped(column, field) for column, field in zip(columns, fields, strict=True)], schema=made
    )


def _shaped(given: Sequence[bytes | None], field: Field) -> Any:
    kind = field.column.arrow
    column: Any = pa.array(given, pa.binary())
    if pa.types.is_binary(kind):
        return column
    column = column.cast(pa.string())
    if field.shape == "float":
        return column.cast(pa.float64()).cast(pa.float32())
    if kind != pa.string():
        return column.cast(kind)
    if field.shape in {"datetime", "timestamp", "time"}:
        column = pc.replace_substring(column, " ", "T", max_replacements=1)
        column = pc.replace_substring_regex(column, r"(\.\d*?)0+$", r"\1")
        column = pc.replace_substring_regex(column, r"\.$", "")
    return pc.binary_join_element_wise(column, "Z", "") if field.shape == "timestamp" else column
