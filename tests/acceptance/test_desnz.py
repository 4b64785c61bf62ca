"""The UK government's conversion factors of 2020: every factor of the workbook is loaded, or refused with a reason.

What the workbook holds is worked out here from its XML alone: below each header row, every cell in a column "kg CO2e".
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from headwater.accounting.inventory.figures import explains
from headwater.contracts import Document
from headwater.mapping import load_mapping
from headwater.packs.erp import pack as erp
from headwater.services.batches import Imported
from headwater.services.factors.library import import_series, series
from headwater.telemetry import SilentProgress
from tests.acceptance.books import Books
from tests.acceptance.raw import SHARED, needs_real_files
from tests.acceptance.raw import sheet as raw_sheet
from tests.mapped import mapped_by
from tests.river import make_river
from tests.servers import TestServer

pytestmark = [pytest.mark.server, needs_real_files, pytest.mark.slow, pytest.mark.long]

NAME = "factors/desnz_2020_condensed.xlsx"
UNITS = {
    "tonnes": "t", "kg": "kg", "litres": "l", "cubic metres": "m3", "kWh": "kWh", "kWh (Net CV)": "kWh_net",
    "kWh (Gross CV)": "kWh_gross", "GJ": "GJ", "km": "km", "miles": "mi", "tonne.km": "tkm", "passenger.km": "pkm",
    "million litres": "megalitre",
}  # fmt: skip
CABIN_CLASSES = ("economy", "premium_economy", "business", "first")
NO_FACTORS = {
    "Introduction", "What's new", "Index",
    "SECR kWh pass & delivery vehs",  # kWh per km: energy, no emissions
    "SECR kWh UK electricity for EVs",
    "Conversions",  # of units
    "Fuel properties",  # calorific values and densities
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell in a column of kg CO2e: the heading above the column, the unit of its row, the row's gases right of it."""

    sheet: str
    address: str
    heading: str
    unit: str
    co2e: str
    gases: tuple[str, ...]


@cache
def sheets() -> dict[str, int]:
    with zipfile.ZipFile(SHARED / NAME) as archive:
        names = re.findall(r'<sheet name="([^"]*)"', archive.read("xl/workbook.xml").decode())
    return {unescape(name): number for number, name in enumerate(names, start=1)}


def letters(column: str) -> int:
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


@cache
def cells() -> tuple[Cell, ...]:
    found = []
    for name, number in sheets().items():
        header: dict[str, str] = {}
        above: dict[str, str] = {}
        headings: dict[str, str] = {}
        for row, filled in raw_sheet(NAME, number):
            texts = {column: text.strip() for column, text in filled.items()}
            if "Unit" in texts.values() and "kg CO2e" in texts.values():
                header, headings = texts, above
                continue
            above = texts
            by_header = {text: column for column, text in header.items()}
            unit = texts.get(by_header.get("Unit", ""), "")
            if unit not in UNITS:
                continue
            found += [
                Cell(
                    name,
                    f"{column}{row}",
                    headings.get(column, ""),
                    unit,
                    texts[column],
                    tuple(_right_of(column, header, texts)),
                )
                for column, text in header.items()
                if text == "kg CO2e" and texts.get(column)
            ]
    return tuple(found)


def _right_of(column: str, header: dict[str, str], texts: dict[str, str]) -> list[str]:
    beside = sorted((each for each in header if letters(each) > letters(column)), key=letters)[:3]
    if [header[each] for each in beside] != ["kg CO2", "kg CH4", "kg N2O"]:
        return []
    return [texts.get(each, "") for each in beside]


def rounded(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("1e-10"), ROUND_HALF_UP)


@pytest.fixture(scope="module")
def books(
    server: TestServer, documents: tuple[Document, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """One installation for the whole module: the workbook is brought in once."""
    made = server.upgraded(documents)
    yield Books(river=make_river(made, tmp_path_factory.mktemp("desnz")))
    server.drop(made)


@pytest.fixture(scope="module")
def imported(books: Books) -> list[Imported]:
    installation = books.river.installation
    mappings = series(installation, "desnz_2020")
    assert len(mappings) == 24
    return list(import_series(installation, SHARED / NAME, mappings, progress=SilentProgress()))


def test_every_factor_is_loaded_or_refused_with_a_reason(books: Books, imported: list[Imported]) -> None:
    assert [str(each.error) for each in imported if each.error] == []
    views = {each.file: each.view for each in imported}
    assert {view.run.state for view in views.values() if view} == {"succeeded", "succeeded_with_quarantine"}
    refused = books.rows("SELECT raw, findings FROM quarantine")
    assert sorted((row["raw"]["Emission"], [each["rule"] for each in row["findings"]]) for row in refused) == [
        ("R1234yf*", ["emission_factor.co2e_kg_per_unit.type"]),
        ("R1234ze*", ["emission_factor.co2e_kg_per_unit.type"]),
    ]

    figures = [cell for cell in cells() if cell.co2e != "< 1"]
    assert len(cells()) - len(figures) == len(refused)
    assert {cell.sheet for cell in cells()} == sheets().keys() - NO_FACTORS
    stored = books.rows("SELECT tags, unit, co2e_kg_per_unit FROM emission_factor_v1")
    assert Counter((row["tags"], row["unit"], row["co2e_kg_per_unit"]) for row in stored) == Counter(
        (f"DESNZ; {cell.sheet}", UNITS[cell.unit], rounded(cell.co2e)) for cell in figures
    )


def test_nothing_of_a_record_is_left_over(imported: list[Imported]) -> None:
    """Read = loaded + refused + skipped with a reason: another table's row, a heading, a figure not published."""
    for each in imported:
        assert each.view is not None
        ledger = each.view.ledger
        assert ledger.read == ledger.inserted + ledger.quarantined + sum(ledger.skipped.values()), each.file
        assert set(ledger.skipped) <= {"other_table", "heading", "not_published", "blank"}, each.file


@pytest.mark.usefixtures("imported")
def test_journeys_of_an_erp_find_their_factors(books: Books) -> None:
    """Every activity type that the mapping of travel can write has a factor per what it counts, but for hotels."""
    modes = ("flight", "train", "bus", "taxi", "hire_car", "own_car", "ferry")
    trips = [(mode, distance, kind) for mode in modes for distance in ("300", "5000") for kind in ("", *CABIN_CLASSES)]
    lines = [
        f"t{number};{mode};{kind};{distance};km;GB;2020-03-01;;;;;;"
        for number, (mode, distance, kind) in enumerate(trips)
    ]
    head = (
        "travel_id;mode;cabin_class;distance;distance_unit;country;travel_date;nights;report_number;amount;currency;"
        "is_cancelled;release_state"
    )
    mapping = load_mapping(Path(str(erp.mappings)) / "travel_to_activities.yaml")
    activity = books.river.installation.contract("activity", 1)
    rows = mapped_by(mapping, activity, "\n".join([head, *lines, ""]))
    known = books.rows("SELECT activity_type, unit FROM emission_factor_v1 WHERE category = 6")
    assert {(row["activity_type"], row["unit"]) for row in rows} <= {
        (row["activity_type"], row["unit"]) for row in known
    }


@pytest.mark.usefixtures("imported")
def test_the_gases_are_co2e_as_published(books: Books) -> None:
    stored = books.rows(
        """SELECT tags, unit, co2e_kg_per_unit AS co2e, co2_kg_per_unit AS co2, ch4_co2e_kg_per_unit AS ch4,
                  n2o_co2e_kg_per_unit AS n2o
           FROM emission_factor_v1 WHERE co2_kg_per_unit IS NOT NULL"""
    )
    # What flying high adds is in the CO2 of "With RF", which is no mass then.
    with_gases = [cell for cell in cells() if any(cell.gases) and cell.heading != "With RF"]
    assert Counter((*row.values(),) for row in stored) == Counter(
        (f"DESNZ; {cell.sheet}", UNITS[cell.unit], *map(rounded, (cell.co2e, *cell.gases))) for cell in with_gases
    )
    for row in stored:
        # Two or five places are published: of tonnes a unit of the second is up to 4 millionths of the figure.
        gap = abs(row["co2e"] - row["co2"] - row["ch4"] - row["n2o"])
        assert gap <= max(Decimal("0.00002"), row["co2e"] * Decimal("0.000004")), row
        named = {f"{gas}_kg_per_unit": row[gas] for gas in ("co2e", "co2")}
        named |= {f"{gas}_co2e_kg_per_unit": row[gas] for gas in ("ch4", "n2o")}
        assert explains(named | {"gwp_set": "AR4"}, {"AR4": {}}), row


@pytest.mark.parametrize(
    ("factor_id", "sheet", "address", "facts"),
    [
        ("fuel.gaseous.natural_gas/kwh_gross_cv", "Fuels", "E38", {"unit": "kWh_gross", "scope": 1}),
        ("fuel.gaseous.natural_gas/kwh_net_cv", "Fuels", "E37", {"unit": "kWh_net", "scope": 1}),
        ("fuel.liquid.diesel_average_biofuel_blend/litres", "Fuels", "E63", {"unit": "l", "scope": 1}),
        ("fuel.solid.coal_domestic/tonnes", "Fuels", "E127", {"unit": "t", "scope": 1}),
        ("bioenergy.biomass.wood_pellets/kwh", "Bioenergy", "E44", {"unit": "kWh", "scope": 1}),
        ("refrigerant.r410a/kg", "Refrigerant & other", "E58", {"gas": "R-410A", "gas_kg_per_unit": 1}),
        ("refrigerant.methane/kg", "Refrigerant & other", "E20", {"gas": "CH4", "scope": 1}),
        ("owned.car_segment.mini.petrol/km", "Passenger vehicles", "I25", {"scope": 1, "category": None}),
        ("owned.car.small_car.diesel/miles", "Passenger vehicles", "E48", {"unit": "mi", "scope": 1}),
        ("owned.motorbike.average/km", "Passenger vehicles", "E65", {"scope": 1}),
        ("travel.car.average_car.unknown/km", "Business travel- land", "Y53", {"scope": 3, "category": 6}),
        ("travel.rail.national_rail/passenger.km", "Business travel- land", "E87", {"unit": "pkm", "category": 6}),
        (
            "travel.flight.long-haul.first.without_rf/passenger.km",
            "Business travel- air",
            "J31",
            {"category": 6},
        ),
        ("travel.ferry.foot_passenger/passenger.km", "Business travel- sea", "E18", {"category": 6}),
        ("uk.electricity/kwh", "UK electricity", "F24", {"scope": 2, "method": "location_based", "stage": None}),
        (
            "uk.electricity/kwh/td",
            "Transmission and distribution",
            "F21",
            {"scope": 3, "category": 3, "stage": "transmission_and_distribution", "activity_type": "uk.electricity"},
        ),
        ("uk.district_heat_and_steam/kwh/td", "Transmission and distribution", "F25", {"category": 3}),
        (
            "ev.car_segment.mini.bev/km",
            "UK electricity for EVs",
            "I26",
            {"scope": 2, "activity_type": "ev.car_segment.mini.bev"},
        ),
        (
            "ev.car_segment.mini.bev/km/td",
            "UK electricity T&D for EVs",
            "I24",
            {"scope": 3, "activity_type": "ev.car_segment.mini.bev"},
        ),
        ("water.water_supply/cubic_metres", "Water supply", "E18", {"category": 1, "unit": "m3"}),
        ("water.water_treatment/million_litres", "Water treatment", "E18", {"category": 5, "unit": "megalitre"}),
        ("material.aggregates.re-used/tonnes", "Material use", "F22", {"category": 1}),
        ("waste.household_residual_waste.landfill/tonnes", "Waste disposal", "J45", {"category": 5}),
        ("freight.hgv.rigid_over_3.5-7.5t.50%_laden/tonne.km", "Freighting goods", "I42", {"unit": "tkm"}),
        (
            "freight.tanker.crude_tanker.200000+_dwt/tonne.km",
            "Freighting goods",
            "F111",
            {"category": 4},
        ),
        ("managed.van.class_i.diesel/km", "Managed assets- vehicles", "E59", {"category": 8}),
    ],
)
@pytest.mark.usefixtures("imported")
def test_spot_values_by_cell(books: Books, factor_id: str, sheet: str, address: str, facts: dict[str, object]) -> None:
    (row,) = books.rows("SELECT * FROM emission_factor_v1 WHERE factor_id = %(id)s", id=f"desnz-2020/{factor_id}")
    column, number = re.fullmatch(r"([A-Z]+)(\d+)", address).groups()  # type: ignore[union-attr]
    stored = dict(raw_sheet(NAME, sheets()[sheet]))[int(number)][column]
    assert row["co2e_kg_per_unit"] == rounded(stored)
    assert {name: row[name] for name in facts} == facts
    assert (row["gwp_set"], row["publication_year"], row["region"], row["redistributable"]) == ("AR4", 2020, "GB", True)
    assert row["tags"] == f"DESNZ; {sheet}"


def test_importing_it_again_changes_nothing(books: Books, imported: list[Imported]) -> None:
    again = import_series(
        books.river.installation, SHARED / NAME, [each.file for each in imported][:3], progress=SilentProgress()
    )
    for each in again:
        assert each.view is not None
        assert (each.view.ledger.inserted, each.view.ledger.updated) == (0, 0)
    assert books.stands()
