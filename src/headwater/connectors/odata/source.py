"""An entity set as a table that is counted, ordered, filtered and read page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from headwater.connectors.http.client import HttpClient
from headwater.connectors.http.exact_json import Record, below, records, whole_number
from headwater.connectors.http.pages import Page
from headwater.connectors.http.ranges import Sign
from headwater.connectors.odata.metadata import Version
from headwater.connectors.odata.types import Field, literal
from headwater.errors import InputRefused, Misuse

_SIGNS: dict[Sign, str] = {"<": "lt", ">": "gt", ">=": "ge", "=": "eq"}


class Entities:
    """The rows of an entity set: `fields` by name, `chosen` are the columns asked for."""

    def __init__(  # noqa: PLR0917 - one caller, which has them under these names
        self,
        client: HttpClient,
        version: Version,
        name: str,
        fields: Mapping[str, Field],
        chosen: Sequence[str],
        fixed: Mapping[str, str],
    ) -> None:
        self.name = name
        self._client = client
        self._is_v2 = version == "v2"
        self._fields = fields
        self._chosen = chosen
        self._fixed = fixed
        self._url = client.url(quote(name))

    def compared(self, column: str, sign: Sign, text: str) -> str:
        return f"{column} {_SIGNS[sign]} {literal(self._field(column), text)}"

    def blank(self, column: str) -> str:
        return f"{self._field(column).name} eq null"

    def filled(self, column: str) -> str:
        return f"{self._field(column).name} ne null"

    def joined(self, conditions: Sequence[str], word: Literal["and", "or"]) -> str:
        said = [condition for condition in conditions if condition]
        return said[0] if len(said) == 1 else f" {word} ".join(f"({condition})" for condition in said)

    def count(self, condition: str) -> int | None:
        asked = {"$filter": condition} if condition else {}
        url = self._client.url(f"{quote(self.name)}/$count")
        text = self._client.text(url, {**asked, **self._fixed}, accept="text/plain").decode("utf-8-sig", "replace")
        if (found := whole_number(text.strip())) is None:
            raise InputRefused("the count is no number", where=url, value=text[:100], valid="digits")
        return found

    def at(self, condition: str, columns: Sequence[str], place: int, *, last: bool = False) -> tuple[str, ...] | None:
        order = [f"{column} desc" if last else column for column in columns]
        asked = self._asked(condition, order, 1, columns)
        if place:
            asked["$skip"] = str(place)
        page, _ = self._page(self._url, asked)
        return self.key_of(page.records[0], columns) if page.records else None

    def pages(self, condition: str, order: Sequence[str], rows: int | None) -> Iterator[Page]:
        asked = self._asked(condition, order, rows, self._chosen)
        asked |= {"$inlinecount": "allpages"} if self._is_v2 else {"$count": "true"}
        page, link = self._page(self._url, asked)
        yield page
        url, known = self._url, set[str]()
        while link is not None:
            url = self._client.followed(link, url)
            if url in known:
                raise InputRefused(
                    "the links to the next page lead around in a circle",
                    where=self.name,
                    remedy="Whoever runs the service mends its paging.",
                )
            known.add(url)
            page, link = self._page(url, None)
            yield page

    def first(self, order: Sequence[str], rows: int) -> list[Record]:
        """The first rows, at most so many."""
        found: list[Record] = []
        for page in self.pages("", order, rows):
            found += page.records
            if len(found) >= rows:
                break
        return found[:rows]

    def key_of(self, record: Record, key: Sequence[str]) -> tuple[str, ...]:
        texts = []
        for column in key:
            raw = record.get(column)
            try:
                if raw is None:
                    raise TypeError  # noqa: TRY301 - as any other that is no value
                texts.append(self._field(column).text(raw))
            except (ValueError, TypeError, ArithmeticError) as error:
                raise InputRefused(
                    "a row has no value of the declared type in its key or cursor",
                    where=f"{self.name}, {column}",
                    value=raw,
                    valid=self._field(column).column.type,
                    remedy="Name other columns as key or cursor.",
                ) from error
        return tuple(texts)

    def _field(self, column: str) -> Field:
        found = self._fields.get(column)
        if found is None:
            raise Misuse("no such column", where=self.name, value=column, valid=", ".join(self._fields))
        return found

    def _asked(self, condition: str, order: Sequence[str], rows: int | None, columns: Sequence[str]) -> dict[str, str]:
        asked = {"$filter": condition, "$orderby": ",".join(order), "$select": ",".join(columns)}
        asked = {name: text for name, text in asked.items() if text}
        if rows is not None:
            asked["$top"] = str(rows)
        if self._is_v2:
            asked["$format"] = "json"
        return asked | dict(self._fixed)

    def _page(self, url: str, asked: Mapping[str, str] | None) -> tuple[Page, Any]:
        """One answer, and the link to the next; None where it is the last."""
        answer = self._client.json(url, asked)
        if not self._is_v2:
            total = whole_number(below(answer, ("@odata.count",)))
            return Page(records=records(answer, ("value",), self.name), total=total), answer.get("@odata.nextLink")
        inner = below(answer, ("d",))
        if isinstance(inner, list):  # as the first services of V2 answer
            return Page(records=records(answer, ("d",), self.name)), None
        total = whole_number(below(inner, ("__count",)))
        return Page(records=records(answer, ("d", "results"), self.name), total=total), below(inner, ("__next",))
