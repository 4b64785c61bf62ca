"""Dead letters copied out of the database: at the end of each run, and whatever fails then, once it can be done."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
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
    assert (missing.code, missing.json["left"], archive.exists()) == (2, 1, False)
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
    assert ([each["records"] for each in again["mirrored"]], again["left"]) == ([2], 0)
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
