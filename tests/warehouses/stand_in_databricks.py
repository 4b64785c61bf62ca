"""What stands in for Databricks: its Thrift over HTTP, as the client's own definitions have it, with DuckDB behind.

No more than that: the SQL of Databricks is translated by sqlglot, the catalogue is as its documentation shows.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import sqlglot
from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated as TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from tests.planted import planted

TOKEN = planted("dapi a planted secret, & more/of:it")
HTTP_PATH = "/sql/1.0/warehouses/stand-in"
PAGE_ROWS = 2000

# Of the names of DuckDB's types, those of Databricks.
_NAMES = {
    "varchar": "string",
    "blob": "binary",
    "integer": "int",
    "timestamp": "timestamp_ntz",
    "timestamp with time zone": "timestamp",
    "json": "variant",
    "bigint[]": "array<bigint>",
}
_CATALOGUE = """
CREATE MACRO current_timezone() AS current_setting('TimeZone');
CREATE SCHEMA catalogue;
CREATE TABLE catalogue.closed (name VARCHAR);
CREATE TABLE catalogue.full_types (duck VARCHAR PRIMARY KEY, said VARCHAR);
CREATE VIEW catalogue.open_columns AS
  SELECT * FROM duckdb_columns()
   WHERE NOT internal AND schema_name = 's1' AND table_name NOT IN (SELECT name FROM catalogue.closed);
CREATE VIEW catalogue.columns AS
  SELECT schema_name AS table_schema, table_name, column_name, column_index AS ordinal_position,
         coalesce((SELECT said FROM catalogue.full_types WHERE duck = lower(data_type)), lower(data_type))
           AS full_data_type, CASE WHEN is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable
    FROM catalogue.open_columns;
CREATE VIEW catalogue.tables AS
  SELECT DISTINCT table_schema, table_name, CAST(NULL AS VARCHAR) AS comment FROM catalogue.columns;
CREATE VIEW catalogue.table_constraints AS
  SELECT schema_name AS table_schema, table_name, schema_name AS constraint_schema, constraint_name, constraint_type
    FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY';
CREATE VIEW catalogue.key_column_usage AS
  SELECT schema_name AS table_schema, table_name, schema_name AS constraint_schema, constraint_name,
         unnest(constraint_column_names) AS column_name, generate_subscripts(constraint_column_names, 1)
           AS ordinal_position
    FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY';
"""
_TYPES: dict[Any, int] = {
    pa.bool_(): ttypes.TTypeId.BOOLEAN_TYPE,
    pa.int8(): ttypes.TTypeId.TINYINT_TYPE,
    pa.int16(): ttypes.TTypeId.SMALLINT_TYPE,
    pa.int32(): ttypes.TTypeId.INT_TYPE,
    pa.int64(): ttypes.TTypeId.BIGINT_TYPE,
    pa.float32(): ttypes.TTypeId.FLOAT_TYPE,
    pa.float64(): ttypes.TTypeId.DOUBLE_TYPE,
    pa.binary(): ttypes.TTypeId.BINARY_TYPE,
}
_FINE = ttypes.TStatus(statusCode=ttypes.TStatusCode.SUCCESS_STATUS)


def _wrong(message: str) -> Any:
    return ttypes.TStatus(statusCode=ttypes.TStatusCode.ERROR_STATUS, errorMessage=message)


@dataclass
class Fault:
    """An answer over HTTP in place of the right one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """The server; `faults` come before the right answers to these methods, each once."""

    port: int = 0
    zone: str = "UTC"
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    sessions: int = 0
    operations: dict[bytes, Any] = field(default_factory=dict)
    database: Any = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.database.execute(f"SET TimeZone = 'UTC'; CREATE SCHEMA s1; {_CATALOGUE}")
        self.database.executemany("INSERT INTO catalogue.full_types VALUES (?, ?)", list(_NAMES.items()))

    def run(self, statement: str, values: Any = None) -> None:
        """A statement of DuckDB's own."""
        with contextlib.closing(self.database.cursor()) as cursor:
            cursor.execute("USE s1")
            cursor.execute(statement, values)

    def closed(self, *names: str) -> None:
        """These tables are to be read by nobody."""
        self.run("DELETE FROM catalogue.closed")
        for name in names:
            self.run("INSERT INTO catalogue.closed VALUES (?)", [name])

    def answered(self, statement: str, values: dict[str, str | None]) -> tuple[Any, Any]:
        """A cursor and the stream of its rows; an error as Databricks words it."""
        hidden = {row[0] for row in self.database.cursor().execute("FROM catalogue.closed").fetchall()}
        for name in hidden:
            if f"`{name}`" in statement:
                message = f"[INSUFFICIENT_PERMISSIONS] User does not have SELECT on Table '{name}'. SQLSTATE: 42501"
                raise PermissionError(message)
        cursor = self.database.cursor()
        cursor.execute(f"SET TimeZone = '{self.zone}'")
        return cursor, cursor.sql(_translated(statement), params=values).to_arrow_reader(PAGE_ROWS)


@functools.cache
def _translated(statement: str) -> str:
    # In place of what Databricks has built in.
    text = statement.replace("information_schema.", "catalogue.").replace("'information_schema'", "'catalogue'")
    text = re.sub(r"to_json\((.+?), map\('ignoreNullFields', 'false'\)\)", r"to_json(\1)", text)
    return sqlglot.parse_one(text, read="databricks").transform(_as_databricks_writes).sql("duckdb")


def _as_databricks_writes(node: sqlglot.exp.Expr) -> sqlglot.exp.Expr:
    """A moment as text has no offset there."""
    if not (isinstance(node, sqlglot.exp.Cast) and node.to.is_type(*sqlglot.exp.DataType.TEXT_TYPES)):
        return node
    written = [sqlglot.exp.Literal.string(text) for text in (r"^(\d+-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?)\+00$", r"\1")]
    return sqlglot.exp.Anonymous(this="regexp_replace", expressions=[node, *written])


class Service:
    """The methods of Databricks' Thrift that the client calls; TCLIService.Iface has them all."""

    def __init__(self, standing: StandIn) -> None:
        self._standing = standing

    def OpenSession(self, asked: Any) -> Any:  # noqa: N802 - the protocol's names
        if asked.initialNamespace.catalogName != "main":
            return ttypes.TOpenSessionResp(
                status=_wrong(
                    f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{asked.initialNamespace.catalogName}' was not found."
                ),
                serverProtocolVersion=ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7,
            )
        assert asked.configuration["timezone"] == "UTC"
        self._standing.sessions += 1
        return ttypes.TOpenSessionResp(
            status=_FINE,
            serverProtocolVersion=ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7,
            sessionHandle=ttypes.TSessionHandle(sessionId=_handle()),
            canUseMultipleCatalogs=True,
        )

    def CloseSession(self, asked: Any) -> Any:  # noqa: N802, ARG002
        self._standing.sessions -= 1
        return ttypes.TCloseSessionResp(status=_FINE)

    def ExecuteStatement(self, asked: Any) -> Any:  # noqa: N802
        self._standing.statements.append(asked.statement)
        operation = ttypes.TOperationHandle(
            operationId=_handle(), operationType=ttypes.TOperationType.EXECUTE_STATEMENT, hasResultSet=True
        )
        values = {each.name: each.value.stringValue if each.value else None for each in asked.parameters or ()}
        try:
            opened = _Operation(*self._standing.answered(asked.statement, values))
        except (duckdb.Error, sqlglot.ParseError, PermissionError) as error:
            said = str(error)
            if isinstance(error, duckdb.CatalogException):
                said = f"[TABLE_OR_VIEW_NOT_FOUND] {said} SQLSTATE: 42P01"
            failed = ttypes.TGetOperationStatusResp(
                status=_FINE, operationState=ttypes.TOperationState.ERROR_STATE, errorMessage=said, displayMessage=said
            )
            return ttypes.TExecuteStatementResp(
                status=_FINE,
                operationHandle=operation,
                directResults=ttypes.TSparkDirectResults(operationStatus=failed),
            )
        self._standing.operations[operation.operationId.guid] = opened
        done = ttypes.TGetOperationStatusResp(
            status=_FINE, operationState=ttypes.TOperationState.FINISHED_STATE, hasResultSet=True
        )
        return ttypes.TExecuteStatementResp(
            status=_FINE,
            operationHandle=operation,
            directResults=ttypes.TSparkDirectResults(
                operationStatus=done, resultSetMetadata=opened.described(), resultSet=opened.page()
            ),
        )

    def FetchResults(self, asked: Any) -> Any:  # noqa: N802
        return self._standing.operations[asked.operationHandle.operationId.guid].page()

    def CancelOperation(self, asked: Any) -> Any:  # noqa: N802
        self._standing.operations.pop(asked.operationHandle.operationId.guid, None)
        return ttypes.TCancelOperationResp(status=_FINE)

    def CloseOperation(self, asked: Any) -> Any:  # noqa: N802
        self._standing.operations.pop(asked.operationHandle.operationId.guid, None)
        return ttypes.TCloseOperationResp(status=_FINE)


class _Operation:
    """A statement whose rows are being fetched."""

    def __init__(self, cursor: Any, reader: Any) -> None:
        self._cursor = cursor  # what the reader reads from
        self._reader = reader
        self._sent = 0
        self._following = self._next()

    def _next(self) -> Any:
        return next(iter(self._reader), None)

    def described(self) -> Any:
        columns = []
        for place, each in enumerate(self._reader.schema, 1):
            entry = ttypes.TTypeEntry(
                primitiveEntry=ttypes.TPrimitiveTypeEntry(type=_TYPES.get(each.type, ttypes.TTypeId.STRING_TYPE))
            )
            columns.append(
                ttypes.TColumnDesc(columnName=each.name, typeDesc=ttypes.TTypeDesc(types=[entry]), position=place)
            )
        return ttypes.TGetResultSetMetadataResp(
            status=_FINE,
            schema=ttypes.TTableSchema(columns=columns),
            resultFormat=ttypes.TSparkRowSetType.ARROW_BASED_SET,
            lz4Compressed=False,
            arrowSchema=self._reader.schema.serialize().to_pybytes(),
            isStagingOperation=False,
        )

    def page(self) -> Any:
        """A batch, in a stream of one; fetched again after the last it is empty."""
        batch, self._following = self._following, self._next()
        rows = ttypes.TRowSet(startRowOffset=self._sent, rows=[], arrowBatches=[])
        if batch is not None:
            rows.arrowBatches.append(
                ttypes.TSparkArrowBatch(batch=batch.serialize().to_pybytes(), rowCount=batch.num_rows)
            )
            self._sent += batch.num_rows
        return ttypes.TFetchResultsResp(
            status=_FINE,
            hasMoreRows=self._following is not None,
            results=rows,
            resultSetMetadata=self.described(),
        )


def _handle() -> Any:
    return ttypes.THandleIdentifier(guid=uuid.uuid4().bytes, secret=uuid.uuid4().bytes)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._answer(404, b"")

    def do_POST(self) -> None:
        standing: StandIn = self.server.standing  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.rstrip("/") != HTTP_PATH:
            self._answer(404, b"")
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, b"", {"x-databricks-reason-phrase": "Invalid access token."})
            return
        method = TBinaryProtocol(TMemoryBuffer(body)).readMessageBegin()[0]
        if waiting := standing.faults.get(method):
            fault = waiting.pop(0)
            self._answer(fault.status, b"", fault.headers)
            return
        answer = TMemoryBuffer()
        TCLIService.Processor(Service(standing)).process(TBinaryProtocol(TMemoryBuffer(body)), TBinaryProtocol(answer))
        self._answer(200, answer.getvalue())

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/x-thrift", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing is logged."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client may keep its connection open


@contextlib.contextmanager
def stand_in() -> Iterator[StandIn]:
    """A server on a port of its own, in a thread of this process."""
    with served(StandIn(), _Handler) as standing:
        yield standing


Standing = TypeVar("Standing", bound=StandIn)


@contextlib.contextmanager
def served(standing: Standing, handler: type[BaseHTTPRequestHandler]) -> Iterator[Standing]:
    """What stands in, asked by way of a handler."""
    with _Server(("127.0.0.1", 0), handler) as server:
        server.standing = standing  # type: ignore[attr-defined]
        standing.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield standing
        finally:
            server.shutdown()
            thread.join()
