"""Page after page of a table, in each of the ways in which services cut their answers."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.exact_json import Record, below, records, whole_number
from headwater.connectors.http.failures import not_now
from headwater.connectors.nested.config import NestedConfig, steps_of
from headwater.connectors.nested.json_records import JsonRecords
from headwater.connectors.rest.config import (
    LinkedPages,
    NextUrlPages,
    NoPages,
    NumberedPages,
    OffsetPages,
    RestTable,
    TokenPages,
)
from headwater.errors import InputRefused

_BATCH = 2000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Records of one answer; `total` as the service counts all, `date` as its clock says."""

    records: list[Record]
    total: int | None = None
    date: str = ""


class Answers:
    """Asks for the pages of one table."""

    def __init__(self, client: HttpClient, table: RestTable) -> None:
        self._client = client
        self._table = table
        self._url = client.url(quote(table.path))
        self._last: tuple[Any, httpx.Headers] = (None, httpx.Headers())

    def all(self, params: Mapping[str, str]) -> Generator[Answer, None, None]:
        """Every page, the first always, whatever it holds."""
        asked = {**self._table.params, **params}
        match self._table.pages:
            case NoPages(to_disk=True):
                yield from self._from_disk(asked)
            case NoPages():
                yield self._one(self._url, asked)
            case NumberedPages() as said:
                yield from self._numbered(said, asked)
            case OffsetPages() as said:
                yield from self._by_offset(said, asked)
            case TokenPages() as said:
                yield from self._by_token(said, asked)
            case LinkedPages() | NextUrlPages() as said:
                yield from self._by_link(said, asked)

    def _one(self, url: str, params: Mapping[str, str] | None) -> Answer:
        answer, headers = self._last = self._client.answer(url, params)
        table = self._table
        total = whole_number(below(answer, steps_of(table.total))) if table.total else None
        found = records(answer, steps_of(table.records), f"{table.name}, {self._url}")
        return Answer(records=found, total=total, date=headers.get("Date", ""))

    def _numbered(self, said: NumberedPages, params: dict[str, str]) -> Iterator[Answer]:
        number, seen, length = said.first, 0, 0
        sized = {said.size_param: str(said.size)} if said.size_param else {}
        while True:
            answer = self._one(self._url, {**params, **sized, said.number: str(number)})
            length = length or len(answer.records)
            yield answer
            seen += len(answer.records)
            is_short = len(answer.records) < length
            if not answer.records or (answer.total is not None and seen >= answer.total):
                return
            number += 1
            if is_short:
                after = self._one(self._url, {**params, **sized, said.number: str(number)})
                if after.records:
                    raise self._moved("the service changed the length of its pages while they were read")
                return

    def _by_offset(self, said: OffsetPages, params: dict[str, str]) -> Iterator[Answer]:
        seen = 0
        while True:
            answer = self._one(self._url, {**params, said.limit: str(said.size), said.offset: str(seen)})
            yield answer
            seen += len(answer.records)
            if not answer.records or (answer.total is not None and seen >= answer.total):
                return
            if said.more and below(self._last[0], steps_of(said.more)) is not True:
                return

    def _by_token(self, said: TokenPages, params: dict[str, str]) -> Iterator[Answer]:
        sized = {said.size_param: str(said.size)} if said.size_param else {}
        known: set[str] = set()
        token: Any = None
        while True:
            yield self._one(self._url, {**params, **sized, **({said.param: str(token)} if token else {})})
            token = below(self._last[0], steps_of(said.at))
            if token is None or token == "" or token is False:
                return
            if not isinstance(token, str):  # `Number` is one
                raise InputRefused(
                    "the token for the next page is neither text nor number", where=self._table.name, value=token
                )
            self._check_new(token, known)

    def _by_link(self, said: LinkedPages | NextUrlPages, params: dict[str, str]) -> Iterator[Answer]:
        sized = {said.size_param: str(said.size)} if said.size_param else {}
        known: set[str] = set()
        yield self._one(self._url, {**params, **sized})
        url = self._url
        while True:
            answer, headers = self._last
            if isinstance(said, NextUrlPages):
                link = below(answer, steps_of(said.at))
            else:
                link = httpx.Response(200, headers=headers).links.get("next", {}).get("url")
            if link is None or link == "":
                return
            url = self._client.followed(link, url)
            self._check_new(url, known)
            yield self._one(url, None)

    def _from_disk(self, params: Mapping[str, str]) -> Iterator[Answer]:
        with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
            path = Path(folder) / "answer.json"
            self._client.to_file(self._url, params, path)
            config = NestedConfig(format="json", records=self._table.records, encoding="utf-8", shape="objects")
            values = (value for _, value in JsonRecords(path, config, self._table.name).values())
            is_first = True
            while found := list(islice(values, _BATCH)):
                for record in found:
                    if not isinstance(record, dict):
                        raise InputRefused("a record is no object", where=self._table.name, value=record)
                yield Answer(records=found)
                is_first = False
            if is_first:
                yield Answer(records=[])

    def _check_new(self, link: str, known: set[str]) -> None:
        if link in known:
            raise InputRefused(
                "the way to the next page leads around in a circle",
                where=self._table.name,
                remedy="See that pages says how this service pages.",
            )
        known.add(link)

    def _moved(self, what: str) -> Exception:
        return not_now(what, self._table.name, "protocol")
