"""Windows of times that are texts adjoin and hold every row once, in whatever zone and way the texts are written."""

from __future__ import annotations

import datetime
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from headwater.connectors.protocol import Selection, SourcePlan, Unit
from headwater.connectors.sqlite import SqliteConfig, SqliteConnector
from tests.connectors.sql_reading import no_secret, read

OFFSETS = st.one_of(
    st.sampled_from(["", "Z"]),
    st.builds("{}{:02}:{:02}".format, st.sampled_from("+-"), st.integers(0, 14), st.sampled_from([0, 30, 45])),
)
FORMS = st.one_of(
    st.just("%Y-%m-%d"),
    st.builds("%Y-%m-%d{}%H:%M:%S{}{}".format, st.sampled_from("T "), st.sampled_from(["", ".5", ".000"]), OFFSETS),
)
MOMENTS = st.datetimes(datetime.datetime(2023, 12, 25), datetime.datetime(2024, 4, 5)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
WEST = [datetime.datetime(2024, 2, 29, 18), datetime.datetime(2024, 2, 29, 20), datetime.datetime(2024, 3, 1, 9)]  # noqa: DTZ001
UNIT = st.sampled_from(["month", "week", "day"])
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def planned(
    folder: Path, cells: Sequence[Any], unit: Unit, size: int, *, declared: str
) -> tuple[SqliteConnector, Selection, SourcePlan]:
    """A table of these cells, and its plan by windows."""
    path = folder / "source.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, changed {declared})")
        writer.executemany("INSERT INTO t VALUES (?, ?)", enumerate(cells))
    connector = SqliteConnector(SqliteConfig(path=path), no_secret)
    selection = Selection(table="t", cursor="changed", chunk_rows=size, window=unit)
    return connector, selection, connector.plan(selection)


@QUIET
@given(moments=st.lists(MOMENTS, min_size=1, max_size=40), form=FORMS, unit=UNIT, size=st.integers(1, 50))
@example(moments=WEST, form="%Y-%m-%dT%H:%M:%S-05:00", unit="month", size=50)
@pytest.mark.parametrize("declared", ["TEXT", "DATETIME"])
def test_of_texts_written_one_way_edges_rise_and_chunks_hold_what_is_said(
    tmp_path: Path, *, declared: str, moments: list[datetime.datetime], form: str, unit: Unit, size: int
) -> None:
    cells = [moment.strftime(form) for moment in moments]
    connector, selection, plan = planned(tmp_path, cells, unit, size, declared=declared)
    edges = [chunk.locator["from"] for chunk in plan.chunks if chunk.locator.get("from") is not None]
    assert all(before < after for before, after in pairwise(edges))
    assert set(edges) <= set(cells)  # so that a sync may go on from each: it is written as the others are
    found = [read(connector, selection, chunk)["changed"].to_pylist() for chunk in plan.chunks]
    assert sorted(str(cell) for cells in found for cell in cells) == sorted(cells)
    if len(set(cells)) == len(cells):
        assert [chunk.rows for chunk in plan.chunks] == [len(cells) for cells in found]
        assert all(len(cells) <= size for cells in found)


@QUIET
@given(moments=st.lists(MOMENTS, min_size=1, max_size=40), offset=OFFSETS, unit=UNIT)
def test_a_window_is_one_of_the_calendar_as_it_is_written(
    tmp_path: Path, moments: list[datetime.datetime], offset: str, unit: Unit
) -> None:
    """Chunks begin where the day that is written first is of another month, week or day, and hold as many as fit."""
    cells = sorted(moment.strftime("%Y-%m-%d %H:%M:%S") + offset for moment in set(moments))
    held = Counter(_window(cell, unit) for cell in cells)
    size = max(held.values())
    *_, plan = planned(tmp_path, cells, unit, size, declared="TEXT")
    begun = [chunk.locator["from"] for chunk in plan.chunks if chunk.locator.get("from") is not None]
    expected, rows = list[str](), 0
    for before, after in pairwise([None, *cells]):
        if after is None or (before is not None and _window(before, unit) == _window(after, unit)):
            continue
        more = held[_window(after, unit)]
        if rows + more > size and before is not None:
            expected.append(after)
            rows = 0
        rows += more
    assert begun == expected


def _window(cell: str, unit: Unit) -> tuple[int, ...]:
    day = datetime.date.fromisoformat(cell[:10])
    if unit == "month":
        return day.year, day.month
    return tuple(day.isocalendar())[:2] if unit == "week" else (day.toordinal(),)


ANYTHING = st.one_of(
    st.none(),
    st.builds(lambda moment, form: moment.strftime(form), MOMENTS, FORMS),
    st.sampled_from(["", "now", "12:30", "2024-02-31", "2024-02-30 25:00:00", "0000-00-00", "12024-01-01", "-1"]),
    st.integers(-3, 2_000_000_000),
    st.floats(2_460_000, 2_460_400),
    st.binary(max_size=2),
)


@QUIET
@given(cells=st.lists(ANYTHING, max_size=40), unit=UNIT, size=st.integers(1, 50))
def test_whatever_stands_in_a_column_declared_a_time_is_read_once(
    tmp_path: Path, cells: list[Any], unit: Unit, size: int
) -> None:
    connector, selection, plan = planned(tmp_path, cells, unit, size, declared="DATETIME")
    assume(plan.chunks)
    ids = [int(str(row)) for chunk in plan.chunks for row in read(connector, selection, chunk)["id"].to_pylist()]
    assert sorted(ids) == list(range(len(cells)))
