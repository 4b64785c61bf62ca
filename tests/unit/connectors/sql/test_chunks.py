"""Chunks of any table, by any key or cursor, hold every row once: tried on tables and selections drawn by chance."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.connectors.protocol import Selection
from headwater.connectors.sql import Dialect
from headwater.connectors.sql.statements import Bounds, condition
from headwater.connectors.sqlite import SqliteConfig, SqliteConnector
from headwater.errors import Misuse
from tests.connectors.sql_reading import read_all

CELLS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(alphabet="ab'\"%; ü", max_size=3),
    st.binary(max_size=2),
)
DAYS = st.one_of(st.none(), st.dates().map(str), st.sampled_from(["2026-01-01", "2026-01-02"]))


def no_secret(reference: str) -> str:
    raise AssertionError(reference)


@pytest.mark.parametrize("compares_rows", [True, False])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, DAYS), max_size=40),
    size=st.integers(1, 50),
    key=st.sampled_from([("a",), ("a", "b"), ("b", "day", "a"), ()]),
    added=st.lists(st.tuples(CELLS, CELLS, DAYS), max_size=5),
)
def test_every_row_once(
    tmp_path: Path, *, compares_rows: bool, rows: list[Any], size: int, key: tuple[str, ...], added: list[Any]
) -> None:
    path = tmp_path / "source.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE t (a, b, day DATE, id INTEGER)")
        writer.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(*row, n) for n, row in enumerate(rows)])
        connector = SqliteConnector(SqliteConfig(path=path), no_secret)
        connector.dialect = replace_rows_compared(connector, compares_rows)
        selection = Selection(table="t", key=key, chunk_rows=size)
        plan = connector.plan(selection)
        by_day = replace(selection, cursor="day")
        days = connector.plan(by_day)
        writer.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(*row, 1000 + n) for n, row in enumerate(added)])
        ids = [int(row["id"]) for row in read_all(connector, selection, plan)]
        assert sorted(ids) == [*range(len(rows)), *range(1000, 1000 + len(added))]
        ids = [int(row["id"]) for row in read_all(connector, by_day, days)]
        assert len(set(ids)) == len(ids)
        assert set(range(len(rows))) <= set(ids)


def replace_rows_compared(connector: SqliteConnector, compares_rows: bool) -> Any:
    """The dialect, with or without comparisons of rows."""
    dialect = type(connector.dialect)()
    dialect.rows_compared = compares_rows
    return dialect


def test_a_locator_that_no_plan_made_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    connector = SqliteConnector(SqliteConfig(path=path), no_secret)
    with connector.session() as session:
        (table,) = connector.tables(session, "t")
    with pytest.raises(Misuse, match="no locator"):
        condition(Bounds(connector.dialect), table, {"by": "1 = 1"})
    with pytest.raises(Misuse, match="no column"):
        condition(Bounds(connector.dialect), table, {"by": "key_range", "key": ["id) --"], "from": None, "to": None})
    with pytest.raises(Misuse, match="no bound"):
        condition(Bounds(connector.dialect), table, {"by": "key_range", "key": ["id"], "from": ["x OR 1"], "to": None})


@given(st.text())
def test_an_identifier_never_ends_before_its_end(name: str) -> None:
    quoted = Dialect().quoted(name)
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in quoted[1:-1].replace('""', "")
    assert quoted[1:-1].replace('""', '"') == name
