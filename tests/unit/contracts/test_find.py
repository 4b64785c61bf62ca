"""Every failure of a relation, with the raw value, for people who look before they load."""

from __future__ import annotations

import duckdb
import pytest

from headwater.contracts import compile_contract, find_all
from headwater.errors import Misuse
from headwater.packs.ghg.contracts import Activity
from headwater.values import TextFormat

ACTIVITY = compile_contract(Activity)
GOOD = {
    "activity_id": "1",
    "activity_type": "electricity",
    "region": "DE",
    "period_start": "2024-01-01",
    "quantity": "1",
    "unit": "kWh",
}


def relation(*changes: dict[str, str]) -> str:
    rows = []
    for place, change in enumerate(changes):
        record = GOOD | change
        texts = (f"'{record[name]}'" if name in record else "NULL" for name in ACTIVITY.by_name)
        rows.append(f"({place}, {', '.join(texts)})")
    names = ", ".join(f'"{name}__text"' for name in ACTIVITY.by_name)
    return f"(SELECT row, {names} FROM (VALUES {', '.join(rows)}) AS v(row, {names}))"


def test_every_failure_is_listed_by_row_then_in_the_documents_order() -> None:
    changes: tuple[dict[str, str], ...] = (
        {},
        {"activity_id": "2", "quantity": "٣", "region": "", "cost": "5"},
        {"quantity": "2"},
        {"activity_id": "3", "period_end": "2026-01-01", "unit": "x" * 33},
    )
    with duckdb.connect() as con:
        found = (
            find_all(con, ACTIVITY, relation(*changes), TextFormat()).select(["row", "rule_id", "value"]).to_pylist()
        )
    assert [(each["row"], each["rule_id"], each["value"]) for each in found] == [
        (1, "activity.region.required", ""),
        (1, "activity.quantity.type", "٣"),
        (1, "activity.cost.currency", None),
        (2, "activity.key.unique", "1"),
        (3, "activity.unit.length", "x" * 33),
        (3, "activity.period.length", "2026-01-01"),
    ]


def test_a_relation_of_another_shape_is_misuse() -> None:
    with duckdb.connect() as con, pytest.raises(Misuse, match="cannot be checked"):
        find_all(con, ACTIVITY, "(SELECT 1 AS row)", TextFormat())
