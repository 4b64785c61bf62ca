"""What can be said about a service that speaks HTTP and JSON: where its tables are, and how it cuts them into pages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from headwater.connectors.http.config import HttpConfig
from headwater.connectors.nested.config import KEYED, steps_of
from headwater.connectors.protocol import Config

Path = Annotated[str, Field(description='names joined with "/", from the top of the answer: meta/next')]


class NoPages(Config):
    """One answer holds all. With `to_disk` it is written to disk first and read record by record: for large ones."""

    kind: Literal["none"] = "none"
    to_disk: bool = False


class NumberedPages(Config):
    """?page=1, ?page=2, … to the first that is empty."""

    kind: Literal["page"] = "page"
    number: str = "page"
    first: int = 1
    size_param: str | None = None
    size: int = Field(default=100, ge=1)


class OffsetPages(Config):
    """?offset=0&limit=100, … as far as records came; to `more` being false or, without, to the first empty answer."""

    kind: Literal["offset"] = "offset"
    offset: str = "offset"
    limit: str = "limit"
    size: int = Field(default=100, ge=1)
    more: Path | None = None


class TokenPages(Config):
    """Each answer holds a token for the next, sent back as a parameter."""

    kind: Literal["token"] = "token"
    param: str
    at: Path
    size_param: str | None = None
    size: int = Field(default=100, ge=1)


class LinkedPages(Config):
    """The header Link leads to the next page, rel="next" (RFC 8288)."""

    kind: Literal["link_header"] = "link_header"
    size_param: str | None = None
    size: int = Field(default=100, ge=1)


class NextUrlPages(Config):
    """Each answer holds the URL of the next."""

    kind: Literal["next_url"] = "next_url"
    at: Path
    size_param: str | None = None
    size: int = Field(default=100, ge=1)


Pages = Annotated[
    NoPages | NumberedPages | OffsetPages | TokenPages | LinkedPages | NextUrlPages, Field(discriminator="kind")
]


class RestCursor(Config):
    """How a table is asked for what changed.

    field        of a record: the moment it was changed
    since        parameter for the first moment wanted
    until        parameter for the moment before which; None where there is none
    format       how moments are sent: iso (2026-01-31T00:00:00Z), date (2026-01-31), epoch (seconds), epoch_ms
    newest       parameters by which the record changed last comes first: up to where a sync reads. Without, that is the
                 greatest moment of an answer that has no pages, and else the service's own now, as its Date says
    start        the first window ends `window_days` after it
    window_days  length of the windows a table is cut into, for tables whose records all have the field; needs `until`
    """

    field: str
    since: str
    until: str | None = None
    format: Literal["iso", "date", "epoch", "epoch_ms"] = "iso"
    newest: dict[str, str] = Field(default_factory=dict)
    start: str | None = None
    window_days: int | None = Field(default=None, ge=1)


class RestTable(Config):
    """Records of one kind.

    name      what the table is called here
    path      below url
    params    sent with each request; no secrets, which belong to auth
    records   where the array of records is in an answer: "/" for the top, d/results
    key       fields that tell one record from all others
    pages     how an answer leads to the next, by the `kind` of it
    cursor    how it is asked for what changed
    total     where an answer says how many records there are
    columns   () for those of the first page; what is in none of them comes in `_more`
    """

    name: str
    path: str
    params: dict[str, str] = Field(default_factory=dict)
    records: Path = "/"
    pages: Pages = NoPages()
    key: tuple[str, ...] = ()
    cursor: RestCursor | None = None
    total: Path | None = None
    columns: tuple[str, ...] = ()

    @field_validator("path")
    @classmethod
    def _is_below(cls, path: str) -> str:
        if "://" in path or path.startswith("//") or ".." in path.split("/") or "?" in path or "#" in path:
            raise ValueError("a path below url is needed, without ? and #; parameters stand in params")
        return path.strip("/")

    @field_validator("records")
    @classmethod
    def _leads_to_an_array(cls, records: str) -> str:
        if KEYED in steps_of(records):
            raise ValueError('"*" is for files; name the array of the records')
        return records


class RestConfig(HttpConfig):
    """A service and its tables.

    tables    what is read of it
    max_rows  of one chunk; more are refused, so that a service that ignores its paging does not go on for ever
    """

    tables: tuple[RestTable, ...] = Field(min_length=1)
    max_rows: int = Field(default=1_000_000, ge=1)

    @field_validator("tables")
    @classmethod
    def _have_names_of_their_own(cls, tables: tuple[RestTable, ...]) -> tuple[RestTable, ...]:
        names = [table.name for table in tables]
        if len(set(names)) != len(names):
            raise ValueError("two tables have one name")
        return tables
