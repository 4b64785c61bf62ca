"""Rows behind the envelopes of services that cannot be had here: plain REST, Oracle Fusion, Workday.

These are no such systems. They speak what the vendors' documentation shows, and answer conditions by SQLite: the
languages of `q` and WQL are, as far as they are used, that of SQL.
"""

from __future__ import annotations

import base64
import datetime
import json
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.testing import Row
from tests.connectors.servers_http import Asked, Reply, json_reply
from tests.planted import HANDING_OUT, planted

USER, PASSWORD = "reader", planted("reads-the-tests")
TOKEN_SECRET, REFRESH_TOKEN = planted("client-secret-of-tests"), planted("refresh-of-the-tests")


def _later(one: str, other: str) -> int:
    first, second = datetime.datetime.fromisoformat(one), datetime.datetime.fromisoformat(other)
    return (first > second) - (first < second)


class Held:
    """The rows of a table (id, at, value), and tables of values that are written as a test says."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.create_collation("moment", _later)
        self._lock = threading.Lock()
        self.values: dict[str, list[str]] = {}
        self._run("CREATE TABLE items (id INTEGER, at TEXT COLLATE moment, value TEXT)")

    def close(self) -> None:
        self._database.close()

    def make(self, rows: Iterable[Row]) -> None:
        self._run("DELETE FROM items")
        self.insert(rows)

    def insert(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._run("INSERT INTO items VALUES (?, ?, ?)", (row.id, moment(row.at), row.value))

    def delete(self, ids: Iterable[int]) -> None:
        for number in ids:
            self._run("DELETE FROM items WHERE id = ?", (number,))

    def select(self, where: str = "", order: str = "", limit: int = -1, offset: int = 0) -> list[dict[str, Any]]:
        """Rows as records; a condition that is none raises sqlite3.Error."""
        text = "SELECT id, at, value FROM items"
        text += f" WHERE {where}" if where else ""
        text += f" ORDER BY {order}" if order else ""
        found = self._run(f"{text} LIMIT ? OFFSET ?", (limit, offset))
        return [{"id": number, "at": at, "value": value} for number, at, value in found]

    def count(self, where: str = "") -> int:
        return int(self._run(f"SELECT count(*) FROM items{' WHERE ' + where if where else ''}")[0][0])

    def records(self, table: str) -> list[str]:
        """The records of a table of values, as they are written."""
        numbered = enumerate(self.values[table], start=1)
        return [f'{{"id": {number}, "value": {written}}}' for number, written in numbered]

    def _run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, self._database:
            return self._database.execute(statement, values).fetchall()


def moment(at: datetime.datetime | None) -> str | None:
    return None if at is None else at.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Service(ABC):
    """What the envelopes have in common: a login, rows, and what a test wants to go wrong next.

    faults   answers that come before the right ones, each once
    longest  rows of an answer, however many are asked for
    """

    held: Held
    faults: list[Reply] = field(default_factory=list)
    longest: int = 1000
    is_closed: bool = False
    tokens: set[str] = field(default_factory=set)

    @abstractmethod
    def __call__(self, asked: Asked) -> Reply:
        """What is answered."""

    def reply(self, asked: Asked, answer: Callable[[Asked], Reply], *, with_token: bool) -> Reply:
        if asked.path.endswith("/token"):
            return self._sell(asked)
        if self.faults:
            return self.faults.pop(0)
        said = asked.headers.get("authorization", "")
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if said.removeprefix("Bearer ") not in self.tokens if with_token else said != basic:
            return json_reply({"title": "Unauthorized"}, 401)
        if self.is_closed:
            return json_reply({"title": "Forbidden"}, 403)
        try:
            return answer(asked)
        except sqlite3.Error as error:
            return json_reply({"title": f"wrong condition: {error}"}, 400)

    def _sell(self, asked: Asked) -> Reply:
        client = "Basic " + base64.b64encode(f"client:{TOKEN_SECRET}".encode()).decode()
        if asked.headers.get("authorization") != client or asked.form.get("refresh_token") != REFRESH_TOKEN:
            return json_reply({"error": "invalid_grant"}, 400)
        token = f"token-{len(self.tokens) + 1}-of-the-tests"
        self.tokens = {token}
        return json_reply({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}, 200, **HANDING_OUT)


class Fusion(Service):
    """Oracle's collections: items, count, hasMore, limit, offset, links; totalResults where asked for."""

    def __call__(self, asked: Asked) -> Reply:
        return self.reply(asked, self._answer, with_token=False)

    def _answer(self, asked: Asked) -> Reply:
        name = asked.path.removeprefix("/fscmRestApi/resources/11.13.18.05/").removesuffix("/describe")
        if name != "items" and name not in self.held.values:
            return json_reply({"title": "Not Found"}, 404)
        if asked.path.endswith("/describe"):
            kinds = {"id": "integer", "at": "datetime", "value": "string"}
            if name != "items":
                del kinds["at"]
            described = [{"name": name, "type": kind, "queryable": name != "value"} for name, kind in kinds.items()]
            return json_reply({"Resources": {name: {"attributes": described}}})
        limit, offset = int(asked.params.get("limit", 25)), int(asked.params.get("offset", 0))
        where, order = asked.params.get("q", ""), asked.params.get("orderBy", "").replace(":", " ")
        limit = min(limit, self.longest)
        if name == "items":
            total = self.held.count(where)
            items = [json.dumps(_only(row, asked)) for row in self.held.select(where, order, limit, offset)]
        else:
            total = len(self.held.records(name))
            items = [] if where else self.held.records(name)[offset : offset + limit]
        rest = {"count": len(items), "hasMore": offset + len(items) < total, "limit": limit, "offset": offset}
        if asked.params.get("totalResults") == "true":
            rest["totalResults"] = total
        return json_reply(f'{{"items": [{",".join(items)}], {json.dumps({**rest, "links": []})[1:]}')


def _only(row: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    fields = asked.params.get("fields")
    return {name: row[name] for name in fields.split(",")} if fields else dict(row)


class Workday(Service):
    """Workday's WQL (total, data) and reports (Report_Entry)."""

    def __call__(self, asked: Asked) -> Reply:
        return self.reply(asked, self._answer, with_token=True)

    def _answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/data"):
            return self._wql(asked)
        name = asked.path.rpartition("/")[2]
        if asked.params.get("format") != "json":
            return Reply(body=b"<wd:Report_Data/>")
        if name != "items" and name not in self.held.values:
            return json_reply({"error": "not found"}, 404)
        where = [f"{column} '{asked.params[name]}'" for name, column in _PROMPTS.items() if name in asked.params]
        found = self.held.select(" AND ".join(where), "id") if name == "items" else None
        written = self.held.records(name) if found is None else [json.dumps(row) for row in found]
        return json_reply(f'{{"Report_Entry": [{",".join(written)}]}}')

    def _wql(self, asked: Asked) -> Reply:
        selected, _, rest = asked.params["query"].removeprefix("SELECT ").partition(" FROM ")
        source, _, order = rest.partition(" ORDER BY ")
        source, _, where = source.partition(" WHERE ")
        limit, offset = min(int(asked.params["limit"]), self.longest), int(asked.params["offset"])
        if source == "items":
            where = where.replace(" is not empty", " IS NOT NULL").replace(" is empty", " IS NULL")
            names = selected.split(", ")
            rows = self.held.select(where, order, limit, offset)
            written = [json.dumps({name: row[name] for name in names}) for row in rows]
            total = self.held.count(where)
        elif source in self.held.values:
            written = [] if where else self.held.records(source)[offset : offset + limit]
            total = len(self.held.records(source))
        else:
            return json_reply({"error": "no such data source"}, 404)
        return json_reply(f'{{"total": {total}, "data": [{",".join(written)}]}}')


_PROMPTS = {"Changed_From": "at >=", "Changed_To": "at <"}


class Plain(Service):
    """A service of nobody's: /items by offset, number, token, link or URL, filtered by from and to."""

    def __call__(self, asked: Asked) -> Reply:
        return self.reply(asked, self._answer, with_token=False)

    def _answer(self, asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        if name != "items" and name not in self.held.values:
            return json_reply({"message": "there is no such thing"}, 404)
        bounds = [(name, sign) for name, sign in _BOUNDS.items() if name in asked.params]
        where = " AND ".join(f"at {sign} '{asked.params[name]}'" for name, sign in bounds)
        size = min(int(asked.params.get("limit", 5)), self.longest)
        begin = int(asked.params.get("offset", asked.params.get("token", 0)))
        if "page" in asked.params:
            begin = (int(asked.params["page"]) - 1) * size
        if name == "items":
            total = self.held.count(where)
            order = {"-at": "at DESC", "": "id"}[asked.params.get("order", "")]
            written = [json.dumps(row) for row in self.held.select(where, order, size, begin)]
        else:
            total = len(self.held.records(name))
            written = self.held.records(name)[begin : begin + size]
        end = begin + len(written)
        following = f"/{name}?offset={end}&limit={size}" if end < total else None
        rest = {"total": total, "next": str(end) if end < total else None, "url": following}
        links = {"Link": f'<{following}>; rel="next"'} if following else {}
        return json_reply(f'{{"data": {{"rows": [{",".join(written)}]}}, {json.dumps(rest)[1:]}', 200, **links)


_BOUNDS = {"from": ">", "to": "<="}
