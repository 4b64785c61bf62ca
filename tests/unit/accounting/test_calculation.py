from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting import CALCULATION_COLUMNS, CalculationOutcome, FactorPolicy, calculate, factor_table
from headwater.accounting.calculation import half_up
from tests.unit.accounting.factors import activity, calculated, factor, factors


def one(table: Any, **given: Any) -> dict[str, Any]:
    return calculated(table, activity(**given))[0]


def test_by_hand() -> None:
    table = factors(factor(co2e_kg_per_unit=Decimal("0.23314"), co2_kg_per_unit=Decimal("0.23104")))
    found = one(table, quantity=Decimal(14452))
    assert found["calculation_outcome"] == CalculationOutcome.CALCULATED
    assert found["converted_quantity"] == Decimal("14452.00000000")
    assert found["co2e_kg"] == Decimal("3369.339280000")  # 14452 × 0.23314
    assert found["co2_kg"] == Decimal("3338.990080000")
    assert (found["ch4_kg"], found["n2o_kg"]) == (None, None)
    assert (found["factor_id"], found["scope"], found["gwp_set"], found["factor_unit"]) == ("F1", 2, "AR5", "kWh")


def test_units_are_converted_before_the_factor() -> None:
    table = factors(factor(unit="kWh"))
    assert one(table, unit="MWh", quantity=Decimal(2))["co2e_kg"] == Decimal(1000)
    assert one(table, unit="MJ", quantity=Decimal(1))["converted_quantity"] == Decimal("0.277778")
    assert one(table, unit="KWH", quantity=Decimal(2))["co2e_kg"] == Decimal(1)
    assert one(factors(factor(unit="MWh")), unit="kWh", quantity=Decimal(1))["co2e_kg"] == Decimal("0.0005")


def test_the_columns_are_the_relations_and_those_of_the_calculation() -> None:
    assert list(one(factors(factor()))) == ["row", *activity(), *CALCULATION_COLUMNS]


def test_types_are_those_of_the_contract_emission() -> None:
    found = one(factors(factor()))
    assert found["converted_quantity"].as_tuple().exponent == -6
    assert found["co2e_kg"].as_tuple().exponent == -6


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({}, CalculationOutcome.CALCULATED),
        ({"region": "FR"}, CalculationOutcome.NO_FACTOR),
        ({"activity_type": "gas"}, CalculationOutcome.NO_FACTOR),
        ({"unit": "kg"}, CalculationOutcome.UNIT_MISMATCH),
        ({"unit": "kWh_gross"}, CalculationOutcome.UNIT_MISMATCH),
        ({"unit": "ton"}, CalculationOutcome.UNIT_MISMATCH),
        ({"unit": "mwh"}, CalculationOutcome.UNIT_MISMATCH),
        ({"period_start": date(2023, 12, 31)}, CalculationOutcome.OUTSIDE_VALIDITY),
        ({"period_start": date(2024, 1, 1)}, CalculationOutcome.CALCULATED),
        ({"period_start": date(2024, 12, 31)}, CalculationOutcome.CALCULATED),
        ({"period_start": date(2025, 1, 1)}, CalculationOutcome.OUTSIDE_VALIDITY),
        ({"quantity": Decimal(0)}, CalculationOutcome.CALCULATED),
        ({"quantity": Decimal(-1)}, CalculationOutcome.OUT_OF_RANGE),
        ({"quantity": None}, CalculationOutcome.OUT_OF_RANGE),
        ({"quantity": Decimal("999999999999.999999"), "unit": "TWh"}, CalculationOutcome.OUT_OF_RANGE),
        ({"quantity": Decimal("999999999999.999998")}, CalculationOutcome.CALCULATED),
    ],
)
def test_outcomes_are_the_same_in_sql_and_python(given: dict[str, Any], outcome: CalculationOutcome) -> None:
    table = factors(factor())
    assert one(table, **given)["calculation_outcome"] == outcome
    assert calculate(activity(**given), factor_table(table, FactorPolicy()).to_pylist()).outcome == outcome


def test_overlapping_factors_are_two_factors_on_the_days_they_share() -> None:
    table = factors(factor(), factor(factor_id="F2", valid_from=date(2024, 6, 1), valid_to=date(2024, 7, 1)))
    days = [date(2024, 5, 31), date(2024, 6, 1), date(2024, 6, 30), date(2024, 7, 1)]
    found = calculated(table, *(activity(period_start=day) for day in days))
    assert [row["calculation_outcome"] for row in found] == [0, 2, 2, 0]
    assert [row["co2e_kg"] for row in found] == [Decimal(50), None, None, Decimal(50)]


def test_of_factors_preferred_alike_the_one_per_the_activitys_own_unit_is_taken() -> None:
    """DESNZ gives cars per km and per mile under one name, rounded apart."""
    car = {"activity_type": "car", "source": "DESNZ"}
    per_km = factor(**car, unit="km", co2e_kg_per_unit=Decimal("0.17137"))
    per_mile = factor(**car, factor_id="F2", unit="mile", co2e_kg_per_unit=Decimal("0.2758"))
    table = factors(per_km, per_mile)
    found = calculated(table, *(activity(activity_type="car", unit=unit) for unit in ("km", "miles", "m")))
    assert [(row["factor_id"], row["co2e_kg"]) for row in found] == [
        ("F1", Decimal("17.137")), ("F2", Decimal("27.58")), (None, None),
    ]  # fmt: skip
    assert found[2]["calculation_outcome"] == CalculationOutcome.TWO_FACTORS
    again = factors(per_km, per_mile, per_mile | {"factor_id": "F3"})
    found = calculated(again, *(activity(activity_type="car", unit=unit) for unit in ("km", "miles")))
    assert [row["calculation_outcome"] for row in found] == [0, 2]
    listed = FactorPolicy(sources=("DESNZ",))
    (found_first,) = calculated(
        factors(per_km, per_mile | {"source": "B"}), activity(activity_type="car", unit="mile"), policy=listed
    )
    assert found_first["factor_id"] == "F1"  # a source that is listed goes before the unit


def test_a_declared_preference_decides_and_nothing_else() -> None:
    table = factors(factor(), factor(factor_id="F2", source="B"), factor(factor_id="F3", method="market_based"))
    assert one(table)["calculation_outcome"] == CalculationOutcome.TWO_FACTORS
    by_source = FactorPolicy(sources=("B",))
    assert calculated(table, activity(), policy=by_source)[0]["factor_id"] == "F2"
    by_method = FactorPolicy(methods=("market_based", "location_based"))
    assert calculated(table, activity(), policy=by_method)[0]["factor_id"] == "F3"
    no_method = FactorPolicy(methods=("spend_based",))
    assert calculated(table, activity(), policy=no_method)[0]["calculation_outcome"] == CalculationOutcome.UNIT_MISMATCH


def test_factors_per_different_kinds_of_unit_do_not_compete() -> None:
    table = factors(
        factor(activity_type="natural_gas", unit="kWh_gross", co2e_kg_per_unit=Decimal("0.18387")),
        factor(activity_type="natural_gas", factor_id="F2", unit="kWh_net", co2e_kg_per_unit=Decimal("0.20374")),
        factor(activity_type="natural_gas", factor_id="F3", unit="m3", co2e_kg_per_unit=Decimal("2.02266")),
    )
    units = ["kWh_gross", "kWh (Net CV)", "m^3", "kWh", "Nm3"]
    found = calculated(table, *(activity(activity_type="natural_gas", unit=unit) for unit in units))
    assert [row["factor_id"] for row in found] == ["F1", "F2", "F3", None, None]
    assert [row["calculation_outcome"] for row in found] == [0, 0, 0, 3, 3]


def test_a_factor_whose_unit_is_none_is_never_used() -> None:
    table = factors(factor(activity_type="waste", unit="ton"))
    assert one(table, activity_type="waste", unit="ton")["calculation_outcome"] == CalculationOutcome.UNIT_MISMATCH


def test_without_any_factor_every_row_comes_back_once() -> None:
    found = calculated(factors(), *(activity() for _ in range(3)))
    assert [row["calculation_outcome"] for row in found] == [1, 1, 1]


def test_half_a_unit_in_the_last_place_goes_up() -> None:
    table = factors(factor(co2e_kg_per_unit=Decimal("0.0000005")))
    assert one(table, quantity=Decimal(1))["co2e_kg"] == Decimal("0.000001")
    assert one(table, quantity=Decimal("0.999999"))["co2e_kg"] == Decimal(0)


def test_the_largest_figures_are_calculated_and_the_next_refused() -> None:
    table = factors(factor(co2e_kg_per_unit=Decimal("99999999.9999999999")))
    pieces = [row for row in factor_table(table, FactorPolicy()).to_pylist() if row["unit"] == "kWh"]
    greatest = next(row["quantity_limit"] for row in pieces if row["outcome"] == 0)
    inside, outside = calculated(table, activity(quantity=greatest), activity(quantity=greatest + Decimal("0.000001")))
    assert inside["calculation_outcome"] == CalculationOutcome.CALCULATED
    assert inside["co2e_kg"] < Decimal(10) ** 12
    assert outside["calculation_outcome"] == CalculationOutcome.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0), (7, 7, 1)]
)
def test_half_up_is_away_from_zero(dividend: int, divisor: int, expected: int) -> None:
    assert half_up(dividend, divisor) == expected


def test_the_formula_tells_its_numbers() -> None:
    table = factors(factor(co2e_kg_per_unit=Decimal("0.23314")))
    pieces = factor_table(table, FactorPolicy()).to_pylist()
    told = calculate(activity(quantity=Decimal("2.5"), unit="MWh"), pieces).formula()
    assert told == "2.5 MWh = 2500 kWh; 2500 kWh × 0.23314 kg CO2e/kWh = 582.85 kg CO2e (AR5)"
    plain = calculate(activity(quantity=Decimal("2.5"), unit="kWh"), pieces).formula()
    assert plain == "2.5 kWh × 0.23314 kg CO2e/kWh = 0.58285 kg CO2e (AR5)"
    assert calculate(activity(region="FR"), pieces).formula() == "not calculated: no factor"
