"""The rules as a person would write them in SQL for DuckDB: one bitmask a row, unfolded for the failing rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from bench.peers.validation import DATE_PATTERN, NUMBER_PATTERN, QUALITIES, RULES, Failure, tell

if TYPE_CHECKING:
    from pathlib import Path

_PARSED = f"""
CREATE TEMP TABLE parsed AS
SELECT
  *,
  CASE WHEN regexp_matches(quantity, '{NUMBER_PATTERN}')
       THEN try_cast(replace(quantity, ',', '') AS decimal(18, 6)) END AS quantity_value,
  CASE WHEN regexp_matches(cost, '{NUMBER_PATTERN}')
       THEN try_cast(replace(cost, ',', '') AS decimal(18, 2)) END AS cost_value,
  CASE WHEN regexp_matches(period_start, '{DATE_PATTERN}') THEN try_cast(period_start AS date) END AS start_value,
  CASE WHEN regexp_matches(period_end, '{DATE_PATTERN}') THEN try_cast(period_end AS date) END AS end_value
FROM activity
"""
#: In the order of RULES; true where the rule is broken. Uniqueness is asked of the whole table, below.
_BROKEN = (
    "activity_id IS NULL",
    "length(activity_id) > 64",
    "false",
    "activity_type IS NULL",
    "length(activity_type) > 64",
    "region IS NULL",
    "length(region) > 32",
    "period_start IS NULL",
    "period_start IS NOT NULL AND start_value IS NULL",
    "period_end IS NOT NULL AND end_value IS NULL",
    "end_value <= start_value",
    "quantity IS NULL",
    "quantity IS NOT NULL AND quantity_value IS NULL",
    "quantity_value < 0",
    "unit IS NULL",
    f"data_quality NOT IN {QUALITIES}",
    "cost IS NOT NULL AND cost_value IS NULL",
    "NOT regexp_full_match(currency, '[A-Z]{3}')",
    "cost IS NOT NULL AND currency IS NULL",
)
_MASK = " | ".join(f"(coalesce({broken}, false)::bigint << {bit})" for bit, broken in enumerate(_BROKEN))
_MASKED = f"CREATE TEMP TABLE masked AS SELECT row, {_MASK} AS mask FROM parsed"
_FAILURES = """
SELECT row, bit FROM masked, range({rules}) AS bits (bit) WHERE mask != 0 AND (mask >> bit) & 1 = 1
UNION ALL
SELECT row, {unique}
FROM (SELECT row, row_number() OVER (PARTITION BY activity_id ORDER BY row) AS place
      FROM activity
      WHERE activity_id IN (SELECT activity_id FROM activity GROUP BY activity_id HAVING count(*) > 1))
WHERE place > 1
"""


def load(path: Path) -> duckdb.DuckDBPyConnection:
    """The text as a table in memory; one thread, so that time and processor time say the same."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE TABLE activity AS SELECT * FROM read_parquet(?)", [str(path)])
    return connection


def validate(connection: duckdb.DuckDBPyConnection) -> list[Failure]:
    """Every broken (row, rule)."""
    connection.execute(_PARSED)
    connection.execute(_MASKED)
    found = connection.execute(_FAILURES.format(rules=len(RULES), unique=RULES.index("activity_id.unique"))).fetchall()
    return [(row, RULES[bit]) for row, bit in found]


if __name__ == "__main__":
    tell(load, validate)
