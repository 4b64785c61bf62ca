"""What an exported file does not carry: factors and instruments that may not be passed on, and personal remarks."""

from __future__ import annotations

import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from headwater.replay import container
from headwater.replay.container import Reader
from headwater.services.replay_export.export import check, export_inventory, export_run
from tests.integration import test_replay_inventory as plant
from tests.integration.test_replay_export import resealed, told
from tests.river import River, factors

pytestmark = [pytest.mark.server, pytest.mark.long]


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


LICENSED = [
    {"factor_id": "open", "co2e_kg_per_unit": "0.4"},
    {"factor_id": "paid", "co2e_kg_per_unit": "0.987654", "redistributable": "false", "licence": "paid for"},
    {"factor_id": "unsaid", "co2e_kg_per_unit": "0.876543", "redistributable": "", "licence": ""},
    {"factor_id": "paid", "co2e_kg_per_unit": "0.987654", "redistributable": "false", "licence": "paid for"},
    {"factor_id": "paid", "co2e_kg_per_unit": "0.987655", "redistributable": "false", "licence": "paid for"},
    {"factor_id": "bad", "co2e_kg_per_unit": "0.765432", "region": "", "redistributable": "false"},
    {"factor_id": "open", "co2e_kg_per_unit": "0.5"},
    {"factor_id": "last", "co2e_kg_per_unit": "0.6"},
]


@pytest.mark.parametrize("chunk_size", [2, 50])
def test_a_run_of_factors_carries_none_that_may_not_be_passed_on(river: River, tmp_path: Path, chunk_size: int) -> None:
    text, file = factors(LICENSED), tmp_path / "run.pyz"
    for again, content in enumerate((text, text.replace("0.6", "0.7"))):
        run_id, _ = river.load(content, name="factors.csv", mapping="factor_form", chunk_size=chunk_size)
        export_run(river.installation, str(run_id), file)
        whole = file.read_bytes()
        assert not [secret for secret in (b"0.98765", b"0.876543", b"0.765432") if secret in whole]
        assert b"0.4" in b"".join(content for name, content in members(file).items() if name.endswith("records.jsonl"))
        manifest = json.loads(members(file)["manifest.json"])
        facts = {"activity_type": "electricity", "region": "DE", "source": "test"}
        paid = facts | {"factor_id": "paid", "licence": "paid for", "why": "its licence does not let it be passed on"}
        unsaid = facts | {"factor_id": "unsaid", "licence": None, "why": "nobody has said whether it may be passed on"}
        assert paid in manifest["left_out"]
        assert unsaid in manifest["left_out"]
        assert {"record": 6, "why": "it has no row that says whether it may be passed on"} in manifest["left_out"]
        assert {each["licence"] for each in manifest["licences"]} == {"CC0", "paid for", None}
        found = check(file)
        assert told(found) == [], again
        assert "3 records worked through from their cells, 5 known by hash only" in found.stages[3].said
    first = str(river.rows("SELECT run_id FROM runs ORDER BY started_at LIMIT 1")[0]["run_id"])
    export_run(river.installation, first, file)
    assert told(check(file)) == []
    for name, before, after in (
        ("records.jsonl", b'"row_hash":"', b'"row_hash":"00'),
        ("rows.jsonl", b',"withheld",null,"', b',null,null,"'),
    ):
        found_in = [member for member, content in members(file).items() if member.endswith(name) and before in content]
        changed = members(file)[found_in[0]].replace(before, after, 1)
        assert not check(resealed(file, {found_in[0]: changed})).ok, name


def test_an_inventory_carries_no_personal_remark(river: River, tmp_path: Path) -> None:
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, plant.made(river), file)
    assert "Müller".encode() not in file.read_bytes()
    assert b'"kept back: personal data"' in members(file)["activities.csv"]
    found = check(file)
    assert told(found) == []
    assert any("activities.csv lacks the personal values of 1 row:" in note for note in found.notes)
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
    rate = f"{Decimal(deal['co2e_kg_per_kwh']):.10f}".encode()
    assert rate not in file.read_bytes()
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
    assert any("instruments.csv lacks 1 instrument" in note for note in found.notes)
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
