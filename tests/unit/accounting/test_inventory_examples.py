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


def per_mwh(pounds: str) -> str:
    """Kilograms in so many pounds."""
    return str((D(pounds) * D("0.45359237")).quantize(D("0.0000000001"), ROUND_HALF_UP))


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


@pytest.mark.parametrize(
    ("mmbtu", "carbon_kg_per_mmbtu", "printed"),
    [
        ("0.1", "14.46", "0.005302"),  # a therm of natural gas
        ("0.1", "14.43", "0.0053"),  # the same in a later edition
        ("0.1", "14.43", "0.005291"),
        ("5.80", "20.31", "0.43"),  # a barrel of crude oil
    ],
)
def test_epa_equivalencies_of_fuels(mmbtu: str, carbon_kg_per_mmbtu: str, printed: str) -> None:
    """US EPA, Greenhouse Gas Equivalencies Calculator, Calculations and References: "0.1 mmbtu/1 therm × 14.43 kg
    C/mmbtu × 44 kg CO2/12 kg C × 1 metric ton/1,000 kg = 0.0053 metric tons CO2/therm"; of editions that print more
    digits all of them; "5.80 mmbtu/barrel × 20.31 kg C/mmbtu × … = 0.43 metric tons CO2/barrel". For a million of them.
    """
    per_mmbtu = (D(carbon_kg_per_mmbtu) * 44 / 12).quantize(D("0.0000000001"), ROUND_HALF_UP)
    given = factor(**FUEL, unit="MMBtu", co2e_kg_per_unit=str(per_mmbtu), co2_kg_per_unit=str(per_mmbtu))
    burnt = activity(activity_type="fuel", unit="MMBtu", quantity=str(D(mmbtu) * 1_000_000))
    (line,) = make([burnt], [given]).lines
    assert str(published(line["co2_kg"] / 10**9, printed)) == printed


def test_epa_equivalencies_of_coal_by_the_pound() -> None:
    """The same, pounds of coal: "21.11 mmbtu/metric ton coal × 26.05 kg C/mmbtu × 44 kg CO2/12 kg C × 1 metric ton
    coal/2,204.6 pound of coal × 1 metric ton/1,000 kg = 9.15 × 10-4 metric tons CO2/pound of coal".
    """
    per_tonne = (D("21.11") * D("26.05") * 44 / 12).quantize(D("0.0000000001"), ROUND_HALF_UP)
    given = factor(**FUEL, unit="t", co2e_kg_per_unit=str(per_tonne), co2_kg_per_unit=str(per_tonne))
    (line,) = make([activity(activity_type="fuel", unit="lb", quantity="1000000")], [given]).lines
    assert published(line["co2_kg"] / 10**9, "0.000001") == D("0.000915")


def test_epa_equivalencies_of_electricity() -> None:
    """The same, electricity reductions: "1,540.1 lbs CO2/MWh × 1 metric ton/2,204.6 lbs × 0.001 MWh/kWh = 6.99 × 10-4
    metric tons CO2/kWh".
    """
    grid = factor(unit="MWh", co2e_kg_per_unit=per_mwh("1540.1"))
    assert published(make([activity(quantity="1000000")], [grid]).co2e() / 10**9, "0.000001") == D("0.000699")


def test_epa_equivalencies_of_electricity_with_its_losses() -> None:
    """The same in a later edition, with what is lost on the way: "852.3 lbs CO2/MWh × 1 metric ton/2,204.6 lbs ×
    1/(1-0.073) MWh delivered/MWh generated × 1 MWh/1,000 kWh = 4.17 × 10-4 metric tons CO2/kWh". The electricity used
    is scope 2; what is lost of it, 0.073/(1-0.073) of what is delivered, category 3 of scope 3.
    """
    used = per_mwh("852.3")
    lost = (D(used) * D("0.073") / D("0.927")).quantize(D("0.0000000001"), ROUND_HALF_UP)
    grid = factor(unit="MWh", co2e_kg_per_unit=used)
    losses = factor(
        factor_id="losses", stage="transmission_and_distribution", scope=3, unit="MWh", co2e_kg_per_unit=str(lost)
    )
    made = make([activity(quantity="1000000")], [grid, losses], policy={"upstream": True})
    assert {(line["scope"], line["category"]) for line in made.lines} == {(2, None), (3, 3)}
    assert published(made.co2e() / 10**9, "0.000001") == D("0.000417")


@pytest.mark.parametrize(
    ("car", "kwh", "printed"),
    [
        ("supermini, plug-in hybrid, km", "0.14318", "0.03338"),
        ("supermini, battery, km", "0.17902", "0.04174"),
        ("lower medium, plug-in hybrid, km", "0.08742", "0.02038"),
        ("lower medium, battery, km", "0.21986", "0.05126"),
        ("lower medium, battery, mile", "0.35383", "0.08249"),
        ("sports, battery, km", "0.3234", "0.0754"),
        ("dual purpose 4X4, battery, km", "0.27943", "0.06515"),
        ("small car, battery, km", "0.18313", "0.04269"),
        ("small car, battery, mile", "0.29471", "0.06871"),
        ("medium car, battery, km", "0.21974", "0.05123"),
        ("medium car, battery, mile", "0.35364", "0.08245"),
    ],
)
def test_electric_cars_of_the_uk_government(car: str, kwh: str, printed: str) -> None:
    """UK Government GHG Conversion Factors for Company Reporting 2020: kWh per km or mile (sheet SECR kWh UK
    electricity for EVs, rows 26 to 49) × 0.23314 kg CO2e per kWh (sheet UK electricity) is the figure that sheet UK
    electricity for EVs prints (rows 28 to 51), as the example of company E on both has it. Rows that miss it by one in
    the last digit, since the kWh were rounded before they were printed, are left out.
    """
    grid = factor(co2e_kg_per_unit="0.23314", gwp_set="AR4", name=car)
    made = make([activity(quantity=str(D(kwh) * 100_000))], [grid], gwp_sets=["AR4"])
    assert published(made.co2e() / 100_000, "0.00001") == D(printed)
