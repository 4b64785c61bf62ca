from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting import RULE_IDS, CalculationOutcome, Explanation, FactorCatalogue, FactorPolicy
from tests.unit.accounting.factors import activity, calculated, factor, factors


def explained(*rows: dict[str, Any], policy: FactorPolicy | None = None, **given: Any) -> Explanation:
    """The explanation of the outcome that the calculation itself gives."""
    table = factors(*rows)
    found = calculated(table, activity(**given), policy=policy)[0]
    outcome = CalculationOutcome(found["calculation_outcome"])
    explanation = FactorCatalogue(table, policy or FactorPolicy()).explain(outcome, found)
    assert explanation.rule_id == RULE_IDS[outcome]
    assert all((explanation.message, explanation.valid, explanation.repair))
    return explanation


def test_a_region_without_factor_names_those_that_have_one() -> None:
    found = explained(factor(), factor(factor_id="F2", region="GB"), region="FR")
    assert (found.rule_id, found.field, found.value) == ("calculation.no_factor", "region", "FR")
    assert "DE, GB" in found.valid
    assert "never taken unasked" in found.repair


def test_an_unknown_activity_names_the_nearest() -> None:
    found = explained(factor(), activity_type="electricty")
    assert (found.field, found.value) == ("activity_type", "electricty")
    assert "electricity" in found.valid


def test_an_activity_like_no_other_counts_what_there_is() -> None:
    assert "1 activity types have factors" in explained(factor(), activity_type="zzz").valid


def test_an_ambiguous_unit_names_its_candidates_and_the_factors_unit() -> None:
    found = explained(factor(activity_type="coal", unit="t"), activity_type="coal", unit="ton")
    assert (found.rule_id, found.field, found.value) == ("calculation.unit_mismatch", "unit", "ton")
    assert "t, short_ton, long_ton" in found.valid
    assert "per t" in found.valid
    assert "907.18474 kg in the USA" in found.message
    assert "values: {ton: t}" in found.repair


@pytest.mark.parametrize(
    ("given", "wanted", "leads"),
    [
        ("l", "kg", "density"),
        ("m3", "Sm3", "temperature and pressure"),
        ("EUR", "EUR_2024", "of which year"),
        ("EUR_2019", "EUR_2024", "price index"),
        ("km", "tkm", "load"),
    ],
)
def test_a_unit_of_another_kind_is_told_what_leads_across(given: str, wanted: str, leads: str) -> None:
    found = explained(factor(activity_type="goods", unit=wanted), activity_type="goods", unit=given)
    assert leads in found.repair
    assert "import a factor" in found.repair


def test_plain_kwh_of_gas_asks_for_the_calorific_value() -> None:
    found = explained(factor(activity_type="natural_gas", unit="kWh_gross"), activity_type="natural_gas", unit="kWh")
    assert "gross or net" in found.repair
    assert "kWh_gross" in found.valid


def test_gross_and_net_are_not_converted() -> None:
    found = explained(
        factor(activity_type="natural_gas", unit="kWh_gross"), activity_type="natural_gas", unit="kWh_net"
    )
    assert "calorific basis" in found.repair


def test_another_kind_of_unit_names_the_factors() -> None:
    found = explained(factor(activity_type="train", unit="pkm"), activity_type="train", unit="trip")
    assert "count of trips" in found.message
    assert "per pkm" in found.valid


def test_a_factor_in_no_unit_is_named() -> None:
    found = explained(factor(activity_type="waste", unit="ton"), activity_type="waste", unit="t")
    assert "F1 is per ton" in found.message
    assert "short_ton" in found.valid


def test_a_method_not_in_the_policy_is_named() -> None:
    found = explained(factor(method="market_based"), policy=FactorPolicy(methods=("location_based",)))
    assert "location_based" in found.valid
    assert "market_based" in found.valid


def test_a_country_by_its_name_is_told_its_code_and_never_taken_for_it() -> None:
    repair = "If Germany is DE, say so in the mapping of the region."
    assert explained(factor(), region="Germany").repair.startswith(repair)
    both = [factor(region="KR"), factor(region="KP")]
    assert explained(*both, region="Korea").repair.startswith("If Korea is KR or KP, say so")
    assert explained(factor(), region="France").repair.startswith("Import a factor")  # FR has none either


def test_an_expired_factor_is_named_with_its_dates() -> None:
    old = factor(factor_id="F0", valid_from=date(2010, 1, 1), valid_to=date(2011, 1, 1))
    found = explained(old, factor(), period_start=date(2025, 3, 1))
    assert (found.field, found.value) == ("period_start", "2025-03-01")
    assert found.valid.startswith("Nearest: F1 (2024-01-01 to 2025-01-01), F0")


def test_two_factors_are_both_named() -> None:
    found = explained(factor(), factor(factor_id="F2"), factor(factor_id="F3", method="market_based"))
    assert "F1 (A, location_based), F2 (A, location_based)" in found.valid
    assert "F3" not in found.valid


def test_of_two_factors_per_other_units_the_units_are_named() -> None:
    rows = [factor(), factor(factor_id="F2", unit="MWh"), factor(factor_id="F3", unit="MWh")]
    found = explained(*rows, unit="GWh")
    assert "F1 (A, location_based), F2 (A, location_based), F3 (A, location_based)" in found.valid
    assert found.repair.endswith("or give the quantity in the unit of one: kWh, MWh.")
    assert "F1" not in explained(*rows, unit="MWh").valid
    of_two_sources = explained(factor(), factor(factor_id="F2", source="B", unit="MWh"), unit="MWh")
    assert "F1 (A, location_based), F2 (B, location_based)" in of_two_sources.valid
    assert of_two_sources.repair.endswith("in the factor policy.")


def test_a_figure_out_of_range_points_to_the_unit() -> None:
    found = explained(factor(), quantity=Decimal(999999999999), unit="TWh")
    assert (found.field, found.value) == ("quantity", "999999999999.000000")
    assert "unit" in found.repair


def test_more_candidates_than_shown_are_counted() -> None:
    rows = [factor(factor_id=f"F{number}", region=f"R{number}") for number in range(9)]
    assert "5 of 9 shown" in explained(*rows, region="DE").valid
