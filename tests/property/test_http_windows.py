"""A service's table cut by a time: chunks end with the calendar where they can, and hold each row once."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.http.cursors import window_begun
from headwater.connectors.http.ranges import Cut, Sign, condition_of, cut
from headwater.connectors.protocol import Unit
from tests.property.test_http_ranges import Table

Form = Literal["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
MOMENTS = st.datetimes(datetime.datetime(2023, 12, 20), datetime.datetime(2024, 4, 5)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
UNIT = st.sampled_from(["month", "week", "day"])
FORM = st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


class Times(Table):
    """Rows whose cursor is a time, as text."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__([])
        self._database.executemany("INSERT INTO t VALUES (?, 0, ?)", enumerate(texts))

    def compared(self, column: str, sign: Sign, text: str) -> str:
        return f"{column} {sign} '{text}'"


@given(moments=st.lists(MOMENTS, max_size=60), unit=UNIT, form=FORM, size=st.integers(1, 40))
def test_chunks_end_with_the_calendar_where_they_can(
    moments: list[datetime.datetime], unit: Unit, form: Form, size: int
) -> None:
    texts = sorted(moment.strftime(form) for moment in moments)
    table = Times(texts)
    chunks, _, window = cut(table, Cut(key=("a",), cursor="c", is_nullable=False, chunk_rows=size, window=unit))
    found = [sorted(str(row[2]) for row in table.rows(condition_of(table, chunk.locator))) for chunk in chunks]
    table.close()
    assert ([cell for cells in found for cell in cells], window) == (texts, unit)
    assert sum(chunk.rows for chunk in chunks) == len(texts)
    if len(set(texts)) == len(texts):
        assert all(len(cells) <= size for cells in found)
    for (chunk, cells), (_, after) in pairwise(zip(chunks, found, strict=True)):
        assert cells  # none is planned for nothing
        end = chunk.locator["to"]
        is_begin = window_begun(end, unit, after="0001-01-01") == end
        assert is_begin or (after and end == after[0] and window_begun(end, unit, after=cells[0]) is None)


@pytest.mark.parametrize(
    ("text", "unit", "begun"),
    [
        ("2024-02-29T13:00:00Z", "month", "2024-02-01T00:00:00Z"),
        ("2024-02-29T13:00:00", "week", "2024-02-26T00:00:00"),
        ("2024-02-29", "week", "2024-02-26"),
        ("2024-02-29T00:00:00Z", "day", "2024-02-29T00:00:00Z"),
        ("0001-01-02", "month", None),
        ("yesterday", "day", None),
    ],
)
def test_a_window_begins_with_the_calendar(text: str, unit: Unit, begun: str | None) -> None:
    assert window_begun(text, unit, after="0001-01-01") == begun
