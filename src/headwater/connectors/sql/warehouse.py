"""What warehouses have in common: a session and a look into the catalogue take a second each, so that both are kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from headwater.connectors.sql import Field
from headwater.connectors.sql.source import Session, Source
from headwater.connectors.sql.tables import SqlTable
from headwater.errors import HeadwaterError, InputRefused, RetryLater


class KeptSession(Session, Protocol):
    """A session that serves one call after another."""

    def close(self) -> None:
        """Give it up, whatever state it is in. Raises nothing."""


class Warehouse(Source):
    """Each call has a session to itself, one that an earlier call has left or a new one.

    A table that was looked up to plan is read as it was then; a column that goes meanwhile fails the chunk.
    """

    def __init__(self) -> None:
        self._idle: list[KeptSession] = []
        self._looked_up: dict[str, SqlTable] = {}

    @abstractmethod
    def opened(self) -> KeptSession:
        """A new session."""

    @contextmanager
    def session(self) -> Iterator[KeptSession]:
        session = self._idle.pop() if self._idle else self.opened()
        try:
            yield session
        except BaseException:  # it may be broken, or in the middle of a statement
            session.close()
            raise
        self._idle.append(session)

    def close(self) -> None:
        """Give up the sessions."""
        while self._idle:
            self._idle.pop().close()

    def _table(self, session: Session, name: str) -> SqlTable:
        found = self._looked_up[name] = super()._table(session, name)
        return found

    def located(self, session: Session, name: str, locator: Mapping[str, Any]) -> SqlTable:
        del locator
        return self._looked_up.get(name) or self._table(session, name)

    def is_at_once(self, session: Session, table: SqlTable, locator: Mapping[str, Any]) -> bool:
        del session, table, locator
        return False  # a moment a statement


class MisfitError(Exception):
    """What a column's values are is not what the catalogue says; the message names it, and why."""


def fitted(
    batch: pa.RecordBatch, fields: Sequence[Field], schema: pa.Schema, shaped: Callable[[Any, Field], Any]
) -> pa.RecordBatch:
    """The rows in the schema of these fields, each column as `shaped` makes it; MisfitError where one cannot be."""
    columns = []
    for column, field in zip(batch.columns, fields, strict=True):
        try:
            columns.append(shaped(column, field))
        except pa.ArrowException as error:
            raise MisfitError(f"{field.column.name} ({field.column.type}): {' '.join(str(error).split())}") from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def error_of_arrow(error: Exception, source: str, where: str) -> HeadwaterError | None:
    """What the caller does next where rows came that Arrow cannot take; None of any other error."""
    if isinstance(error, MisfitError):
        return InputRefused(
            f"{source} gives rows that are not of the type that its catalogue says",
            where=where,
            value=str(error),
            remedy="Sync again, for the column may have changed since the plan; else leave it out by source.columns",
        )
    if isinstance(error, pa.ArrowException):
        said = " ".join(str(error).split())
        return RetryLater(f"{source} gave an answer that cannot be read", where=where, value=said)
    return None


def times(column: Any, shape: str) -> Any:
    """Texts of times as ISO 8601 has them, of moments in UTC with Z; others as they are."""
    if shape not in {"time", "zoned", "clock"}:
        return column
    column = pc.replace_substring(column, " ", "T", max_replacements=1)
    column = pc.replace_substring_regex(column, r"( ?[+-]\d\d(:?\d\d)?|Z)$", "")  # in UTC, as they were asked for
    column = pc.replace_substring_regex(column, r"(\.\d*?)0+$", r"\1")
    column = pc.replace_substring_regex(column, r"\.$", "")
    return pc.binary_join_element_wise(column, "Z", "") if shape == "zoned" else column
