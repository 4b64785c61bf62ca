"""Dead letters copied out of the database: at the end of each run, and whatever fails then, once it can be done."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from headwater.connectors.folder.connector import Folder
from headwater.services.connectors.keeping import find
from headwater.store.runs import hold_connector
from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River, activities

BAD = [
    {"activity_id": "good", "quantity": "10"},
    {"activity_id": "text", "quantity": "=many"},
    {"activity_id": "low", "quantity": "-1"},
]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_what_runs_refuse_is_copied_as_they_end_and_failures_are_made_good(
    headwater: Headwater, form: Path, tmp_path: Path, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good, archive = tmp_path / "März/bad.csv", tmp_path / "good.csv", tmp_path / "archive"
    bad.parent.mkdir()
    bad.write_text(activities(BAD))
    good.write_text(activities(BAD[:1]))
    assert headwater("quarantine", "mirror").code == 2
    monkeypatch.setenv("HEADWATER_DEAD_LETTERS", "archive")
    told = headwater("import", bad, "-m", form, "--name", "Werk 3/März")
    assert (told.code, "dead letters are not copied" in told.err) == (3, True)
    assert "there is no such connector" in told.err
    (run,) = river.rows("SELECT run_id, encode(source_id, 'hex') AS source FROM runs")
    expected = archive / f"default/Werk_3_M_rz-{run['source'][:8]}/{run['run_id']}.csv"

    assert headwater("connectors", "add", "archive", "-k", "folder", "-s", f"path={archive}").code == 0
    missing = headwater("quarantine", "mirror", "--json")
    assert (missing.code, missing.json["left"], archive.exists()) == (1, 1, False)
    archive.mkdir()
    done = headwater("import", good, "-m", form)
    assert (done.code, done.err.count("dead letters")) == (0, 0)
    assert [path for path in archive.rglob("*") if path.is_file()] == [expected]
    rows = read(expected)
    assert [(row["line"], row["activity_id"], row["quantity"]) for row in rows] == [
        ("3", "text", "'=many"), ("4", "low", "'-1"),
    ]  # fmt: skip
    assert all(row["reasons"] for row in rows)
    key = next(iter(rows[0].values()))
    assert headwater("quarantine", "dismiss", key, "--reason", "no meter").code == 0

    shutil.rmtree(archive)
    archive.mkdir()
    assert headwater("quarantine", "mirror").out.startswith("nothing to do")
    river.change("UPDATE runs SET finished_at = clock_timestamp() WHERE run_id = %(id)s", id=run["run_id"])  # went on
    again = headwater("quarantine", "mirror", "--json").json
    assert ([(each["records"], each["error"]) for each in again["mirrored"]], again["left"]) == ([(2, None)], 0)
    assert read(expected) == rows  # dismissed since, and refused all the same


def test_a_source_that_is_no_store_is_refused(
    headwater: Headwater, form: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.csv").write_text(activities(BAD))
    assert headwater("import", "bad.csv", "-m", form).code == 3
    assert headwater("connectors", "add", "lab", "-k", "sqlite", "-s", "path=lab.db").code == 0
    monkeypatch.setenv("HEADWATER_DEAD_LETTERS", "lab")
    refused = headwater("quarantine", "mirror")
    assert (refused.code, "this connector cannot be written to" in refused.err) == (2, True)


def test_one_copy_that_fails_leaves_the_others_be_and_a_backlog_is_worked_off(
    headwater: Headwater, form: Path, tmp_path: Path, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    headwater("connectors", "add", "archive", "-k", "folder", "-s", f"path={archive}")
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.csv").write_text(activities(BAD))
        assert headwater("import", f"{name}.csv", "-m", form).code == 3
    (blocked,) = river.rows("SELECT encode(source_id, 'hex') AS source FROM runs WHERE source_name = 'one.csv'")
    in_the_way = archive / f"default/one.csv-{blocked['source'][:8]}"
    in_the_way.parent.mkdir()
    in_the_way.write_text("a file where a folder must be")
    monkeypatch.setenv("HEADWATER_DEAD_LETTERS", "archive")

    monkeypatch.setattr("headwater.services.quarantine.dead_letters.MOST_AT_END", 3)
    (tmp_path / "now.csv").write_text(activities(BAD))
    done = headwater("import", "now.csv", "-m", form)  # its own, one that fails, and one of the others
    assert (done.code, done.err.count("dead letters are not copied")) == (3, 1)
    assert "one.csv" in done.err
    assert "wait to be copied" in done.err
    assert {path.parent.name[:-9] for path in archive.rglob("*.csv") if path.is_file()} - {""} >= {"now.csv", "two.csv"}

    some = headwater("quarantine", "mirror", "--json")
    told = {each["source_name"]: each["error"] for each in some.json["mirrored"]}
    assert (some.code, some.json["left"], set(told)) == (4, 1, {"one.csv", "three.csv"})
    assert [name for name, error in told.items() if error] == ["one.csv"]
    none = headwater("quarantine", "mirror")
    assert (none.code, "not copied, run" in none.err) == (1, True)
    in_the_way.unlink()
    assert headwater("quarantine", "mirror").code == 0


def test_a_run_that_is_broken_off_says_so_and_the_next_one_copies(
    headwater: Headwater, form: Path, tmp_path: Path, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    headwater("connectors", "add", "archive", "-k", "folder", "-s", f"path={archive}")
    monkeypatch.setenv("HEADWATER_DEAD_LETTERS", "archive")
    river.change(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
    )
    river.change(
        "CREATE TRIGGER stop BEFORE UPDATE ON chunks FOR EACH ROW WHEN (NEW.chunk_no = 2 AND NEW.state = 'committed')"
        " EXECUTE FUNCTION stop()"
    )
    (tmp_path / "bad.csv").write_text(activities(BAD * 2))
    broken = headwater("import", "bad.csv", "-m", form, "--chunk-size", "3")
    assert (broken.code, "since the run was broken off" in broken.err) == (1, True)
    assert list(archive.rglob("*.csv")) == []
    river.change("DROP TRIGGER stop ON chunks")
    (tmp_path / "good.csv").write_text(activities(BAD[:1]))
    assert headwater("import", "good.csv", "-m", form).code == 0
    (copied,) = archive.rglob("*.csv")
    assert [row["activity_id"] for row in read(copied)] == ["text", "low"]


def test_a_run_has_let_go_of_all_it_held_when_copies_are_made(
    headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from the copy: the connector that was read from can be held by another sync."""
    archive = tmp_path / "archive"
    archive.mkdir()
    headwater("connectors", "add", "archive", "-k", "folder", "-s", f"path={archive}")
    monkeypatch.setenv("HEADWATER_DEAD_LETTERS", "archive")
    full_lab.change("UPDATE a SET kwh = -1 WHERE reading_id = 3")
    stored, held = find(river.installation, "lab"), []

    def holding(kept: Folder, name: str, path: Path) -> None:
        with river.installation.database.connect(river.installation.tenant_id) as connection:
            hold_connector(connection, river.installation.tenant_id, stored.connector_id, stored.name)
            held.append(name)
        put(kept, name, path)

    put = Folder.put
    monkeypatch.setattr(Folder, "put", holding)
    assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 3
    assert len(held) == 1
    assert len(list(archive.rglob("*.csv"))) == 1
