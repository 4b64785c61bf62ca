"""What tests of SQL sources share: a selection planned and read as a sync does it, others writing, memory watched."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from headwater.connectors.parquet_file.texts import leaves, texts
from headwater.connectors.protocol import Cause, Config, Connector, Selection, SourceChunk, SourcePlan
from headwater.testing import Case


def read(connector: Connector, selection: Selection, chunk: SourceChunk) -> pa.Table:
    """A chunk, known by its locator alone, as JSON keeps it."""
    again = replace(chunk, locator=json.loads(json.dumps(dict(chunk.locator))))
    with connector.read(selection, again) as batches:
        return pa.Table.from_batches(list(batches))


def read_all(connector: Connector, selection: Selection, plan: SourcePlan | None = None) -> list[dict[str, Any]]:
    """Every row of a plan, chunk after chunk."""
    plan = plan or connector.plan(selection)
    return [row for chunk in plan.chunks for row in read(connector, selection, chunk).to_pylist()]


def cells(connector: Connector, table: str, decimal: str) -> list[dict[str, str]]:
    """The cells of a table as a mapping with this sign finds them."""
    asked = Selection(table=table, decimal=decimal)
    found: list[dict[str, str]] = []
    for chunk in connector.plan(asked).chunks:
        with connector.read(asked, chunk) as batches:
            for part in batches:
                cut = [leaf for at, field in enumerate(part.schema) for leaf in leaves(part.column(at), field)]
                columns = {".".join(leaf.path): leaf.texts(decimal).to_pylist() for leaf in cut}
                found += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return found


def as_texts(table: pa.Table) -> list[dict[str, str | None]]:
    """Rows as they reach the river: texts, nothing only where the source has NULL."""
    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        said = texts(column, ".").to_pylist()
        columns[name] = [
            text if valid else None for text, valid in zip(said, column.is_valid().to_pylist(), strict=True)
        ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class ServerCase(Case):
    """A case of a server that asks for TLS and a password; `reader` may read what it is granted.

    silent   takes connections and never says a word
    revoked  the statement that takes the reader's right away
    """

    server: ClassVar[Any]
    silent: ClassVar[socket.socket]
    revoked: ClassVar[str]

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Run a statement as the owner."""

    def wrong(self, cause: Cause) -> Config:
        updates: dict[Cause, dict[str, Any]] = {
            "timeout": {"port": self.silent.getsockname()[1], "connect_timeout": 2},
            "tls": {"ca_file": self.server.other_authority},
            "missing_right": {},
        }
        if cause == "missing_right":
            self.execute(self.revoked)
        return self.config().model_copy(update=updates[cause]) if cause in updates else super().wrong(cause)


def no_secret(reference: str) -> str:
    """For sources that ask for none."""
    raise AssertionError(reference)


def every_row_once_while(connector: Connector, table: str, write: Callable[[threading.Event], None]) -> None:
    """The table holds ids 10, 20, ... 30,000 with v = 0; `write` inserts and deletes others, with v = 1, until told."""
    selection = Selection(table=table, chunk_rows=100)
    plan = connector.plan(selection)
    done = threading.Event()
    writer = threading.Thread(target=write, args=(done,))
    writer.start()
    try:
        found = read_all(connector, selection, plan)
    finally:
        done.set()
        writer.join()
    assert [row["id"] for row in found if row["v"] == 0] == [n * 10 for n in range(1, 3001)]
    assert len({row["id"] for row in found}) == len(found)


_READ = """
import resource, sys
from importlib import import_module
from headwater.connectors.protocol import Selection
kind = import_module("headwater.connectors." + sys.argv[1]).kind
password = sys.stdin.read()
connector = kind.open(kind.config.model_validate_json(sys.argv[2]), lambda reference: password)
selection = Selection(table=sys.argv[3], chunk_rows=2_000_000)
(chunk,) = connector.plan(selection).chunks
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with connector.read(selection, chunk) as batches:
    rows = sum(batch.num_rows for batch in batches)
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def a_million_rows_take_little_memory(kind: str, config: Config, table: str, folder: Path, password: str = "") -> None:
    """The table holds a million narrow rows; they are read by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, kind, config.model_dump_json(), table],
        input=password,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows, grown = map(int, done.stdout.split())
    assert rows == 1_000_000
    assert grown < 64, f"{grown} MiB"
