from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from headwater.accounting.currencies import Rates, read_rates
from headwater.accounting.inventory.document import Factors
from headwater.accounting.inventory.policy import Choice, Policy, Wanted
from headwater.accounting.outcome import CalculationOutcome
from tests.unit.accounting.factors import factor

DAY = date(2024, 6, 1)
GRID = ("location_based",)
RATES = """Date,USD,GBP,
2024-06-04,1.0865,0.8515,
2024-06-03,1.0842,0.8513,
2024-05-31,1.0852,0.8520,
"""


def wanted(**given: Any) -> Wanted:
    usual: dict[str, Any] = {"activity_type": "electricity", "region": "DE", "unit": "kWh", "methods": GRID}
    return Wanted(**(usual | given))


def policy(*factors: dict[str, Any], rates: Rates | None = None, **rules: Any) -> Policy:
    return Policy(factors=factors, rules=Factors.model_validate(rules), rates=rates)


def taken(choice: Choice) -> str | None:
    return None if choice.factor is None else choice.factor["factor_id"]


def reasons(found: Policy, looked_for: Wanted, day: date = DAY) -> dict[str, str]:
    return {each.factor["factor_id"]: each.reason for each in found.candidates(looked_for, day)}


def test_the_region_itself_only_unless_the_document_lists_others() -> None:
    france, europe = factor(factor_id="FR", region="FR"), factor(factor_id="EU", region="EU")
    choice = policy(france, europe).choose(wanted(), DAY)
    assert (choice.outcome, taken(choice)) == (CalculationOutcome.NO_FACTOR, None)
    allowed = policy(france, europe, regions={"DE": ["DE", "EU"]})
    choice = allowed.choose(wanted(), DAY)
    assert (taken(choice), choice.substitutions) == ("EU", ("region EU for DE",))
    assert reasons(allowed, wanted()) == {
        "EU": "",
        "FR": "it is for region FR; for DE only DE, EU may be taken",
    }


def test_own_region_goes_before_a_fallback_whatever_else_speaks_for_that() -> None:
    own = factor(factor_id="own", source="B", unit="MWh")
    other = factor(factor_id="other", region="EU", source="A")
    found = policy(other, own, regions={"DE": ["DE", "EU"]}, sources=["A", "B"])
    choice = found.choose(wanted(), DAY)
    assert (taken(choice), choice.multiplier, choice.substitutions) == ("own", Fraction(1, 1000), ())
    assert reasons(found, wanted())["other"] == "own has a region that is listed before"


def test_types_are_taken_in_order_and_a_later_one_is_told() -> None:
    first, second = factor(factor_id="1", activity_type="grid"), factor(factor_id="2", activity_type="any_power")
    rules: dict[str, Any] = {"types": {"electricity": ["grid", "any_power"]}}
    assert taken(policy(first, second, **rules).choose(wanted(), DAY)) == "1"
    choice = policy(second, **rules).choose(wanted(), DAY)
    assert (taken(choice), choice.substitutions) == ("2", ("type any_power for grid",))
    assert policy(first).choose(wanted(), DAY).outcome is CalculationOutcome.NO_FACTOR


@pytest.mark.parametrize(
    ("years", "day", "expected"),
    [
        ({}, "2023-12-31", None),
        ({"allow": "previous"}, "2023-12-31", None),
        ({"allow": "nearest"}, "2023-12-31", "F24"),
        ({"allow": "previous"}, "2025-01-01", "F24"),
        ({"allow": "previous"}, "2026-01-01", None),
        ({"allow": "previous", "most": 2}, "2026-01-01", "F24"),
        ({"allow": "nearest", "most": 2}, "2026-06-01", "F24"),
        ({"allow": "nearest", "most": 2}, "2027-06-01", "F28"),
    ],
)
def test_another_year_stands_in_only_where_it_may(years: dict[str, Any], day: str, expected: str | None) -> None:
    later = factor(factor_id="F28", valid_from=date(2028, 1, 1), valid_to=date(2029, 1, 1))
    choice = policy(factor(factor_id="F24"), later, years=years).choose(wanted(), date.fromisoformat(day))
    assert taken(choice) == expected
    assert bool(choice.substitutions) == (expected is not None)


def test_of_two_years_as_near_the_earlier() -> None:
    later = factor(factor_id="F26", valid_from=date(2026, 1, 1), valid_to=date(2027, 1, 1))
    found = policy(later, factor(factor_id="F24"), years={"allow": "nearest"})
    choice = found.choose(wanted(), date(2025, 5, 5))
    assert (taken(choice), choice.substitutions) == ("F24", ("2024 to 2024 for 2025",))
    assert reasons(found, wanted(), date(2025, 5, 5))["F26"] == "F24 has a nearer time"


def test_a_listed_source_goes_before_and_only_listed_shuts_the_others_out() -> None:
    one, two = factor(factor_id="1", source="A"), factor(factor_id="2", source="B")
    assert policy(one, two).choose(wanted(), DAY).outcome is CalculationOutcome.TWO_FACTORS
    assert reasons(policy(one, two), wanted()) == {
        "1": "it competes with 2: nothing in the policy tells them apart",
        "2": "it competes with 1: nothing in the policy tells them apart",
    }
    assert taken(policy(one, two, sources=["B"]).choose(wanted(), DAY)) == "2"
    assert (
        policy(one, sources=["B"], only_listed=True).choose(wanted(), DAY).outcome is CalculationOutcome.UNIT_MISMATCH
    )
    assert reasons(policy(one, sources=["B"], only_listed=True), wanted()) == {"1": "its source is not listed: A"}


def test_a_later_publication_supersedes_and_another_source_does_not() -> None:
    old, new = factor(factor_id="old", publication_year=2023), factor(factor_id="new", publication_year=2024)
    found = policy(old, new)
    assert taken(found.choose(wanted(), DAY)) == "new"
    assert reasons(found, wanted())["old"] == "superseded: new is the later publication of the same"
    rival = factor(factor_id="rival", source="B", publication_year=2030)
    assert policy(old, new, rival).choose(wanted(), DAY).outcome is CalculationOutcome.TWO_FACTORS


def test_the_later_version_of_a_year_supersedes() -> None:
    first, second = factor(factor_id="1.9", source_version="1.9"), factor(factor_id="1.10", source_version="1.10")
    found = policy(first, second)
    assert taken(found.choose(wanted(), DAY)) == "1.10"
    assert reasons(found, wanted())["1.9"] == "superseded: 1.10 is the later publication of the same"


def test_the_newest_publication_goes_before_a_stale_factor_in_the_own_unit() -> None:
    stale = factor(factor_id="stale", unit="kWh", publication_year=2020)
    current, other = factor(factor_id="MWh", unit="MWh"), factor(factor_id="GJ", unit="GJ", source="B")
    found = policy(stale, current)
    assert taken(found.choose(wanted(), DAY)) == "MWh"
    assert reasons(found, wanted())["stale"] == "superseded: MWh is the later publication of the same"
    # What it supersedes is no reason for another source's.
    assert policy(stale, current, other).choose(wanted(), DAY).outcome is CalculationOutcome.TWO_FACTORS
    both = policy(stale, current, factor(factor_id="kWh"))
    assert reasons(both, wanted()) == {
        "kWh": "",
        "stale": "superseded: kWh is the later publication of the same",
        "MWh": "kWh has the activity's own unit",
    }


def test_the_own_unit_goes_before_another_of_its_kind() -> None:
    found = policy(factor(factor_id="MWh", unit="MWh"), factor(factor_id="kWh"))
    assert taken(found.choose(wanted(), DAY)) == "kWh"
    assert taken(found.choose(wanted(unit="MWh"), DAY)) == "MWh"


def test_stage_method_and_kind_of_unit_must_fit() -> None:
    wtt = factor(factor_id="wtt", stage="well_to_tank")
    market = factor(factor_id="market", method="market_based")
    net = factor(factor_id="net", unit="kWh_net")
    said = reasons(policy(wtt, market, net), wanted(unit="kWh_gross"))
    assert said["wtt"] == "it is for the stage well_to_tank"
    assert said["market"] == "it is market-based"
    assert said["net"].startswith("it is per kWh_net (energy by net calorific value), the activity is in kWh_gross")
    assert taken(policy(wtt).choose(wanted(stage="well_to_tank"), DAY)) == "wtt"


def test_a_factor_that_may_not_be_taken_does_not_make_an_activity_one_of_scope_2() -> None:
    own = factor(scope=3, method="activity_based")
    abroad, unlisted = factor(factor_id="FR", region="FR"), factor(factor_id="B", source="B")
    assert not policy(own, abroad).is_scope_2("electricity", "DE")
    assert policy(own, abroad, regions={"DE": ["DE", "FR"]}).is_scope_2("electricity", "DE")
    assert not policy(own, unlisted, sources=["A"], only_listed=True).is_scope_2("electricity", "DE")
    assert policy(own, unlisted).is_scope_2("electricity", "DE")
    # Where nothing may be taken there is no figure that could be lost: what is missing is told as of scope 2.
    assert policy(abroad).is_scope_2("electricity", "DE")


def test_pieces_cover_every_day_once_and_no_more_than_needed() -> None:
    found = policy(
        factor(factor_id="a", valid_from=date(2024, 1, 1), valid_to=date(2024, 3, 1)),
        factor(factor_id="b", valid_from=date(2024, 3, 1), valid_to=date(2024, 9, 1)),
    )
    pieces = found.pieces(wanted(), date(2024, 2, 1), date(2025, 1, 1))
    assert [(each.valid_from, each.valid_to, taken(each.choice)) for each in pieces] == [
        (date(2024, 2, 1), date(2024, 3, 1), "a"),
        (date(2024, 3, 1), date(2024, 9, 1), "b"),
        (date(2024, 9, 1), date(2025, 1, 1), None),
    ]


@pytest.fixture
def rates(tmp_path: Path) -> Rates:
    path = tmp_path / "rates.csv"
    path.write_text(RATES)
    return read_rates(path)


def test_money_needs_rates_that_are_named(rates: Rates) -> None:
    spend = factor(factor_id="S", unit="GBP", method="spend_based", activity_type="hotel", region="GB")
    look = wanted(activity_type="hotel", region="GB", unit="EUR", methods=("spend_based",))
    without = policy(spend)
    assert without.choose(look, DAY).outcome is CalculationOutcome.UNIT_MISMATCH
    assert "name a file of dated rates" in reasons(without, look)["S"]
    choice = policy(spend, rates=rates).choose(look, date(2024, 6, 2))
    assert choice.multiplier == Fraction(Decimal("0.8520"))
    assert choice.substitutions == ("EUR exchanged for GBP at 0.8520 GBP/EUR of 2024-05-31 (rates.csv)",)
    assert "no rate of GBP was fixed" in reasons(policy(spend, rates=rates), look, date(2024, 7, 1))["S"]


def test_each_day_with_another_rate_is_a_piece_of_its_own(rates: Rates) -> None:
    spend = factor(factor_id="S", unit="GBP", method="spend_based")
    look = wanted(unit="EUR", methods=("spend_based",))
    pieces = policy(spend, rates=rates).pieces(look, date(2024, 6, 1), date(2024, 6, 30))
    assert [(each.valid_from.day, each.choice.multiplier and float(each.choice.multiplier)) for each in pieces] == [
        (1, 0.8520),
        (3, 0.8513),
        (4, 0.8515),
        (12, None),
    ]


def test_money_of_its_own_year_is_that_years_money_and_of_no_other() -> None:
    spend = factor(factor_id="S", unit="EUR_2024", method="spend_based", valid_to=date(2026, 1, 1))
    look = wanted(unit="EUR", methods=("spend_based",))
    assert policy(spend).choose(look, DAY).multiplier == 1
    assert "a price index" in reasons(policy(spend), look, date(2025, 1, 5))["S"]
