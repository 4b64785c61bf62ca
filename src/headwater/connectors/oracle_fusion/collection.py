"""A collection of Oracle Fusion: `q`, `orderBy`, `limit` and `offset`, and the envelope they are answered in."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.cursors import iso
from headwater.connectors.http.exact_json import Record, below, records, whole_number
from headwater.connectors.http.pages import Page
from headwater.connectors.http.ranges import Sign
from headwater.connectors.http.text_columns import cells
from headwater.errors import InputRefused, Misuse

_HEADERS = {"REST-Framework-Version": "4"}  # with it q knows and, or and brackets
_NUMBER = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
NUMBERS = frozenset({"integer", "number"})
TIMES = frozenset({"date", "datetime"})


class Collection:
    """Rows of a resource; `types` are those of /describe, `chosen` the attributes asked for."""

    def __init__(self, client: HttpClient, url: str, types: Mapping[str, str], chosen: Sequence[str]) -> None:
        self.name = url.rpartition("/")[2]
        self._client = client
        self._url = url
        self._types = types
        self._chosen = chosen

    def compared(self, column: str, sign: Sign, text: str) -> str:
        return f"{column} {sign} {self._literal(column, text)}"

    def blank(self, column: str) -> str:
        return f"{column} is null"

    def filled(self, column: str) -> str:
        return f"{column} is not null"

    def joined(self, conditions: Sequence[str], word: Literal["and", "or"]) -> str:
        said = [condition for condition in conditions if condition]
        return said[0] if len(said) == 1 else f" {word} ".join(f"({condition})" for condition in said)

    def count(self, condition: str) -> int | None:
        answer = self._answer(self._asked(condition, (), 1, ()) | {"totalResults": "true"})
        return whole_number(below(answer, ("totalResults",)))

    def at(self, condition: str, columns: Sequence[str], place: int, *, last: bool = False) -> tuple[str, ...] | None:
        order = [f"{column}:{'desc' if last else 'asc'}" for column in columns]
        asked = self._asked(condition, order, 1, columns) | ({"offset": str(place)} if place else {})
        found = records(self._answer(asked), ("items",), self.name)
        return self.key_of(found[0], columns) if found else None

    def pages(self, condition: str, order: Sequence[str], rows: int | None) -> Iterator[Page]:
        asked = self._asked(condition, [f"{column}:asc" for column in order], rows, self._chosen)
        asked["totalResults"] = "true"
        seen = 0
        while True:
            answer = self._answer(asked | ({"offset": str(seen)} if seen else {}))
            found = records(answer, ("items",), self.name)
            yield Page(records=found, total=whole_number(below(answer, ("totalResults",))))
            seen += len(found)
            # With an order the next answer begins after the last key instead.
            if order or not found or below(answer, ("hasMore",)) is not True:
                return

    def first(self, order: Sequence[str], rows: int) -> list[Record]:
        return next(self.pages("", order, rows)).records[:rows]

    def key_of(self, record: Record, key: Sequence[str]) -> tuple[str, ...]:
        row = cells(record, self.name)
        found = []
        for column in key:
            text = row.get(column)
            if text is None:
                raise InputRefused(
                    "a row has no value in its key or cursor",
                    where=f"{self.name}, {column}",
                    remedy="Name other attributes as key or cursor.",
                )
            found.append(text)
        return tuple(found)

    def _literal(self, column: str, text: str) -> str:
        kind = self._types.get(column, "string")
        if kind in NUMBERS:
            if not _NUMBER.fullmatch(text):
                raise Misuse("this is no number", where=f"{self.name}, {column}", value=text, valid="digits")
            return text
        if kind in TIMES:
            text = _moment(text, f"{self.name}, {column}", is_day=kind == "date")
        return "'" + text.replace("'", "''") + "'"

    def _asked(self, condition: str, order: Sequence[str], rows: int | None, columns: Sequence[str]) -> dict[str, str]:
        asked = {"q": condition, "orderBy": ",".join(order), "fields": ",".join(columns)}
        asked = {name: text for name, text in asked.items() if text}
        return asked | {"onlyData": "true"} | ({"limit": str(rows)} if rows is not None else {})

    def _answer(self, asked: Mapping[str, str]) -> Any:
        return self._client.json(self._url, asked, _HEADERS)


def _moment(text: str, where: str, *, is_day: bool) -> str:
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Misuse("this is no time", where=where, value=text, valid="ISO 8601") from None
    if is_day:
        return at.date().isoformat()
    if at.tzinfo is not None:
        at = at.astimezone(datetime.UTC).replace(tzinfo=None)
    return iso(at, has_zone=False) + "+00:00"
