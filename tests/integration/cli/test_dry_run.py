"""`--dry-run`: what a run would do, the same as it then does, and nothing left behind."""

from __future__ import annotations

import re
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
    assert (found["sweep"], found["settled"]) == (None, 0)
    assert {name: rule["records"] for name, rule in found["refused"].items()} == {
        name: rule["records"] for name, rule in by_recipe["refused"].items()
    }
    (negative,) = [rule for rule in found["refused"].values() if rule["samples"][0]["value"] == "-1"]
    assert (negative["records"], negative["samples"][0]["cells"]["reading_id"]) == (2, "207")
    assert negative["samples"][0]["place"] == "connector lab, table b, reading_id = 207"
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
    places = [sample["place"] for rule in found["refused"].values() for sample in rule["samples"]]
    assert sorted(places) == ["line 10", "line 5", "line 8", "line 9"], "as quarantine and preview say it"
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


def test_files_are_tried_one_by_one_as_a_run_takes_them(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    (folder / "01.csv").write_text(activities([{"activity_id": "a", "quantity": "1"}]))
    (folder / "02.csv").write_text("something,else\n1,2\n")
    (folder / "03.csv").write_text(activities([{"activity_id": "b", "quantity": "x"}]))
    (folder / "04.xlsx").write_bytes(b"no workbook")
    load = ("import", folder, "-m", form)
    tried = headwater(*load, "--dry-run", "--json")
    assert {each["source"]: each["state"] for each in tried.json["dry_run"]} == {
        "01.csv": "succeeded", "02.csv": "refused", "03.csv": "succeeded_with_quarantine", "04.xlsx": "refused",
    }  # fmt: skip
    told = headwater(*load, "--dry-run")
    assert "2 of 4  02.csv: would be refused" in told.out
    assert "are not in the file" in told.err
    few = headwater(*load, "--dry-run", "--rows", "1")
    assert "3 more files were not looked at" in few.out
    assert "02.csv" not in few.out
    done = headwater(*load)
    assert (tried.code, told.code, few.code, done.code) == (4, 4, 0, 4)

    again = headwater(*load, "--dry-run", "--json").json["dry_run"]
    assert [each["state"] for each in again] == ["unchanged", "refused", "unchanged", "refused"]
    every = headwater(*load, "--dry-run", "--all", "--json").json["dry_run"]
    assert [each["state"] for each in every][::2] == ["succeeded", "succeeded_with_quarantine"]
    for name in ("01.csv", "03.csv"):
        (folder / name).unlink()
    assert (headwater(*load, "--dry-run").code, headwater(*load).code) == (1, 1)
    alone = ("import", folder / "02.csv", "-m", form)
    assert (headwater(*alone, "--dry-run").code, headwater(*alone).code) == (2, 2)


def test_keys_that_two_files_hold_are_told(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sites"
    folder.mkdir()
    for name, keys in {"a": "xy", "b": "yz", "c": "xyw"}.items():
        rows = [{"activity_id": key, "quantity": str(ord(name))} for key in keys]
        (folder / f"{name}.csv").write_text(activities(rows))
    load = ("import", folder, "-m", form, "--dry-run")
    assert headwater(*load, "--json").json["keys_in_two_files"] == [
        {"files": ["a.csv", "b.csv"], "keys": 1},
        {"files": ["a.csv", "c.csv"], "keys": 1},
        {"files": ["b.csv", "c.csv"], "keys": 1},
    ]
    told = headwater(*load).out
    assert "1 key stands in a.csv and in b.csv: one record, that of the file that is loaded last" in told


def test_files_of_a_store_are_fetched_only_as_far_as_is_needed(
    headwater: Headwater, form: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    assert headwater("connectors", "add", "store", "-k", "folder", "-s", f"path={folder}").code == 0
    sync = ("connectors", "sync", "store", "-m", form)
    assert (headwater(*sync, "--dry-run").code, headwater(*sync).code) == (1, 1)  # there is no file
    for name in ("a", "b", "c"):
        (folder / f"{name}.csv").write_text(activities([{"activity_id": name, "quantity": "1"}]))
    (folder / "b.csv").write_text("something,else\n1,2\n")
    few = headwater(*sync, "--dry-run", "--rows", "1", "--json")
    assert ([each["source"] for each in few.json["dry_run"]], few.json["not_looked_at"]) == (["store/a.csv"], 2)
    tried, done = headwater(*sync, "--dry-run"), headwater(*sync)
    assert (tried.code, done.code) == (4, 4)
    (left, *_) = headwater(*sync, "--dry-run", "--json").json["dry_run"]
    assert (left["state"], set(left["last"])) == ("unchanged", {"run_id", "at"})
    for name in ("b", "c"):
        (folder / f"{name}.csv").unlink()
    told = headwater(*sync, "--dry-run")
    assert (
        f"store/a.csv: would be left out: it is as it was when it was loaded last, by run {left['last']['run_id']}"
        in told.out
    )
    assert told.out.endswith(
        "There is nothing to do: nothing is new since then. To try it all the same, add --all.\nNothing was written.\n"
    )
    assert "nothing to do" not in headwater(*sync, "--dry-run", "--all").out


def test_a_sync_by_a_cursor_with_nothing_new_says_so(headwater: Headwater, full_lab: Lab) -> None:
    by_all = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping)
    sync = (*by_all, "--cursor", "reading_id")
    assert "nothing to do" not in headwater(*sync, "--dry-run").out
    run = headwater(*sync, "--json").json["run_id"]
    (found,) = headwater(*sync, "--dry-run", "--json").json["dry_run"]
    assert f"nothing at the source has a reading_id after 40, up to which it was read, by run {run}" in found["nothing"]
    assert (found["read"] > 0, found["unchanged"], found["loaded"]) == (True, found["read"], 0)
    told = headwater(*sync, "--dry-run").out
    assert "There is nothing to do: nothing at the source" in told
    assert re.search(r"would be loaded +0\n *unchanged +1 as they stand already\n", told), told
    full_lab.change("INSERT INTO a SELECT 41, site, month, kwh, changed_at FROM a WHERE reading_id = 40")
    (found,) = headwater(*sync, "--dry-run", "--json").json["dry_run"]
    assert (found["nothing"], found["loaded"], found["unchanged"]) == (None, 1, 1)
    ledger = headwater(*sync, "--json").json["ledger"]
    assert (ledger["inserted"], ledger["unchanged"]) == (1, 1)
    full_lab.change("UPDATE a SET kwh = 7 WHERE reading_id = 5", "INSERT INTO a SELECT * FROM b LIMIT 2")
    (found,) = headwater(*by_all, "--dry-run", "--json").json["dry_run"]
    ledger = headwater(*by_all, "--json").json["ledger"]
    assert (
        (found["loaded"], found["unchanged"])
        == (ledger["inserted"] + ledger["updated"], ledger["unchanged"])
        == (3, 40)
    )
    full_lab.change("DELETE FROM a")
    assert headwater(*by_all, "--dry-run", "--json").json["dry_run"][0]["nothing"] == "lab/a holds no records"


def test_what_a_full_load_would_delete_is_said(headwater: Headwater, full_lab: Lab, river: River) -> None:
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--full", "--chunk-size", "10")

    def said(*more: object) -> Any:
        return headwater(*sync, "--dry-run", "--json", *more).json["dry_run"][0]["sweep"]

    assert said() == {"rows": 0, "why": None, "keys": []}
    assert headwater(*sync).code == 0
    full_lab.change("DELETE FROM a WHERE reading_id IN (7, 21, 40)")
    assert said() == {"rows": 3, "why": None, "keys": ["21", "40", "7"]}
    assert said("--rows", "5") == {"rows": None, "why": "only a part of the records was looked at", "keys": []}
    assert "3 that the source no longer holds: 21, 40, 7" in headwater(*sync, "--dry-run").out
    full_lab.change("UPDATE a SET kwh = -1 WHERE reading_id = 3")
    assert said() == {"rows": 0, "why": "records would be refused", "keys": []}
    full_lab.change("UPDATE a SET kwh = 4 WHERE reading_id = 3")
    assert headwater(*sync).code == 0
    assert river.rows("SELECT count(*) AS rows FROM activity_v1") == [{"rows": 37}]


def test_what_was_settled_before_is_not_open(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    path = tmp_path / "activities.csv"
    path.write_text(activities([{"activity_id": "a", "quantity": "1"}, {"activity_id": "b", "quantity": "x"}]))
    load = ("import", path, "-m", form)
    assert headwater(*load).code == 3
    (key,) = [each["quarantine"] for each in headwater("quarantine", "list", "--json").json["records"]]
    assert headwater("quarantine", "dismiss", key, "--reason", "no meter").code == 0
    path.write_text(activities([{"activity_id": "c", "quantity": "2"}, {"activity_id": "b", "quantity": "x"}]))
    tried = headwater(*load, "--dry-run")
    assert "1 of them was dismissed or resubmitted before, and stays so." in tried.out
    assert "The rules count it, too; 0 records would be open." in tried.out
    loaded = headwater(*load)
    assert (tried.code, loaded.code) == (0, 0)
    assert "of 1 refused 1 is settled (1 dismissed)." in loaded.out
    path.write_text(activities([{"activity_id": "d", "quantity": "3"}, {"activity_id": "b", "quantity": "x"}]))
    told = headwater(*load, "--json").json
    assert (told["ledger"]["quarantined"], told["open_in_quarantine"]) == (1, 0)
    assert told["settled_in_quarantine"] == {"dismissed": 1}
    before = headwater("runs", "show", loaded.out.split()[1]).out
    assert "of 1 refused 1 was refused again by a later run." in before


def test_what_the_rules_count_is_said_beside_what_the_ledger_counts(
    headwater: Headwater, form: Path, tmp_path: Path
) -> None:
    path = tmp_path / "activities.csv"
    path.write_text(activities([{"activity_id": key, "quantity": "x"} for key in "abc"]))
    first = headwater("import", path, "-m", form)
    assert (first.code, "settled" in first.out) == (3, False)
    key = headwater("quarantine", "list", "--json").json["records"][0]["quarantine"]
    assert headwater("quarantine", "dismiss", key, "--reason", "no meter").code == 0
    shown = headwater("runs", "show", first.out.split()[1])
    assert "of 3 refused 1 is settled (1 dismissed)" in shown.out
    assert "the rules above count the 2 that are open" in shown.out


def test_of_several_recipes_one_that_is_wrong_leaves_the_others_be(
    headwater: Headwater, form: Path, tmp_path: Path
) -> None:
    (tmp_path / "activities.csv").write_text(activities([{"activity_id": "a", "quantity": "1"}]))
    recipes = []
    for name, path in (("wrong", "missing.csv"), ("right", "activities.csv")):
        recipes.append(tmp_path / f"{name}.yaml")
        recipes[-1].write_text(yaml.safe_dump({"recipe": name, "source": {"path": path}, "mapping": form.name}))
    tried = headwater("run", *recipes, "--dry-run", "--json")
    assert [each["state"] for each in tried.json["dry_run"]] == ["refused", "succeeded"]
    assert (tried.code, "wrong: missing.csv: there is no such file" in tried.err) == (2, True)
