"""The suite for connectors, on a real OData server, in V2 and V4."""

from __future__ import annotations

import base64
import datetime
import math
import socket
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from headwater.connectors.odata import ODataConfig, kind
from headwater.connectors.protocol import Cause, Kind
from headwater.testing import Case, ConnectorConformance, Row
from tests.connectors.servers_odata import PASSWORD, USER, ODataServer
from tests.servers import free_port

_TABLES = {
    "integer": "Longs",
    "decimal": "Numerics",
    "float": "Doubles",
    "text": "Texts",
    "bytes": "Bytes",
    "boolean": "Booleans",
    "date": "Days",
    "timestamptz": "Moments",
    "time": "Times",
    "uuid": "Uuids",
}
_KEPT_AS_DOUBLE = "the server stands on SQLite, which keeps decimals as doubles"
_KEPT_TO_MILLISECONDS = "the server keeps milliseconds"


class ODataCase(Case):
    kind: ClassVar[Kind] = kind
    table: ClassVar[str] = "Items"
    resolution: ClassVar[datetime.timedelta] = datetime.timedelta(milliseconds=1)
    many_rows: ClassVar[int] = 20_000
    memory: ClassVar[int] = 10 * 2**20
    server: ClassVar[ODataServer]
    silent: ClassVar[socket.socket]  # takes connections and never says a word
    version: ClassVar[str]
    lacks: ClassVar[Mapping[str, str]] = {
        "null key": "a key of OData is never null",
        "held": "an answer is read whole before a batch is given; nothing is held between two",
        "decimal: 38 digits": _KEPT_AS_DOUBLE,
        "decimal: negative": _KEPT_AS_DOUBLE,
        "float: NaN": "the server's JSON has no NaN",
        "float: infinity": "the server's JSON has no infinity",
        "float: minus infinity": "the server's JSON has no infinity",
        "timestamp": "the server has no time without a zone",
        "timestamptz: year 9999": _KEPT_TO_MILLISECONDS,
        "timestamptz: microsecond": _KEPT_TO_MILLISECONDS,
        "time: last": "the server keeps seconds",
        "json": "OData has no such type",
        "array": "OData V2 has no such type",
        "enum": "the server gives enums as texts",
    }

    def config(self) -> ODataConfig:
        return self._config("conformance")

    def _config(self, service: str, **more: Any) -> ODataConfig:
        auth = {"kind": "basic", "user": USER, "password_ref": "env:P"}
        said = {"url": self.server.service(service, self.version), "auth": auth, "requests_a_minute": 100_000, **more}
        return ODataConfig(**said)

    def resolve(self, reference: str) -> str:
        assert reference == "env:P"
        return PASSWORD

    def wrong(self, cause: Cause) -> ODataConfig:
        match cause:
            case "name_not_found":
                return self._config("", url="https://no-such-host.invalid/service")
            case "refused":
                return self._config("", url=f"http://127.0.0.1:{free_port()}/service")
            case "timeout":
                return self._config("", url=f"http://127.0.0.1:{self.silent.getsockname()[1]}/", read_seconds=0.3)
            case "tls":
                return self._config("", url=self.server.url.replace("http:", "https:"))
            case "missing_right":
                return self._config("closed")
            case _:
                return self.config()

    def make(self, rows: Sequence[Row]) -> None:
        self.server.run("Conformance.Items", remove=True, insert=map(_item, rows))

    def insert(self, rows: Sequence[Row]) -> None:
        self.server.run("Conformance.Items", insert=map(_item, rows))

    def update(self, rows: Sequence[Row]) -> None:
        self.server.run("Conformance.Items", remove=[{"id": row.id} for row in rows], insert=map(_item, rows))

    def delete(self, ids: Sequence[int]) -> None:
        self.server.run("Conformance.Items", remove=[{"id": number} for number in ids])

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        rows = [{"id": number, "value": _sent(value)} for number, value in enumerate(values, start=1)]
        self.server.run(f"Conformance.{_TABLES[sort]}", remove=True, insert=rows)
        return _TABLES[sort]


def _item(row: Row) -> dict[str, Any]:
    return {"id": row.id, "at": _sent(row.at), "value": row.value}


def _sent(value: Any) -> Any:
    """A value as the server's database takes it from JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bool) or value is None or (isinstance(value, float) and math.isfinite(value)):
        return value
    return format(value, "f") if isinstance(value, Decimal) else str(value)


class V2Case(ODataCase):
    version: ClassVar[str] = "v2"

    def against(self) -> str:
        return "SAP CAP {cap} with its adapter {adapter} for OData V2".format(**self.server.versions())


class V4Case(ODataCase):
    version: ClassVar[str] = "v4"

    def against(self) -> str:
        return "SAP CAP {cap} with OData V4".format(**self.server.versions())


@pytest.fixture(scope="module", autouse=True)
def _servers(odata_server: ODataServer) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ODataCase.server, ODataCase.silent = odata_server, silent
        yield


@pytest.mark.always
class TestODataV2(ConnectorConformance):
    case_type = V2Case


@pytest.mark.always
class TestODataV4(ConnectorConformance):
    case_type = V4Case
