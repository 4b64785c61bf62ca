"""Windows of the calendar go together as many as a chunk has room for, and chunks end with them all the same."""

from __future__ import annotations

import datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from headwater.connectors.duckdb_file import DuckdbConfig, DuckdbConnector
from headwater.connectors.protocol import Selection, Window
from headwater.errors import Misuse
from tests.connectors.sql_reading import no_secret, read

HOURS = 5_000


@pytest.fixture
def hourly(tmp_path: Path) -> DuckdbConnector:
    """One row an hour, from a Wednesday on."""
    path = tmp_path / "source.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i AS id, TIMESTAMP '2020-01-01' + INTERVAL 1 HOUR * i AS at"
            f" FROM range({HOURS}) r(i)"
        )
    return DuckdbConnector(DuckdbConfig(path=path), no_secret)


@pytest.mark.parametrize(
    ("window", "size", "chunks"),
    [("day", 480, 11), ("week", 600, 10), ("week", 100_000, 1), ("month", 1_500, 4), ("none", 600, 9)],
)
def test_a_chunk_holds_as_many_windows_as_it_has_room_for(
    hourly: DuckdbConnector, window: Window, size: int, chunks: int
) -> None:
    asked = Selection(table="main.t", cursor="at", chunk_rows=size, window=window)
    plan = hourly.plan(asked)
    assert plan.window == (None if window == "none" else window)
    cut = [chunk for chunk in plan.chunks if chunk.locator["by"] == "time_window"]
    found = [read(hourly, asked, chunk)["id"].to_pylist() for chunk in plan.chunks]
    assert sorted(str(row) for rows in found for row in rows) == sorted(map(str, range(HOURS)))
    assert [chunk.rows for chunk in plan.chunks] == [len(rows) for rows in found]
    assert (len(cut), all(chunk.rows <= size for chunk in cut)) == (chunks, True)
    if window != "none":
        bounds = [datetime.datetime.fromisoformat(str(chunk.locator["from"])) for chunk in cut[1:]]
        assert all(each.hour == 0 for each in bounds)
        assert window != "week" or {each.weekday() for each in bounds} <= {0}
        assert window != "month" or {each.day for each in bounds} <= {1}
    for chunk, after in pairwise(cut):
        assert chunk.cursor_to == after.locator["from"]


def test_a_window_that_has_more_rows_than_a_chunk_is_cut_within(hourly: DuckdbConnector) -> None:
    plan = hourly.plan(Selection(table="main.t", cursor="at", chunk_rows=100, window="week"))
    held = [chunk.rows for chunk in plan.chunks if chunk.locator["by"] == "time_window"]
    assert held[:4] == [100, 20, 100, 68]


@pytest.mark.parametrize("cursor", [None, "id"])
def test_windows_are_of_times_alone(hourly: DuckdbConnector, cursor: str | None) -> None:
    with pytest.raises(Misuse, match="windows of the calendar"):
        hourly.plan(Selection(table="main.t", key=("id",), cursor=cursor, window="week"))
    assert hourly.plan(Selection(table="main.t", key=("id",), cursor=cursor, window="none")).window is None
