"""`headwater replay` and `headwater compare` from the command line, with their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors


@pytest.fixture
def loaded(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    (tmp_path / "factors.csv").write_text(factors([{"factor_id": "f"}]))
    (tmp_path / "meters.csv").write_text(activities([{"activity_id": "a", "quantity": "10"}]))
    assert headwater("factors", "import", "factors.csv").code == 0
    assert headwater("import", "meters.csv", "-m", form).code == 0
    return headwater


def run_id(headwater: Headwater) -> str:
    return str(headwater("runs", "list", "--json").json["runs"][0]["run_id"])


def test_a_figure_and_a_run_are_exported_and_checked(loaded: Headwater, tmp_path: Path) -> None:
    done = loaded("replay", "export", "emission", "a")
    assert done.code == 0, done.err
    assert "✓ figures: 1 figure calculated again" in done.out
    assert "written to replay-a.pyz; check it anywhere: python replay-a.pyz" in done.out
    assert loaded("replay", "export", "run", run_id(loaded)[:8], "--out", "run.pyz").code == 0
    done = loaded("replay", "check", "run.pyz", "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    assert done.json["co2e_kg"] == {"AR5, scope 2": "5.000000"}
    assert done.json["script_is_own"] is True
    changed = tmp_path / "run.pyz"
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    done = loaded("replay", "check", "run.pyz")
    assert done.code == 1
    assert "✗ file: 1 difference" in done.out
    assert "its seal does not hold" in done.out


def test_what_cannot_be_exported_or_checked_is_said(loaded: Headwater, tmp_path: Path) -> None:
    assert loaded("replay", "export", "emission", "nothing").code == 2
    assert loaded("replay", "export", "run", "ffff").code == 2
    assert loaded("replay", "export", "inventory", "1").code == 2
    assert list(tmp_path.glob("*.pyz")) == []
    assert loaded("replay", "check", "missing.pyz").code == 1
    (tmp_path / "other.pyz").write_text("not a zip")
    done = loaded("replay", "check", "other.pyz", "--json")
    assert done.code == 1
    assert "not a file of `headwater replay export`" in json.loads(done.err)["error"]["what"]


def test_two_runs_are_compared(loaded: Headwater, form: Path, tmp_path: Path) -> None:
    first = run_id(loaded)
    (tmp_path / "meters.csv").write_text(activities([{"activity_id": "a", "quantity": "4010"}]))
    assert loaded("import", "meters.csv", "-m", form).code == 0
    done = loaded("compare", first[:8], run_id(loaded), "--html", "moved.html")
    assert done.code == 0, done.err
    assert "input" in done.out
    assert "+2" in done.out
    assert "1 activity moved" in done.out
    assert "<svg" in (tmp_path / "moved.html").read_text()
    body = loaded("compare", first, first, "--json").json
    assert {move["co2e_kg"] for move in body["moves"]} == {"0.000000"}
    assert loaded("compare", first, "lab").code == 2
