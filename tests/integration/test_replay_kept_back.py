"""What an exported file does not carry: factors and instruments that may not be passed on, and personal remarks."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from headwater.replay import container
from headwater.replay.container import Reader
from headwater.services.replay_export.export import check, export_inventory
from tests.integration import test_replay_inventory as plant
from tests.integration.test_replay_export import resealed, told
from tests.river import River

pytestmark = pytest.mark.server


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_an_inventory_carries_no_personal_remark(river: River, tmp_path: Path) -> None:
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, plant.made(river), file)
    assert "Müller".encode() not in file.read_bytes()
    assert b'"kept back: personal data"' in members(file)["activities.csv"]
    found = check(file)
    assert told(found) == []
    assert any("activities.csv lacks the personal values of 1 rows" in note for note in found.notes)
    other = members(file)["activities.csv"].replace(b'"200.500000"', b'"300.500000"')
    first = check(resealed(file, {"activities.csv": other})).first
    assert first is not None
    assert first.row.startswith("record trip|activity_based|")
    hidden = members(file)["activities.csv"].replace(b',"B",', b',"C",', 1)
    assert not check(resealed(file, {"activities.csv": hidden})).ok


@pytest.mark.parametrize("said", ["false", ""])
def test_an_instrument_that_may_not_be_passed_on_is_left_out(
    river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    wind, deal = plant.INSTRUMENTS
    monkeypatch.setattr(plant, "INSTRUMENTS", [wind, deal | {"redistributable": said, "licence": "secret"}])
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, plant.made(river), file)
    assert b"0.1230000000" not in file.read_bytes()
    manifest = json.loads(members(file)["manifest.json"])
    why = "its licence does not let it be passed on" if said else "nobody has said whether it may be passed on"
    assert manifest["instruments_left_out"] == [
        {
            "instrument_id": "deal",
            "kind": "contract",
            "market": "DE",
            "source": "registry",
            "licence": "secret",
            "why": why,
        }
    ]
    assert {"source": "registry", "licence": "secret", "factors": 1} in manifest["licences"]
    found = check(file)
    assert told(found) == []
    assert any("instruments.csv lacks 1 instruments" in note for note in found.notes)
    assert "of them by hash only" in found.stages[-1].said
    lines = members(file)["lines.csv"]
    covered = next(line for line in lines.splitlines() if b'"deal"' in line)
    other = lines.replace(covered, covered.replace(b'"2024-03-01"', b'"2024-03-02"'))
    changed = check(resealed(file, {"lines.csv": other})).first
    assert changed is not None
    assert changed.field == "row_hash"


def test_an_inventory_of_more_than_a_document_may_hold_is_checked(
    river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables go line by line: how long they are in all is no matter."""
    monkeypatch.setattr(plant, "ACTIVITIES", [
        {"activity_id": f"a{number:04}", "activity_type": "natural_gas", "unit": "kWh_gross"} for number in range(600)
    ])  # fmt: skip
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, plant.made(river), file)
    sizes = {name: len(content) for name, content in members(file).items()}
    most = max(size for name, size in sizes.items() if not name.endswith((".csv", ".jsonl", ".py")))
    assert sizes["lines.csv"] > most
    monkeypatch.setattr(container, "MOST_BYTES_A_DOCUMENT", most)
    found = check(file)
    assert told(found) == []
    assert found.stages[-1].count == 1800
    reader = Reader(file)
    assert sum(1 for _ in reader.table("lines.csv")) == 1800
    reader.close()
