"""A connector of whatever database has a dialect, a catalogue and sessions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from typing import Any, Protocol

import pyarrow as pa

from headwater.connectors.protocol import ForeignKey, Problem, Selection, SourceChunk, SourcePlan, Table, Tally
from headwater.connectors.sql.dialect import Dialect
from headwater.connectors.sql.planning import plan
from headwater.connectors.sql.statements import Statement, reading, sampling
from headwater.connectors.sql.tables import Field, SqlTable, schema
from headwater.connectors.sql.tallies import tally_of
from headwater.errors import HeadwaterError, Misuse, RetryLater, unasked


class Session(Protocol):
    """A connection in a transaction that reads only. It raises errors of the house alone."""

    def rows(self, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a small result, every value as a text."""

    def batches(self, statement: Statement, fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a result of whatever size, bounded in memory, in the schema of these fields."""


class Source(ABC):
    """The protocols `Connector` and `Tallying`. Each call has a session of its own; calls may run side by side."""

    dialect: Dialect

    @abstractmethod
    def session(self) -> AbstractContextManager[Session]:
        """A new session; leaving it gives up what the server does for it, finished or not."""

    @abstractmethod
    def tables(self, session: Session, name: str | None = None) -> list[SqlTable]:
        """Every table the login may read, or the one of this name, by name."""

    def references(self, session: Session) -> Mapping[str, Sequence[ForeignKey]]:
        """By table the foreign keys that the source declares, where its catalogue tells them."""
        del session
        return {}

    @abstractmethod
    def reach(self) -> list[Problem]:
        """What stands in the way of a session, or of finding anything."""

    @abstractmethod
    def missing(self, session: Session, table: str) -> Problem:
        """Why the login cannot read a table that `tables` does not give."""

    @abstractmethod
    def nothing(self, session: Session) -> Problem:
        """Why `tables` gives none at all: which right is missing on what, or that there is none."""

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        """Everything that stands in the way of reading, worst first. A source of which nothing can be read is no
        source: a sync has nothing to ask it for.
        """
        if problems := self.reach():
            return problems
        with self.session() as session:
            if selection is None:
                return [] if self.tables(session) else [self.nothing(session)]
            found = self.tables(session, selection.table)
            return self.mistakes(session, found[0], selection) if found else [self.missing(session, selection.table)]

    def mistakes(self, session: Session, table: SqlTable, selection: Selection) -> list[Problem]:
        """What a selection asks of a table that the table has not."""
        del session
        problems = []
        for asked in (table.chosen, table.key_of, table.cursor_of):
            try:
                asked(selection)
            except Misuse as error:
                problems.append(
                    Problem(cause="config", what=error.what, where=table.name, valid=error.valid, remedy=error.remedy)
                )
        return problems

    def discover(self) -> Sequence[Table]:
        """Every table the login may read, by name."""
        with self.session() as session:
            found = self.references(session)
            return [
                replace(table.described(), references=tuple(found.get(table.name, ())))
                for table in self.tables(session)
            ]

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        """The first rows of a table."""
        if rows < 0:
            raise Misuse("so many rows cannot be sampled", where=table, value=rows, valid="0 or more")
        with self.session() as session:
            found = self._table(session, table)
            batches = session.batches(sampling(self.dialect, found, rows), found.fields)
            return pa.Table.from_batches(list(batches), schema=schema(found.fields))

    def plan(self, selection: Selection) -> SourcePlan:
        """Chunks that hold every row of the selection once, whatever is inserted or deleted meanwhile."""
        with self.session() as session:
            return plan(self.dialect, self._table(session, selection.table), selection, session.rows)

    @contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        """The rows of a chunk, ordered by the key; at least one batch, which may be empty and tells the schema."""
        with self.read_tallied(selection, chunk, ()) as (batches, _):
            yield batches

    @contextmanager
    def read_tallied(
        self, selection: Selection, chunk: SourceChunk, columns: Sequence[str]
    ) -> Iterator[tuple[Iterator[pa.RecordBatch], Callable[[], Tally]]]:
        """The same, and what to call once all rows are taken for what the source says of them."""
        with self.session() as session:
            table = self.located(session, selection.table, chunk.locator)
            if not selection.key and "key" in chunk.locator:
                # As the plan had it: the source may have declared another key meanwhile.
                selection = replace(selection, key=tuple(chunk.locator["key"]))
            statement = reading(self.dialect, table, selection, chunk.locator)

            def tally() -> Tally:
                asked = [table.field(name, "column") for name in columns]
                at_once = self.is_at_once(session, table, chunk.locator)
                return tally_of(self.dialect, table, asked, chunk.locator, session.rows, at_once=at_once)

            # Closed before the session is: what runs on it lets go first.
            with (
                closing(session.batches(statement, table.chosen(selection))) as batches,
                closing(_at_least_one(batches, table.chosen(selection))) as stream,
            ):
                yield stream, tally

    def close(self) -> None:  # noqa: B027 - of no kind there is anything to close
        """Nothing is kept between calls."""

    def located(self, session: Session, name: str, locator: Mapping[str, Any]) -> SqlTable:
        """The table as a chunk's locator means it: as it is now."""
        del locator
        return self._table(session, name)

    def is_at_once(self, session: Session, table: SqlTable, locator: Mapping[str, Any]) -> bool:
        """Whether all statements of a session see a chunk's rows as they were at one moment."""
        del session, table, locator
        return True

    def _table(self, session: Session, name: str) -> SqlTable:
        if found := self.tables(session, name):
            return found[0]
        raise raised(self.missing(session, name))


def raised(problem: Problem) -> HeadwaterError:
    """A problem as the error that says so, sorted by what the caller does next."""
    kind = RetryLater if problem.cause in {"name_not_found", "refused", "timeout"} else Misuse
    error = kind(problem.what, where=problem.where, valid=problem.valid, remedy=problem.remedy)
    return unasked(error) if isinstance(error, Misuse) and problem.cause == "config" else error


def _at_least_one(batches: Iterator[pa.RecordBatch], fields: Sequence[Field]) -> Generator[pa.RecordBatch, None, None]:
    is_empty = True
    for batch in batches:
        if batch.num_rows or is_empty:
            is_empty = False
            yield batch
    if is_empty:
        yield pa.RecordBatch.from_pylist([], schema=schema(fields))
