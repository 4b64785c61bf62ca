"""Worked examples of published guidance, computed again to the last digit that they publish. Each names its source."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from tests.inventories import activity, factor, make

D = Decimal
FUEL: dict[str, Any] = {"activity_type": "fuel", "scope": 1, "method": "activity_based"}


def published(value: Decimal, places: str) -> Decimal:
    """As a table prints it."""
    return value.quantize(D(places), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("fuel", "mmbtu", "per_mmbtu", "expected"),
    [
        ("Natural Gas, per scf", "0.001026", ("53.06", "1.0", "0.10"), ("0.05444", "0.00103", "0.00010")),
        ("Distillate Fuel Oil No. 2, per gallon", "0.138", ("73.96", "3.0", "0.60"), ("10.21", "0.41", "0.08")),
        ("Motor Gasoline, per gallon", "0.125", ("70.22", "3.0", "0.60"), ("8.78", "0.38", "0.08")),
    ],
)
def test_epa_emission_factors_hub_table_1(
    fuel: str, mmbtu: str, per_mmbtu: tuple[str, str, str], expected: tuple[str, str, str]
) -> None:
    """US EPA, Emission Factors for Greenhouse Gas Inventories (GHG Emission Factors Hub), table 1: heat content and
    factors per mmBtu give the table's own factors per scf or gallon; here for a million of them.
    """
    co2, ch4_g, n2o_g = per_mmbtu
    given = factor(
        **FUEL, unit="MMBtu", gwp_set="AR4", co2e_kg_per_unit=co2, co2_kg_per_unit=co2,
        ch4_kg_per_unit=str(D(ch4_g) / 1000), n2o_kg_per_unit=str(D(n2o_g) / 1000), ch4_origin="fossil", name=fuel,
    )  # fmt: skip
    burnt = activity(activity_type="fuel", unit="MMBtu", quantity=str(D(mmbtu) * 1_000_000))
    (line,) = make([burnt], [given], gwp_sets=["AR5"]).lines
    found = (line["co2_kg"], line["ch4_fossil_kg"] * 1000, line["n2o_kg"] * 1000)
    assert tuple(str(published(each / 1_000_000, text)) for each, text in zip(found, expected, strict=True)) == expected


@pytest.mark.parametrize(
    ("fuel", "carbon_kg_per_gj", "co2_kg_per_tj"),
    [
        ("natural gas", "15.3", 56_100),
        ("gas/diesel oil", "20.2", 74_100),
        ("motor gasoline", "18.9", 69_300),
        ("crude oil", "20.0", 73_300),
        ("residual fuel oil", "21.1", 77_400),
        ("anthracite", "26.8", 98_300),
    ],
)
def test_ipcc_2006_volume_2_tables_1_3_and_1_4(fuel: str, carbon_kg_per_gj: str, co2_kg_per_tj: int) -> None:
    """2006 IPCC Guidelines, volume 2, chapter 1: default carbon content × 44/12 is the default CO2 factor, which the
    table prints to three digits. The factor per GJ is rounded once, to ten places; a TJ of fuel is burnt.
    """
    per_gj = (D(carbon_kg_per_gj) * 44 / 12).quantize(D("0.0000000001"), ROUND_HALF_UP)
    given = factor(**FUEL, unit="GJ", co2e_kg_per_unit=str(per_gj), co2_kg_per_unit=str(per_gj), name=fuel)
    (line,) = make([activity(activity_type="fuel", unit="TJ", quantity="1")], [given]).lines
    assert published(line["co2_kg"] / 100, "1") * 100 == co2_kg_per_tj


def test_ipcc_2006_tier_1_of_natural_gas() -> None:
    """2006 IPCC Guidelines, volume 2, chapter 2, equation 2.1 with the defaults of table 2.2 (energy industries):
    fuel × factor for each gas, 56,100 kg CO2, 1 kg CH4, 0.1 kg N2O a TJ; CO2e by AR4 as the Guidelines' users added it.
    """
    given = factor(
        **FUEL, unit="TJ", gwp_set="AR5", co2e_kg_per_unit="56156.5", co2_kg_per_unit="56100", ch4_kg_per_unit="1",
        n2o_kg_per_unit="0.1", ch4_origin="fossil",
    )  # fmt: skip
    (line,) = make([activity(activity_type="fuel", unit="TJ", quantity="1000")], [given], gwp_sets=["AR4"]).lines
    assert (line["co2_kg"], line["ch4_fossil_kg"], line["n2o_kg"]) == (56_100_000, 1000, 100)
    assert line["co2e_kg"] == 56_100_000 + 1000 * 25 + 100 * 298


@pytest.mark.parametrize(
    ("unit", "co2e", "co2", "ch4", "n2o"),
    [
        ("m3", "2.02266", "2.01888", "0.00271", "0.00107"),
        ("kWh_net", "0.20374", "0.20336", "0.00027", "0.00011"),
        ("kWh_gross", "0.18387", "0.18352", "0.00025", "0.0001"),
    ],
)
def test_natural_gas_of_the_uk_government(unit: str, co2e: str, co2: str, ch4: str, n2o: str) -> None:
    """UK Government GHG Conversion Factors for Company Reporting 2020, sheet Fuels, rows 36 to 38: kg CO2e of each gas,
    on AR4. The masses, and the same potentials again, give the published CO2e to its last digit.
    """
    given = factor(
        **FUEL, unit=unit, gwp_set="AR4", co2e_kg_per_unit=co2e, co2_kg_per_unit=co2, ch4_co2e_kg_per_unit=ch4,
        n2o_co2e_kg_per_unit=n2o, ch4_origin="fossil",
    )  # fmt: skip
    made = make([activity(activity_type="fuel", unit=unit, quantity="100000")], [given], gwp_sets=["AR4"])
    (line,) = made.lines
    again = line["co2_kg"] + line["ch4_fossil_kg"] * 25 + line["n2o_kg"] * 298
    assert published(again / 100_000, "0.00001") == published(line["co2e_kg"] / 100_000, "0.00001") == D(co2e)


@pytest.mark.parametrize("per_cent", [0, 5, 20, 50, 100])
def test_a_blend_of_biodiesel_of_the_uk_government(per_cent: int) -> None:
    """UK Government GHG Conversion Factors 2020, sheet Fuels, cell A145: X % biodiesel blend = X % × 0.166 +
    (1 - X %) × 2.688 kg CO2e a litre. As two activities, each with the factor of its fuel.
    """
    share = D(per_cent) / 100
    fuels = [factor(**FUEL | {"activity_type": name}, factor_id=name, unit="l", co2e_kg_per_unit=figure)
             for name, figure in (("biodiesel", "0.166"), ("mineral_diesel", "2.688"))]  # fmt: skip
    rows = [
        activity(activity_id="bio", activity_type="biodiesel", unit="l", quantity=str(share * 1000)),
        activity(activity_id="min", activity_type="mineral_diesel", unit="l", quantity=str((1 - share) * 1000)),
    ]
    assert make(rows, fuels).co2e() == (share * D("0.166") + (1 - share) * D("2.688")) * 1000


def test_generation_and_losses_of_the_uk_government() -> None:
    """UK Government GHG Conversion Factors 2020, sheet UK electricity, A29: generation is scope 2, losses are scope 3;
    the "electricity consumption" figure is both together.
    """
    grid = factor(co2e_kg_per_unit="0.23314", gwp_set="AR4")
    losses = factor(
        factor_id="td", stage="transmission_and_distribution", scope=3, category=3, method="activity_based",
        co2e_kg_per_unit="0.02005", gwp_set="AR4",
    )  # fmt: skip
    made = make([activity(quantity="1000")], [grid, losses], gwp_sets=["AR4"], policy={"upstream": True})
    assert {(line["scope"], line["category"]): line["co2e_kg"] for line in made.lines} == {
        (2, None): D("233.14"), (3, 3): D("20.05"),
    }  # fmt: skip
    assert made.co2e() == D("253.19")


@pytest.mark.parametrize(
    ("owned", "share", "expected"), [(("0.83", "0.75"), "0.6225", "622.5"), (("0.83", "0.5"), "0.415", "415")]
)
def test_equity_share_through_a_subsidiary(owned: tuple[str, str], share: str, expected: str) -> None:
    """GHG Protocol Corporate Standard (2004), chapter 3, Holland Industries: of what a subsidiary that is held at 83 %
    holds at 75 % or 50 %, 62.25 % or 41.5 % is accounted for by equity share.
    """
    assert D(owned[0]) * D(owned[1]) == D(share)
    boundary = {"approach": "equity_share", "shares": {"IRW": share}}
    made = make([activity(facility_code="IRW", quantity="1000")], [factor(co2e_kg_per_unit="1")], boundary=boundary)
    assert made.co2e() == D(expected)
