"""`--dry-run`: what a run would do, the same as it then does, and nothing left behind."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River, activities

TABLES = """
SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"""


def everything(river: River, folder: Path) -> dict[str, Any]:
    """How many rows each table has, which files there are, and how far each source was read."""
    names = [row["name"] for row in river.rows(TABLES)]
    counts = " UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS rows FROM {name}" for name in names)
    files = {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    return {"tables": river.rows(counts), "files": files, "state": river.rows("SELECT * FROM connector_sync_state")}


def test_a_sync_is_tried_and_then_does_what_was_said(
    headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path
) -> None:
    full_lab.change(
        "UPDATE b SET kwh = -1 WHERE reading_id IN (207, 215)", "UPDATE b SET month = 'May' WHERE reading_id = 220"
    )
    sync = ("connectors", "sync", "lab", "-t", "b", "-m", full_lab.mapping, "--chunk-size", "10")
    before = everything(river, tmp_path)
    tried = headwater(*sync, "--dry-run", "--json")
    (found,) = tried.json["dry_run"]
    told = headwater(*sync, "--dry-run")
    part = headwater(*sync, "--dry-run", "--rows", "15", "--json").json["dry_run"][0]
    recipe = tmp_path / "b.yaml"
    body = {"recipe": "b", "source": {"connector": "lab", "table": "b"}, "mapping": "readings.yaml"}
    recipe.write_text(yaml.safe_dump(body))
    by_recipe = headwater("run", recipe, "--dry-run", "--json").json["dry_run"][0]
    recipe.unlink()
    assert everything(river, tmp_path) == before

    assert (tried.code, told.code) == (3, 3)
    assert (found["read"], found["loaded"], found["quarantined"], found["is_whole"]) == (40, 37, 3, True)
    assert {name: rule["records"] for name, rule in found["refused"].items()} == {
        name: rule["records"] for name, rule in by_recipe["refused"].items()
    }
    (negative,) = [rule for rule in found["refused"].values() if rule["samples"][0]["value"] == "-1"]
    assert (negative["records"], negative["samples"][0]["cells"]["reading_id"]) == (2, "207")
    assert "3 of 40 would be quarantined, because" in told.out
    assert told.out.endswith("Nothing was written.\n")
    assert (part["is_whole"], 15 <= part["read"] < 40, part["planned"]) == (False, True, 40)

    done = headwater(*sync, "--json").json
    assert (done["ledger"]["read"], done["ledger"]["inserted"], done["ledger"]["quarantined"]) == (40, 37, 3)
    (total,) = river.rows("SELECT sum(co2e_kg) AS kg FROM emission_v1")
    assert sum(map(Decimal, found["figures"].values())) == total["kg"]


def test_a_file_is_tried_and_keys_are_met_across_its_chunks(
    headwater: Headwater, form: Path, river: River, tmp_path: Path
) -> None:
    pairs = [("a", "1"), ("b", "1"), ("a", "1"), ("b", "2"), ("c", "1"), ("c", "1"), ("c", "3"), ("d", "x")]
    rows = [{"activity_id": key, "quantity": quantity} for key, quantity in pairs]
    path = tmp_path / "activities.csv"
    path.write_text(activities(rows) + "too,few\n")
    load = ("import", path, "-m", form, "--chunk-size", "2")
    before = everything(river, tmp_path)
    tried = headwater(*load, "--dry-run", "--json")
    (found,) = tried.json["dry_run"]
    assert everything(river, tmp_path) == before
    assert found["refused"]["activity.key.conflict"]["records"] == 2
    assert found["refused"]["record.columns"]["records"] == 1
    done = headwater(*load, "--json")
    ledger = done.json["ledger"]
    assert (found["read"], found["loaded"], found["merged"]) == (ledger["read"], ledger["inserted"], ledger["merged"])
    assert found["quarantined"] == ledger["quarantined"] + ledger["quarantined_raw"]
    assert tried.code == done.code == 3


def test_what_cannot_be_tried_is_said(headwater: Headwater, lab: Lab) -> None:
    rows = headwater("connectors", "sync", "lab", "-t", "a", "-m", lab.mapping, "--rows", "5")
    assert (rows.code, "--rows: it is said of a dry run only" in rows.err) == (2, True)
    missing = headwater("connectors", "sync", "lab", "-t", "nothing", "-m", lab.mapping, "--dry-run")
    assert (missing.code, "there is no table or view 'nothing'" in missing.err) == (2, True)
