"""A session with a SQL warehouse of Databricks, whose results come as Arrow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from typing import Any

import pyarrow as pa

from headwater.connectors.databricks.config import DatabricksConfig
from headwater.connectors.sql import Field
from headwater.connectors.sql.statements import Statement
from headwater.connectors.sql.tables import schema
from headwater.connectors.sql.warehouse import MisfitError, fitted, times
from headwater.errors import HeadwaterError, Misuse, unasked
from headwater.extras import how_to_install

_BATCH_ROWS = 8192
_BUFFER_BYTES = 16 * 2**20
_DOWNLOADS = 2


def driver() -> Any:
    """The library. Misuse where it is not installed."""
    try:
        import databricks.sql  # noqa: PLC0415 - an extra, which few need
    except ImportError:
        raise unasked(
            Misuse("the library for Databricks is not installed", remedy=how_to_install("databricks"))
        ) from None
    return databricks.sql


def failures() -> tuple[type[Exception], ...]:
    """What the library raises; of what it uses itself, Arrow too, errors come as they are."""
    import urllib3.exceptions  # noqa: PLC0415 - comes with the library

    return (driver().exc.Error, urllib3.exceptions.HTTPError, OSError, pa.ArrowException)


def connect(config: DatabricksConfig, token: str) -> Any:
    """A session. Raises what the library raises."""
    settings = {"timezone": "UTC", "ansi_mode": "true"}
    if config.statement_timeout:
        settings["statement_timeout"] = str(config.statement_timeout)
    return driver().connect(
        server_hostname=config.host,
        http_path=config.http_path,
        access_token=token,
        catalog=config.catalog,
        session_configuration=settings,
        user_agent_entry="headwater",
        use_cloud_fetch=config.cloud_fetch,
        max_download_threads=_DOWNLOADS,
        enable_telemetry=False,
        _port=config.port,
        _connection_uri=None
        if config.tls == "verify-full"
        else f"http://{config.host}:{config.port}{config.http_path}",
        _socket_timeout=max(config.connect_timeout, config.statement_timeout or 86_400),
        # Whoever syncs tries again, and says so; the library would do it in silence, for a quarter of an hour.
        _retry_stop_after_attempts_count=2,
        _retry_stop_after_attempts_duration=float(config.connect_timeout),
    )


class ArrowSession(ABC):
    """One snapshot a statement. `said` makes errors of the house of whatever is raised."""

    def __init__(self, said: Callable[[Exception], HeadwaterError]) -> None:
        self._said = said

    @abstractmethod
    def close(self) -> None:
        """Give up the session; Databricks drops what it holds for it. Raises nothing."""

    @abstractmethod
    def parts(self, statement: Statement) -> Generator[pa.Table, None, None]:
        """The rows of a result, bounded in memory; closing it gives up what Databricks still does for it."""

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""
        found: list[tuple[str | None, ...]] = []
        for part in self.parts(statement):
            columns = [column.to_pylist() for column in part.columns]
            found += [
                tuple(None if value is None else str(value) for value in row) for row in zip(*columns, strict=True)
            ]
        return found

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, bounded in memory, in the schema of these fields."""
        made = schema(fields)
        with closing(self.parts(statement)) as parts:
            for part in parts:
                for batch in part.to_batches(_BATCH_ROWS):
                    try:
                        yield fitted(batch, fields, made, shaped)
                    except MisfitError as error:
                        raise self._said(error) from None


class DatabricksSession(ArrowSession):
    """By the SQL connector."""

    def __init__(self, connection: Any, said: Callable[[Exception], HeadwaterError]) -> None:
        super().__init__(said)
        self._connection = connection

    def close(self) -> None:
        with suppress(*failures()):
            self._connection.close()

    def parts(self, statement: Statement) -> Generator[pa.Table, None, None]:
        try:
            # Closing it gives up what the warehouse still holds for the result.
            with closing(self._connection.cursor(arraysize=_BATCH_ROWS, buffer_size_bytes=_BUFFER_BYTES)) as cursor:
                cursor.execute(statement.sql, named(statement) or None)
                while (part := cursor.fetchmany_arrow(_BATCH_ROWS)).num_rows:
                    yield part
        except failures() as error:
            raise self._said(error) from None


def named(statement: Statement) -> dict[str, Any]:
    """The values of a statement by the names of their places."""
    return {f"p{number}": value for number, value in enumerate(statement.values, 1)}


def shaped(column: Any, field: Field) -> Any:
    """As the field promises, from what was selected."""
    return times(column.cast(field.column.arrow), field.shape)
