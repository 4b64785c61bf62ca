"""`headwater inventory uncertainty`, and indicators of an inventory, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors

DOCUMENT = """inventory: plant
organisation: Plant
boundary: {approach: operational_control}
period: {start: 2024-01-01, end: 2025-01-01}
methods: [location_based]
gwp_sets: [AR5]
"""


@pytest.fixture
def calculated(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    """100 and 300 kWh by one factor of 0.5 kg CO2e; nothing states how sure it is."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "grid"}]))
    rows = [{"activity_id": name, "quantity": quantity} for name, quantity in (("a", "100"), ("b", "300"))]
    (tmp_path / "meters.csv").write_text(activities(rows))
    (tmp_path / "plant.yaml").write_text(DOCUMENT)
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "meters.csv", "-m", form).code == 0
    assert headwater("inventory", "calculate", "plant.yaml").code == 0
    return headwater


def test_what_states_nothing_is_said_and_what_is_assumed_too(calculated: Headwater) -> None:
    certain = calculated("inventory", "uncertainty", "plant", "--json").json
    told = calculated("inventory", "uncertainty", "plant").out
    assert "assume one with --assume-activity and --assume-factor" in " ".join(told.split())
    assert "What to improve next" not in told
    assert "certain" not in told
    assert (certain["total"]["how"], certain["total"]["covered"], certain["co2e_kg"]) == ("certain", 0.0, "200.000000")
    arguments = ("--assume-activity", "5", "--assume-factor", "10", "--seed", "3", "--draws", "2000")
    found = calculated("inventory", "uncertainty", "plant", *arguments, "--json").json
    assert found["total"]["how"] == "drawn"
    assert 10 < found["total"]["half_width"] < 12
    assert [each["name"] for each in found["improve"]] == ["grid", "b", "a"]
    assert calculated("inventory", "uncertainty", "plant", *arguments, "--json").json == found
    told = calculated("inventory", "uncertainty", "plant", *arguments).out
    assert "2,000 draws, seed 3" in told
    assert "assumed: ± 10 % where factors state nothing" in told


def test_a_page_and_what_is_refused(calculated: Headwater, tmp_path: Path) -> None:
    assert calculated("inventory", "uncertainty", "plant", "--assume-factor", "10", "--html", "sure.html").code == 0
    assert "What to improve next" in (tmp_path / "sure.html").read_text(encoding="utf-8")
    assert calculated("inventory", "uncertainty", "nothing").code == 2
    assert calculated("inventory", "uncertainty", "plant", "--by", "weather").code == 2
    assert calculated("inventory", "uncertainty", "plant", "--gwp-set", "AR6").code == 2


def test_indicators_of_an_inventory(calculated: Headwater) -> None:
    done = calculated("indicators", "compute", "emissions", "--inventory", "plant", "--json")
    assert done.code == 0
    (value,) = done.json[0]["values"]
    assert (value["value"], value["unit"]) == ("0.200", "tCO2e_AR5")
    assert value["rests_on"][0]["source"].startswith("lines of inventory plant")
