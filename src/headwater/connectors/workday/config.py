"""What can be said about a Workday tenant: reports as a service (RaaS), and queries in WQL."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from headwater.connectors.http.config import HttpConfig
from headwater.connectors.protocol import Config
from headwater.connectors.rest.config import RestCursor

_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"


class Report(Config):
    """A custom report that is enabled as a web service.

    name     what the report is called here
    report   its name, as in its URL
    key      fields that tell one row from all others
    owner    the account that owns it, as in its URL
    prompts  values of the report's prompts, sent with each request
    cursor   how the report is asked for what changed: two of its prompts
    columns  () for those of its rows; what is in none of them comes in `_more`
    """

    name: str
    owner: str = Field(pattern=r"^[^/?#]+$")
    report: str = Field(pattern=r"^[^/?#]+$")
    prompts: dict[str, str] = Field(default_factory=dict)
    key: tuple[str, ...] = ()
    cursor: RestCursor | None = None
    columns: tuple[str, ...] = ()


class WqlField(Config):
    """A field of a data source.

    name  its alias
    kind  text, number, date, datetime; instance comes as two columns (name.id, name.descriptor), currency as two
          (name.value, name.currency), instances as one with JSON
    """

    name: str = Field(pattern=_NAME)
    kind: Literal["text", "number", "boolean", "date", "datetime", "instance", "instances", "currency"] = "text"

    @property
    def columns(self) -> tuple[str, ...]:
        parts = {"instance": ("id", "descriptor"), "currency": ("value", "currency")}.get(self.kind)
        return tuple(f"{self.name}.{part}" for part in parts) if parts else (self.name,)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Those of its columns that hold numbers."""
        return {"number": self.columns, "currency": self.columns[:1]}.get(self.kind, ())


class Query(Config):
    """Rows of a data source, asked for in WQL.

    name    what the query is called here
    source  the data source's alias: allWorkers
    fields  what is selected
    key     fields that tell one row from all others; rows are ordered and cut by them
    """

    name: str
    source: str = Field(pattern=_NAME)
    fields: tuple[WqlField, ...] = Field(min_length=1)
    key: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _key_is_selected(self) -> Query:
        plain = {field.name for field in self.fields if len(field.columns) == 1 and field.kind != "instances"}
        if not set(self.key) <= plain:
            raise ValueError("the key must be of fields that are selected and are single values")
        return self


class WorkdayConfig(HttpConfig):
    """A tenant. Tokens: auth refresh_token with token_url https://HOST/ccx/oauth2/TENANT/token.

    url             https://HOST of the tenant's services
    tenant          its name, as in its URLs
    reports         reports that are read
    queries         queries that are read
    page_rows       rows of a query asked for in one answer; Workday takes 10,000 at most
    max_whole_rows  rows of a query without a key, which is read as one chunk
    """

    tenant: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    reports: tuple[Report, ...] = ()
    queries: tuple[Query, ...] = ()
    page_rows: int = Field(default=2000, ge=1, le=10_000)
    max_whole_rows: int = Field(default=100_000, ge=1)

    @field_validator("queries")
    @classmethod
    def _are_told_apart(cls, queries: tuple[Query, ...]) -> tuple[Query, ...]:
        names = [query.name for query in queries]
        if len(set(names)) != len(names):
            raise ValueError("two queries have one name")
        return queries

    @model_validator(mode="after")
    def _names_something(self) -> WorkdayConfig:
        if not self.reports and not self.queries:
            raise ValueError("a report or a query is needed")
        if {report.name for report in self.reports} & {query.name for query in self.queries}:
            raise ValueError("a report and a query have one name")
        return self
