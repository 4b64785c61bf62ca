"""Each shipped mapping on invented records in the shape of its file; the files themselves are read in acceptance."""

from __future__ import annotations

import csv
import io
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headwater.contracts import Document
from headwater.mapping import load_mapping
from headwater.packs.ghg import pack
from tests.mapped import mapped_by

MAPPINGS = Path(str(pack.mappings))
DOCUMENTS: dict[tuple[str, int], Document] = {(each.name, each.major): each for each in pack.documents()}


def mapped(name: str, text: str, delimiter: str = ";") -> list[dict[str, Any]]:
    """Fields as texts and values, reason to skip, of each record of a CSV."""
    mapping = load_mapping(MAPPINGS / f"{name}.yaml")
    return mapped_by(mapping, DOCUMENTS[mapping.contract_name, mapping.contract_major], text, delimiter)


def shown(row: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(f"{row[name]}" for name in names)


OF_WORKBOOKS = ("desnz_2020_", "egrid_", "epa_hub_", "iea_", "ipcc_")
"""Mappings of publishers' factors, tried in test_factor_mappings and against the real workbook in test_desnz."""


def test_every_shipped_mapping_is_tried_here() -> None:
    assert {path.stem for path in MAPPINGS.glob("*.yaml") if not path.stem.startswith(OF_WORKBOOKS)} == {
        "energy_instrument_form",
        "warming_potential_form",
        "laboratory_electricity",
        "laboratory_heating",
        "laboratory_trains",
        "laboratory_commuting",
        "laboratory_planes",
        "epa_animation_facilities",
        "epa_ghgrp_facilities",
        "climate_trace",
        "cdp_cities_2016",
        "cdp_cities_2018",
        "cdp_cities_2021",
        "emission_factor_form",
        "activity_form",
        "organisation_fact_form",
    }


def test_electricity_takes_the_groups_share() -> None:
    rows = mapped(
        "laboratory_electricity",
        "group_id;building;timestamp;consumption;fuel_type;group_share\n"
        "7;;2020-01-01;1000;german energy mix;0.25\n"
        "7;North;2020-01-01;1000;Solar;1.0\n"
        "7;;2020-01-01;900;german energy mix;0.25\n"
        "7;;2020-01-01;x;coal;1.0\n",
    )
    names = ("activity_type", "region", "quantity", "unit", "facility_code")
    assert shown(rows[0], *names) == ("electricity", "DE", "250.000000", "kWh", "group 7")
    assert shown(rows[1], *names) == ("electricity_solar", "DE", "1000.000000", "kWh", "group 7, North")
    assert rows[0]["activity_id"] == rows[2]["activity_id"] != rows[1]["activity_id"]
    assert len(rows[0]["activity_id"]) <= 64
    assert [row["unmapped"] for row in rows] == [False, False, False, True]
    assert rows[3]["quantity__text"] == "x * 1.0"


def test_heating_keeps_the_files_units() -> None:
    rows = mapped(
        "laboratory_heating",
        "group_id;building;timestamp;consumption;fuel_type;unit;group_share\n"
        "2;;2020-01-01;10;gas;m^3;0.5\n1;;2020-01-01;3;pellets;kg;1.0\n9;;2020-01-01;3;gas;kWh;1.0\n",
    )
    names = ("activity_type", "region", "quantity", "unit")
    assert shown(rows[0], *names) == ("natural_gas", "GB", "5.000000", "m3")
    assert shown(rows[1], *names) == ("wood_pellets", "DE", "3.000000", "kg")
    assert [row["unmapped"] for row in rows] == [False, False, True]


def test_trains_count_one_way_trips_and_keep_names_out() -> None:
    head = "username;group_id;timestamp;fuel_type;roundtrip;address_start;locality_start;country_start;"
    head += "address_dest;locality_dest;country_dest\n"
    rows = mapped(
        "laboratory_trains",
        head + "ann;1;2020-05-01;electric;True;Street 1;Ulm;Germany;Place 2;Bern;Switzerland\n"
        "ann;1;2020-05-01;diesel;False;Street 1;Ulm;Germany;Place 2;Bern;Switzerland\n"
        "bob;1;2020-05-01;electric;False;Street 1;Ulm;Norway;Place 2;Bern;Switzerland\n"
        "bob;1;2020-05-01;electric;maybe;Street 1;Ulm;Atlantis;Place 2;Bern;Switzerland\n",
    )
    assert [str(row["quantity"]) for row in rows[:3]] == ["2.000000", "1.000000", "1.000000"]
    assert [row["region"] for row in rows] == ["DE", "DE", "NO", "Atlantis"]
    assert {row["unit"] for row in rows} == {"trip"}
    assert rows[0]["activity_id"] == rows[1]["activity_id"] != rows[2]["activity_id"]
    assert rows[3]["unmapped"]
    assert not any("ann" in str(value) or "Street" in str(value) for row in rows for value in row.values())


def test_flights_count_trips_by_class() -> None:
    head = "origin_iata,destination_iata,user_institutional_id,departure_date,number_of_trips,cabin_class,note\n"
    rows = mapped(
        "laboratory_planes",
        head + "GVA,JFK,123456,2025-03-10,1,business,\n"
        "GVA,JFK,123456,2025-03-10,2,Business,again\n"
        "ZRH,LAX,123456,2025-04-10,3,deck,\n",
        ",",
    )
    names = ("activity_type", "region", "period_start", "quantity", "unit", "note")
    assert shown(rows[0], *names) == ("plane_business", "WORLD", "2025-03-10", "1.000000", "trip", "None")
    assert rows[0]["activity_id"] == rows[1]["activity_id"] != rows[2]["activity_id"]
    assert [row["unmapped"] for row in rows] == [False, False, True]
    assert not any("123456" in str(value) for row in rows for value in row.values())


def test_commuting_counts_the_period_and_the_people_in_the_car() -> None:
    head = "username;group_id;from_timestamp;to_timestamp;transportation_mode;annual_workweeks;distance;size;fuel_type;"
    head += "occupancy;passengers\n"
    rows = mapped(
        "laboratory_commuting",
        head + "ann;1;2021-01-01;2021-12-31;train;45;100;;;;\n"
        "ann;1;2021-01-01;2021-03-14;tram;50;73;;;;\n"
        "ann;1;2021-01-01;2021-12-31;car;40;90;medium;diesel;;3\n"
        "ann;1;2021-01-01;2021-12-31;car;40;90;medium;diesel;;\n"
        "ann;1;2021-01-01;2021-02-30;bus;40;90;;;;\n"
        "ann;1;2021-01-01;2021-12-31;train;45;100;;;;\n",
    )
    names = ("activity_type", "quantity", "unit", "period_end")
    assert shown(rows[0], *names) == ("train", "4500.000000", "pkm", "2022-01-01")
    assert shown(rows[1], *names) == ("tram", "730.000000", "pkm", "2021-03-15")  # 73 of 365 days
    assert shown(rows[2], *names) == ("car_medium_diesel", "1200.000000", "km", "2022-01-01")
    assert shown(rows[3], *names) == ("car_medium_diesel", "3600.000000", "km", "2022-01-01")
    assert rows[4]["quantity__text"] == "90 * 40 * (days from 2021-01-01 to 2021-02-30 + 1) / 365"
    assert rows[4]["period_end__text"] == "2021-02-30"
    assert rows[0]["activity_id"] == rows[5]["activity_id"]
    assert len({row["activity_id"] for row in rows}) == 5


def test_facilities_of_the_epa() -> None:
    rows = mapped(
        "epa_animation_facilities",
        "GHGRP FACILITY ID,year,category,lat,lon\n1,2020,other,48.123456789,-122.5\n",
        ",",
    )
    assert shown(rows[0], "facility_code", "year", "sector__text", "latitude", "longitude") == (
        *("1", "2020", "None", "48.123457", "-122.500000"),
    )
    rows = mapped(
        "epa_ghgrp_facilities",
        "GHGRP FACILITY ID,REPORTING YEAR,FACILITY NAME\n1000001.0,2023.0,Plant\nA-7,2023,Plant\n10.05,2023,Plant\n",
        ",",
    )
    assert [row["facility_code"] for row in rows] == ["1000001", "A-7", "10.05"]
    assert [row["year"] for row in rows] == [2023, 2023, 2023]


def test_climate_trace_reads_the_misspelled_gas() -> None:
    rows = mapped(
        "climate_trace", "region,sector/subsector,year,co2,ch4,n20,co2e100,co2e20\nXXX,waste,2020,1,2,3,852,9\n", ","
    )
    assert shown(rows[0], "co2_t", "ch4_t", "n2o_t", "total_co2e_t", "gwp_set") == (
        *("1.000000", "2.000000", "3.000000", "852.000000", "not_stated"),
    )


def cdp(name: str, *records: dict[str, str]) -> list[dict[str, Any]]:
    """Records with the columns that the mapping names, blank where not given."""
    mapping = load_mapping(MAPPINGS / f"{name}.yaml")
    given = {column for record in records for column in record}
    expressions = [rule.expression or "" for rule in mapping.fields.values()] + [skip.when for skip in mapping.skip]
    quoted = {part for text in expressions for part in text.split('"')[1::2]}
    bare = {"City", "Organization"} if any("Organization" in text for text in expressions) else set()
    columns = sorted({name for rule in mapping.fields.values() for name in rule.names} | quoted | bare | given)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[record.get(column, "") for column in columns] for record in records])
    return mapped(name, out.getvalue(), ",")


def test_cities_of_2016() -> None:
    total = "Total City-wide Emissions (metric tonnes CO2e)"
    rows = cdp(
        "cdp_cities_2016",
        {
            "Account Number": "1",
            "Measurement Year": "12/31/2013 12:00:00 AM",
            "City Location": "(1.5, -2.25)",
            total: "7",
        },
        {"Account Number": "2", "Measurement Year": "2013", "City Location": "here", total: "8"},
    )
    assert shown(rows[0], "year", "latitude", "longitude", "total_co2e_t") == (
        *("2013", "1.500000", "-2.250000", "7.000000"),
    )
    assert shown(rows[1], "year", "latitude__text", "total_co2e_t") == ("2013", "here", "8.000000")


@pytest.mark.parametrize(
    ("name", "year", "total"),
    [
        ("cdp_cities_2018", "Accounting Year", "Total Scope 1 Emissions (metric tonnes CO2e)"),
        ("cdp_cities_2021", "Accounting year", "TOTAL Scope 1 Emissions (metric tonnes CO2e)"),
    ],
)
def test_cities_of_later_years(name: str, year: str, total: str) -> None:
    rows = cdp(
        name,
        {"Account Number": "1", year: "2016-07-01 - 2017-06-30", total: "5", "City Location": "POINT (3.5 -4.25)"},
        {"Account Number": "2", year: "- 2017-12-31", total: "5", "City": "Here", "Organization": "City of Here"},
        {"Account Number": "3", year: "2016-01-01 - 2016-12-31", "Organization": "City of There"},
    )
    assert [row["skip"] for row in rows] == [None, None, "no_figures"]
    assert shown(rows[0], "year", "latitude", "longitude", "scope1_co2e_t") == (
        *("2016", "-4.250000", "3.500000", "5.000000"),
    )
    assert rows[1]["year__text"] == "- 2017-12-31"
    assert [row["facility_name"] for row in rows] == [None, "Here", "City of There"]


def test_cities_of_2021_never_add_the_two_forms() -> None:
    direct = "Direct emissions (metric tonnes CO2e) for Total emissions (excluding generation of grid-supplied energy)"
    power = "Direct emissions (metric tonnes CO2e) for Total generation of grid-supplied energy"
    total = "TOTAL Scope 1 Emissions (metric tonnes CO2e)"
    boundary = "Inventory boundary (compared to Administrative city boundary)"
    year = {"Accounting year": "2019-01-01 - 2019-12-31", boundary: "Same"}
    rows = cdp(
        "cdp_cities_2021",
        {"Account Number": "1", direct: "10", power: "4", **year},
        {"Account Number": "2", total: "14", direct: "10", power: "4", **year},
        {"Account Number": "3", power: "4", **year},
    )
    assert [str(row["scope1_co2e_t"]) for row in rows] == ["10.000000", "14.000000", "None"]
    assert rows[0]["boundary"] == "Same (without generation of grid-supplied energy)"
    assert rows[1]["boundary"] == "Same"
    assert [row["skip"] for row in rows] == [None, None, None]


def test_the_example_factors_fit_the_contract() -> None:
    text = (
        resources.files("headwater.packs.ghg").joinpath("examples/laboratory_factors.csv").read_text(encoding="utf-8")
    )
    rows = mapped("emission_factor_form", text, ",")
    assert len(rows) == 43
    assert len({row["factor_id"] for row in rows}) == 43
    assert all(row["co2e_kg_per_unit"] is not None and row["redistributable"] for row in rows)
    assert all("Sheet '" in row["note"] and ", cell " in row["note"] for row in rows)
    assert not any(row["region"] == "DE" and "choice of this example" not in row["note"] for row in rows)


def test_facts_are_read_in_the_form_of_the_contract() -> None:
    head = "fact,facility_code,period_start,period_end,quantity,unit,source,note\n"
    (row,) = mapped("organisation_fact_form", head + "headcount,*,2024-01-01,,120.5,fte,payroll,\n", ",")
    assert shown(row, "fact", "facility_code", "quantity", "unit") == ("headcount", "*", "120.500000", "fte")
    assert row["period_end"] is None


def test_activities_are_read_in_the_form_of_the_contract_with_or_without_later_fields() -> None:
    document = DOCUMENTS["activity", 1]
    given = {"activity_id": "a", "activity_type": "electricity", "region": "DE", "quantity": "1.5", "unit": "kWh"}
    given |= {"period_start": "2024-01-01", "period_end": "2024-02-01", "meter_id": "m 7"}
    for fields in (document.first, document.fields):
        names = [field.name for field in fields]
        text = f"{','.join(names)}\n{','.join(given.get(name, '') for name in names)}\n"
        (row,) = mapped("activity_form", text, ",")
        assert shown(row, "activity_id", "quantity", "period_end") == ("a", "1.500000", "2024-02-01")
    assert row["meter_id"] == "m 7"


def test_instruments_and_potentials_in_the_forms_of_their_contracts() -> None:
    head = (
        "instrument_id,kind,market,valid_from,valid_to,energy_mwh,co2e_kg_per_kwh,gwp_set,renewable,facility_code,"
        "tracking_id,retired_on,claimed_by,source,licence"
    )
    row = "go,certificate,DE,2024-01-01,2025-01-01,30.5,0,not_stated,true,,REG-1,2025-02-10,,Register,"
    (found,) = mapped("energy_instrument_form", f"{head}\n{row}\n", ",")
    names = ("instrument_id", "kind", "market", "valid_to", "energy_mwh", "renewable", "tracking_id", "retired_on")
    assert shown(found, *names) == (
        "go", "certificate", "DE", "2025-01-01", "30.500000", "True", "REG-1", "2025-02-10",
    )  # fmt: skip
    (found,) = mapped("energy_instrument_form", f"{head},energy_source\n{row},wind\n", ",")
    assert shown(found, "energy_source") == ("wind",)
    (found,) = mapped("warming_potential_form", "gwp_set,gas,gwp_100,source,note\nEPA_2024,SF6,23500,Hub,\n", ",")
    assert shown(found, "gwp_set", "gas", "gwp_100") == ("EPA_2024", "SF6", "23500.000000")
