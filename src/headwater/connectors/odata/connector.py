"""An OData service as a connector."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.failures import not_allowed, problem_of
from headwater.connectors.http.pages import read
from headwater.connectors.http.ranges import Cut, condition_of, cut
from headwater.connectors.odata.config import ODataConfig
from headwater.connectors.odata.metadata import EntitySet, Service, named, service
from headwater.connectors.odata.source import Entities
from headwater.connectors.odata.types import Field, batch, field
from headwater.connectors.protocol import Problem, Resolve, Selection, SourceChunk, SourcePlan, Table, refuse_window
from headwater.connectors.telling_change import tells_change, tells_entry
from headwater.errors import HeadwaterError, Misuse


class ODataConnector:
    """A service that is open; $metadata is asked for once."""

    def __init__(self, config: ODataConfig, resolve: Resolve) -> None:
        self._config = config
        self.client = HttpClient(config, resolve)
        self._fixed = {"sap-client": config.client} if config.client else {}
        self._service: Service | None = None

    def close(self) -> None:
        self.client.close()

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        try:
            self._described()
            if selection is not None:
                chosen = self._chosen(selection)
                chosen.entities.first((), 1)
        except HeadwaterError as error:
            return [problem_of(error)]
        return []

    def discover(self) -> Sequence[Table]:
        return [self._table(found) for found in self._described().sets]

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        chosen = self._chosen(Selection(table=table))
        found = batch(chosen.entities.first(chosen.key, rows), chosen.fields, table)
        return pa.Table.from_batches([found])

    def plan(self, selection: Selection) -> SourcePlan:
        chosen = self._chosen(selection)
        cursor = chosen.cursor
        if cursor is None or cursor.by != "time_window":
            refuse_window(selection)
        how = Cut(
            key=chosen.key,
            cursor=selection.cursor,
            by="time_window" if cursor is None or cursor.by is None else cursor.by,
            is_nullable=cursor is not None and cursor.column.nullable,
            since=selection.since,
            lag=selection.lag,
            chunk_rows=selection.chunk_rows,
            window=selection.window,
            most_whole=self._config.max_whole_rows,
        )
        chunks, upto, window = cut(chosen.entities, how)
        columns = tuple(found.column for found in chosen.fields)
        return SourcePlan(
            columns=columns,
            key=chosen.declared_key,
            chunks=chunks,
            upto=upto,
            identity=chosen.declared_key,
            window=window,
        )

    @contextmanager
    def read(self, selection: Selection, chunk: SourceChunk) -> Iterator[Iterator[pa.RecordBatch]]:
        batches = self._batches(selection, chunk)
        try:
            yield batches
        finally:
            batches.close()

    def _batches(self, selection: Selection, chunk: SourceChunk) -> Generator[pa.RecordBatch, None, None]:
        chosen = self._chosen(selection)
        condition = condition_of(chosen.entities, chunk.locator)
        is_empty = True
        for records in read(chosen.entities, condition, chosen.key, self._config.page_rows):
            is_empty = False
            yield batch(records, chosen.fields, selection.table)
        if is_empty:
            yield batch([], chosen.fields, selection.table)

    def _described(self) -> Service:
        if self._service is None:
            url = self.client.url("$metadata")
            found = service(self.client.text(url, self._fixed, accept="application/xml"), url)
            if self._config.version not in {None, found.version}:
                raise Misuse(
                    "the service speaks another version of OData",
                    where=url,
                    value=found.version,
                    valid=f"{self._config.version}, as version says",
                    remedy="Correct version, or leave it out.",
                )
            self._service = found
        return self._service

    def _fields(self, found: EntitySet) -> dict[str, Field]:
        described = self._described()
        return {
            declared.name: field(declared, described.version, decimals_as_text=self._config.decimals_as_text)
            for declared in found.properties
            if declared.type != "Edm.Stream"
        }

    def _table(self, found: EntitySet) -> Table:
        fields = self._fields(found)
        return Table(
            name=found.name,
            columns=tuple(each.column for each in fields.values()),
            key=found.key,
            cursors=tuple(name for name in _times(fields) if tells_change(name)),
            times=tuple(name for name in _times(fields) if not tells_change(name)),
            comment=found.comment,
        )

    def _chosen(self, selection: Selection) -> _Chosen:
        found = named(self._described().sets, selection.table)
        if found is None:
            raise not_allowed(
                "the service has no such entity set",
                self._config.url,
                "not_found",
                value=selection.table,
                valid=", ".join(each.name for each in self._described().sets[:50]),
                remedy="Name one of these as table.",
            )
        fields = self._fields(found)
        declared_key = selection.key or found.key
        wanted = selection.columns or tuple(fields)
        for name in (*wanted, *declared_key, *([selection.cursor] if selection.cursor else ())):
            if name not in fields:
                raise Misuse("no such column", where=selection.table, value=name, valid=", ".join(fields))
        cursor = fields[selection.cursor] if selection.cursor else None
        if cursor is not None and cursor.by is None:
            raise Misuse(
                "this column cannot tell what changed",
                where=f"{selection.table}, {cursor.name}",
                value=cursor.column.type,
                valid=", ".join(_times(fields)) or "this table has no column that can: leave cursor out",
            )
        key = tuple(declared_key)
        if any(not fields[name].can_order or fields[name].column.nullable for name in key):
            key = ()
        asked = tuple(dict.fromkeys((*wanted, *key))) if selection.columns else ()
        entities = Entities(self.client, self._described().version, found.name, fields, asked, self._fixed)
        return _Chosen(entities, tuple(fields[name] for name in wanted), key, tuple(declared_key), cursor)


class _Chosen:
    """What a selection means: the table, the columns given, the key that orders, and the key as declared."""

    def __init__(
        self,
        entities: Entities,
        fields: tuple[Field, ...],
        key: tuple[str, ...],
        declared_key: tuple[str, ...],
        cursor: Field | None,
    ) -> None:
        self.entities = entities
        self.fields = fields
        self.key = key
        self.declared_key = declared_key
        self.cursor = cursor


def _times(fields: dict[str, Field]) -> tuple[str, ...]:
    """Times that are called after a change first, then those of an entry, then other times; never counters unasked."""
    times = [name for name, found in fields.items() if found.by == "time_window"]

    def rank(name: str) -> int:
        return 0 if tells_change(name) else 1 if tells_entry(name) else 2

    return tuple(sorted(times, key=rank))
