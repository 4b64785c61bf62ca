"""DuckDB: the suite for connectors, and what is its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from headwater.connectors.duckdb_file import DuckdbConfig, DuckdbConnector, kind
from headwater.connectors.protocol import ForeignKey, Kind, Selection
from headwater.errors import Misuse, RetryLater
from headwater.testing import ConnectorConformance, no_network
from tests.connectors.duckdb_case import DuckdbRowsCase
from tests.connectors.sql_reading import as_texts, no_secret, read_all


class DuckdbCase(DuckdbRowsCase):
    kind: ClassVar[Kind] = kind
    table: ClassVar[str] = "main.conformance"
    lacks: ClassVar[dict[str, str]] = {
        **no_network("a file is reached by its path"),
        "held": "the library holds nothing outside this process",
    }
    # The engine works in this process, and takes as much as its config lets it.
    memory: ClassVar[int] = 160 * 2**20

    def __init__(self, folder: Path) -> None:
        self.path = folder / "source's.duckdb"
        self.run("CREATE TABLE other (a INT)")

    def config(self) -> DuckdbConfig:
        return DuckdbConfig(path=self.path, memory_limit_mb=128)

    def against(self) -> str:
        return f"DuckDB {duckdb.__version__.rpartition('.')[0]}"

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(statement, list(values))


@pytest.mark.always
class TestDuckdb(ConnectorConformance):
    case_type = DuckdbCase

    @pytest.fixture
    def case(self, tmp_path: Path) -> DuckdbCase:
        return DuckdbCase(tmp_path)


def test_foreign_keys_are_discovered(tmp_path: Path) -> None:
    connector = made(
        tmp_path / "keys.duckdb",
        "CREATE TABLE site (a INTEGER, b VARCHAR, PRIMARY KEY (b, a))",
        "CREATE TABLE meter (x INTEGER, y VARCHAR, FOREIGN KEY (y, x) REFERENCES site (b, a))",
    )
    told = {table.name: table.references for table in connector.discover()}
    key = ForeignKey(columns=("y", "x"), table="main.site", to=("b", "a"))
    assert told == {"main.meter": (key,), "main.site": ()}


def test_uuids_and_times_are_told_from_texts(tmp_path: Path) -> None:
    connector = made(tmp_path / "bare.duckdb", "CREATE TABLE t (a UUID, b VARCHAR, c TIMESTAMP, d BLOB)")
    (table,) = connector.discover()
    assert [column.name for column in table.columns if column.bare] == ["a", "c"]


def made(path: Path, *statements: str) -> DuckdbConnector:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return DuckdbConnector(DuckdbConfig(path=path), no_secret)


def test_values_that_arrow_cannot_hold_come_as_texts(tmp_path: Path) -> None:
    connector = made(
        tmp_path / "source.duckdb",
        """CREATE TABLE t AS SELECT
             170141183460469231731687303715884105727::HUGEINT AS huge, 'infinity'::TIMESTAMP AS never,
             '-infinity'::TIMESTAMPTZ AS ever, '0044-03-15 (BC)'::DATE AS ides,
             INTERVAL 14 MONTH AS span, TIME '24:00:00' AS late,
             TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS ns,
             {'a': 12345678901234.75::DECIMAL(18,2), 'b': [1, NULL]} AS nested,
             '0101'::BIT AS bits, 18446744073709551615::UBIGINT AS unsigned, 0.1::FLOAT AS single""",
    )
    assert as_texts(connector.sample("main.t")) == [
        {
            "huge": "170141183460469231731687303715884105727",
            "never": "infinity",
            "ever": "-infinity",
            "ides": "0044-03-15 (BC)",
            "span": "1 year 2 months",
            "late": "24:00:00",
            "ns": "2024-01-01T00:00:00.123456789",
            "nested": '{"a":12345678901234.75,"b":[1,null]}',
            "bits": "0101",
            "unsigned": "18446744073709551615",
            "single": "0.1",
        }
    ]


def test_endless_times_stand_in_a_chunk_of_their_own(tmp_path: Path) -> None:
    connector = made(
        tmp_path / "source.duckdb",
        "CREATE TABLE t (id INT PRIMARY KEY, changed TIMESTAMP NOT NULL)",
        "INSERT INTO t SELECT i, TIMESTAMP '2024-01-01' + INTERVAL 1 DAY * i FROM range(20) r(i)",
        "INSERT INTO t VALUES (100, 'infinity'), (101, '-infinity')",
    )
    plan = connector.plan(Selection(table="main.t", cursor="changed", chunk_rows=5))
    assert plan.upto == "2024-01-20T00:00:00"
    assert [dict(chunk.locator)["by"] for chunk in plan.chunks] == ["blank"] + ["time_window"] * 4
    assert len(read_all(connector, Selection(table="main.t", cursor="changed"), plan)) == 22


def test_a_row_that_gets_its_first_time_while_the_windows_are_read_is_read(tmp_path: Path) -> None:
    path = tmp_path / "source.duckdb"
    connector = made(
        path,
        "CREATE TABLE t (id INT PRIMARY KEY, changed TIMESTAMP)",
        "INSERT INTO t SELECT i, TIMESTAMP '2024-01-01' + INTERVAL 1 DAY * i FROM range(20) r(i)",
        "INSERT INTO t VALUES (100, NULL)",
    )
    selection = Selection(table="main.t", cursor="changed", chunk_rows=5)
    plan = connector.plan(selection)
    *first, last = plan.chunks
    read = read_all(connector, selection, replace(plan, chunks=tuple(first)))
    connector.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE t SET changed = TIMESTAMP '2024-03-01' WHERE id = 100")
    read += read_all(connector, selection, replace(plan, chunks=(last,)))
    assert sorted({int(row["id"]) for row in read}) == [*range(20), 100]
    connector.close()


def test_a_file_that_somebody_writes_is_for_later(tmp_path: Path) -> None:
    path = tmp_path / "source.duckdb"
    connector = made(path, "CREATE TABLE t (id INT PRIMARY KEY)")
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(RetryLater, match="somebody else"):
            connector.discover()
        assert [problem.cause for problem in connector.validate()] == ["refused"]
        writer.communicate()
    assert connector.validate() == []


@pytest.mark.parametrize(("content", "cause"), [(None, "not_found"), (b"no database at all", "protocol")], ids=str)
def test_validate_tells_what_is_wrong_with_the_file(tmp_path: Path, content: bytes | None, cause: str) -> None:
    path = tmp_path / "source.duckdb"
    if content is not None:
        path.write_bytes(content)
    connector = DuckdbConnector(DuckdbConfig(path=path), no_secret)
    assert [problem.cause for problem in connector.validate()] == [cause]
    with pytest.raises(Misuse):
        connector.discover()


def test_neither_files_nor_extensions_can_be_reached_through_it(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n", encoding="ascii")
    path = tmp_path / "source.duckdb"
    connector = made(path, f"CREATE VIEW v AS SELECT * FROM read_csv('{other}')")
    with pytest.raises(Misuse, match="disabled"):
        connector.sample("main.v")
