"""How the suite fills the source in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa

from headwater.connectors.protocol import Cause, Column, Kind
from headwater.testing import Case, Row
from tests.unit.testing import memory as source

PASSWORD = "correct-horse-battery"
ARROW: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "decimal": pa.decimal128(38, 10),
    "float": pa.float64(),
    "bytes": pa.binary(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "time": pa.time64("us"),
    "array": pa.list_(pa.int64()),
}
_names = itertools.count()


def column(name: str, arrow: pa.DataType) -> Column:
    return Column(name=name, type=str(arrow), arrow=arrow)


class MemoryCase(Case):
    """A host of its own for each case; beside the server, one that is silent and one of doubtful certificate."""

    kind: ClassVar[Kind] = source.kind
    memory = 12 * 2**20

    def __init__(self) -> None:
        self.host = f"host-{next(_names)}"
        passwords = {"reader": PASSWORD, "nobody": PASSWORD}
        self.server = source.Server(passwords=passwords, readers={"reader"})
        silent = source.Server(passwords=passwords, silent=True)
        doubtful = source.Server(passwords=passwords, tls=True)
        source.NETWORK[self.host] = {1: self.server, 2: silent, 3: doubtful}

    def config(self) -> source.MemoryConfig:
        return source.MemoryConfig(host=self.host, port=1, user="reader", password_ref="env:MEMORY_PASSWORD")

    def resolve(self, reference: str) -> str:
        assert reference == "env:MEMORY_PASSWORD"
        return PASSWORD

    def against(self) -> str:
        return "itself"

    def wrong(self, cause: Cause) -> source.MemoryConfig:
        changed: dict[Cause, dict[str, Any]] = {
            "name_not_found": {"host": "no-such-host"},
            "refused": {"port": 9},
            "timeout": {"port": 2},
            "tls": {"port": 3},
            "missing_right": {"user": "nobody"},
        }
        return self.config().model_copy(update=changed.get(cause, {}))

    def make(self, rows: Sequence[Row]) -> None:
        columns = (column("id", pa.int64()), column("at", pa.timestamp("us", tz="UTC")), column("value", pa.string()))
        key = ("id",) if all(row.id is not None for row in rows) else ()
        self.server.tables["conformance"] = source.Stored(columns=columns, key=key, cursors=("at",))
        self.insert(rows)

    def insert(self, rows: Sequence[Row]) -> None:
        self.server.tables["conformance"].rows += [(row.id, row.at, row.value) for row in rows]

    def update(self, rows: Sequence[Row]) -> None:
        self.delete([row.id for row in rows if row.id is not None])
        self.insert(rows)

    def delete(self, ids: Sequence[int]) -> None:
        table = self.server.tables["conformance"]
        table.rows = [row for row in table.rows if row[0] not in set(ids)]

    def make_values(self, sort: str, values: Sequence[Any]) -> str:
        value = replace(column("value", ARROW.get(sort, pa.string())), numbers=sort == "json")
        columns = (column("id", pa.int64()), value)
        texts = [str(value) if sort == "uuid" and value is not None else value for value in values]
        table = source.Stored(columns=columns, key=("id",), rows=list(enumerate(texts, 1)))
        self.server.tables[f"values_{sort}"] = table
        return f"values_{sort}"

    def held(self) -> int:
        return self.server.reading


def case_of(connector: type[source.Memory], **changes: Any) -> MemoryCase:
    """The same source, read by another connector."""
    kind = replace(source.kind, open=connector, **changes)
    made: MemoryCase = type("ChangedCase", (MemoryCase,), {"kind": kind})()
    return made
