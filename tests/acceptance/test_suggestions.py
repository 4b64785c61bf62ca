"""Suggested mappings of real files held against mappings made by hand: how many columns are right, wrong, left open.

`-s` prints the table of which docs/how-to/write-a-mapping.md gives the last line.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from headwater.connectors.files import FileConfig
from headwater.mapping import load_mapping
from headwater.packs.ghg import pack
from headwater.services.contracts_view import find_contract
from headwater.services.suggestions import suggest_mapping
from tests.acceptance.raw import SHARED, needs_real_files

pytestmark = needs_real_files

MOST_WRONG = 0.05
LEAST_RIGHT = 0.6

SHIPPED = {
    "inventories/2016_-_Citywide_GHG_Emissions.csv": "cdp_cities_2016",
    "inventories/2018_City-wide_Emissions.csv": "cdp_cities_2018",
    "inventories/2021_City-wide_Emissions.csv": "cdp_cities_2021",
    "inventories/climate_trace_emissions_inventory_20221201.csv": "climate_trace",
    "facilities/animation_yearly_facilities.csv": "epa_animation_facilities",
    "facilities/ghgrp_2023_facilities.csv": "epa_ghgrp_facilities",
    "laboratory/trips_and_meters_electricity.csv": "laboratory_electricity",
    "laboratory/trips_and_meters_heating.csv": "laboratory_heating",
    "laboratory/trips_and_meters_business_trips_train.csv": "laboratory_trains",
    "laboratory/trips_and_meters_commuting.csv": "laboratory_commuting",
}
"""Files whose mapping a pack brings: a field's columns are those that its rule reads."""

ALSO_FITS = {
    "facilities/animation_yearly_facilities.csv": {"sector": {"category"}},
    "laboratory/trips_and_meters_electricity.csv": {"facility_code": {"building", "group_id"}},
    "laboratory/trips_and_meters_heating.csv": {"facility_code": {"building", "group_id"}},
}
"""Columns that the shipped mapping leaves aside for reasons of its own, but that hold what the field asks for."""

BY_HAND: dict[tuple[str, str], dict[str, set[str]]] = {
    ("regulation/demo_import_portfolio.csv", "activity"): {
        "activity_id": {"import_id"},
        "activity_type": {"goods_category", "cn_code", "goods_description"},
        "facility_code": {"installation_id", "entity_id"},
        "region": {"country_of_origin"},
        "period_start": {"import_date"},
        "quantity": {"quantity_tonnes"},
        "unit": {"= t"},
        "supplier": {"supplier_name", "supplier_id"},
        "document_no": {"customs_declaration_ref", "bill_of_lading_ref"},
        "cost": {"value_eur"},
        "currency": {"= EUR"},
    },
    ("regulation/demo_subsidiary_data.csv", "activity"): {
        "activity_type": {"metric_name", "metric_id"},
        "facility_code": {"entity_id"},
        "region": {"country"},
        "period_start": {"reporting_year", "reporting_month"},
        "quantity": {"value"},
        "unit": {"unit"},
        "data_quality": {"source", "data_quality_score"},
    },
    ("inventories/demo_iot_stream.csv", "activity"): {
        "activity_type": {"metric_type"},
        "facility_code": {"facility_id"},
        "period_start": {"timestamp"},
        "quantity": {"value"},
        "unit": {"unit"},
    },
    ("laboratory/purchases_common_template.csv", "activity"): {
        "activity_type": {"name", "purchase_institutional_code", "purchase_institutional_description"},
        "supplier": {"supplier"},
        "quantity": {"quantity", "total_spent_amount"},
        "cost": {"total_spent_amount"},
        "currency": {"currency"},
        "unit": {"currency"},
        "note": {"note"},
    },
    ("laboratory/travel_planes_template.csv", "activity"): {
        "activity_type": {"cabin_class"},
        "region": {"origin_iata"},
        "period_start": {"departure_date"},
        "quantity": {"number_of_trips"},
        "note": {"note"},
    },
    ("encodings/latin1_emission_factors_transport.csv", "emission_factor"): {
        "factor_id": {"column_1"},
        "name": {"name"},
        "source": {"source"},
        "activity_type": {"name", "subcategory", "fuel_type"},
        "region": {"country_code"},
        "unit": {"unit", "co2e_unit"},
        "co2e_kg_per_unit": {"co2e"},
    },
    ("encodings/worldbank_API_AG.LND.TOTL.K2.csv", "facility_emission"): {
        "facility_code": {"Country Code", "Country Name"},
        "facility_name": {"Country Name"},
        "country": {"Country Code", "Country Name"},
        "year": {"year"},
    },
}
"""Files without a shipped mapping, for the contract that is nearest; "= t" is a constant."""


def shipped_truth(name: str, mapping_name: str) -> tuple[str, dict[str, set[str]]]:
    """Contract and field -> columns of a shipped mapping; a constant that no file says is not asked for."""
    mapping = load_mapping(Path(str(pack.mappings)) / f"{mapping_name}.yaml")
    truth: dict[str, set[str]] = {}
    for field, rule in mapping.fields.items():
        read = set(rule.names) | _named(rule.expression or "")
        if read:
            truth[field] = read
    for field, columns in ALSO_FITS.get(name, {}).items():
        truth[field] = truth.get(field, set()) | columns
    return mapping.contract, truth


def _named(expression: str) -> set[str]:
    """Every word of an expression, quoted or not: more than its columns, never less."""
    return {quoted or bare for quoted, bare in re.findall(r'"([^"]+)"|\b([A-Za-z][A-Za-z_0-9]*)\b', expression)}


def judged(name: str, contract: str, truth: Mapping[str, set[str]]) -> tuple[Counter[str], list[str]]:
    """Fields right, wrong and open, as `truth` has them; a column for a field it does not have is wrong."""
    suggestion = suggest_mapping(SHARED / name, find_contract(contract).reference, FileConfig()).suggestion
    found = {field.field: field.column or f"= {field.constant}" for field in suggestion.found}
    counts: Counter[str] = Counter()
    wrong = []
    for field in sorted(truth.keys() | found.keys()):
        if field not in found:
            counts["open"] += 1
        elif found[field] in truth.get(field, set()):
            counts["right"] += 1
        else:
            counts["wrong"] += 1
            wrong.append(f"{name}: {field} <- {found[field]}")
    return counts, wrong


def test_suggestions_are_seldom_wrong() -> None:
    cases = [(name, *shipped_truth(name, mapping)) for name, mapping in SHIPPED.items()]
    cases += [(name, contract, truth) for (name, contract), truth in BY_HAND.items()]
    total: Counter[str] = Counter()
    lines, all_wrong = ["", "| file | contract | right | wrong | open |", "|---|---|---|---|---|"], []
    for name, contract, truth in cases:
        counts, wrong = judged(name, contract, truth)
        total += counts
        all_wrong += wrong
        row = " | ".join(str(counts[each]) for each in ("right", "wrong", "open"))
        lines.append(f"| `{name.rpartition('/')[2]}` | {contract.partition('@')[0]} | {row} |")
    asked = sum(total.values())
    row = " | ".join(f"{total[each]} ({total[each] / asked:.0%})" for each in ("right", "wrong", "open"))
    lines += [f"| all {len(cases)} | | {row} |", *(f"wrong: {each}" for each in all_wrong), ""]
    sys.stdout.write("\n".join(lines))
    assert total["wrong"] <= MOST_WRONG * asked, all_wrong
    assert total["right"] >= LEAST_RIGHT * asked


@pytest.mark.parametrize(
    ("name", "contract"),
    [
        ("facilities/animation_yearly_facilities.csv", "facility_emission"),
        ("inventories/2021_City-wide_Emissions.csv", "facility_emission"),
        ("laboratory/trips_and_meters_heating.csv", "activity"),
        ("inventories/demo_iot_stream.csv", "activity"),
    ],
)
def test_the_contract_is_found(name: str, contract: str) -> None:
    found = suggest_mapping(SHARED / name, None, FileConfig())
    assert found.suggestion.contract.partition("@")[0] == contract
