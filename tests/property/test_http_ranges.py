"""However a table is cut that can be counted, ordered and filtered: a row that stays is in one chunk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from headwater.connectors.http.ranges import Cut, Sign, condition_of, cut

Row = tuple[int, int, int | None]  # a and b are the key, c the cursor
rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.none() | st.integers(0, 6)),
    max_size=40,
    unique_by=lambda row: row[:2],
)


class Table:
    """Rows in SQLite; each time a bound is asked for, one of `coming` comes and one of `going` goes."""

    name = "t"

    def __init__(self, held: Sequence[Row], coming: Sequence[Row] = (), going: Sequence[Row] = ()) -> None:
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER)")
        self._database.executemany("INSERT INTO t VALUES (?, ?, ?)", held)
        self._coming, self._going = list(coming), list(going)

    def close(self) -> None:
        self._database.close()

    def compared(self, column: str, sign: Sign, text: str) -> str:
        return f"{column} {sign} {int(text)}"

    def blank(self, column: str) -> str:
        return f"{column} IS NULL"

    def filled(self, column: str) -> str:
        return f"{column} IS NOT NULL"

    def joined(self, conditions: Sequence[str], word: Literal["and", "or"]) -> str:
        return f" {word} ".join(f"({condition})" for condition in conditions if condition)

    def count(self, condition: str) -> int | None:
        return len(self.rows(condition))

    def at(self, condition: str, columns: Sequence[str], place: int, *, last: bool = False) -> tuple[str, ...] | None:
        order = ", ".join(f"{column} DESC" if last else column for column in columns)
        text = f"SELECT {', '.join(columns)} FROM t WHERE {condition or '1'} ORDER BY {order} LIMIT 1 OFFSET {place}"
        found = self._database.execute(text).fetchone()
        if self._coming:
            self._database.execute("INSERT INTO t VALUES (?, ?, ?)", self._coming.pop())
        if self._going:
            self._database.execute("DELETE FROM t WHERE a = ? AND b = ?", self._going.pop()[:2])
        return None if found is None else tuple(map(str, found))

    def rows(self, condition: str) -> list[Row]:
        return self._database.execute(f"SELECT a, b, c FROM t WHERE {condition or '1'}").fetchall()


@given(
    held=rows,
    size=st.integers(1, 9),
    changes=st.lists(st.booleans(), max_size=8),
    by=st.sampled_from(["key", "cursor"]),
)
def test_a_row_that_stays_is_in_one_chunk(held: list[Row], size: int, changes: list[bool], by: str) -> None:
    going = held[: sum(changes)]
    coming: list[Row] = [(7 * number % 5, 10 + number, number % 7) for number in range(len(changes))]
    how = Cut(key=("a", "b"), cursor="c" if by == "cursor" else None, by="counter", chunk_rows=size)
    table = Table(held, coming, going)
    chunks, _, _ = cut(table, how)
    for row in held[len(going) :]:
        assert sum(row in table.rows(condition_of(table, chunk.locator)) for chunk in chunks) == 1
    assert [chunk.chunk_no for chunk in chunks] == list(range(1, len(chunks) + 1))
    table.close()


@given(held=rows, size=st.integers(1, 9), lag=st.integers(0, 3), since=st.integers(0, 6))
def test_what_changed_is_all_from_the_lag_on(held: list[Row], size: int, lag: int, since: int) -> None:
    table = Table(held)
    chunks, upto, _ = cut(
        table, Cut(key=("a", "b"), cursor="c", by="counter", chunk_rows=size, since=str(since), lag=lag)
    )
    found = [row for chunk in chunks for row in table.rows(condition_of(table, chunk.locator))]
    wanted = [row for row in held if row[2] is None or row[2] >= since - lag]  # without one, nothing tells
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert upto == str(max([since, *(row[2] for row in held if row[2] is not None)]))
    table.close()


@given(held=rows, size=st.integers(1, 9))
def test_after_each_chunk_a_sync_may_begin_at_its_cursor(held: list[Row], size: int) -> None:
    table = Table(held)
    chunks, upto, _ = cut(table, Cut(key=("a", "b"), cursor="c", by="counter", chunk_rows=size))
    seen: set[Row] = set()
    for chunk in chunks:
        seen |= set(table.rows(condition_of(table, chunk.locator)))
        if chunk.cursor_to is not None:
            assert set(held) - seen <= set(table.rows(f"c >= {int(chunk.cursor_to)}"))
    assert chunks[-1].cursor_to == upto
    assert seen == set(held)
    table.close()
