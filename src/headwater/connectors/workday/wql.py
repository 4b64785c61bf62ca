"""A data source of Workday asked in WQL: conditions, order, pages by limit and offset."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.cursors import iso
from headwater.connectors.http.exact_json import Record, below, records, whole_number
from headwater.connectors.http.pages import Page
from headwater.connectors.http.ranges import By, Sign
from headwater.connectors.http.text_columns import cells
from headwater.connectors.workday.config import Query, WqlField
from headwater.errors import InputRefused, Misuse

_NUMBER = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
_LARGEST = 10_000
BY: dict[str, By] = {"date": "time_window", "datetime": "time_window", "number": "counter"}


class Rows:
    """Rows of a query; `chosen` are the fields selected."""

    def __init__(self, client: HttpClient, url: str, query: Query, chosen: Sequence[WqlField]) -> None:
        self.name = query.name
        self._client = client
        self._url = url
        self._query = query
        self._kinds = {field.name: field.kind for field in query.fields}
        self._chosen = chosen

    def compared(self, column: str, sign: Sign, text: str) -> str:
        return f"{column} {sign} {self._literal(column, text)}"

    def blank(self, column: str) -> str:
        return f"{column} is empty"

    def filled(self, column: str) -> str:
        return f"{column} is not empty"

    def joined(self, conditions: Sequence[str], word: Literal["and", "or"]) -> str:
        said = [condition for condition in conditions if condition]
        return said[0] if len(said) == 1 else f" {word.upper()} ".join(f"({condition})" for condition in said)

    def count(self, condition: str) -> int | None:
        return self._page(condition, [self._query.fields[0].name], (), 1).total

    def at(self, condition: str, columns: Sequence[str], place: int, *, last: bool = False) -> tuple[str, ...] | None:
        order = [f"{column} {'DESC' if last else 'ASC'}" for column in columns]
        found = self._page(condition, columns, order, 1, place).records
        return self.key_of(found[0], columns) if found else None

    def pages(self, condition: str, order: Sequence[str], rows: int | None) -> Iterator[Page]:
        fields = [field.name for field in self._chosen]
        seen = 0
        while True:
            page = self._page(condition, fields, [f"{column} ASC" for column in order], rows or _LARGEST, seen)
            yield page
            seen += len(page.records)
            # With an order the next answer begins after the last key instead.
            if order or not page.records or (page.total is not None and seen >= page.total):
                return

    def first(self, order: Sequence[str], rows: int) -> list[Record]:
        return next(self.pages("", order, rows)).records[:rows]

    def key_of(self, record: Record, key: Sequence[str]) -> tuple[str, ...]:
        row = cells(record, self.name)
        for column in key:
            if row.get(column) is None:
                raise InputRefused(
                    "a row has no value in its key or cursor",
                    where=f"{self.name}, {column}",
                    remedy="Name other fields as key or cursor.",
                )
        return tuple(str(row[column]) for column in key)

    def _page(self, condition: str, fields: Sequence[str], order: Sequence[str], rows: int, place: int = 0) -> Page:
        asked = f"SELECT {', '.join(fields)} FROM {self._query.source}"
        asked += f" WHERE {condition}" if condition else ""
        asked += f" ORDER BY {', '.join(order)}" if order else ""
        params: Mapping[str, str] = {"query": asked, "limit": str(rows), "offset": str(place)}
        answer: Any = self._client.json(self._url, params)
        return Page(records=records(answer, ("data",), self.name), total=whole_number(below(answer, ("total",))))

    def _literal(self, column: str, text: str) -> str:
        kind = self._kinds.get(column, "text")
        where = f"{self.name}, {column}"
        if kind == "number":
            if not _NUMBER.fullmatch(text):
                raise Misuse("this is no number", where=where, value=text, valid="digits")
            return text
        if kind in {"date", "datetime"}:
            try:
                at = datetime.datetime.fromisoformat(text)
            except ValueError:
                raise Misuse("this is no time", where=where, value=text, valid="ISO 8601") from None
            if at.tzinfo is not None:
                at = at.astimezone(datetime.UTC).replace(tzinfo=None)
            text = at.date().isoformat() if kind == "date" else iso(at, has_zone=True)
        if "\\" in text:
            raise Misuse("WQL has no way to write this text", where=where, value=text, valid="a text without \\")
        return "'" + text.replace("'", "''") + "'"
