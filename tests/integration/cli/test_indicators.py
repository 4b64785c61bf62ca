"""`headwater indicators`: from rows that were loaded to figures with what they rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors

FACTS = """fact,facility_code,period_start,period_end,quantity,unit,source,note
headcount,*,2024-01-01,,40,person,payroll,
headcount,LON,2024-01-01,,15,person,payroll,
revenue,*,2024-01-01,2025-01-01,2000000,EUR,accounts,
"""


@pytest.fixture
def loaded(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    """By hand: 2023 LON 500 kg; 2024 LON 250 kg and PAR 100 kg, all scope 2; facts of 2024."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    rows = [
        {"activity_id": "a", "quantity": "1000", "facility_code": "LON", "period_start": "2023-03-01"},
        {"activity_id": "b", "quantity": "500", "facility_code": "LON"},
        {"activity_id": "c", "quantity": "200", "facility_code": "PAR"},
    ]
    (tmp_path / "meters.csv").write_text(activities(rows))
    (tmp_path / "facts.csv").write_text(FACTS)
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "meters.csv", "-m", form).code == 0
    assert headwater("import", "facts.csv", "-m", "organisation_fact_form").code == 0
    return headwater


def values(headwater: Headwater, *arguments: str) -> dict[str, str]:
    """Key → value or why there is none, of one indicator."""
    done = headwater("indicators", "compute", *arguments, "--json")
    assert done.code == 0
    (indicator,) = done.json
    return {
        " ".join(str(part) for part in each["key"].values()): each["value"] or each["not_available"][0]
        for each in indicator["values"]
    }


def test_the_starting_set_is_listed_and_shown(headwater: Headwater) -> None:
    names = {each["name"] for each in headwater("indicators", "list", "--json").json}
    assert {"emissions_by_scope", "intensity_by_floor_area", "renewable_share", "reduction_since_first_year"} <= names
    done = headwater("indicators", "show", "intensity_by_headcount")
    assert "emissions, headcount" in done.out
    assert headwater("indicators", "show", "intensity_by_headcont").code == 2


def test_sums_are_those_of_the_figures_that_stand(loaded: Headwater) -> None:
    assert values(loaded, "emissions") == {"": "0.850"}
    assert values(loaded, "emissions_by_site") == {"LON": "0.750", "PAR": "0.100"}
    assert values(loaded, "emissions_by_year") == {"2023": "0.500", "2024": "0.350"}
    assert values(loaded, "emissions", "--by", "site", "--by", "year")["LON 2024"] == "0.250"


def test_intensities_are_by_the_year_of_the_facts(loaded: Headwater) -> None:
    found = values(loaded, "intensity_by_headcount", "--by", "year")
    assert found == {"2023": "there is no headcount for year 2023", "2024": "8.750"}
    assert values(loaded, "intensity_by_headcount", "--by", "site", "--by", "year")["LON 2024"] == "16.667"
    assert values(loaded, "intensity_by_revenue", "--by", "year")["2024"] == "0.000175000"
    assert values(loaded, "intensity_by_floor_area", "--by", "year")["2024"].startswith("floor_area: there are no rows")


def test_along_time(loaded: Headwater) -> None:
    assert values(loaded, "change_on_year") == {"2023": "there is no emissions 2022", "2024": "-30.0"}
    assert values(loaded, "reduction_since_first_year") == {"2023": "0.0", "2024": "30.0"}


def test_what_only_an_inventory_knows_is_not_available(loaded: Headwater) -> None:
    assert "only inventories tell" in values(loaded, "renewable_share")[""]
    done = loaded("indicators", "compute", "--json")
    assert done.code == 0
    assert all(each["values"] for each in done.json)
    done = loaded("indicators", "compute")
    assert "not available" in done.out


def test_a_value_names_the_rows_it_rests_on(loaded: Headwater) -> None:
    (indicator,) = loaded("indicators", "compute", "emissions", "--json").json
    (value,) = indicator["values"]
    (source,) = value["rests_on"]
    assert (source["source"], source["rows"], len(source["sha256"])) == ("figures that stand", 3, 64)
    assert value["unit"] == "tCO2e_AR5"
    (again,) = loaded("indicators", "compute", "emissions", "--json").json
    assert again == indicator
    assert "3 rows of figures that stand" in loaded("indicators", "compute", "emissions").out


def test_activities_without_a_figure_are_told_with_every_sum(loaded: Headwater, form: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(activities([{"activity_id": "d", "region": "FR"}]))
    loaded("import", "more.csv", "-m", form)
    (indicator,) = loaded("indicators", "compute", "emissions", "--json").json
    assert indicator["values"][0]["notes"] == ["activities that stand without a figure: 1"]
    assert indicator["values"][0]["value"] == "0.850"


def test_a_document_of_ones_own(loaded: Headwater, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        """indicators:
  energy:
    title: Energy
    unit: kWh
    sum: {of: activities, field: quantity, where: "activity_type = 'electricity'"}
  per_kwh:
    title: kg per kWh
    unit: kgCO2e/kWh
    expression: "emissions / energy"
"""
    )
    assert values(loaded, "per_kwh", "-d", "mine.yaml") == {"": "0.500"}
    (tmp_path / "mine.yaml").write_text("indicators: {a: {title: A, expression: 'a + 1'}}")
    done = loaded("indicators", "compute", "a", "-d", "mine.yaml")
    assert done.code == 2
    assert "round in a circle: a → a" in done.err


def test_a_page_with_charts(loaded: Headwater, tmp_path: Path) -> None:
    done = loaded("indicators", "compute", "emissions_by_site", "change_on_year", "--html", "page.html")
    assert done.code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Emissions by site in tCO2e_AR5" in page
    assert "<rect" in page
    assert "there is no emissions 2022" in page
    assert "<script" not in page
