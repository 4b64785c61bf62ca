"""An inventory exported into one file: every line computed again by the script, every change found."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.replay.container import Writer
from headwater.replay.differences import Findings
from headwater.services.inventories.calculating import calculate
from headwater.services.inventories.publishing import publish
from headwater.services.replay_export.export import check, export_inventory
from headwater.telemetry import SilentProgress
from tests.plugin_skips import Some
from tests.river import River

pytestmark = [pytest.mark.server, pytest.mark.long]

GASES = {
    "co2e_kg_per_unit": "0.2",
    "co2_kg_per_unit": "0.19175",
    "ch4_kg_per_unit": "0.0002",
    "n2o_kg_per_unit": "0.00001",
}
USUAL_FACTOR = {
    "source": "test", "publication_year": "2024", "activity_type": "electricity", "region": "DE", "unit": "kWh",
    "scope": "2", "method": "location_based", "gwp_set": "AR5", "co2e_kg_per_unit": "0.5", "valid_from": "2024-01-01",
    "valid_to": "2025-01-01", "licence": "CC0", "redistributable": "true",
}  # fmt: skip
FACTORS = [
    {"factor_id": "grid", "co2e_kg_per_unit": "0.4", **GASES},
    {"factor_id": "grid-older", "publication_year": "2023", "co2e_kg_per_unit": "0.45"},
    {"factor_id": "residual", "method": "market_based", "co2e_kg_per_unit": "0.6", "gwp_set": "AR6"},
    {"factor_id": "wtt", "stage": "well_to_tank", "co2e_kg_per_unit": "0.05"},
    {"factor_id": "losses", "stage": "transmission_and_distribution", "co2e_kg_per_unit": "0.03"},
    {"factor_id": "gas", "activity_type": "natural_gas", "unit": "kWh_gross", "scope": "1",
     "method": "activity_based", **GASES},
    {"factor_id": "gas-old", "activity_type": "heating_oil", "unit": "L", "scope": "1", "method": "activity_based",
     "valid_from": "2022-01-01", "valid_to": "2023-01-01", "co2e_kg_per_unit": "2.5"},
    {"factor_id": "chips", "activity_type": "wood", "unit": "t", "scope": "1", "method": "activity_based",
     "co2e_kg_per_unit": "60", "biogenic_co2_kg_per_unit": "1500.5"},
    {"factor_id": "pellets-out", "activity_type": "pellets", "unit": "t", "scope": "1", "method": "activity_based",
     "stage": "outside_of_scopes", "co2e_kg_per_unit": "1600"},
    {"factor_id": "pellets", "activity_type": "pellets", "unit": "t", "scope": "1", "method": "activity_based"},
    {"factor_id": "sf6", "activity_type": "switchgear", "unit": "kg", "scope": "1", "method": "activity_based",
     "co2e_kg_per_unit": "23500", "gas": "SF6", "gas_kg_per_unit": "1"},
    {"factor_id": "train", "activity_type": "rail", "region": "EU", "unit": "km", "scope": "3", "category": "6",
     "method": "activity_based", "source": "other", "co2e_kg_per_unit": "0.03", "ch4_co2e_kg_per_unit": "0.001",
     "co2_kg_per_unit": "0.028", "n2o_co2e_kg_per_unit": "0.001"},
    {"factor_id": "one", "activity_type": "steam", "unit": "kWh", "scope": "2"},
    {"factor_id": "two", "activity_type": "steam", "unit": "kWh", "scope": "2", "source": "another"},
]  # fmt: skip
USUAL_ACTIVITY = {
    "activity_type": "electricity", "region": "DE", "period_start": "2024-03-01", "period_end": "2024-04-01",
    "quantity": "1000", "unit": "kWh", "facility_code": "A",
}  # fmt: skip
ACTIVITIES = [
    {"activity_id": "power-1"},
    {"activity_id": "power-2", "unit": "MWh", "quantity": "2.345678", "facility_code": "B"},
    {"activity_id": "power-3", "quantity": "0.333333"},
    {"activity_id": "heat", "activity_type": "natural_gas", "unit": "kWh_gross", "quantity": "1234.567891"},
    {"activity_id": "oil", "activity_type": "heating_oil", "unit": "m3", "quantity": "2"},
    {"activity_id": "wood", "activity_type": "wood", "unit": "kg", "quantity": "777.7"},
    {"activity_id": "pellets", "activity_type": "pellets", "unit": "t", "quantity": "1.5"},
    {"activity_id": "leak", "activity_type": "switchgear", "unit": "g", "quantity": "12"},
    {"activity_id": "trip", "activity_type": "train", "unit": "km", "quantity": "200.5", "note": 'Müller, "Jan"\nx'},
    {"activity_id": "steam", "activity_type": "steam"},
    {"activity_id": "nowhere", "region": "FR"},
    {"activity_id": "said", "reported_co2e_kg": "12.5", "reported_scope": "3", "reported_category": "4",
     "reported_gwp_set": "AR4", "activity_type": "freight"},
    {"activity_id": "without-site", "facility_code": ""},
    {"activity_id": "early", "period_start": "2023-12-15", "period_end": "2024-01-15"},
    {"activity_id": "early-said", "period_start": "2023-12-15", "period_end": "2024-01-15", "reported_co2e_kg": "3",
     "reported_scope": "1"},
]  # fmt: skip
INSTRUMENTS = [
    {"instrument_id": "wind", "kind": "certificate", "energy_mwh": "1.2", "co2e_kg_per_kwh": "0", "renewable": "true",
     "tracking_id": "T1", "retired_on": "2024-12-01", "claimed_by": "Plant"},
    {"instrument_id": "deal", "kind": "contract", "energy_mwh": "0.5", "co2e_kg_per_kwh": "0.1203",
     "facility_code": "B", "co2_kg_per_kwh": "0.12", "ch4_kg_per_kwh": "0.00001", "n2o_kg_per_kwh": "0",
     "claimed_by": "Plant"},
]  # fmt: skip
USUAL_INSTRUMENT = {
    "market": "DE", "valid_from": "2024-01-01", "valid_to": "2025-01-01", "gwp_set": "AR5", "source": "registry",
    "redistributable": "true",
}  # fmt: skip


def form(river: River, contract: str, rows: list[dict[str, str]], usual: dict[str, str], major: int = 1) -> None:
    """Load rows of a contract from a file whose columns are called as its fields."""
    columns = [spec.name for spec in river.installation.contract(contract, major).fields]
    mapping = river.folder / f"{contract}_form.yaml"
    body = {"mapping": f"{contract}_form", "version": "1.0.0", "contract": f"{contract}@{major}",
            "fields": {name: {"column": name} for name in columns}}  # fmt: skip
    mapping.write_text(yaml.safe_dump(body))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**dict.fromkeys(columns, ""), **usual, **row} for row in rows)
    _, ledger = river.load(out.getvalue(), name=f"{contract}.csv", mapping=str(mapping))
    assert ledger.quarantined == 0, river.rows("SELECT findings FROM quarantine")


def made(river: River, **given: Any) -> str:
    form(river, "emission_factor", FACTORS, USUAL_FACTOR)
    form(river, "energy_instrument", INSTRUMENTS, USUAL_INSTRUMENT)
    form(river, "activity", ACTIVITIES, USUAL_ACTIVITY)
    body: dict[str, Any] = {
        "inventory": "plant_2024", "organisation": "Plant", "boundary": {"approach": "operational_control"},
        "period": {"start": "2024-01-01", "end": "2025-01-01"}, "gwp_sets": ["AR6", "AR5", "AR4"],
        "ch4_origin": {"default": "fossil"},
        "factors": {
            "upstream": True, "types": {"train": ["train", "rail"]}, "regions": {"DE": ["DE", "EU"]},
            "years": {"allow": "nearest", "most": 2}, "sources": ["test"],
        },
    }  # fmt: skip
    path = river.folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(body | given))
    return str(calculate(river.installation, path, progress=SilentProgress()).inventory_id)


DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"boundary": {"approach": "equity_share", "shares": {"A": "0.333333", "B": "1"}}, "gwp_sets": ["AR5"]},
    {"boundary": {"approach": "financial_control", "facilities": ["B"]}, "methods": ["location_based"]},
    {"instruments": {"use": False, "grid_average": True}, "ch4_origin": {"default": "none"}, "factors": {}},
    {"factors": {"only_listed": True, "sources": ["other", "another", "test"], "years": {"allow": "previous"}}},
    {"categories": {"electricity": 7}, "methods": ["market_based"], "designated": {"method": "market_based"}},
]


def told(findings: Findings) -> list[str]:
    return [f"{each.member}, {each.row}, {each.field}: {each.stored} / {each.recomputed} ({each.why})"
            for each in findings.differences]  # fmt: skip


@pytest.mark.parametrize("given", DOCUMENTS)
def test_every_line_is_computed_again(river: River, tmp_path: Path, given: dict[str, Any]) -> None:
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, made(river, **given), file)
    found = check(file)
    assert told(found) == []
    assert found.stages[-1].count >= 5


def test_it_is_computed_again_where_there_is_no_headwater(river: River, tmp_path: Path) -> None:
    inventory = made(river)
    publish(river.installation, inventory)
    for name in ("one", "other"):
        export_inventory(river.installation, "1", tmp_path / f"{name}.pyz")
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "other.pyz").read_bytes()
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-I", "-S", str(tmp_path / "one.pyz")]
    ended = subprocess.run(command, cwd=empty, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "lines computed again from the pinned rows" in ended.stdout
    with zipfile.ZipFile(tmp_path / "one.pyz") as opened:
        choices = opened.read("choices.jsonl").decode()
    assert "superseded: grid is the later publication of the same" in choices


def resealed(file: Path, member: str, before: bytes, after: bytes) -> Path:
    """A file in which one thing was changed, by one who mends every hash of its members, and the seal."""
    to = file.with_name("resealed.pyz")
    with zipfile.ZipFile(file) as opened:
        old = {name: opened.read(name) for name in opened.namelist()}
    assert before in old[member], (member, before)
    old[member] = old[member].replace(before, after, 1)
    manifest = json.loads(old.pop("manifest.json"))
    for name in ("format", "members"):
        del manifest[name]
    with to.open("w+b") as out:
        writer = Writer(out)
        for name, content in old.items():
            if f"lines/{name}.bin" in old:
                writer.add_lines(name, content.splitlines(keepends=True))
            elif not name.startswith("lines/"):
                writer.add(name, content)
        writer.seal(manifest)
    return to


def test_what_was_changed_and_sealed_again_is_named(river: River, tmp_path: Path) -> None:
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, made(river), file)

    def first(member: str, before: bytes, after: bytes) -> tuple[str, str, str]:
        found = check(resealed(file, member, before, after))
        assert found.first is not None
        return found.first.member, found.first.row, found.first.field

    assert first("activities.csv", b'"1234.567891"', b'"1234.567892"') == ("activities.csv", "record heat", "row_hash")
    assert first("factors.csv", b'"0.4500000000"', b'"0.4600000000"') == (
        "factors.csv", "record grid-older", "row_hash",
    )  # fmt: skip
    assert first("lines.csv", b'"12.500000"', b'"12.600000"') == (
        "lines.csv", "record said|reported|AR4|use|0", "row_hash",
    )  # fmt: skip
    assert first("potentials.csv", b"AR6,SF6,", b"AR6,SF6,1")[:2] == (
        "lines.csv", "record leak|activity_based|AR6|use|0",
    )  # fmt: skip
    assert first("documents/inventory.json", b'"most":2', b'"most":1')[:2] == (
        "lines.csv", "record oil|activity_based|AR5|use|0",
    )  # fmt: skip
    assert first("choices.jsonl", b'"taken":"chips"', b'"taken":"gas"')[0] == "choices.jsonl"
    assert first("instruments.csv", b'"1.200000"', b'"0.200000"')[:2] == ("instruments.csv", "record wind")


@pytest.mark.slow
def test_every_changed_byte_of_a_member_is_found_and_named(river: River, tmp_path: Path, some: Some) -> None:
    file = tmp_path / "inventory.pyz"
    export_inventory(river.installation, made(river), file)
    with zipfile.ZipFile(file) as opened:
        old = {name: opened.read(name) for name in opened.namelist()}
        seal = opened.comment
    drawn = random.Random(9)
    for name, content in old.items():
        if name.startswith(("headwater/", "lines/", "__main__", "manifest")):
            continue  # as of a run: see test_replay_export
        for place in some({0, len(content) - 1, *(drawn.randrange(len(content)) for _ in range(4))}, 3):
            changed = bytearray(content)
            changed[place] ^= 1 << drawn.randrange(8)
            to = tmp_path / "changed.pyz"
            with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as made_again:
                for member, own in old.items():
                    made_again.writestr(member, bytes(changed) if member == name else own)
                made_again.comment = seal
            found = check(to)
            assert not found.ok, (name, place)
            assert name in {each.member for each in found.differences}, (name, place, told(found))
            if f"lines/{name}.bin" in old:
                line = f"line {content[:place].count(bytes([10])) + 1}"
                assert (name, line) in {(each.member, each.row) for each in found.differences}
