"""Hand-computed cases, one for each rule of the lines."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from headwater.accounting.gases import built_in
from headwater.accounting.inventory.findings import LEAVES_OUT
from headwater.accounting.inventory.lines import counts
from headwater.services.inventories.inputs import potentials_text, read_potentials, read_uncounted
from tests.inventories import activity, factor, instrument, make

D = Decimal
GASES = {
    "co2e_kg_per_unit": "0.1983", "co2_kg_per_unit": "0.19", "ch4_kg_per_unit": "0.0002", "n2o_kg_per_unit": "0.00001",
}  # fmt: skip
GAS: dict[str, Any] = {"activity_type": "natural_gas", "scope": 1, "method": "activity_based", "unit": "kWh_gross"}
SAID = {"reported_co2e_kg": "1", "reported_scope": 1, "reported_gwp_set": "AR5"}
BURNT = activity(activity_type="natural_gas", unit="kWh_gross", quantity="1000")


def test_published_stays_as_published_and_another_set_is_derived_from_the_gases() -> None:
    made = make([BURNT], [factor(**GAS, **GASES, ch4_origin="non_fossil")], gwp_sets=["AR5", "AR6"])
    published, derived = made.lines
    assert (published["basis"], published["gwp_set"], published["co2e_kg"]) == ("published", "AR5", D("198.300000"))
    # 190 kg CO2 + 0.2 kg CH4 × 27 + 0.01 kg N2O × 273
    assert (derived["basis"], derived["gwp_set"], derived["co2e_kg"]) == ("derived", "AR6", D("198.130000"))
    for line in made.lines:
        assert (line["co2_kg"], line["ch4_non_fossil_kg"], line["n2o_kg"]) == (D("190"), D("0.2"), D("0.01"))
        assert (line["ch4_fossil_kg"], line["ch4_kg"]) == (None, None)
    assert not made.findings


def test_fossil_methane_has_its_own_potential() -> None:
    made = make([BURNT], [factor(**GAS, **GASES, ch4_origin="fossil")], gwp_sets=["AR6"])
    assert [(line["co2e_kg"], line["ch4_fossil_kg"]) for line in made.lines] == [(D("198.690000"), D("0.2"))]


def test_methane_that_does_not_say_is_derived_only_by_a_declared_choice() -> None:
    silent = factor(**GAS, **GASES)
    made = make([BURNT], [silent], gwp_sets=["AR6"])
    assert [(line["gwp_set"], line["missing_sets"], line["ch4_kg"]) for line in made.lines] == [
        ("AR5", "AR6", D("0.2"))
    ]
    declared = make([BURNT], [silent], gwp_sets=["AR6"], ch4_origin={"default": "fossil"})
    (line,) = declared.lines
    assert (line["co2e_kg"], line["substitutions"]) == (D("198.690000"), "methane taken as fossil by the document")
    assert declared.rules() == {"inventory.substitution"}
    # Both origins weigh the same in AR4: nothing is in doubt.
    assert make([BURNT], [silent], gwp_sets=["AR4"]).lines[0]["co2e_kg"] == D("197.980000")


def test_methane_as_the_one_gas_has_the_declared_origin_too() -> None:
    leak = factor(**GAS, co2e_kg_per_unit="28", gas="CH4", gas_kg_per_unit="1")
    (line,) = make([BURNT], [leak], gwp_sets=["AR6"]).lines
    assert (line["gwp_set"], line["missing_sets"]) == ("AR5", "AR6")
    (line,) = make([BURNT], [leak], gwp_sets=["AR6"], ch4_origin={"default": "non_fossil"}).lines
    assert (line["gwp_set"], line["co2e_kg"]) == ("AR6", D("27000"))
    assert line["substitutions"] == "methane taken as non-fossil by the document"
    (line,) = make([BURNT], [leak | {"ch4_origin": "fossil"}], gwp_sets=["AR6"]).lines
    assert line["co2e_kg"] == D("29800")


@pytest.mark.parametrize("origin", [None, "fossil", "non_fossil"])
def test_a_set_with_one_potential_for_all_methane(origin: str | None) -> None:
    burnt = factor(**GAS, **GASES, ch4_origin=origin)
    leak = factor(**(GAS | {"activity_type": "leak"}), co2e_kg_per_unit="28", gas="CH4", gas_kg_per_unit="1")
    rows = [BURNT, activity(activity_id="A2", activity_type="leak", unit="kWh_gross", quantity="1")]
    lines = make(rows, [burnt, leak | {"ch4_origin": origin}], gwp_sets=["SAR"]).lines
    # 190 kg CO2 + 0.2 kg CH4 × 21 + 0.01 kg N2O × 310; 1 kg CH4 × 21
    assert [(line["gwp_set"], line["co2e_kg"]) for line in lines] == [("SAR", D("197.3")), ("SAR", D("21"))]
    back = factor(**GAS, gwp_set="SAR", co2e_kg_per_unit="0.2121", co2_kg_per_unit="0.19",
                  ch4_co2e_kg_per_unit="0.021", n2o_co2e_kg_per_unit="0.0011", ch4_origin="fossil")  # fmt: skip
    assert make([BURNT], [back], gwp_sets=["AR5"]).lines[0]["ch4_fossil_kg"] == 1


def test_a_mass_published_as_co2e_is_divided_exactly() -> None:
    given = factor(
        **GAS, gwp_set="AR4", co2e_kg_per_unit="0.18387", co2_kg_per_unit="0.18352", ch4_co2e_kg_per_unit="0.00025",
        n2o_co2e_kg_per_unit="0.0001", ch4_origin="fossil",
    )  # fmt: skip
    (line,) = make([BURNT], [given], gwp_sets=["AR6"]).lines
    # 0.25 / 25 = 0.01 kg CH4; 0.1 / 298 = 0.000335570… kg N2O; 183.52 + 0.01 × 29.8 + 0.000336 × 273
    assert (line["ch4_fossil_kg"], line["n2o_kg"], line["co2e_kg"]) == (D("0.01"), D("0.000336"), D("183.909728"))


def test_a_refrigerant_is_its_mass_times_its_potential() -> None:
    leak = activity(activity_type="refrigerant", unit="kg", quantity="2.5")
    given = factor(
        activity_type="refrigerant", unit="kg", scope=1, method="activity_based", co2e_kg_per_unit="1300",
        gas="HFC-134a", gas_kg_per_unit="1",
    )  # fmt: skip
    made = make([leak], [given], gwp_sets=["AR5", "AR6"])
    assert [(line["basis"], line["co2e_kg"]) for line in made.lines] == [("published", 3250), ("derived", 3825)]
    assert {(line["gas"], line["gas_kg"]) for line in made.lines} == {("HFC-134a", D("2.5"))}


def test_parts_of_a_blend_that_a_set_has_no_potential_for_are_named() -> None:
    text = potentials_text(built_in())
    lacking = read_uncounted(text)
    assert lacking["AR4", "R-448A"] == "HFO-1234yf;HFO-1234ze(E)"
    assert ("AR6", "R-448A") not in lacking
    assert read_potentials(text)["AR4"]["R-410A"] == D("2087.5")
    blend = factor(
        activity_type="refrigerant", unit="kg", scope=1, method="activity_based", co2e_kg_per_unit="1300",
        gas="HFC-134a", gas_kg_per_unit="1",
    )  # fmt: skip
    leak = activity(activity_type="refrigerant", unit="kg", quantity="2.5")
    parts = {("AR5", "HFC-134a"): "one", ("AR6", "HFC-134a"): "one;two", ("AR6", "R-448A"): "three"}
    (finding,) = make([leak], [blend], gwp_sets=["AR5", "AR6"], uncounted=parts).findings
    assert (finding.rule_id, finding.subject, finding.activities, finding.quantity) == (
        "inventory.parts_not_counted", "HFC-134a in AR6", 1, D("2.5"),
    )  # fmt: skip
    assert "no potential for one, two" in finding.message


def test_co2e_only_stays_in_its_set_and_is_told_and_counted_only_if_the_document_accepts() -> None:
    made = make([activity()], [factor(gwp_set="AR4")], gwp_sets=["AR5", "AR6"])
    (line,) = made.lines
    assert (line["gwp_set"], line["missing_sets"], line["co2e_kg"]) == ("AR4", "AR5;AR6", 50)
    assert not counts(line, "AR5", "location_based", accept_other_sets=False)
    assert counts(line, "AR5", "location_based", accept_other_sets=True)
    (finding,) = made.findings
    assert (finding.rule_id, finding.subject, finding.co2e_kg) == (
        "inventory.not_in_total",
        "AR4, not in AR5, AR6",
        D(50),
    )
    assert finding.rule_id in LEAVES_OUT
    assert "the inventory's own total, by AR5, lacks them" in finding.message
    accepted = make([activity()], [factor(gwp_set="AR4")], gwp_sets=["AR5", "AR6"], accept_other_sets=True)
    assert accepted.rules() == {"inventory.other_sets"}


def test_what_lacks_in_a_total_beside_the_own_one_is_told_but_is_not_missing() -> None:
    made = make([activity()], [factor()], gwp_sets=["AR5", "AR6"])
    assert made.rules() == {"inventory.other_sets"}
    assert "inventory.other_sets" not in LEAVES_OUT
    # Scope 2 of the method that is not the own one is in no total of the own method either.
    rate = instrument(kind="supplier_rate", energy_mwh=None, co2e_kg_per_kwh="0.1", gwp_set="AR4")
    both: dict[str, Any] = {"methods": ["location_based", "market_based"], "instruments": [rate]}
    assert make([activity()], [factor()], **both).rules() == {"inventory.other_sets"}
    own = make([activity()], [factor()], **both, designated={"method": "market_based"})
    assert own.rules() == {"inventory.not_in_total"}


def test_biogenic_co2_stands_outside_the_scopes() -> None:
    wood = activity(activity_type="wood", unit="t", quantity="3")
    burnt = factor(
        **(GAS | {"activity_type": "wood", "unit": "t"}), co2e_kg_per_unit="58.35", biogenic_co2_kg_per_unit="1500",
    )  # fmt: skip
    (line,) = make([wood], [burnt]).lines
    assert (line["co2e_kg"], line["biogenic_co2_kg"], line["scope"]) == (D("175.05"), 4500, 1)
    apart = factor(factor_id="out", **(GAS | {"activity_type": "wood", "unit": "t"}), co2e_kg_per_unit="1500",
                   stage="outside_of_scopes")  # fmt: skip
    inside = factor(**(GAS | {"activity_type": "wood", "unit": "t"}), co2e_kg_per_unit="58.35")
    made = make([wood], [inside, apart], gwp_sets=["AR5", "AR6"], accept_other_sets=True)
    outside = [line for line in made.lines if line["stage"] == "outside_of_scopes"]
    assert {(line["gwp_set"], line["scope"], line["co2e_kg"], line["biogenic_co2_kg"]) for line in outside} == {
        ("AR5", None, 0, 4500), ("AR6", None, 0, 4500),
    }  # fmt: skip
    assert not any(counts(line, "AR5", "location_based", accept_other_sets=True) for line in outside)
    # A factor that has both is not counted twice.
    assert len(make([wood], [burnt, apart]).lines) == 1


def test_two_factors_for_biogenic_co2_that_are_preferred_alike_are_told() -> None:
    wood = activity(activity_type="wood", unit="t", quantity="3")
    usual: dict[str, Any] = GAS | {"activity_type": "wood", "unit": "t", "co2e_kg_per_unit": "1500"}
    outside = {"stage": "outside_of_scopes"}
    one, two = (factor(factor_id=name, **usual, **outside, source=name) for name in "AB")
    made = make([wood], [factor(factor_id="wood", **usual), one, two])
    assert [(line["stage"], line["biogenic_co2_kg"]) for line in made.lines] == [("use", None)]
    (finding,) = made.findings
    assert (finding.rule_id, finding.stage, finding.activities) == ("inventory.no_biogenic", "outside_of_scopes", 1)
    assert "preferred alike: A, B" in finding.message


def test_a_factor_for_biogenic_co2_that_does_not_fit_is_told() -> None:
    """Of another region, another kind of unit, another year: each leaves the line without biogenic CO2."""
    wood = activity(activity_type="wood", unit="t", quantity="3")
    usual: dict[str, Any] = GAS | {"activity_type": "wood", "unit": "t", "co2e_kg_per_unit": "1500"}
    burnt = factor(factor_id="wood", **usual)
    apart = factor(factor_id="out", **usual, stage="outside_of_scopes")
    for differs, said in (
        ({"region": "FR"}, "it is for region FR"),
        ({"unit": "kWh_net"}, "it is per kWh_net"),
        ({"valid_from": date(2020, 1, 1), "valid_to": date(2021, 1, 1)}, "it holds from 2020-01-01"),
    ):
        made = make([wood], [burnt, apart | differs])
        assert [(line["stage"], line["biogenic_co2_kg"]) for line in made.lines] == [("use", None)]
        (finding,) = made.findings
        assert (finding.rule_id, finding.stage, finding.quantity) == ("inventory.no_biogenic", "outside_of_scopes", 3)
        assert said in finding.message
    assert make([wood], [burnt]).findings == []  # no library has biogenic CO2 of it: nothing is missed


def test_biogenic_co2_stands_apart_on_days_whose_own_factor_does_not_give_it() -> None:
    days = (date(2024, 3, 1), date(2024, 9, 1))
    rows = [activity(activity_id=str(day), activity_type="wood", unit="t", period_start=day) for day in days]
    usual: dict[str, Any] = GAS | {"activity_type": "wood", "unit": "t"}
    half = date(2024, 7, 1)
    made = make(
        rows,
        [
            factor(factor_id="both", **usual, valid_to=half, co2e_kg_per_unit="60", biogenic_co2_kg_per_unit="1500"),
            factor(factor_id="inside", **usual, valid_from=half, co2e_kg_per_unit="60"),
            factor(factor_id="out", **usual, co2e_kg_per_unit="1600", stage="outside_of_scopes"),
        ],
    )
    assert [(line["factor_id"], line["biogenic_co2_kg"]) for line in made.lines] == [
        ("both", 150000), ("out", 160000), ("inside", None),
    ]  # fmt: skip
    assert made.findings == []


def test_upstream_is_category_3_and_only_if_asked_for() -> None:
    wtt = factor(factor_id="wtt", stage="well_to_tank", scope=3, method="activity_based", co2e_kg_per_unit="0.03")
    losses = factor(factor_id="td", stage="transmission_and_distribution", scope=3, co2e_kg_per_unit="0.02")
    assert len(make([activity()], [factor(), wtt, losses]).lines) == 1
    made = make([activity()], [factor(), wtt, losses], policy={"upstream": True})
    assert [(line["stage"], line["scope"], line["category"], line["co2e_kg"]) for line in made.lines] == [
        ("well_to_tank", 3, 3, 3), ("transmission_and_distribution", 3, 3, 2), ("use", 2, None, 50),
    ]  # fmt: skip
    assert made.rules() == {"inventory.no_upstream"}  # well-to-tank of the losses


def test_a_country_by_its_name_is_told_its_code() -> None:
    (finding,) = make([activity(region="Germany")], [factor()]).findings
    assert finding.rule_id == "inventory.no_figure"
    assert finding.message.endswith(" If Germany is DE, say so in the mapping of the region.")


def test_what_has_no_figure_of_its_own_is_told_once() -> None:
    """Not again for every stage upstream of it."""
    rows = [activity(activity_id=name, activity_type="taxi", unit="km") for name in ("A1", "A2")]
    made = make(rows, policy={"upstream": True})
    assert [(each.rule_id, each.activities) for each in made.findings] == [("inventory.no_figure", 2)]
    both = ["location_based", "market_based"]
    made = make([activity()], [factor()], policy={"upstream": True}, methods=both)
    assert made.rules() == {"inventory.residual_mix_missing", "inventory.no_upstream"}


def test_what_has_a_figure_for_part_of_the_time_is_told_to_have_none_upstream() -> None:
    rows = [activity(), activity(activity_id="A2", period_start=date(2024, 12, 1))]
    short = factor(valid_from=date(2024, 1, 1), valid_to=date(2024, 7, 1))
    made = make(rows, [short], policy={"upstream": True})
    found = {(each.rule_id, each.activities) for each in made.findings}
    assert found == {("inventory.no_figure", 1), ("inventory.no_upstream", 2)}


def test_the_document_says_under_which_category_an_activity_type_counts() -> None:
    car = activity(activity_type="commuting_car", unit="km", quantity="100")
    travel = factor(activity_type="travel.car", unit="km", scope=3, category=6, method="activity_based")
    wtt = travel | {"factor_id": "wtt", "stage": "well_to_tank", "category": None}
    made = make(
        [car], [travel, wtt], policy={"types": {"commuting_car": ["travel.car"]}, "upstream": True},
        categories={"commuting_car": 7},
    )  # fmt: skip
    assert {(line["stage"], line["scope"], line["category"]) for line in made.lines} == {
        ("use", 3, 7), ("well_to_tank", 3, 7),
    }  # fmt: skip


@pytest.mark.parametrize("methods", [["location_based", "market_based"], ["market_based"], ["location_based"]])
def test_an_electric_car_of_an_employee_counts_once_in_category_7(methods: list[str]) -> None:
    rows = [activity(activity_type="ev_commuting", quantity="100"), activity(activity_id="A2", quantity="10")]
    market = factor(factor_id="market", method="market_based", co2e_kg_per_unit="0.6")
    held = instrument(energy_mwh=None, kind="supplier_rate", co2e_kg_per_kwh="0.1", gwp_set="AR5")
    made = make(
        rows, [factor(), market], policy={"types": {"ev_commuting": ["electricity"]}}, categories={"ev_commuting": 7},
        methods=methods, designated={"method": methods[0]}, instruments=[held],
        use={"types": ["electricity", "ev_commuting"]},
    )  # fmt: skip
    commuting = [line for line in made.lines if line["activity_id"] == "A1"]
    assert [(line["method"], line["scope"], line["category"], line["co2e_kg"]) for line in commuting] == [
        ("location_based", 3, 7, 50)
    ]
    own = {"location_based": 5, "market_based": 1}
    for method in methods:
        counted = [line for line in made.lines if counts(line, "AR5", method, accept_other_sets=False)]
        assert sum(line["co2e_kg"] for line in counted) == 50 + own[method]


def test_a_factor_of_scope_3_is_no_market_based_figure_of_scope_2() -> None:
    market = factor(factor_id="market", method="market_based", scope=3, category=1)
    made = make([activity()], [factor(), market], methods=["location_based", "market_based"])
    assert [(line["method"], line["scope"]) for line in made.lines] == [("location_based", 2)]
    (finding,) = made.findings
    assert "market: it is of scope 3; looked for is scope 2" in finding.message


def test_a_foreign_factor_changes_nothing_of_what_has_a_figure() -> None:
    own = factor(**(GAS | {"activity_type": "heat", "scope": 3, "unit": "kWh"}))
    foreign = factor(factor_id="FR", activity_type="heat", region="FR")
    rows = [activity(activity_type="heat")]
    both: dict[str, Any] = {"methods": ["location_based", "market_based"], "use": {"types": ["heat"]}}
    assert make(rows, [own, foreign], **both).lines == make(rows, [own], **both).lines != []


def test_reported_figures_are_taken_as_they_are() -> None:
    given = activity(
        reported_co2e_kg="12.5", reported_scope=3, reported_category=6, reported_gwp_set="AR5", quantity="0",
    )  # fmt: skip
    (line,) = make([given], [factor()]).lines
    assert (line["basis"], line["method"], line["scope"], line["category"]) == ("reported", "reported", 3, 6)
    assert (line["co2e_kg"], line["factor_id"], line["gwp_set"], line["missing_sets"]) == (D("12.5"), None, "AR5", None)
    assert counts(line, "AR5", "market_based", accept_other_sets=False)
    (silent,) = make([given | {"reported_gwp_set": None}]).lines
    assert (silent["gwp_set"], silent["missing_sets"]) == ("not_stated", "AR5")
    uncategorised = make([given | {"reported_category": None}, activity(activity_id="A2", **SAID)])
    assert [line["co2e_kg"] for line in uncategorised.lines] == [D("12.5"), 1]
    assert [(each.rule_id, each.activities) for each in uncategorised.findings] == [("inventory.reported_category", 1)]
    without = make([given | {"reported_scope": None}])
    assert (without.lines, without.rules()) == ([], {"inventory.reported_scope"})


def test_an_equity_share_counts_its_part_of_the_quantity() -> None:
    boundary = {"approach": "equity_share", "shares": {"A": "0.333333"}}
    rows = [activity(facility_code="A", quantity="10"), activity(activity_id="A2", facility_code="B")]
    made = make(rows, [factor()], boundary=boundary)
    (line,) = made.lines
    assert (line["share"], line["quantity"], line["converted_quantity"]) == (D("0.333333"), 10, D("3.333330"))
    assert line["co2e_kg"] == D("1.666665")
    assert made.rules() == {"inventory.no_share"}


def test_activities_outside_the_boundary_are_left_out_and_told() -> None:
    rows = [activity(facility_code="A"), activity(activity_id="A2", facility_code="B"), activity(activity_id="A3")]
    made = make(rows, [factor()], boundary={"approach": "operational_control", "facilities": ["A"]})
    assert [line["activity_id"] for line in made.lines] == ["A1"]
    assert [(each.rule_id, each.activities) for each in made.findings] == [("inventory.outside_boundary", 2)]


def test_an_activity_that_ends_after_the_period_is_told() -> None:
    made = make([activity(period_start=date(2024, 12, 1), period_end=date(2025, 1, 5))], [factor()])
    assert made.rules() == {"inventory.straddles"}


def test_an_activity_that_begins_before_the_period_and_reaches_into_it_is_told() -> None:
    span = {"period_start": date(2023, 12, 20), "period_end": date(2024, 1, 20)}
    said = {"reported_co2e_kg": "7", "reported_scope": 1}
    rows = [
        activity(), activity(activity_id="A2", **span), activity(activity_id="A3", quantity="11", **span),
        activity(activity_id="A4", unit="MWh", **span, **said), activity(activity_id="A5", facility_code="B", **span),
    ]  # fmt: skip
    made = make(rows, [factor()], batch=1)
    assert [line["activity_id"] for line in made.lines] == ["A1"]
    assert [(each.rule_id, each.subject, each.activities, each.quantity, each.co2e_kg) for each in made.findings] == [
        ("inventory.begins_before", "electricity in DE, kWh", 3, 211, None),
        ("inventory.begins_before", "electricity in DE, MWh", 1, 100, 7),
    ]
    assert "Split their bills at 2024-01-01" in made.findings[0].message
    boundary = {"approach": "operational_control", "facilities": ["B"]}
    early = [each for each in make(rows, [factor()], boundary=boundary).findings if each.rule_id.endswith("before")]
    assert [each.activities for each in early] == [1]


def test_scope_1_and_3_are_counted_once_whatever_the_methods() -> None:
    made = make([BURNT], [factor(**GAS)], methods=["location_based", "market_based"])
    assert [line["method"] for line in made.lines] == ["activity_based"]


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_batches_change_nothing(batch: int) -> None:
    rows = [activity(activity_id=f"A{number}", quantity=str(number)) for number in range(5)]
    whole, cut = make(rows, [factor()]), make(rows, [factor()], batch=batch)
    assert whole.lines == cut.lines
    assert whole.findings == cut.findings


def test_a_figure_too_large_is_a_finding() -> None:
    made = make([activity(quantity="999999999999")], [factor(co2e_kg_per_unit="1000")])
    assert made.lines == []
    assert "would not fit" in made.findings[0].message


def test_nothing_at_all_is_an_inventory_too() -> None:
    made = make([], [])
    assert (made.lines, made.rules()) == ([], {"inventory.nothing_counted"})
