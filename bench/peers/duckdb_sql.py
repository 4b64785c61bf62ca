"""The rules as a person would write them in SQL for DuckDB: one bitmask a row, unfolded for the failing rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from bench.peers.validation import (
    DATE_PATTERN,
    EARLIEST,
    LATEST,
    LONGEST,
    LONGEST_PERIOD_DAYS,
    MOST,
    NUMBER_PATTERN,
    QUALITIES,
    READ,
    REQUIRED,
    UNSEEN,
    Failure,
    tell,
)

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
  CASE WHEN regexp_matches(period_start, '{DATE_PATTERN}')
       THEN try_cast(period_start AS date) END AS period_start_value,
  CASE WHEN regexp_matches(period_end, '{DATE_PATTERN}')
       THEN try_cast(period_end AS date) END AS period_end_value
FROM activity
"""
#: Rule -> true where it is broken. Uniqueness is asked of the whole table, below.
_BROKEN = {
    **{f"{column}.required": f"{column} IS NULL" for column in REQUIRED},
    **{f"{column}.length": f"length({column}) > {longest}" for column, longest in LONGEST.items()},
    **{f"{column}.characters": f"regexp_matches({column}, '{pattern}')" for column, pattern in UNSEEN.items()},
    **{rule: f"{column} IS NOT NULL AND {column}_value IS NULL" for column, rule in READ.items()},
    "period.order": "period_end_value <= period_start_value",
    "period.length": f"period_end_value - period_start_value > {LONGEST_PERIOD_DAYS}",
    "period_start.plausible": f"period_start_value NOT BETWEEN DATE '{EARLIEST}' AND DATE '{LATEST}'",
    "quantity.minimum": "quantity_value < 0",
    "quantity.plausible": f"quantity_value > {MOST}",
    "data_quality.enum": f"data_quality NOT IN {QUALITIES}",
    "currency.pattern": "NOT regexp_full_match(currency, '[A-Z]{3}')",
    "cost.needs_currency": "cost IS NOT NULL AND currency IS NULL",
    "activity_id.unique": "false",
}
_RULES = tuple(_BROKEN)
_MASK = " | ".join(f"(coalesce({broken}, false)::bigint << {bit})" for bit, broken in enumerate(_BROKEN.values()))
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
    found = connection.execute(
        _FAILURES.format(rules=len(_RULES), unique=_RULES.index("activity_id.unique"))
    ).fetchall()
    return [(row, _RULES[bit]) for row, bit in found]


if __name__ == "__main__":
    tell(load, validate)
