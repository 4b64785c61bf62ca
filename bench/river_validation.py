"""Headwater's contract over the same text columns as the validating peers, run by a Python that has Headwater.

The SQL is the contract's own, as a load runs it; nothing is hashed, mapped or stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from bench.peers.validation import Failure, tell
from headwater.contracts import compile_contract
from headwater.contracts.bulk import BITS, Enforcement, enforcement
from headwater.packs.ghg.contracts import Activity
from headwater.values import TextFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

UNIQUE: Final = "activity_id.unique"
#: Names that the peers have for the contract's rules; they know no ambiguous number or date, only a wrong one.
SAME_RULE: Final = {
    "activity.activity_id.required": "activity_id.required",
    "activity.period_start.type": "period_start.date",
    "activity.period_start.ambiguous": "period_start.date",
    "activity.quantity.type": "quantity.number",
    "activity.quantity.ambiguous": "quantity.number",
    "activity.quantity.range": "quantity.minimum",
    "activity.data_quality.enum": "data_quality.enum",
    "activity.period.order": "period.order",
}


def load(path: Path) -> duckdb.DuckDBPyConnection:
    """The text as a table in memory; one thread, so that time and processor time say the same."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("CREATE TABLE activity AS SELECT * FROM read_parquet(?)", [str(path)])
    return connection


def _checked_sql(rules: Enforcement, columns: Collection[str]) -> str:
    """Fields that the file has no column for are blank."""
    sources = {name: f'"{name}"' if name in columns else "''" for name in rules.values}
    texts = ", ".join(f'{source} AS "{name}__text"' for name, source in sources.items())
    readings = ", ".join(f'{sql} AS "{name}"' for name, sql in rules.readings.items())
    values = ", ".join(f'{sql} AS "{name}"' for name, sql in (rules.outcomes | rules.values).items())
    masks = ", ".join(f"{sql} AS mask_{place}" for place, sql in enumerate(rules.masks))
    fields = ", ".join(f'"{name}"' for name in rules.values)
    return f"""
CREATE TEMP TABLE checked AS
WITH mapped AS (SELECT row, {texts} FROM activity),
     read AS (SELECT row, {readings} FROM mapped),
     parsed AS (SELECT row, {values} FROM read)
SELECT row, {fields}, {masks} FROM parsed"""


def _broken(connection: duckdb.DuckDBPyConnection, rules: Enforcement) -> Iterator[Failure]:
    for place in range(len(rules.masks)):
        failing = connection.execute(f"SELECT row, mask_{place} FROM checked WHERE mask_{place} <> 0")
        for row, mask in failing.fetchall():
            for bit, rule in enumerate(rules.rules[place * BITS : (place + 1) * BITS]):
                if mask >> bit & 1:
                    yield row, SAME_RULE.get(rule.id, rule.id)


def validate(connection: duckdb.DuckDBPyConnection) -> Iterator[Failure]:
    """Every broken (row, rule)."""
    rules = enforcement(compile_contract(Activity), TextFormat())
    columns = {name for name, *_ in connection.execute("DESCRIBE activity").fetchall()}
    connection.execute(_checked_sql(rules, columns))
    yield from _broken(connection, rules)
    repeated = connection.execute("""
SELECT row FROM (
    SELECT row, row_number() OVER (PARTITION BY activity_id ORDER BY row) AS place
    FROM checked SEMI JOIN (SELECT activity_id FROM checked GROUP BY activity_id HAVING count(*) > 1)
         USING (activity_id))
WHERE place > 1""")
    for (row,) in repeated.fetchall():
        yield row, UNIQUE


if __name__ == "__main__":
    tell(load, validate)
