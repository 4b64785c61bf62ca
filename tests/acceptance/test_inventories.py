"""Reported figures of real registers and inventories: every record accounted for, every sum as worked out by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.acceptance.raw import SHARED, RawRecord, is_figure, needs_real_files, records, rounded, total
from tests.river import River

pytestmark = [needs_real_files, pytest.mark.server, pytest.mark.long]

FIGURES = ("scope1_co2e_t", "scope2_co2e_t", "scope3_co2e_t", "total_co2e_t", "co2_t", "ch4_t", "n2o_t")


def brought(river: River, name: str, mapping: str) -> tuple[UUID, Ledger]:
    """Import a real file and hold its books against each other."""
    run_id, ledger = river.load((SHARED / name).read_bytes(), name=name.rpartition("/")[2], mapping=mapping)
    assert ledger.read == ledger.mapped + ledger.quarantined_raw + sum(ledger.skipped.values())
    assert ledger.produced == ledger.inserted + ledger.updated + ledger.unchanged + ledger.merged + ledger.quarantined
    return run_id, ledger


def stored(river: River, source: str) -> dict[str, Any]:
    """How many rows of a source stand, and the sum of each figure."""
    sums = ", ".join(f"sum({figure}) AS {figure}" for figure in FIGURES)
    return river.rows(
        f"SELECT count(*) AS records, {sums} FROM facility_emission_v1 WHERE source = %(source)s", source=source
    )[0]


def refused_lines(river: River, run_id: UUID) -> list[int]:
    rows = river.rows(
        "SELECT q.line FROM quarantine q JOIN chunks c USING (tenant_id, chunk_id) WHERE c.run_id = %(run)s ORDER BY 1",
        run=run_id,
    )
    return [row["line"] for row in rows]


def test_the_facility_years_of_the_epa(river: River) -> None:
    raw = records("facilities/animation_yearly_facilities.csv")
    assert len(raw) == 89_690
    _, ledger = brought(river, "facilities/animation_yearly_facilities.csv", "epa_animation_facilities")
    assert (ledger.read, ledger.inserted, ledger.quarantined, ledger.merged) == (89_690, 89_690, 0, 0)

    by_year = river.rows(
        "SELECT year, count(*) AS records, count(DISTINCT facility_code) AS facilities, sum(latitude) AS latitude,"
        " sum(longitude) AS longitude FROM facility_emission_v1 GROUP BY 1"
    )
    expected = {year: [each for each in raw if each["year"] == year] for year in {each["year"] for each in raw}}
    assert {row["year"]: row["records"] for row in by_year} == {int(year): len(rows) for year, rows in expected.items()}
    for row in by_year:
        of_year = expected[str(row["year"])]
        assert row["facilities"] == len({each["GHGRP FACILITY ID"] for each in of_year})
        # The contract keeps six decimals of a degree, which is 11 cm.
        assert row["latitude"] == sum(rounded(Decimal(each["lat"]), 6) for each in of_year)
        assert row["longitude"] == sum(rounded(Decimal(each["lon"]), 6) for each in of_year)

    _, again = brought(river, "facilities/animation_yearly_facilities.csv", "epa_animation_facilities")
    assert (again.read, again.unchanged, again.inserted, again.updated) == (89_690, 89_690, 0, 0)


def test_the_register_of_the_epa_has_its_numbers_without_the_spreadsheets_point(river: River) -> None:
    raw = records("facilities/ghgrp_2023_facilities.csv")
    _, ledger = brought(river, "facilities/ghgrp_2023_facilities.csv", "epa_ghgrp_facilities")
    assert (ledger.read, ledger.inserted) == (len(raw), 8_106)
    rows = river.rows("SELECT facility_code, year, facility_name FROM facility_emission_v1")
    assert {(row["facility_code"], row["year"], row["facility_name"]) for row in rows} == {
        (str(int(Decimal(each["GHGRP FACILITY ID"]))), int(Decimal(each["REPORTING YEAR"])), each["FACILITY NAME"])
        for each in raw
    }


def by_the_fifth_report(record: RawRecord) -> bool:
    co2e = Decimal(record["co2"]) + 28 * Decimal(record["ch4"]) + 265 * Decimal(record["n20"])
    return abs(co2e - Decimal(record["co2e100"])) <= Decimal("0.001")


def test_climate_trace(river: River) -> None:
    raw = records("inventories/climate_trace_emissions_inventory_20221201.csv")
    assert len(raw) == 15_750
    assert sum(by_the_fifth_report(each) for each in raw) == 10_634  # as the mapping says of co2e100

    _, ledger = brought(river, "inventories/climate_trace_emissions_inventory_20221201.csv", "climate_trace")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (15_750, 15_750, 0)
    found = stored(river, "climate_trace_2022_12")
    assert found["records"] == 15_750
    for figure, column in (("total_co2e_t", "co2e100"), ("co2_t", "co2"), ("ch4_t", "ch4"), ("n2o_t", "n20")):
        assert found[figure] == total(raw, column)
    by_year = river.rows("SELECT year, sum(total_co2e_t) AS total FROM facility_emission_v1 GROUP BY 1")
    assert {row["year"]: row["total"] for row in by_year} == {
        int(year): total([each for each in raw if each["year"] == year], "co2e100")
        for year in {each["year"] for each in raw}
    }


SCOPE_1 = "Total Scope 1 Emissions (metric tonnes CO2e)"
SCOPE_2 = "Total Scope 2 Emissions (metric tonnes CO2e)"


def test_cities_of_three_years_stand_in_one_contract(river: River) -> None:
    """CDP changed the questions each year; three mappings bring the answers together."""
    counts = Counter(
        {
            "cdp_cities_2016": cities_of_2016(river),
            "cdp_cities_2018": cities_of_2018(river),
            "cdp_cities_2021": cities_of_2021(river),
        }
    )
    rows = river.rows("SELECT source, count(*) AS records FROM facility_emission_v1 GROUP BY 1")
    assert Counter({row["source"]: row["records"] for row in rows}) == counts
    assert verify(river.installation, progress=SilentProgress()).ok


def cities_of_2016(river: River) -> int:
    raw = records("inventories/2016_-_Citywide_GHG_Emissions.csv")
    assert len(raw) == 187
    run_id, ledger = brought(river, "inventories/2016_-_Citywide_GHG_Emissions.csv", "cdp_cities_2016")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (187, 187, 0)
    assert refused_lines(river, run_id) == []
    found = stored(river, "cdp_cities_2016")
    assert found["scope1_co2e_t"] == total(raw, SCOPE_1)
    assert found["scope2_co2e_t"] == total(raw, SCOPE_2)
    assert found["scope3_co2e_t"] is None
    assert found["total_co2e_t"] == total(raw, "Total City-wide Emissions (metric tonnes CO2e)")
    years = river.rows("SELECT facility_code, year FROM facility_emission_v1 WHERE source = 'cdp_cities_2016'")
    assert {(row["facility_code"], row["year"]) for row in years} == {
        (each["Account Number"], int(each["Measurement Year"][6:10]))  # of "12/31/2013 12:00:00 AM"
        for each in raw
    }
    return len(raw)


def is_full_period(text: str) -> bool:
    """As in "2016-01-01 - 2016-12-31"; in the file one of the two days is missing sometimes, or both."""
    return len(text) == 23 and text[10:13] == " - "


def cities_of_2018(river: River) -> int:
    raw = records("inventories/2018_City-wide_Emissions.csv")
    assert len(raw) == 488
    totals = {
        "scope1_co2e_t": SCOPE_1,
        "scope2_co2e_t": SCOPE_2,
        "scope3_co2e_t": "Total Scope 3 emissions (metric tonnes CO2e)",
        "total_co2e_t": "Total BASIC Emissions (GPC)",
    }
    asked = list(raw[0].cells)[15:26]  # six about grid-supplied energy, then the totals
    with_figures = [each for each in raw if any(is_figure(each[column]) for column in asked)]
    loaded = hold_cities(river, "inventories/2018_City-wide_Emissions.csv", raw, with_figures, period="Accounting Year")
    found = stored(river, "cdp_cities_2018")
    for figure, column in totals.items():
        assert found[figure] == total(loaded, column)
    return len(loaded)


def cities_of_2021(river: River) -> int:
    raw = records("inventories/2021_City-wide_Emissions.csv")
    assert len(raw) == 989
    asked = list(raw[0].cells)[14:25]
    with_figures = [each for each in raw if any(is_figure(each[column]) for column in asked)]
    loaded = hold_cities(river, "inventories/2021_City-wide_Emissions.csv", raw, with_figures, period="Accounting year")
    found = stored(river, "cdp_cities_2021")
    # A city gave totals, or figures with and without the generation of grid-supplied energy: the total goes first.
    for figure, of_scope, without_generation in (
        ("scope1_co2e_t", asked[6], asked[1]),
        ("scope2_co2e_t", asked[7], asked[3]),
        ("scope3_co2e_t", asked[8], asked[5]),
    ):
        given = [each.number(of_scope if each[of_scope] else without_generation) for each in loaded]
        assert found[figure] == sum(filter(None, given), Decimal(0))
    assert found["total_co2e_t"] == total(loaded, "TOTAL BASIC Emissions (GPC)")
    return len(loaded)


def hold_cities(
    river: River, name: str, raw: Sequence[RawRecord], with_figures: Sequence[RawRecord], *, period: str
) -> list[RawRecord]:
    """Cities without figures are skipped and counted, those without a whole period refused at their lines."""
    loaded = [each for each in with_figures if is_full_period(each[period])]
    run_id, ledger = brought(river, name, f"cdp_cities_{name.partition('/')[2][:4]}")
    assert ledger.read == len(raw)
    assert ledger.skipped == {"no_figures": len(raw) - len(with_figures)}
    assert ledger.inserted == len(loaded)
    assert refused_lines(river, run_id) == [each.line for each in with_figures if not is_full_period(each[period])]
    assert ledger.quarantined == len(with_figures) - len(loaded)
    return loaded
