"""`headwater meters`: gaps and overlaps of what was loaded, and estimates on their way into it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors


@pytest.fixture
def loaded(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    """London: January, March and, from the 16th of March, April; nothing for February. Half a kg CO2e a kWh."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    periods = [
        ("jan", "2024-01-01", "2024-02-01", "310"),
        ("mar", "2024-03-01", "2024-04-01", "620"),
        ("apr", "2024-03-17", "2024-05-01", "900"),
    ]
    rows = [
        {"activity_id": name, "facility_code": "LON", "period_start": start, "period_end": end, "quantity": quantity}
        for name, start, end, quantity in periods
    ]
    rows.append({"activity_id": "day", "facility_code": "LON", "quantity": "5"})
    (tmp_path / "meters.csv").write_text(activities(rows))
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "meters.csv", "-m", form).code == 0
    return headwater


def test_gaps_and_overlaps_with_what_is_at_risk(loaded: Headwater) -> None:
    """By hand: February is 29 days at (310 + 620) / 62 = 15 kWh; 15 days are billed at 20 and at 20 kWh."""
    found = loaded("meters", "calendar", "--json").json
    gap, overlap = found["findings"]
    assert (gap["kind"], gap["days"], gap["quantity"], gap["co2e_kg"]) == ("gap", 29, "435.000000", "217.500000")
    assert (overlap["kind"], overlap["days"], overlap["quantity"]) == ("overlap", 15, "300.000000")
    assert found["co2e_kg_at_risk"] == {"overlap": "150.000000", "gap": "217.500000"}
    assert (found["judged"], found["unjudged"], found["gwp_set"]) == (3, {"no end of the period": 1}, "AR5")
    assert [(each["source"], each["licence"], each["lines"]) for each in found["licences"]] == [("test", "CC0", 4)]
    told = loaded("meters", "calendar", "--from", "2024-01-01", "--to", "2025-01-01").out
    assert "2 stretches not billed" in told
    assert "1 activity not judged: no end of the period" in told
    assert loaded("meters", "calendar", "--facility", "ROM").code == 2


def test_estimates_are_written_looked_at_and_imported(loaded: Headwater, tmp_path: Path) -> None:
    done = loaded("meters", "fill", "--method", "mean_of_neighbours", "--out", "estimates.csv")
    assert done.code == 0
    assert "headwater import estimates.csv --mapping activity_form" in done.out
    with (tmp_path / "estimates.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["quantity"], row["data_quality"], row["facility_code"]) == ("435.000000", "estimated", "LON")
    assert loaded("import", "estimates.csv", "-m", "activity_form").code == 0
    found = loaded("meters", "calendar", "--json").json
    assert [row["kind"] for row in found["findings"]] == ["overlap"]
    assert found["meters"][0]["estimated"] == 1
    again = loaded("meters", "fill", "--method", "mean_of_neighbours", "--out", "again.csv")
    assert again.code == 0
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "estimates.csv").read_text()


def test_an_estimate_is_a_line_of_an_inventory_that_says_so(loaded: Headwater, tmp_path: Path) -> None:
    loaded("meters", "fill", "--method", "mean_of_neighbours", "--out", "estimates.csv")
    assert loaded("import", "estimates.csv", "-m", "activity_form").code == 0
    (tmp_path / "plant.yaml").write_text(
        "inventory: plant\norganisation: Plant\nboundary: {approach: operational_control}\n"
        "period: {start: 2024-01-01, end: 2025-01-01}\nmethods: [location_based]\ngwp_sets: [AR5]\n"
    )
    assert loaded("inventory", "calculate", "plant.yaml").code == 0
    (tmp_path / "mine.yaml").write_text(
        "indicators:\n  estimated:\n    title: Estimated\n    unit: kgCO2e\n"
        "    sum: {of: emissions, field: co2e_kg, where: \"data_quality = 'estimated'\"}\n"
    )
    (found,) = loaded("indicators", "compute", "estimated", "-d", "mine.yaml", "--inventory", "plant", "--json").json
    assert found["values"][0]["value"] == "217.500"


def test_what_is_not_filled_says_why(loaded: Headwater) -> None:
    found = loaded("meters", "fill", "--method", "same_period_last_year", "--out", "estimates.csv", "--json").json
    assert found["estimates"] == []
    assert [row["reason"] for row in found["left"]] == ["the days of the year before are not billed in full"]
    assert loaded("meters", "fill", "--method", "guess", "--out", "estimates.csv").code == 2
    assert loaded("meters", "fill", "--method", "none", "--out", "no/such/folder.csv").code == 2


def test_figures_by_several_sets_are_asked_for(loaded: Headwater, form: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(factors([{"factor_id": "g", "region": "GB", "gwp_set": "AR4"}]))
    (tmp_path / "gb.csv").write_text(activities([{"activity_id": "gb", "region": "GB", "period_end": "2024-02-01"}]))
    assert loaded("factors", "import", "more.csv").code == 0
    assert loaded("import", "gb.csv", "-m", form).code == 0
    done = loaded("meters", "calendar")
    assert done.code == 2
    assert "--gwp-set" in done.err
    assert loaded("meters", "calendar", "--gwp-set", "AR5").code == 0
    assert loaded("meters", "fill", "--method", "mean_of_neighbours", "--out", "estimates.csv").code == 0


def test_a_page_with_a_row_of_days_for_each_meter(loaded: Headwater, tmp_path: Path) -> None:
    assert loaded("meters", "calendar", "--html", "meters.html").code == 0
    page = (tmp_path / "meters.html").read_text(encoding="utf-8")
    assert "site LON, electricity, 2024-02-01 up to 2024-03-01: not billed" in page
    assert "<script" not in page
