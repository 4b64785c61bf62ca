"""The suite for connectors, on servers that speak the envelopes of REST services, Oracle Fusion and Workday."""

from __future__ import annotations

import datetime
import json
import socket
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from headwater.connectors import oracle_fusion, rest, workday
from headwater.connectors.http.config import HttpConfig
from headwater.connectors.protocol import Cause, Kind
from headwater.testing import Case, ConnectorConformance, Row
from tests.connectors.servers_envelopes import (
    PASSWORD,
    REFRESH_TOKEN,
    TOKEN_SECRET,
    USER,
    Fusion,
    Held,
    Plain,
    Service,
    Workday,
)
from tests.connectors.servers_http import Server, http_server
from tests.servers import free_port

_SECRETS = {"env:P": PASSWORD, "env:S": TOKEN_SECRET, "env:R": REFRESH_TOKEN}
_NO_TYPE = "JSON has no such type"
_BY_PARAMETER = {
    "null cursor alone": "it is asked by a parameter from a moment on, and nothing asks for rows without one"
}
_AS_TEXT = {
    "bytes": _NO_TYPE,
    "json": "objects come as columns of their own, not as JSON",
    "float: NaN": "JSON has no NaN",
    "float: infinity": "JSON has no infinity",
    "float: minus infinity": "JSON has no infinity",
    "held": "an answer is read whole before a batch is given; nothing is held between two",
}
BASIC = {"kind": "basic", "user": USER, "password_ref": "env:P"}


class EnvelopeCase(Case):
    """What the four have in common; rows are put straight into the table behind the server."""

    table: ClassVar[str] = "items"
    many_rows: ClassVar[int] = 30_000
    service_type: ClassVar[type[Service]]

    def __init__(self, server: Server, service: Service, silent: socket.socket) -> None:
        self.server = server
        self.service = service
        self.silent = silent
        self.service.is_closed = False

    def config(self) -> HttpConfig:
        return self.at(self.server.url)

    @abstractmethod
    def at(self, url: str, **more: Any) -> HttpConfig:
        """A config of the server at this address."""

    def resolve(self, reference: str) -> str:
        return _SECRETS[reference]

    def wrong(self, cause: Cause) -> HttpConfig:
        self.service.is_closed = cause == "missing_right"
        match cause:
            case "name_not_found":
                return self.at("https://no-such-host.invalid")
            case "refused":
                return self.at(f"http://127.0.0.1:{free_port()}")
            case "timeout":
                return self.at(f"http://127.0.0.1:{self.silent.getsockname()[1]}", read_seconds=0.3)
            case "tls":
                return self.at(self.server.url.replace("http:", "https:"))
            case _:
                return self.config()

    def make(self, rows: Sequence[Row]) -> None:
        self.service.is_closed = False
        self.service.held.make(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        self.service.held.insert(rows)

    def update(self, rows: Sequence[Row]) -> None:
        self.delete([row.id for row in rows if row.id is not None])
        self.insert(rows)

    def delete(self, ids: Sequence[int]) -> None:
        self.service.held.delete(ids)

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        self.service.held.values[sort] = [_written(value) for value in values]
        return sort


def _written(value: Any) -> str:
    """A value in JSON; decimals with all their digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date | datetime.time):
        return json.dumps(value.isoformat())
    if value is None or isinstance(value, bool | int | float | str | list):
        return json.dumps(value)
    return json.dumps(str(value))


class FusionCase(EnvelopeCase):
    kind: ClassVar[Kind] = oracle_fusion.kind
    service_type: ClassVar[type[Service]] = Fusion
    lacks: ClassVar[Mapping[str, str]] = {**_AS_TEXT, "null key": "a key that Oracle declares is never null"}

    def at(self, url: str, **more: Any) -> HttpConfig:
        resources = [{"name": "items", "key": ["id"], "cursors": ["at"]}]
        resources += [{"name": sort, "key": ["id"], "cursors": []} for sort in self.service.held.values]
        said = {"url": url, "auth": BASIC, "resources": resources, "requests_a_minute": 100_000, **more}
        return oracle_fusion.FusionConfig(**said)


class WqlCase(EnvelopeCase):
    kind: ClassVar[Kind] = workday.kind
    service_type: ClassVar[type[Service]] = Workday
    lacks: ClassVar[Mapping[str, str]] = {
        **_AS_TEXT,
        "null key": "the identifier of a Workday object is never null",
    }

    def at(self, url: str, **more: Any) -> HttpConfig:
        items = [{"name": "id", "kind": "number"}, {"name": "at", "kind": "datetime"}, {"name": "value"}]
        queries = [{"name": "items", "source": "items", "key": ["id"], "fields": items}]
        queries += [
            {
                "name": sort,
                "source": sort,
                "key": ["id"],
                "fields": [{"name": "id", "kind": "number"}, {"name": "value"}],
            }
            for sort in self.service.held.values
        ]
        return workday.WorkdayConfig(**_workday(url, queries=queries, **more))


def _workday(url: str, **more: Any) -> dict[str, Any]:
    auth = {
        "kind": "refresh_token",
        "token_url": f"{url}/ccx/oauth2/tests/token",
        "client_id": "client",
        "client_secret_ref": "env:S",
        "refresh_token_ref": "env:R",
    }
    return {"url": url, "tenant": "tests", "auth": auth, "requests_a_minute": 100_000, **more}


class ReportCase(EnvelopeCase):
    kind: ClassVar[Kind] = replace(workday.kind, chunks=("whole",))  # a report comes in one answer
    service_type: ClassVar[type[Service]] = Workday
    lacks: ClassVar[Mapping[str, str]] = {
        **_AS_TEXT,
        **_BY_PARAMETER,
        "memory": "the server of the test makes the whole answer in the same process",
    }

    def at(self, url: str, **more: Any) -> HttpConfig:
        cursor = {"field": "at", "since": "Changed_From", "until": "Changed_To"}
        reports = [{"name": "items", "owner": "o", "report": "items", "key": ["id"], "cursor": cursor}]
        reports[0]["columns"] = ["id", "at", "value"]
        columns = ["id", "value"]
        reports += [
            {"name": sort, "owner": "o", "report": sort, "key": ["id"], "columns": columns}
            for sort in self.service.held.values
        ]
        return workday.WorkdayConfig(**_workday(url, reports=reports, **more))


class RestCase(EnvelopeCase):
    kind: ClassVar[Kind] = rest.kind
    service_type: ClassVar[type[Service]] = Plain
    lacks: ClassVar[Mapping[str, str]] = {**_AS_TEXT, **_BY_PARAMETER}

    def at(self, url: str, **more: Any) -> HttpConfig:
        cursor = {"field": "at", "since": "from", "until": "to", "newest": {"order": "-at"}}
        common = {"records": "data/rows", "key": ["id"], "pages": {"kind": "offset", "size": 500}, "total": "total"}
        items = {"name": "items", "path": "items", "cursor": cursor, "columns": ["id", "at", "value"], **common}
        values = [
            {"name": sort, "path": sort, "columns": ["id", "value"], **common} for sort in self.service.held.values
        ]
        said = {"url": url, "auth": BASIC, "tables": [items, *values], "requests_a_minute": 100_000, **more}
        return rest.RestConfig(**said)


class _OnAServer(ConnectorConformance):
    case_type: ClassVar[type[EnvelopeCase]]

    @pytest.fixture
    def case(self) -> Iterator[EnvelopeCase]:
        service = self.case_type.service_type(Held())
        with http_server(service) as server, socket.create_server(("127.0.0.1", 0)) as silent:
            yield self.case_type(server, service, silent)
        service.held.close()


@pytest.mark.always
class TestFusion(_OnAServer):
    case_type = FusionCase


@pytest.mark.always
class TestWql(_OnAServer):
    case_type = WqlCase


@pytest.mark.always
class TestReports(_OnAServer):
    case_type = ReportCase


@pytest.mark.always
class TestRest(_OnAServer):
    case_type = RestCase


del _OnAServer
