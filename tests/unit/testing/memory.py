"""An honest source in memory, with hosts, ports, logins and rights, that can do all that the suite asks."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from headwater.connectors.protocol import (
    Cause,
    Column,
    Config,
    Kind,
    Problem,
    Resolve,
    Selection,
    SourceChunk,
    SourcePlan,
    Table,
    rows_a_chunk,
)
from headwater.errors import HeadwaterError, Misuse, RetryLater

BATCH = 1000
CAUSES_THAT_PASS = {"name_not_found", "refused", "timeout"}


class MemoryConfig(Config):
    host: str
    port: int
    user: str
    password_ref: str


@dataclass
class Stored:
    """A table of a server: rows as tuples, `key` where it declares one."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    cursors: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass
class Server:
    """What answers at a host and port. `reading` counts the reads that it holds something for."""

    passwords: dict[str, str]
    tables: dict[str, Stored] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    tls: bool = False
    silent: bool = False
    reading: int = 0


NETWORK: dict[str, dict[int, Server]] = {}
"""Servers by host and port."""


class Memory:
    """The connector."""

    def __init__(self, config: MemoryConfig, resolve: Resolve) -> None:
        self.config = config
        self.resolve = resolve

    # ------------------------------------------------------------------------------------------------------- reaching

    def obstacle(self, table: str | None = None) -> Problem | None:
        where = f"{self.config.host}:{self.config.port}"
        ports = NETWORK.get(self.config.host)
        if ports is None:
            return self.problem("name_not_found", "the host has no address", where, "Look at `host`")
        server = ports.get(self.config.port)
        if server is None:
            return self.problem("refused", "nothing listens at this port", where, "Look at `port`")
        if server.silent:
            return self.problem("timeout", "no answer came in time", where, "Ask whoever runs the server")
        if server.tls:
            return self.problem("tls", "the certificate is not trusted", where, "Name the authority's certificate")
        if self.resolve(self.config.password_ref) != server.passwords.get(self.config.user):
            return self.problem("login", "user or password are not taken", where, "Look at `user` and `password_ref`")
        if table is not None and table not in server.tables:
            return self.problem("not_found", f"there is no table {table}", where, "Ask discover for the tables")
        if table is not None and self.config.user not in server.readers:
            remedy = f"GRANT SELECT ON {table}"
            return self.problem("missing_right", f"{self.config.user} may not read {table}", where, remedy)
        return None

    def problem(self, cause: Cause, what: str, where: str, remedy: str) -> Problem:
        return Problem(cause=cause, what=what, where=where, remedy=remedy)

    def error(self, problem: Problem) -> Exception:
        kind = RetryLater if problem.cause in CAUSES_THAT_PASS else Misuse
        return kind(problem.what, where=problem.where, valid=problem.valid, remedy=problem.remedy)

    def server(self, table: str | None = None) -> Server:
        problem = self.obstacle(table)
        if problem is not None:
            raise self.error(problem)
        return NETWORK[self.config.host][self.config.port]

    def stored(self, selection: Selection) -> Stored:
        table = self.server(selection.table).tables[selection.table]
        names = [column.name for column in table.columns]
        cursor = (selection.cursor,) if selection.cursor else ()
        for name in (*selection.columns, *selection.key, *cursor):
            if name not in names:
                raise Misuse(f"{selection.table} has no column of this name", value=name, valid=", ".join(names))
        return table

    # ------------------------------------------------------------------------------------------------------- protocol

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        problem = self.obstacle(selection.table if selection else None)
        if problem is not None or selection is None:
            return [problem] if problem else []
        try:
            self.stored(selection)
        except HeadwaterError as error:
            return [Problem(cause="config", what=error.what, where=selection.table, valid=error.valid)]
        return []

    def discover(self) -> Sequence[Table]:
        server = self.server()
        readable = sorted(server.tables) if self.config.user in server.readers else []
        return [self.described(name, server.tables[name]) for name in readable]

    def described(self, name: str, table: Stored) -> Table:
        return Table(name=name, columns=table.columns, key=table.key, cursors=table.cursors, rows=len(table.rows))

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        stored = self.stored(Selection(table=table))
        return pa.Table.from_batches([self.batch(stored.columns, stored.rows[:rows])])

    def plan(self, selection: Selection) -> SourcePlan:
        table = self.stored(selection)
        by = selection.cursor or (selection.key or table.key)[0]
        place = self.place(table, by)
        found = [row[place] for row in table.rows if row[place] is not None and self.since(row[place], selection)]
        found.sort()
        size = selection.chunk_rows or rows_a_chunk(len(found))
        bounds = self.bounds(found, size)
        start = self.lowest(selection)
        chunks: list[dict[str, Any]] = [{"by": by, "null": True}]
        for low, high in zip([None, *bounds], [*bounds, None], strict=True):
            chunks.append({"by": by, "since": self.told(start), "after": self.told(low), "upto": self.told(high)})
        upto = self.told(found[-1]) if found else selection.since
        return SourcePlan(
            columns=tuple(c for c in table.columns if not selection.columns or c.name in selection.columns),
            key=selection.key or table.key,
            chunks=tuple(
                SourceChunk(
                    chunk_no=number,
                    locator=locator,
                    rows=0 if locator.get("null") else size,
                    cursor_to=(locator.get("upto") or upto) if selection.cursor and not locator.get("null") else None,
                )
                for number, locator in enumerate(chunks, 1)
            ),
            upto=upto if selection.cursor else None,
        )

    @contextlib.contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        server, table = self.server(selection.table), self.stored(selection)
        server.reading += 1
        try:
            yield self.batches(selection, table, chunk)
        finally:
            server.reading -= 1

    def close(self) -> None:
        """Nothing is held."""

    # -------------------------------------------------------------------------------------------------------- reading

    def place(self, table: Stored, column: str) -> int:
        return next(number for number, found in enumerate(table.columns) if found.name == column)

    def bounds(self, values: list[Any], size: int) -> list[Any]:
        """Every `size`-th value but the last; equal ones are one bound, so that ties stay together."""
        return sorted(set(values[size - 1 :: size]) - set(values[-1:]))

    def lowest(self, selection: Selection) -> datetime.datetime | None:
        if selection.since is None:
            return None
        since: datetime.datetime = self.understood(selection.since)
        return since - datetime.timedelta(seconds=selection.lag)

    def since(self, value: Any, selection: Selection) -> bool:
        lowest = self.lowest(selection)
        return lowest is None or value >= lowest

    def told(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime.datetime) else value

    def understood(self, value: Any) -> Any:
        return datetime.datetime.fromisoformat(value) if isinstance(value, str) else value

    def within(self, value: Any, locator: Any) -> bool:
        if value is None or locator.get("null"):
            return value is None and bool(locator.get("null"))
        since, low, high = (self.understood(locator[name]) for name in ("since", "after", "upto"))
        return (since is None or value >= since) and (low is None or value > low) and (high is None or value <= high)

    def chosen(self, selection: Selection, table: Stored, chunk: SourceChunk) -> list[tuple[Any, ...]]:
        by = self.place(table, chunk.locator["by"])
        key = self.place(table, (selection.key or table.key)[0])
        rows = [row for row in table.rows if self.within(row[by], chunk.locator)]
        return sorted(rows, key=lambda row: (0, row[key], "") if row[key] is not None else (1, 0, str(row)))

    def batches(self, selection: Selection, table: Stored, chunk: SourceChunk) -> Iterator[pa.RecordBatch]:
        rows = self.chosen(selection, table, chunk)
        columns = tuple(c for c in table.columns if not selection.columns or c.name in selection.columns)
        places = [self.place(table, column.name) for column in columns]
        for start in range(0, max(len(rows), 1), BATCH):
            part = rows[start : start + BATCH]
            yield self.batch(columns, [tuple(row[place] for place in places) for row in part])

    def batch(self, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
        arrays = [pa.array([row[n] for row in rows], column.arrow) for n, column in enumerate(columns)]
        return pa.record_batch(arrays, schema=pa.schema([column.field for column in columns]))


kind = Kind(
    name="memory",
    title="Tables in memory",
    config=MemoryConfig,
    open=Memory,
    chunks=("key_range", "time_window"),
    cursor=True,
    proven_against=("itself",),
)
