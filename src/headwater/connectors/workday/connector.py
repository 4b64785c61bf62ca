"""A Workday tenant as a connector: its reports as declared JSON, its data sources by queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from urllib.parse import quote

import pyarrow as pa

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.http.failures import not_allowed
from headwater.connectors.http.queried import Queried, QueriedConnector
from headwater.connectors.http.text_columns import MORE
from headwater.connectors.protocol import Column, Problem, Resolve, Selection, SourceChunk, SourcePlan, Table
from headwater.connectors.rest.config import NoPages, RestConfig, RestTable
from headwater.connectors.rest.connector import RestConnector
from headwater.connectors.telling_change import tells_change
from headwater.connectors.workday.config import Query, Report, WorkdayConfig
from headwater.connectors.workday.wql import BY, Rows


class _Queries:
    """The queries of the config as tables."""

    def __init__(self, config: WorkdayConfig, client: HttpClient) -> None:
        self._config = config
        self._client = client
        self._queries = {query.name: query for query in config.queries}

    def names(self) -> Sequence[str]:
        return list(self._queries)

    def table(self, name: str, columns: Sequence[str]) -> Queried:
        query = self._query(name)
        wanted = {*columns, *query.key}
        chosen = [field for field in query.fields if not columns or MORE in columns or wanted & set(field.columns)]
        described = [
            Column(name=column, type=field.kind, arrow=pa.string(), numbers=column in field.numbers)
            for field in query.fields
            for column in field.columns
        ]
        url = self._client.url(f"ccx/api/wql/v1/{self._config.tenant}/data")
        return Queried(
            readable=Rows(self._client, url, query, chosen),
            columns=(*described, Column(name=MORE, type="JSON", arrow=pa.string())),
            key=query.key,
            cursors={field.name: BY[field.kind] for field in query.fields if BY.get(field.kind) == "time_window"},
            tell_change=tuple(
                field.name for field in query.fields if BY.get(field.kind) == "time_window" and tells_change(field.name)
            ),
            orderable=frozenset(field.name for field in query.fields if field.kind not in {"instances", "instance"}),
            page_rows=self._config.page_rows,
            max_whole_rows=self._config.max_whole_rows,
        )

    def _query(self, name: str) -> Query:
        found = self._queries.get(name)
        if found is None:
            names = [*self._queries, *(report.name for report in self._config.reports)]
            raise not_allowed(
                "the config names no such report or query",
                self._config.url,
                "not_found",
                value=name,
                valid=", ".join(names),
                remedy="Add it to reports or queries.",
            )
        return found


class WorkdayConnector:
    """A tenant that is open."""

    def __init__(self, config: WorkdayConfig, resolve: Resolve) -> None:
        self._reports: RestConnector | None = None
        if config.reports:
            common = {name: getattr(config, name) for name in HttpConfig.model_fields}
            tables = tuple(_table(report, config.tenant) for report in config.reports)
            self._reports = RestConnector(RestConfig(**common, tables=tables), resolve)
        self._is_report = {report.name for report in config.reports}
        client = self._reports.client if self._reports else HttpClient(config, resolve)
        self.client = client
        self._queries = QueriedConnector(client, _Queries(config, client))
        self._has_queries = bool(config.queries)

    def close(self) -> None:
        self.client.close()

    def validate(self, selection: Selection | None = None) -> Sequence[Problem]:
        if selection is not None:
            return self._of(selection.table).validate(selection)
        found = self._reports.validate() if self._reports else []
        return found or (self._queries.validate() if self._has_queries else [])

    def discover(self) -> Sequence[Table]:
        found = [*(self._reports.discover() if self._reports else []), *self._queries.discover()]
        return sorted(found, key=lambda table: table.name)

    def sample(self, table: str, rows: int = 20) -> pa.Table:
        return self._of(table).sample(table, rows)

    def plan(self, selection: Selection) -> SourcePlan:
        return self._of(selection.table).plan(selection)

    def read(self, selection: Selection, chunk: SourceChunk) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        return self._of(selection.table).read(selection, chunk)

    def _of(self, table: str) -> RestConnector | QueriedConnector:
        return self._reports if self._reports and table in self._is_report else self._queries


def _table(report: Report, tenant: str) -> RestTable:
    """A report has no pages: it comes whole, and is written to disk before it is read."""
    return RestTable(
        name=report.name,
        path=f"ccx/service/customreport2/{quote(tenant)}/{report.owner}/{report.report}",
        params={"format": "json", **report.prompts},
        records="Report_Entry",
        pages=NoPages(to_disk=True),
        key=report.key,
        cursor=report.cursor,
        columns=report.columns,
    )
