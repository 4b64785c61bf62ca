"""`headwater inventory` in front of a person and a program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import Headwater
from tests.integration.cli.test_jobs import WORKER
from tests.river import activities, factors

pytestmark = pytest.mark.server
CALCULATED_WITH_GAPS = 3
USAGE = 2

BODY = {
    "inventory": "plant",
    "organisation": "Plant",
    "boundary": {"approach": "operational_control"},
    "period": {"start": "2024-01-01", "end": "2025-01-01"},
    "methods": ["location_based"],
    "gwp_sets": ["AR5"],
}


@pytest.fixture
def calculated(headwater: Headwater, form: Path, tmp_path: Path) -> Path:
    """Two activities loaded, of which one has a factor; the document."""
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "grid", "co2e_kg_per_unit": "0.4"}]))
    (tmp_path / "a.csv").write_text(
        activities([{"activity_id": "power", "quantity": "1000"}, {"activity_id": "abroad", "region": "FR"}])
    )
    document = tmp_path / "plant.yaml"
    document.write_text(yaml.safe_dump(BODY))
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "a.csv", "--mapping", form).code == 0
    return document


def test_what_has_no_figure_shows_in_text_and_exit_code(headwater: Headwater, calculated: Path) -> None:
    done = headwater("inventory", "calculate", calculated)
    assert done.code == CALCULATED_WITH_GAPS
    assert "scope 2 0.400 total 0.400" in " ".join(done.out.split())
    assert "No factor for electricity in FR" in " ".join(done.out.split())
    again = headwater("inventory", "calculate", calculated, "--json")
    assert again.code == CALCULATED_WITH_GAPS
    assert again.json["is_new"] is False
    assert again.json["totals"][0]["scopes"] == {"2": "400.000000"}
    assert "calculating: 2 of 2 activities" in done.err


def test_a_worker_makes_the_same_inventory_of_the_document_as_it_was_queued(
    headwater: Headwater, calculated: Path, tmp_path: Path
) -> None:
    (job,) = headwater("inventory", "calculate", calculated, "--queue", "--json").json["jobs"]
    told = headwater("inventory", "calculate", calculated, "--queue")
    assert (told.code, told.out.startswith("job ")) == (0, True)
    assert f"headwater jobs show {told.out.split()[1]}" in told.err
    body = calculated.read_text()
    calculated.write_text(body.replace("Plant", "Another"))
    assert subprocess.run(WORKER, check=False, timeout=240, cwd=tmp_path, capture_output=True).returncode == 0
    result = headwater("jobs", "show", job, "--json").json["result"]
    calculated.write_text(body)
    again = headwater("inventory", "calculate", calculated, "--json")
    assert (again.json["is_new"], again.json["inventory"]["inventory_id"]) == (False, result["inventory_id"])
    wrong = yaml.safe_dump({**BODY, "factors": {"rates": "nowhere.csv"}})
    calculated.write_text(wrong)
    refused = headwater("inventory", "calculate", calculated, "--queue")
    assert (refused.code, "the file of rates cannot be read: No such file" in refused.err) == (USAGE, True)


def test_a_draft_is_discarded_and_a_number_never(headwater: Headwater, calculated: Path) -> None:
    headwater("inventory", "calculate", calculated)
    done = headwater("inventory", "discard", "plant")
    assert done.out.startswith("discarded: plant, ")
    assert "0 inventories" in headwater("inventory", "list").out
    assert "discarded" in headwater("inventory", "list", "--discarded").out
    assert headwater("inventory", "show", "plant").code == USAGE
    back = headwater("inventory", "calculate", calculated)
    assert "the same inventory as before, which had been discarded and is back" in back.err
    assert headwater("inventory", "publish", "plant").code == 0
    assert headwater("inventory", "discard", "1").code == USAGE


def test_the_head_says_what_is_in_no_total_and_an_empty_period_has_none(
    headwater: Headwater, calculated: Path, tmp_path: Path
) -> None:
    done = headwater("inventory", "calculate", calculated)
    assert "told          1 of 2 activities are in no total; 1 finding\n" in done.out
    empty = tmp_path / "empty.yaml"
    empty.write_text(yaml.safe_dump(BODY | {"period": {"start": "1999-01-01", "end": "2000-01-01"}}))
    done = headwater("inventory", "calculate", empty)
    assert done.code == CALCULATED_WITH_GAPS
    assert "total no activities" in " ".join(done.out.split())
    assert "nothing_counted" in done.out
    shown = headwater("inventory", "calculate", empty, "--json").json
    assert shown["totals"][0]["co2e_kg"] is None


def test_every_view_is_there_as_json(headwater: Headwater, calculated: Path) -> None:
    headwater("inventory", "calculate", calculated)
    (listed,) = headwater("inventory", "list", "--json").json["inventories"]
    assert (listed["name"], listed["number"], listed["line_count"]) == ("plant", None, 1)
    assert headwater("inventory", "show", "plant", "--differences", "--json").json["differences"] == []
    lines = headwater("inventory", "lines", str(listed["inventory_id"])[:8], "--json").json
    assert (lines["total"], lines["lines"][0]["co2e_kg"]) == (1, "400.000000")
    (choice,) = headwater("inventory", "choices", "plant", "abroad", "--json").json["choices"]
    assert choice["candidates"] == [["grid", "test", "it is for region DE; for FR only FR may be taken"]]
    assert headwater("inventory", "publish", "plant", "--json").json == {"number": 1}
    assert headwater("inventory", "show", "1").out.startswith("inventory     plant, number 1\n")
    traced = headwater("trace", "inventory_line", "1|power", "--json").json
    assert (traced["recomputed"], traced["factor"]["factor_id"]) == (True, "grid")
    assert "1000 kWh × 0.4 kg CO2e/kWh = 400 kg CO2e" in headwater("trace", "inventory_line", "1|power").out
    assert headwater("verify", "--json").json["checked"]["inventory_lines"] == 1


def test_what_is_wrong_is_told_in_a_sentence(headwater: Headwater, calculated: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(BODY | {"gwp_sets": ["AR9"]}))
    done = headwater("inventory", "calculate", wrong)
    assert (done.code, "there is no such set of warming potentials" in done.err) == (2, True)
    wrong.write_text("inventory: plant\nboundary: {approach: control}\n")
    done = headwater("inventory", "calculate", wrong)
    assert done.code == 2
    assert "'control' is not valid; did you mean " in done.err
    missing = headwater("inventory", "calculate", tmp_path / "nowhere.yaml")
    assert (missing.code, "there is no such inventory document" in missing.err) == (2, True)
    assert "Did you mean plant.yaml?" in headwater("inventory", "calculate", tmp_path / "plnt.yaml").err
    assert "none has been calculated" in headwater("inventory", "show", "1").err
    headwater("inventory", "calculate", calculated)
    assert "plant" in headwater("inventory", "show", "other").err
    headwater("inventory", "publish", "plant")
    again = headwater("inventory", "publish", "1")
    assert (again.code, "published already" in again.err) == (2, True)
