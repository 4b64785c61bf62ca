"""What stands in for Databricks' Statement Execution API and for the storage its links lead to, as it is documented.

https://docs.databricks.com/api/workspace/statementexecution: the states of a statement, parts of results in order, a
link for each that is good for one moment, named parameters only, results as Arrow by links only.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pyarrow as pa
import sqlglot

from tests.planted import planted
from tests.warehouses.stand_in_databricks import TOKEN, Fault, StandIn, served

WAREHOUSE = "stand-in"
KEY_OF_STORAGE = planted("a planted key of the storage")
_STATEMENT = re.compile(r"/api/2\.0/sql/statements/([0-9a-f-]+)(/cancel|/result/chunks/(\d+))?")


@dataclass
class _Submitted:
    """A statement: the states it is yet to be in, the last of which stays, and the parts of its result."""

    states: list[str]
    parts: list[pa.RecordBatch]
    schema: pa.Schema | None = None
    error: dict[str, Any] = field(default_factory=dict)


@dataclass
class Statements(StandIn):
    """The server. What is set here comes about once, in place of what is usual.

    faults     answers over HTTP: by "POST /statements", "GET /statements", "GET /chunks", "GET /storage"
    states     the states of the next statement
    failure    (code, message, SQLSTATE) of the next statement that fails
    expired    how many of the next links are good no longer when they are used
    cut        how many rows the next part is short of
    truncated  whether the next result is larger than what is given
    """

    states: list[str] = field(default_factory=list)
    failure: tuple[str, str, str] | None = None
    expired: int = 0
    cut: int = 0
    truncated: bool = False
    is_told: bool = True
    submitted: dict[str, _Submitted] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    links: dict[str, bool] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def running(self) -> int:
        """How many statements are held: those that nobody has cancelled and that have not come to an end."""
        return sum(each.states[0] in {"PENDING", "RUNNING"} for each in self.submitted.values())

    def submit(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What is answered to a new statement."""
        self.bodies.append(body)
        if body["warehouse_id"] != WAREHOUSE:
            return 404, {"error_code": "NOT_FOUND", "message": f"{body['warehouse_id']} is not a valid endpoint id."}
        if body.get("format") == "ARROW_STREAM" and body.get("disposition") != "EXTERNAL_LINKS":
            return 400, {
                "error_code": "INVALID_PARAMETER_VALUE",
                "message": "ARROW_STREAM is supported only with EXTERNAL_LINKS disposition.",
            }
        if not re.fullmatch(r"0s|([5-9]|[1-4]\d|50)s", body.get("wait_timeout", "10s")):
            return 400, {
                "error_code": "INVALID_PARAMETER_VALUE",
                "message": "wait_timeout must be 0 or between 5 and 50.",
            }
        self.statements.append(body["statement"])
        number, states = str(uuid.uuid4()), self.states or ["SUCCEEDED"]
        self.states = []
        self.submitted[number] = self._made(body, states)
        return 200, self.told(number)

    def _made(self, body: dict[str, Any], states: list[str]) -> _Submitted:
        try:
            if self.failure:
                raise _Failed(*self.failure)
            if body.get("catalog") != "main":
                missing = f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{body.get('catalog')}' was not found. SQLSTATE: 42704"
                raise _Failed("BAD_REQUEST", missing, "42704")
            given = {each["name"]: each.get("value") for each in body.get("parameters", ())}
            if "?" in re.sub(r"'[^']*'|`[^`]*`", "", body["statement"]):
                raise _Failed("BAD_REQUEST", "[UNBOUND_SQL_PARAMETER] Found the unbound parameter: ?.", "42P02")
            cursor, reader = self.answered(body["statement"], given)
            made = _Submitted(states, list(reader), reader.schema)
            cursor.close()
        except _Failed as error:
            self.failure = None
            return _failed(states, *error.args)
        except duckdb.CatalogException as error:
            return _failed(states, "BAD_REQUEST", f"[TABLE_OR_VIEW_NOT_FOUND] {error}", "42P01")
        except (duckdb.Error, sqlglot.ParseError, PermissionError) as error:
            return _failed(states, "BAD_REQUEST", str(error), "")
        return made

    def told(self, number: str) -> dict[str, Any]:
        """How a statement stands; one that has succeeded tells its result and a link to the first part."""
        each = self.submitted[number]
        state = each.states[0]
        answer: dict[str, Any] = {"statement_id": number, "status": {"state": state}}
        if state == "FAILED":
            answer["status"] |= each.error
        if state == "SUCCEEDED":
            answer["manifest"] = {
                "format": "ARROW_STREAM",
                "total_chunk_count": len(each.parts),
                "total_row_count": sum(part.num_rows for part in each.parts),
                "truncated": self.truncated,
            }
            answer["result"] = self.part(number, 0) if each.parts else {}
        if len(each.states) > 1:
            each.states.pop(0)
        return answer

    def part(self, number: str, place: int) -> dict[str, Any]:
        """A new link to a part of a result."""
        parts, key = self.submitted[number].parts, uuid.uuid4().hex
        self.links[key], self.expired = self.expired <= 0, max(self.expired - 1, 0)
        link: dict[str, Any] = {
            "chunk_index": place,
            "row_offset": sum(part.num_rows for part in parts[:place]),
            "row_count": parts[place].num_rows,
            "external_link": f"http://127.0.0.1:{self.port}/storage/{number}/{place}?signature={key}",
            "expiration": "2026-01-01T00:15:00.000Z",
            "http_headers": {"x-storage-key": KEY_OF_STORAGE},
        }
        if place + 1 < len(parts):
            link["next_chunk_index"] = place + 1
            link["next_chunk_internal_link"] = f"/api/2.0/sql/statements/{number}/result/chunks/{place + 1}"
        return {"external_links": [link]}

    def stream(self, number: str, place: int) -> bytes:
        """A part of a result as the storage holds it."""
        part = self.submitted[number].parts[place]
        if self.cut:
            part, self.cut = part.slice(0, part.num_rows - self.cut), 0
        held = io.BytesIO()
        with pa.ipc.new_stream(held, part.schema) as stream:
            stream.write_batch(part)
        return held.getvalue()

    def cancel(self, number: str) -> None:
        """A statement that runs is cancelled."""
        self.cancelled.append(number)
        if self.submitted[number].states[0] in {"PENDING", "RUNNING"}:
            self.submitted[number].states = ["CANCELED"]


class _Failed(Exception):
    """Code, message and SQLSTATE of a statement that fails."""


def _failed(states: list[str], code: str, message: str, state: str) -> _Submitted:
    error = {"error": {"error_code": code, "message": message}, "sql_state": state}
    return _Submitted([*(each for each in states if each != "SUCCEEDED"), "FAILED"], [], error=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def standing(self) -> Statements:
        """The server."""
        standing: Statements = self.server.standing  # type: ignore[attr-defined]
        return standing

    def do_HEAD(self) -> None:
        self._answer(404, b"")

    def do_GET(self) -> None:
        standing, parts = self.standing, urlsplit(self.path)
        if parts.path == "/.well-known/databricks-config":
            self._json(200 if standing.is_told else 404, {"workspace_id": "4711"} if standing.is_told else {})
        elif parts.path.startswith("/storage/"):
            number, place = parts.path.split("/")[2:]
            self._stored(number, place, parse_qs(parts.query)["signature"][0])
        elif found := self._statement("GET"):
            number, _, place = found
            self._json(200, standing.told(number) if place is None else standing.part(number, int(place)))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/2.0/sql/statements":
            if self._taken("POST /statements"):
                self._json(*self.standing.submit(body))
        elif found := self._statement("POST"):
            self.standing.cancel(found[0])
            self._json(200, {})

    def _statement(self, method: str) -> tuple[Any, ...] | None:
        """The statement that is asked about, and for which of its parts."""
        found = _STATEMENT.fullmatch(self.path)
        asked = "cancel" if method == "POST" else "chunks" if found and found[3] else "statements"
        if not self._taken(f"{method} /{asked}"):
            return None
        if found is None or found[1] not in self.standing.submitted:
            self._json(404, {"error_code": "NOT_FOUND", "message": "The statement was not found."})
            return None
        return found.groups()

    def _taken(self, asked: str) -> bool:
        """Whether the token is right and no fault is due."""
        self.standing.asked.append(asked)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._json(403, {"error_code": "403", "message": "Invalid access token."})
            return False
        return not self._at_fault(asked)

    def _at_fault(self, asked: str) -> bool:
        if not (waiting := self.standing.faults.get(asked)):
            return False
        fault: Fault = waiting.pop(0)
        self._json(fault.status, {"error_code": "FAULT", "message": "as it was told to"}, fault.headers)
        return True

    def _stored(self, number: str, place: str, signature: str) -> None:
        standing = self.standing
        standing.asked.append("GET /storage")
        if self._at_fault("GET /storage"):
            return
        if "Authorization" in self.headers or self.headers.get("x-storage-key") != KEY_OF_STORAGE:
            self._answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
        elif not standing.links.get(signature):
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        else:
            with suppress(OSError):  # whoever asked has left
                self._answer(200, standing.stream(number, int(place)))

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Nothing is logged."""


@contextmanager
def statements() -> Iterator[Statements]:
    """A server on a port of its own, in a thread of this process."""
    with served(Statements(), _Handler) as standing:
        yield standing
