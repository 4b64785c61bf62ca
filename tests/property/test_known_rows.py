"""A refused row has the same id whether it is worked out in SQL for a chunk or for a single record."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.engine.duck import engine
from headwater.pipeline.known_rows import RowNames
from headwater.values import record_text_sql, sha256_sql
from tests.examples import examples

COLUMNS = ("id", "it's", 'a "b"', "Menge (kWh)")
cells = st.lists(st.text(max_size=9), min_size=len(COLUMNS), max_size=len(COLUMNS))
known = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=len(COLUMNS))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with engine() as connection:
        yield connection


@given(rows=st.lists(cells, min_size=1, max_size=5), columns=known, is_bare=st.booleans(), keys=st.integers(0, 2))
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_names_a_row_as_python_does(
    duck: duckdb.DuckDBPyConnection, rows: list[list[str]], columns: list[str], is_bare: bool, keys: int
) -> None:
    names = RowNames(source_id=b"source", columns=tuple(columns), is_bare=is_bare, key=tuple(columns[:keys]))
    raw = pa.table([pa.array([row[at] for row in rows], pa.string()) for at in range(len(COLUMNS))], list(COLUMNS))
    duck.register("raw", raw)
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in COLUMNS]
    every = sha256_sql(record_text_sql([f"raw.{name}" for name in quoted]))
    found = [name for (name,) in duck.execute(f"SELECT {names.sql('raw', every)} FROM raw").fetchall()]
    duck.unregister("raw")
    assert found == [names.of(dict(zip(COLUMNS, row, strict=True))) for row in rows]


@given(row=cells, other=cells)
@settings(max_examples=examples(60), deadline=None)
def test_what_nobody_reads_makes_no_other_row_and_what_is_read_does(row: list[str], other: list[str]) -> None:
    names = RowNames(source_id=b"source", columns=COLUMNS[:2])
    first, second = (dict(zip(COLUMNS, each, strict=True)) for each in (row, other))
    assert names.of(first) == names.of({**second, **{name: first[name] for name in COLUMNS[:2]}})
    assert (names.of(first) == names.of(second)) == (row[:2] == other[:2])
