"""Emission factors for tests: rows of the contract with sensible defaults."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from headwater.accounting import FactorPolicy, calculation_sql, factor_table, lookup_sql
from headwater.accounting.timeline import spelling_table

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("factor_id", pa.string()),
    ("source", pa.string()),
    ("publication_year", pa.int64()),
    ("activity_type", pa.string()),
    ("region", pa.string()),
    ("unit", pa.string()),
    ("scope", pa.int64()),
    ("category", pa.int64()),
    ("method", pa.string()),
    ("gwp_set", pa.string()),
    *((f"{gas}_kg_per_unit", pa.decimal128(18, 10)) for gas in ("co2e", "co2", "ch4", "n2o")),
    ("valid_from", pa.date32()),
    ("valid_to", pa.date32()),
    ("stage", pa.string()),
]
_CONNECTION = duckdb.connect(config={"threads": 1})
_ACTIVITY: list[tuple[str, pa.DataType]] = [
    ("row", pa.int64()),
    ("activity_id", pa.string()),
    ("activity_type", pa.string()),
    ("region", pa.string()),
    ("unit", pa.string()),
    ("period_start", pa.date32()),
    ("quantity", pa.decimal128(18, 6)),
]


def factor(**given: Any) -> dict[str, Any]:
    """One factor: 0.5 kg CO2e a kWh of electricity in DE in 2024, unless said otherwise."""
    row: dict[str, Any] = {
        "factor_id": "F1",
        "source": "A",
        "publication_year": 2024,
        "activity_type": "electricity",
        "region": "DE",
        "unit": "kWh",
        "scope": 2,
        "category": None,
        "method": "location_based",
        "gwp_set": "AR5",
        "co2e_kg_per_unit": Decimal("0.5"),
        "co2_kg_per_unit": None,
        "ch4_kg_per_unit": None,
        "n2o_kg_per_unit": None,
        "valid_from": date(2024, 1, 1),
        "valid_to": date(2025, 1, 1),
        "stage": None,
    }
    return row | given


def factors(*rows: dict[str, Any]) -> pa.Table:
    """Factors as the store hands them over."""
    return pa.Table.from_pylist([*rows], schema=pa.schema(_COLUMNS))


def activity(**given: Any) -> dict[str, Any]:
    """One activity: 100 kWh of electricity in DE on 2024-06-01, unless said otherwise."""
    row = {
        "activity_id": "A1",
        "activity_type": "electricity",
        "region": "DE",
        "unit": "kWh",
        "period_start": date(2024, 6, 1),
        "quantity": Decimal(100),
    }
    return row | given


def calculated(
    table: pa.Table, *activities: dict[str, Any], policy: FactorPolicy | None = None
) -> list[dict[str, Any]]:
    """What the SQL makes of the activities, in their order."""
    timeline = factor_table(table, policy or FactorPolicy())
    rows = pa.Table.from_pylist(
        [{"row": number} | row for number, row in enumerate(activities)],
        schema=pa.schema(_ACTIVITY),
    )
    with _CONNECTION.cursor() as con:
        con.register("factor_timeline", timeline)
        con.register("unit_spellings", spelling_table())
        con.register("activities", rows)
        for statement in lookup_sql():
            con.execute(statement)
        found = con.sql(f"SELECT * FROM ({calculation_sql('activities')}) ORDER BY row").to_arrow_table()
    return [dict(row) for row in found.to_pylist()]
