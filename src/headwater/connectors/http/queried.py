"""A connector of what can be asked in a language of its own, with columns of text; a kind brings tables and language.

Chunks are windows of the cursor or ranges of the key; each answer begins after the last key of the one before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.exact_json import Record
from headwater.connectors.http.failures import problem_of
from headwater.connectors.http.pages import Readable, read
from headwater.connectors.http.ranges import By, Cut, condition_of, cut
from headwater.connectors.http.text_columns import batch
from headwater.connectors.protocol import Column, Problem, Selection, SourceChunk, SourcePlan, Table, refuse_window
from headwater.errors import HeadwaterError, Misuse


class Firstly(Readable, Protocol):
    """A table whose first rows can be asked for."""

    def first(self, order: Sequence[str], rows: int) -> list[Record]:
        """At most so many."""


@dataclass(frozen=True, kw_only=True)
class Queried:
    """A table: what it can be asked, its columns, and which of them can be compared and how.

    tell_change  of the cursors, those that tell what changed; None where all were declared to
    """

    readable: Firstly
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    cursors: Mapping[str, By]
    orderable: frozenset[str]
    page_rows: int
    max_whole_rows: int
    tell_change: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.numbers)


class Tables(Protocol):
    """The tables of a source."""

    def names(self) -> Sequence[str]: ...

    def table(self, name: str, columns: Sequence[str]) -> Queried:
        """A table of which these columns are read, () for all; Misuse where there is none."""


class QueriedConnector:
    """A source that is open."""

    def __init__(self, client: HttpClient, tables: Tables) -> None:
        self.client = client
        self._tables = tables

    def close(self) -> None:
        self.client.close()

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        try:
            if selection is not None:
                self._chosen(selection).readable.first((), 1)
            elif names := self._tables.names():
                self._tables.table(names[0], ()).readable.first((), 1)
        except HeadwaterError as error:
            return [problem_of(error)]
        return []

    def discover(self) -> Sequence[Table]:
        found = []
        for name in sorted(self._tables.names()):
            table = self._tables.table(name, ())
            table.readable.first((), 1)  # may it be read?
            cursors = tuple(table.cursors) if table.tell_change is None else table.tell_change
            times = tuple(each for each in table.cursors if each not in cursors)
            found.append(Table(name=name, columns=table.columns, key=table.key, cursors=cursors, times=times))
        return found

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        found = self._tables.table(table, ())
        records = found.readable.first(found.key, rows)
        return pa.Table.from_batches([batch(records, found.names, table, numbers=found.numbers)])

    def plan(self, selection: Selection) -> SourcePlan:
        table = self._chosen(selection)
        key = selection.key or table.key
        if selection.cursor is None or table.cursors[selection.cursor] != "time_window":
            refuse_window(selection)
        how = Cut(
            key=self._ordering(table, key),
            cursor=selection.cursor,
            by="time_window" if selection.cursor is None else table.cursors[selection.cursor],
            since=selection.since,
            lag=selection.lag,
            chunk_rows=selection.chunk_rows,
            window=selection.window,
            most_whole=table.max_whole_rows,
        )
        chunks, upto, window = cut(table.readable, how)
        columns = _wanted(table, selection)
        # Which columns there are may be found and not declared: whoever reads the chunk must find the same.
        names = [column.name for column in columns]
        located = tuple(replace(chunk, locator={**chunk.locator, "selected": names}) for chunk in chunks)
        return SourcePlan(columns=columns, key=key, chunks=located, upto=upto, window=window)

    @contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        batches = self._batches(selection, chunk)
        try:
            yield batches
        finally:
            batches.close()

    def _batches(self, selection: Selection, chunk: SourceChunk) -> Generator[pa.RecordBatch, None, None]:
        table = self._chosen(selection)
        locator = {name: value for name, value in chunk.locator.items() if name != "selected"}
        names = chunk.locator.get("selected")
        if not isinstance(names, list):
            raise Misuse(
                "this is no locator of a chunk", where=selection.table, value=locator, valid="what a plan gave"
            )
        key = self._ordering(table, selection.key or table.key)
        is_empty = True
        for records in read(table.readable, condition_of(table.readable, locator), key, table.page_rows):
            is_empty = False
            yield batch(records, names, selection.table, decimal=selection.decimal, numbers=table.numbers)
        if is_empty:
            yield batch([], names, selection.table, numbers=table.numbers)

    def _chosen(self, selection: Selection) -> Queried:
        columns = tuple(dict.fromkeys((*selection.columns, *selection.key))) if selection.columns else ()
        table = self._tables.table(selection.table, columns)
        for name in (*selection.columns, *selection.key):
            if name not in table.names:
                raise Misuse("no such column", where=selection.table, value=name, valid=", ".join(table.names))
        if selection.cursor is not None and selection.cursor not in table.cursors:
            raise Misuse(
                "this column cannot tell what changed",
                where=selection.table,
                value=selection.cursor,
                valid=", ".join(table.cursors) or "none: leave cursor out",
            )
        return table

    @staticmethod
    def _ordering(table: Queried, key: Sequence[str]) -> tuple[str, ...]:
        return tuple(key) if set(key) <= table.orderable else ()


def _wanted(table: Queried, selection: Selection) -> tuple[Column, ...]:
    known = {column.name: column for column in table.columns}
    return tuple(known[name] for name in selection.columns or known)
