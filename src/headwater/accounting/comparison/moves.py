"""The figures of every step beside each other: one row an activity and scope, one column a step; sums over columns.

An activity that A does not have is new. Where A's methods and factors give it no figure, it counts from the first step
that does: a new record is input, not a factor that was missing before. An activity that A has, and that gets its first
figure from a new factor, counts as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from headwater.accounting.comparison.causes import CAUSES, STEPS

FIGURES, KNOWN, STEPS_TABLE = "comparison_figures", "comparison_known", "comparison_steps"
"""figures: made (which calculation), activity_id, scope, activity_type, co2e_kg; known: activity_id of A's records."""
FIRST_OF_NEW = CAUSES.index("input") + 1


def tables_sql() -> tuple[str, ...]:
    """Statements that make the tables that a comparison fills."""
    return (
        (
            f"CREATE OR REPLACE TEMP TABLE {FIGURES} (made INTEGER, activity_id VARCHAR, scope BIGINT,"
            " activity_type VARCHAR, co2e_kg DECIMAL(18,6))"
        ),
        f"CREATE OR REPLACE TEMP TABLE {KNOWN} (activity_id VARCHAR)",
    )


def steps_sql(made: Sequence[int]) -> str:
    """The statement that puts the steps beside each other; `made` says by which calculation each of them was made."""
    sums = ", ".join(
        f"sum(co2e_kg) FILTER (made = {number})::DECIMAL(38,6) AS s{step}" for step, number in enumerate(made)
    )
    filled = ", ".join(
        f"CASE WHEN is_new THEN coalesce({', '.join(f's{later}' for later in range(step, STEPS))}) ELSE s{step} END"
        f" AS s{step}"
        if step >= FIRST_OF_NEW
        else f"s{step}"
        for step in range(STEPS)
    )
    whole = ", ".join(f"coalesce(s{step}, 0)::DECIMAL(38,6) AS s{step}" for step in range(STEPS))
    return f"""
CREATE OR REPLACE TEMP TABLE {STEPS_TABLE} AS
SELECT activity_id, scope, activity_type, {whole} FROM (
  SELECT activity_id, scope, activity_type, {filled} FROM (
    SELECT *, activity_id NOT IN (SELECT activity_id FROM {KNOWN}) AS is_new FROM (
      SELECT activity_id, scope, any_value(activity_type ORDER BY made DESC) AS activity_type, {sums}
      FROM {FIGURES} GROUP BY activity_id, scope)))"""


def totals_sql() -> str:
    """One row: the total of A, and that after each cause."""
    return f"SELECT {', '.join(f'coalesce(sum(s{step}), 0)' for step in range(STEPS))} FROM {STEPS_TABLE}"


def movers_sql(name: str, limit: int) -> str:
    """What moved most, by `name` (activity_type or activity_id) and scope: name, scope, then the sums of each step."""
    sums = ", ".join(f"sum(s{step}) AS s{step}" for step in range(STEPS))
    moved = " + ".join(f"abs(s{step + 1} - s{step})" for step in range(STEPS - 1))
    return f"""
SELECT name, scope, {", ".join(f"s{step}" for step in range(STEPS))} FROM (
  SELECT {name} AS name, scope, {sums} FROM {STEPS_TABLE} GROUP BY {name}, scope)
WHERE {moved} > 0 ORDER BY {moved} DESC, name, scope LIMIT {limit}"""


def moved_sql() -> str:
    """How many activities moved at all."""
    differs = " OR ".join(f"s{step} <> s{step + 1}" for step in range(STEPS - 1))
    return f"SELECT count(DISTINCT activity_id) FROM {STEPS_TABLE} WHERE {differs}"
