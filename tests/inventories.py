"""Inventories over rows given as dictionaries: used by unit and property tests, without any store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from headwater.accounting.currencies import Rates
from headwater.accounting.inventory.document import Inventory, read_document
from headwater.accounting.inventory.findings import Finding
from headwater.accounting.inventory.tables import Tables
from headwater.pipeline.inventory import ACTIVITY_SCHEMA, Inputs, InventoryCalculation
from tests.unit.accounting.factors import factor as plain_factor

POTENTIALS: Mapping[str, Mapping[str, Decimal]] = {
    name: {gas: Decimal(value) for gas, value in gases.items()}
    for name, gases in {
        "SAR": {"CO2": "1", "CH4": "21", "N2O": "310"},
        "AR4": {"CO2": "1", "CH4_fossil": "25", "CH4_non_fossil": "25", "N2O": "298", "HFC-134a": "1430"},
        "AR5": {"CO2": "1", "CH4_fossil": "30", "CH4_non_fossil": "28", "N2O": "265", "HFC-134a": "1300"},
        "AR6": {"CO2": "1", "CH4_fossil": "29.8", "CH4_non_fossil": "27", "N2O": "273", "HFC-134a": "1530"},
    }.items()
}
_LATER = (
    "stage", "ch4_origin", "ch4_co2e_kg_per_unit", "n2o_co2e_kg_per_unit", "biogenic_co2_kg_per_unit", "gas",
    "gas_kg_per_unit", "uncertainty_percent", "pedigree", "licence", "redistributable", "name", "source_version",
)  # fmt: skip
_ENGINE = duckdb.connect(config={"threads": 1})


@dataclass(frozen=True, kw_only=True)
class Made:
    """An inventory made."""

    lines: list[dict[str, Any]]
    findings: list[Finding]
    tables: Tables
    parts: dict[int, list[tuple[int, Decimal, int]]]

    def co2e(self, **alike: Any) -> Decimal:
        """Sum of lines with these values."""
        return sum((line["co2e_kg"] for line in self.lines if alike.items() <= line.items()), Decimal(0))

    def rules(self) -> set[str]:
        return {finding.rule_id for finding in self.findings}


def document(**given: Any) -> Inventory:
    """The calendar year 2024, location-based, AR5, unless said otherwise."""
    body = {
        "inventory": "test",
        "organisation": "Test",
        "boundary": {"approach": "operational_control"},
        "period": {"start": "2024-01-01", "end": "2025-01-01"},
        "methods": ["location_based"],
        "gwp_sets": ["AR5"],
    }
    return read_document(body | given, where="test")


def factor(**given: Any) -> dict[str, Any]:
    """A factor as pinned: 0.5 kg CO2e a kWh of electricity in DE in 2024, unless said otherwise."""
    decimals = {
        name: Decimal(value) for name, value in given.items() if name.endswith("_per_unit") and value is not None
    }
    later = dict.fromkeys(_LATER) | {"row_hash": "f0"}
    return plain_factor() | later | given | decimals


def activity(**given: Any) -> dict[str, Any]:
    """100 kWh of electricity in DE on 2024-06-01, unless said otherwise."""
    usual: dict[str, Any] = dict.fromkeys(ACTIVITY_SCHEMA.names) | {
        "activity_id": "A1",
        "activity_type": "electricity",
        "region": "DE",
        "unit": "kWh",
        "period_start": date(2024, 6, 1),
        "quantity": Decimal(100),
        "activity_row_hash": "a0",
    }
    decimals = {name: Decimal(given[name]) for name in ("quantity", "reported_co2e_kg") if given.get(name) is not None}
    return usual | given | decimals


def instrument(**given: Any) -> dict[str, Any]:
    """A retired certificate over 0.1 MWh of wind in DE in 2024, unless said otherwise."""
    usual: dict[str, Any] = {
        "instrument_id": "C1", "kind": "certificate", "market": "DE", "valid_from": date(2024, 1, 1),
        "valid_to": date(2025, 1, 1), "energy_mwh": Decimal("0.1"), "co2e_kg_per_kwh": Decimal(0),
        "co2_kg_per_kwh": None, "ch4_kg_per_kwh": None, "n2o_kg_per_kwh": None, "gwp_set": "not_stated",
        "facility_code": None, "tracking_id": "T1", "retired_on": date(2025, 2, 1), "claimed_by": None,
        "source": "register", "licence": None, "renewable": True, "energy_source": "wind", "note": None,
        "row_hash": "i0",
    }  # fmt: skip
    decimals = {name: Decimal(value) for name, value in given.items() if name.startswith(("co2", "energy_m")) and value}
    return usual | given | decimals


def make(
    activities: Sequence[Mapping[str, Any]],
    factors: Sequence[Mapping[str, Any]] = (),
    *,
    instruments: Sequence[Mapping[str, Any]] = (),
    rates: Rates | None = None,
    batch: int = 1000,
    uncounted: Mapping[tuple[str, str], str] | None = None,
    policy: Mapping[str, Any] | None = None,
    use: Mapping[str, Any] | None = None,
    **given: Any,
) -> Made:
    """The inventory of these rows. `given` are keys of its document, `policy` is `factors`, `use` is `instruments`."""
    given |= {"factors": policy or {}, "instruments": use or {}}
    ordered = sorted(activities, key=lambda row: row["activity_id"])
    start = document(**given).period.start
    rows = [{**row, "row_no": number} for number, row in enumerate(ordered)]
    inside, before = ([row for row in rows if (row["period_start"] < start) == early] for early in (False, True))

    def batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[pa.Table]:
        for at in range(0, max(len(rows), 1), batch):
            yield pa.Table.from_pylist([dict(row) for row in rows[at : at + batch]], schema=ACTIVITY_SCHEMA)

    with _ENGINE.cursor() as connection:
        calculation = InventoryCalculation(
            connection=connection,
            inputs=Inputs(
                document=document(**given),
                activities=partial(batches, inside),
                early=partial(batches, before),
                factors=list(factors),
                instruments=list(instruments),
                potentials=POTENTIALS,
                uncounted=uncounted or {},
                rates=rates,
            ),
        )
        lines = [line for table in calculation.lines() for line in table.to_pylist()]
        parts: dict[int, list[tuple[int, Decimal, int]]] = {}
        for row_no, part, kwh, number in connection.sql("FROM inventory_parts ORDER BY row_no, part").fetchall():
            parts.setdefault(row_no, []).append((part, kwh, number))
        return Made(lines=lines, findings=calculation.findings(), tables=calculation.tables, parts=parts)


def rates_file(folder: Path, content: str) -> Path:
    path = folder / "rates.csv"
    path.write_text(content)
    return path
