"""A service that speaks HTTP and JSON, as its config declares it, as a connector."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.exact_json import Record
from headwater.connectors.http.failures import not_allowed, not_now, problem_of
from headwater.connectors.http.text_columns import batch, cells, described, found_columns, kinds_of
from headwater.connectors.protocol import Problem, Resolve, Selection, SourceChunk, SourcePlan, Table, refuse_window
from headwater.connectors.rest.answers import Answer, Answers
from headwater.connectors.rest.config import NoPages, RestConfig, RestCursor, RestTable
from headwater.connectors.rest.windows import beginning, chunks, inside, newest_of, now, parameters
from headwater.documents.counted import counted
from headwater.errors import HeadwaterError, Misuse


class RestConnector:
    """A service that is open."""

    def __init__(self, config: RestConfig, resolve: Resolve) -> None:
        self._config = config
        self.client = HttpClient(config, resolve)

    def close(self) -> None:
        self.client.close()

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        tables = self._config.tables
        try:
            if selection is not None:
                table = self._table(selection.table)
                self._check(table, selection, self._columns(table, self._first(table)))
                return []
            self._first(tables[0])
        except HeadwaterError as error:
            return [problem_of(error)]
        return []

    def discover(self) -> Sequence[Table]:
        found = []
        for table in sorted(self._config.tables, key=lambda each: each.name):
            answer = self._first(table)
            # A plan tells no such types: what the first records hold may be another thing tomorrow, and is no change.
            columns = described(self._columns(table, answer), kinds_of(answer.records))
            cursors = (table.cursor.field,) if table.cursor else ()
            found.append(Table(name=table.name, columns=columns, key=table.key, cursors=cursors, rows=answer.total))
        return found

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        found = self._table(table)
        answer = self._first(found)
        return pa.Table.from_batches([batch(answer.records[:rows], self._columns(found, answer), table)])

    def plan(self, selection: Selection) -> SourcePlan:
        refuse_window(selection)
        table = self._table(selection.table)
        first = self._first(table)
        names = self._columns(table, first)
        self._check(table, selection, names)
        wanted = selection.columns or names
        upto = None
        if selection.cursor is not None and table.cursor is not None:
            made, upto = chunks(table.cursor, selection, self._newest(table, table.cursor, selection, first))
        else:
            made = [SourceChunk(chunk_no=1, locator={"by": "whole"}, rows=first.total or 0)]
        # Which columns there are is found, not declared: whoever reads the chunk must find the same.
        with_columns = tuple(replace(chunk, locator={**chunk.locator, "selected": list(wanted)}) for chunk in made)
        return SourcePlan(
            columns=described(wanted),
            key=selection.key or table.key,
            chunks=with_columns,
            upto=upto,
        )

    @contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        batches = self._batches(selection, chunk)
        try:
            yield batches
        finally:
            batches.close()

    def _batches(self, selection: Selection, chunk: SourceChunk) -> Generator[pa.RecordBatch, None, None]:
        table = self._table(selection.table)
        locator = chunk.locator
        names = locator.get("selected")
        if locator.get("by") not in {"whole", "time_window"} or not isinstance(names, list):
            raise Misuse("this is no locator of a chunk", where=table.name, value=locator, valid="what a plan gave")
        cursor = table.cursor if locator["by"] == "time_window" else None
        asked = {} if cursor is None else parameters(cursor, locator)
        once = _Once(selection.key or table.key, table.name, self._config.max_rows)
        answered = Answers(self.client, table).all(asked)
        is_empty = True
        try:
            for answer in answered:
                once.take(answer)
                kept = answer.records
                if cursor is not None:
                    kept = [record for record in kept if inside(record, cursor, locator, table.name)]
                if kept:
                    is_empty = False
                    yield batch(kept, names, table.name, decimal=selection.decimal)
        finally:
            answered.close()
        once.finish()
        if is_empty:
            yield batch([], names, table.name)

    def _newest(self, table: RestTable, cursor: RestCursor, selection: Selection, first: Answer) -> str | None:
        """Up to where the service's records reach."""
        since = parameters(cursor, {"from": beginning(selection), "to": None})
        if cursor.newest:
            return newest_of(self._first(table, {**since, **cursor.newest}).records, cursor, table.name)
        if isinstance(table.pages, NoPages):
            answers = Answers(self.client, table).all(since)
            return newest_of((record for answer in answers for record in answer.records), cursor, table.name)
        return now(first.date)

    def _first(self, table: RestTable, params: Mapping[str, str] | None = None) -> Answer:
        answered = Answers(self.client, table).all(params or {})
        try:
            return next(answered)
        finally:
            answered.close()

    def _columns(self, table: RestTable, answer: Answer) -> tuple[str, ...]:
        if table.columns:
            return tuple(dict.fromkeys((*table.columns, "_more")))
        found = found_columns(answer.records, table.name)
        declared = (*table.key, *([table.cursor.field] if table.cursor else []))
        return tuple(dict.fromkeys((*(name for name in found if name != "_more"), *declared, "_more")))

    def _table(self, name: str) -> RestTable:
        for table in self._config.tables:
            if table.name == name:
                return table
        raise not_allowed(
            "the config declares no such table",
            self._config.url,
            "not_found",
            value=name,
            valid=", ".join(table.name for table in self._config.tables),
        )

    def _check(self, table: RestTable, selection: Selection, names: Sequence[str]) -> None:
        for name in (*selection.columns, *selection.key):
            if name not in names:
                raise Misuse("no such column", where=table.name, value=name, valid=", ".join(names))
        if selection.cursor is not None and (table.cursor is None or table.cursor.field != selection.cursor):
            raise Misuse(
                "the service is not declared to take this as a cursor",
                where=table.name,
                value=selection.cursor,
                valid=table.cursor.field if table.cursor else "none: leave cursor out",
                remedy="Declare cursor for the table, with the parameter that the service takes.",
            )


class _Once:
    """Watches that no row comes twice, none is missing by the service's own count, and that there is an end."""

    def __init__(self, key: tuple[str, ...], where: str, most: int) -> None:
        self._key = key
        self._where = where
        self._most = most
        self._seen: set[tuple[str | None, ...]] = set()
        self._rows = 0
        self._total: int | None = None

    def take(self, answer: Answer) -> None:
        self._total = answer.total if answer.total is not None else self._total
        self._rows += len(answer.records)
        if self._rows > self._most:
            raise Misuse(
                "the table is too large to be read as one chunk",
                where=self._where,
                valid=f"at most {self._most:,} rows (max_rows)",
                remedy="Declare a cursor with window_days, raise max_rows, or see that pages fits this service.",
            )
        for record in answer.records if self._key else ():
            self._take_key(record)

    def _take_key(self, record: Record) -> None:
        row = cells(record, self._where)
        known = tuple(row.get(name) for name in self._key)
        if known in self._seen and None not in known:
            error = not_now("a row came twice: the source changed while it was read", self._where, "protocol")
            error.value = dict(zip(self._key, known, strict=True))
            raise error
        self._seen.add(known)

    def finish(self) -> None:
        if self._total is not None and self._rows != self._total:
            raise not_now(
                f"{counted(self._rows, 'row')} came, the source counts {self._total:,}: it changed while it was read",
                self._where,
                "protocol",
            )
