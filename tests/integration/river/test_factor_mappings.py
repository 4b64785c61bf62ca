"""Factors of publishers whose workbooks users bring: the mappings against small files of the same shape."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from tests.river import River

pytestmark = pytest.mark.server


def workbook(sheet: str, rows: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    table = book.create_sheet(sheet)
    for row in rows:
        table.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def factors_of(river: River) -> dict[str, dict[str, Any]]:
    return {row["factor_id"]: row for row in river.rows("SELECT * FROM emission_factor_v1")}


def test_fuels_of_an_epa_hub(river: River) -> None:
    content = workbook(
        "Emission Factors Hub",
        [
            ["Emission Factors for Greenhouse Gas Inventories"],
            ["Table 1", "Stationary Combustion"],
            ["Fuel Type", "Heat Content (HHV)", "CO2 Factor", "CH4 Factor", "N2O Factor", "CO2 per short ton"],
            [
                "",
                "mmBtu per short ton",
                "kg CO2 per mmBtu",
                "g CH4 per mmBtu",
                "g N2O per mmBtu",
                "kg CO2 per short ton",
            ],
            ["Coal and Coke"],
            ["Anthracite Coal", 25.09, 103.69, 11, 1.6, 2602],
            ["Biomass Fuels - Solid"],
            ["Wood and Wood Residuals", 17.48, 93.8, 7.2, 3.6, 1640],
            ["Natural Gas"],
            ["Natural Gas", 0.001026, 53.06, 1.0, 0.10, 0.05444],
            [],
            ["Table 2", "Mobile Combustion CO2"],
            ["Fuel Type", "kg CO2 per unit", "Unit"],
            ["Aviation Gasoline", 8.31, "gallon"],
        ],
    )
    _, ledger = river.load(content, name="hub.xlsx", mapping="epa_hub_2024_stationary_combustion")

    assert (ledger.inserted, ledger.quarantined) == (3, 0)
    assert set(ledger.skipped) <= {"other_row", "other_table", "blank"}
    found = factors_of(river)
    coal = found["epa-hub-2024/anthracite_coal"]
    assert (coal["unit"], coal["region"], coal["gwp_set"]) == ("MMBtu_gross", "US", "AR5")
    assert (coal["co2_kg_per_unit"], coal["ch4_kg_per_unit"]) == (Decimal("103.69"), Decimal("0.011"))
    assert coal["co2e_kg_per_unit"] == Decimal("103.69") + Decimal("0.011") * 28 + Decimal("0.0016") * 265
    wood = found["epa-hub-2024/wood_and_wood_residuals"]
    assert (wood["co2_kg_per_unit"], wood["biogenic_co2_kg_per_unit"]) == (0, Decimal("93.8"))
    assert wood["co2e_kg_per_unit"] == Decimal("0.0072") * 28 + Decimal("0.0036") * 265


def test_subregions_of_an_egrid(river: River) -> None:
    content = workbook(
        "SRL22",
        [
            [
                "Data Year",
                "eGRID subregion acronym",
                "eGRID subregion name",
                "CO2 rate",
                "CH4 rate",
                "N2O rate",
                "CO2e",
            ],
            ["YEAR", "SUBRGN", "SRNAME", "SRCO2RTA", "SRCH4RTA", "SRN2ORTA", "SRC2ERTA"],
            [2022, "AKGD", "ASCC Alaska Grid", 1052.114, 0.088, 0.012, 1057.832],
            [2022, "RFCW", "RFC West", 1000, 0.1, 0.015, 1006.5],
        ],
    )
    _, ledger = river.load(content, name="egrid.xlsx", mapping="egrid_subregions")

    assert (ledger.inserted, ledger.quarantined) == (2, 0)
    west = factors_of(river)["egrid-2022/RFCW"]
    assert (west["region"], west["unit"], west["scope"], west["publication_year"]) == ("US-RFCW", "MWh", 2, 2022)
    assert west["co2_kg_per_unit"] == Decimal("453.59237")
    assert west["co2e_kg_per_unit"] == Decimal("456.5407204050")
    assert (west["valid_from"].isoformat(), west["valid_to"].isoformat()) == ("2022-01-01", "2023-01-01")


def test_countries_and_years_of_the_iea(river: River) -> None:
    content = workbook(
        "CO2KWH ELE",
        [
            ["Country", 2020, 2021, 2022],
            ["Germany", 310.5, 346.1, "385.00001234"],
            ["Norway", 7.1, "..", 7.4],
            ["World", 460, 459, "x"],
            ["OECD Total", 340, 345, 339],
        ],
    )
    _, ledger = river.load(content, name="iea.xlsx", mapping="iea_electricity_2024")

    assert (ledger.inserted, ledger.quarantined, ledger.skipped) == (7, 3, {"not_published": 2})
    found = factors_of(river)
    assert {each["region"] for each in found.values()} == {"DE", "NO", "WORLD"}
    assert found["iea-2024/Germany/2022"]["co2e_kg_per_unit"] == Decimal("0.3850000123")
    assert {each["redistributable"] for each in found.values()} == {False}
    refused = river.rows("SELECT findings FROM quarantine")
    assert {finding["rule"] for row in refused for finding in row["findings"]} == {"mapping.region.values"}


def test_metal_of_the_ipcc_as_bonsai_carries_it(river: River) -> None:
    sinter = "year,region,property,value,unit\n2019,World,def,0.2,t/t\n2019,World,min,0.18,t/t\n"
    coke = "year,region,activity,property,value,unit\n2019,World,by-product_recovery,def,0.51,t/t\n"
    alloy = "year,region,product,property,value,unit\n2019,World,a,def,3.6,t/t\n2019,World,b,def,1.5,kg/t\n"
    river.load(sinter, name="par_ef_co2_sinter.csv", mapping="ipcc_metal_co2")
    _, ledger = river.load(alloy, name="par_ef_co2_ferroalloy.csv", mapping="ipcc_metal_co2")
    assert (ledger.inserted, ledger.quarantined) == (1, 1)  # a unit that the mapping does not list
    _, ledger = river.load(coke, name="par_ef_co2_coke.csv", mapping="ipcc_metal_co2")

    assert ledger.inserted == 1
    found = factors_of(river)
    assert found["ipcc-2019/sinter/World"]["co2e_kg_per_unit"] == 200
    made = found["ipcc-2019/coke/by-product_recovery/World"]
    assert (made["activity_type"], made["unit"], made["region"]) == ("metal.coke.by-product_recovery", "t", "WORLD")
    assert (made["co2_kg_per_unit"], made["redistributable"]) == (510, None)


def test_biological_treatment_of_the_ipcc(river: River) -> None:
    content = (
        "year,region,biotreat_type,waste_moisture,property,value,unit\n"
        "2006,World,compost,wet,def,4.0,g/kg\n2006,World,compost,wet,max,8.0,g/kg\n"
    )
    _, ledger = river.load(content, name="par_ef_ch4_biotreat.csv", mapping="ipcc_biological_treatment_ch4")

    assert (ledger.inserted, ledger.skipped) == (1, {"interval": 1})
    (row,) = factors_of(river).values()
    assert (row["ch4_kg_per_unit"], row["co2e_kg_per_unit"], row["ch4_origin"]) == (4, 112, "non_fossil")


def test_carbon_of_fuels_of_the_ipcc(river: River) -> None:
    content = (
        "year,region,product,property,value,unit\n2019,World,natural_gas,def,15.3,kg/GJ\n"
        "2019,World,natural_gas,min,14.8,kg/GJ\n2019,World,charcoal,def,30.5,kg/GJ\n2019,World,coke,def,29.2,kg/t\n"
    )
    _, ledger = river.load(content, name="par_carbon_content_per_energy.csv", mapping="ipcc_fuel_carbon")

    assert (ledger.inserted, ledger.quarantined, ledger.skipped) == (2, 1, {"interval": 1})
    found = factors_of(river)
    gas = found["ipcc-2019/fuel_carbon/natural_gas/World"]
    assert (gas["co2e_kg_per_unit"], gas["unit"], gas["biogenic_co2_kg_per_unit"]) == (Decimal("56.1"), "GJ_net", None)
    charcoal = found["ipcc-2019/fuel_carbon/charcoal/World"]
    assert (charcoal["co2_kg_per_unit"], charcoal["biogenic_co2_kg_per_unit"]) == (0, Decimal("111.8333333333"))
