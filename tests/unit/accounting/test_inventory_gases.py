"""CO2e in another set: only where the gases that are given come to the CO2e that was published."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from headwater.accounting.inventory.figures import explains
from headwater.replay.inventory_lines import LineMaker
from tests.inventories import POTENTIALS, activity, factor, instrument, make

BURNT = activity(activity_type="natural_gas", unit="kWh_gross", quantity="100")
GAS: dict[str, Any] = {"activity_type": "natural_gas", "scope": 1, "method": "activity_based", "unit": "kWh_gross"}
NONE = {"ch4_kg_per_unit": "0", "n2o_kg_per_unit": "0"}

EXPLAINED: list[tuple[str, dict[str, Any], bool]] = [
    ("one unit of the fifth place: UK government, freight", {
        "gwp_set": "AR4", "co2e_kg_per_unit": "0.06767", "co2_kg_per_unit": "0.06679",
        "ch4_co2e_kg_per_unit": "0.00001", "n2o_co2e_kg_per_unit": "0.00086"}, True),
    ("three digits published, gases with more", {
        "gwp_set": "AR5", "co2e_kg_per_unit": "0.182", "co2_kg_per_unit": "0.1811", "ch4_kg_per_unit": "0.0000162",
        "n2o_kg_per_unit": "0.0000003"}, True),
    ("more digits than were published, by conversion from pounds", {
        "gwp_set": "AR5", "co2e_kg_per_unit": "373.8462413777", "co2_kg_per_unit": "371.9910485844",
        "ch4_kg_per_unit": "0.0276691346", "n2o_kg_per_unit": "0.0040823313"}, True),
    ("AR5's 28 for fossil methane", {
        "gwp_set": "AR5", "co2e_kg_per_unit": "0.228000", "co2_kg_per_unit": "0.2", "ch4_kg_per_unit": "0.001",
        "n2o_kg_per_unit": "0", "ch4_origin": "fossil"}, True),
    ("a set that is not stated, but fits one", {
        "gwp_set": "not_stated", "co2e_kg_per_unit": "0.2298", "co2_kg_per_unit": "0.2", "ch4_kg_per_unit": "0.001",
        "n2o_kg_per_unit": "0"}, True),
    ("a third is a gas", {"gwp_set": "AR5", "co2e_kg_per_unit": "0.3", "co2_kg_per_unit": "0.1", **NONE}, False),
    ("143 of 200", {"gwp_set": "AR4", "co2e_kg_per_unit": "200", "co2_kg_per_unit": None, "gas": "HFC-134a",
                    "gas_kg_per_unit": "0.1"}, False),
    ("one in the hundred", {"gwp_set": "AR5", "co2e_kg_per_unit": "1", "co2_kg_per_unit": "0.99", **NONE}, False),
    ("more gases than CO2e", {"gwp_set": "AR5", "co2e_kg_per_unit": "0.1", "co2_kg_per_unit": "0.11", **NONE}, False),
    ("gases of no CO2e", {"gwp_set": "AR5", "co2e_kg_per_unit": "0", "co2_kg_per_unit": "0.1", **NONE}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "is_explained"), [each[1:] for each in EXPLAINED], ids=[each[0] for each in EXPLAINED]
)
def test_gases_explain_a_co2e_within_its_digits(given: dict[str, Any], is_explained: bool) -> None:
    made = factor(**GAS, **given)
    assert explains(made, POTENTIALS) is is_explained
    # And so does the script of an exported file, which reads texts.
    potentials = {name: {gas: Fraction(one) for gas, one in each.items()} for name, each in POTENTIALS.items()}
    maker = LineMaker(
        document={"gwp_sets": ["AR6"], "ch4_origin": {"default": "fossil"}},
        units=None, policy=None, instruments={}, potentials=potentials,  # type: ignore[arg-type]  # neither is asked
    )  # fmt: skip
    texts = {name: f"{value:.10f}" if isinstance(value, Decimal) else value for name, value in made.items()}
    bases = [basis for _, basis, _, _ in maker.per_unit(texts).sets]
    assert bases == (["derived"] if is_explained else ["published"])


def test_methane_of_no_origin_is_told_where_it_costs_a_figure() -> None:
    gases = {"co2e_kg_per_unit": "0.1983", "co2_kg_per_unit": "0.19", "ch4_kg_per_unit": "0.0002",
             "n2o_kg_per_unit": "0.00001"}  # fmt: skip
    kinds: dict[str, dict[str, Any]] = {
        "masses": gases,
        "as CO2e": gases | {"ch4_kg_per_unit": None, "ch4_co2e_kg_per_unit": "0.0056"},
        "leak": {"co2e_kg_per_unit": "28", "gas": "CH4", "gas_kg_per_unit": "1"},
    }
    rows = [activity(activity_id=name, activity_type=name) for name in [*kinds, "no methane"]]
    factors = [factor(factor_id=name, activity_type=name, scope=1, method="activity_based", **given)
               for name, given in (kinds | {"no methane": {"co2e_kg_per_unit": "1"}}).items()]  # fmt: skip
    made = make(rows, factors, gwp_sets=["AR5", "AR6"])
    told = [each for each in made.findings if each.rule_id == "inventory.methane_of_no_origin"]
    assert {(each.subject, each.activities) for each in told} == {(name, 1) for name in kinds}
    assert "AR6 has a potential for fossil methane and another" in told[0].message
    known = make(rows, [each | {"ch4_origin": "fossil"} for each in factors], gwp_sets=["AR5", "AR6"])
    assert {line["activity_id"] for line in known.lines if line["gwp_set"] == "AR6"} == set(kinds)
    assert "inventory.methane_of_no_origin" not in known.rules()


def test_what_the_gases_do_not_explain_is_not_lost_in_another_set() -> None:
    made = make([BURNT], [factor(**GAS, gwp_set="AR4", co2e_kg_per_unit="200", gas="HFC-134a", gas_kg_per_unit="0.1")],
                gwp_sets=["AR4", "AR5"], designated={"gwp_set": "AR4"})  # fmt: skip
    assert [(line["gwp_set"], line["basis"], line["missing_sets"], line["co2e_kg"]) for line in made.lines] == [
        ("AR4", "published", "AR5", 20_000)
    ]
    (told,) = (each for each in made.findings if each.rule_id == "inventory.gases_do_not_explain")
    assert (told.subject, told.activities, told.quantity, told.unit) == ("F1", 1, 100, "kWh_gross")
    assert told.message.startswith("The gases come to 143 of 200 kg CO2e per kWh_gross in AR4: the rest is of no gas")
    assert "lost in AR5" in told.message


def test_nor_is_that_of_an_instrument() -> None:
    held = instrument(
        co2e_kg_per_kwh="0.3", co2_kg_per_kwh="0.1", ch4_kg_per_kwh="0", n2o_kg_per_kwh="0", gwp_set="AR4"
    )
    held |= {"ch4_kg_per_kwh": Decimal(0), "n2o_kg_per_kwh": Decimal(0)}
    made = make([activity()], [factor()], instruments=[held], gwp_sets=["AR4", "AR5"],
                methods=["location_based", "market_based"])  # fmt: skip
    market = [(line["gwp_set"], line["missing_sets"], line["co2e_kg"]) for line in made.lines if line["tier"]]
    assert market == [("AR4", "AR5", 30)]
    (told,) = (each for each in made.findings if each.rule_id == "inventory.gases_do_not_explain")
    assert told.subject == "C1"
