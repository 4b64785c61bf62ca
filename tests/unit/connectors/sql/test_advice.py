"""How large chunks are where nobody says, at the numbers of rows where the advice changes."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from headwater.connectors.postgresql.dialect import PostgresDialect
from headwater.connectors.protocol import Column, Selection
from headwater.connectors.sql import Field, SqlTable
from headwater.connectors.sql.planning import plan
from headwater.connectors.sql.statements import Statement

TABLE = SqlTable(
    name="t",
    source="t",
    fields=(
        Field(column=Column(name="id", type="bigint", arrow=pa.int64(), nullable=False), select="id", order="id",
              cast="bigint", family="integer"),
        Field(column=Column(name="at", type="timestamp", arrow=pa.string(), nullable=False), select="at", order="at",
              cast="timestamp", family="time"),
    ),
    key=("id",),
)  # fmt: skip
ADVICE = [
    (99_999, 10_000, None),
    (100_000, 50_000, "month"),
    (1_000_000, 50_000, "month"),
    (1_000_001, 100_000, "week"),
    (5_000_000, 100_000, "week"),
    (10_000_000, 100_000, "week"),
    (10_000_001, 100_000, "day"),
    (20_000_000, 100_000, "day"),
]


class Counted:
    """A source that says how many rows it has, and gives the bounds that it is asked for."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.numbering = ""

    def fetch(self, statement: Statement) -> list[tuple[str | None, ...]]:
        if "row_number()" not in statement.sql:
            is_extent = "min(" in statement.sql
            return [(str(self.rows), "2024-01-01 00:00:00", "2026-01-01 00:00:00") if is_extent else (str(self.rows),)]
        self.numbering = statement.sql
        if "hw_within" in statement.sql:
            return [("2024-01-01 00:00:00", "1", "1")]
        return [(str(number), str(number)) for number in range(self.size + 1, self.rows + 1, self.size)]

    @property
    def size(self) -> int:
        """Every how many rows a bound is asked for."""
        found = re.search(r"% (\d+) = 0", self.numbering)
        assert found is not None
        return int(found[1])


@pytest.mark.parametrize(("rows", "size", "unit"), ADVICE)
def test_the_size_of_a_chunk_follows_the_rows_there_are(rows: int, size: int, unit: str | None) -> None:
    by_key, by_cursor = Counted(rows), Counted(rows)
    chunks = plan(PostgresDialect(), TABLE, Selection(table="t"), by_key.fetch).chunks
    assert {chunk.rows for chunk in chunks[:-1]} == {size}
    assert sum(chunk.rows for chunk in chunks) == rows
    plan(PostgresDialect(), TABLE, Selection(table="t", cursor="at"), by_cursor.fetch)
    found = re.search(r"PARTITION BY date_trunc\('(\w+)'", by_cursor.numbering)
    assert (by_cursor.size, found and found[1]) == (size, unit)
