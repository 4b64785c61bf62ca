"""A file from the command line to the database, what was refused back into it, exit codes, both forms of output."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities, factors

GOOD = [{"activity_id": "a", "quantity": "10"}, {"activity_id": "b", "quantity": "20"}]
BAD = [*GOOD, {"activity_id": "c", "quantity": "many"}, {"activity_id": "d", "quantity": "-1"}]


@pytest.fixture
def meters(form: Path, tmp_path: Path) -> Path:
    del form
    path = tmp_path / "meters.csv"
    path.write_text(activities(BAD))
    return path


def test_the_runs_id_comes_first_and_its_ledger_last(headwater: Headwater, meters: Path) -> None:
    done = headwater("import", meters, "--mapping", "form.yaml")
    assert done.code == 3
    assert re.match(r"run [0-9a-f-]{36}\n", done.out)
    for line in (r"read +4", r"mapped +4", r"inserted +2", r"quarantined: a rule broken\S* .* +2"):
        assert re.search(rf"^ *{line} *$", done.out, re.MULTILINE), line
    assert "activity.quantity.type" in done.out
    assert re.search(r"headwater quarantine export --run [0-9a-f-]{36}", done.out)
    assert "importing meters.csv: 4 of 4 rows" in done.err


def test_all_loaded_is_0_and_again_changes_nothing(headwater: Headwater, meters: Path) -> None:
    meters.write_text(activities(GOOD))
    assert headwater("import", meters, "-m", "form.yaml").code == 0
    again = headwater("import", meters, "-m", "form.yaml", "--json")
    assert again.code == 0
    ledger = again.json["ledger"]
    assert (ledger["read"], ledger["unchanged"], ledger["inserted"], ledger["updated"]) == (2, 2, 0, 0)


def test_json_is_one_document_and_the_id_goes_to_standard_error(headwater: Headwater, meters: Path) -> None:
    done = headwater("import", meters, "--mapping", "form.yaml", "--json")
    assert done.code == 3
    body = done.json
    assert done.err.startswith(f"run {body['run_id']}\n")
    assert body["state"] == "succeeded_with_quarantine"
    assert body["ledger"]["quarantined"] == 2
    assert body["ledger"]["read"] == 4
    assert body["seconds"] > 0
    assert body["findings"]["refused"] == {"activity.quantity.range": 1, "activity.quantity.type": 1}
    assert body["open_in_quarantine"] == 2


def test_a_recipe_is_run_from_its_own_folder(headwater: Headwater, meters: Path, tmp_path: Path) -> None:
    assert meters.is_file()
    folder = tmp_path / "recipes"
    folder.mkdir()
    recipe = folder / "meters.yaml"
    recipe.write_text("recipe: meters\nsource: {path: ../meters.csv, name: meters}\nmapping: ../form.yaml\n")
    assert headwater("run", recipe).code == 3
    again = headwater("run", recipe, "--json").json
    assert (again["source"], again["ledger"]["unchanged"], again["ledger"]["inserted"]) == ("meters", 2, 0)


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_mending_from_refusal_to_loaded(headwater: Headwater, meters: Path, tmp_path: Path) -> None:
    run = headwater("import", meters, "-m", "form.yaml", "--json").json["run_id"]
    listed = headwater("quarantine", "list", "--run", run[:8], "--json").json
    assert listed["total"] == 2
    assert [record["raw"]["activity_id"] for record in listed["records"]] == ["c", "d"]
    assert [(record["source"], record["place"]) for record in listed["records"]] == [
        ("meters.csv", "line 4"), ("meters.csv", "line 5"),
    ]  # fmt: skip
    assert "meters.csv, line 4" in " ".join(headwater("quarantine", "list").out.split())

    done = headwater("quarantine", "export", "--run", run, "--out", "mend.csv")
    assert done.code == 0
    assert done.out.startswith("2 records of run")
    again = headwater("quarantine", "export", "--run", run, "--out", "mend.csv")
    assert again.code == 2
    assert "somebody's corrections" in again.err

    mend = tmp_path / "mend.csv"
    with mend.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert headwater("quarantine", "export", "--run", run, "--delimiter", ";", "--out", "semi.csv").code == 0
    with (tmp_path / "semi.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file, delimiter=";")) == rows
    rows[0]["quantity"] = "30"
    _write(mend, rows)
    done = headwater("quarantine", "resubmit", mend)
    assert done.code == 3
    assert "1 record is still open in quarantine" in done.out

    left = rows[1]["quarantine"]
    _write(mend, [rows[1] | {"activity_id": "c", "period_start": rows[0]["period_start"], "quantity": "31"}])
    told = " ".join(headwater("quarantine", "resubmit", mend).out.split())
    assert f"{left}, activity c: Another record with the same activity_id and other content stands already" in told
    assert f"headwater quarantine dismiss {left}" in told
    (first,) = headwater("quarantine", "list", "--json").json["records"]
    table = " ".join(headwater("quarantine", "list", "--rule", first["findings"][0]["rule"]).out.split())
    assert first["findings"][0]["rule"] in table
    assert "as it was mended last: Another record" in table
    assert "as it was mended last" in headwater("quarantine", "show", left).out
    assert headwater("quarantine", "dismiss", left, "--reason", "a test").code == 0
    shown = headwater("quarantine", "show", left)
    assert "dismissed (a test)" in shown.out
    assert headwater("quarantine", "list", "--json").json["total"] == 0
    assert headwater("quarantine", "list", "--state", "all", "--json").json["total"] == 2
    settled = headwater("quarantine", "show", rows[0]["quarantine"], "--json").json
    assert (settled["state"], settled["repairs"][0]["outcome"]) == ("resubmitted", "loaded")


def test_an_export_to_standard_output_is_the_file_and_nothing_else(headwater: Headwater, meters: Path) -> None:
    headwater("import", meters, "-m", "form.yaml")
    done = headwater("quarantine", "export")
    assert done.code == 0
    assert done.out.startswith("\ufeffquarantine,reasons,line,activity_id")
    assert len(done.out.splitlines()) == 3


def test_an_export_of_nothing_leaves_no_file(headwater: Headwater, meters: Path, tmp_path: Path) -> None:
    meters.write_text(activities(GOOD))
    headwater("import", meters, "-m", "form.yaml")
    done = headwater("quarantine", "export", "-o", "mend.csv")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert [path.name for path in tmp_path.iterdir() if "mend" in path.name] == []


def test_a_shortened_list_says_so(headwater: Headwater, meters: Path) -> None:
    headwater("import", meters, "-m", "form.yaml")
    assert "1 of 2 records shown" in headwater("quarantine", "list", "--limit", "1").out


def test_runs_are_listed_shown_and_have_nothing_left_to_resume(headwater: Headwater, meters: Path) -> None:
    run = headwater("import", meters, "-m", "form.yaml", "--json").json["run_id"]
    listed = headwater("runs", "list", "--json").json
    assert [each["run_id"] for each in listed["runs"]] == [run]
    assert (listed["runs"][0]["records_planned"], listed["runs"][0]["records_done"]) == (4, 4)
    assert run in headwater("runs", "list").out
    shown = headwater("runs", "show", run[:6], "--json").json
    assert shown["ledger"]["inserted"] == 2
    assert "SHA-256" in headwater("runs", "show", run).out
    done = headwater("runs", "resume", run)
    assert done.code == 3
    assert "nothing left to do" in done.err


def test_a_finished_run_is_resumed_with_the_code_that_is_true_now(headwater: Headwater, meters: Path) -> None:
    run = headwater("import", meters, "-m", "form.yaml", "--json").json["run_id"]
    for record in headwater("quarantine", "list", "--json").json["records"]:
        headwater("quarantine", "dismiss", record["quarantine"], "--reason", "test readings")
    done = headwater("runs", "resume", run)
    assert done.code == 0
    assert "nothing left to do" in done.err


def test_going_back_to_an_older_mapping_is_said_and_done(headwater: Headwater, meters: Path, form: Path) -> None:
    older = form.read_text()
    form.write_text(older.replace("1.0.0", "1.10.0"))
    assert "warning: meters" not in headwater("import", meters, "-m", "form.yaml").err
    form.write_text(older.replace("1.0.0", "1.9.0"))
    done = headwater("import", meters, "-m", "form.yaml")
    assert done.code == 3
    assert "warning: meters.csv was loaded by version 1.10.0 of mapping form before" in done.err


def test_a_file_with_a_header_alone_is_said_to_hold_nothing(headwater: Headwater, meters: Path) -> None:
    meters.write_text(activities([]))
    done = headwater("import", meters, "-m", "form.yaml")
    assert done.code == 0
    assert "meters.csv holds no records" in done.out
    assert headwater("import", meters, "-m", "form.yaml", "--json").json["ledger"]["read"] == 0


def test_factors_are_imported_by_the_form_and_listed(headwater: Headwater, meters: Path, tmp_path: Path) -> None:
    path = tmp_path / "factors.csv"
    path.write_text(factors([{"factor_id": "x"}, {"factor_id": "y", "region": "GB"}]))
    assert headwater("factors", "import", path).code == 0
    listed = headwater("factors", "list", "--region", "GB", "--json").json
    assert (listed["total"], listed["factors"][0]["factor_id"]) == (1, "y")
    assert "2 factors" in headwater("factors", "list").out
    body = headwater("import", meters, "-m", "form.yaml", "--json").json
    assert body["ledger"]["calculation"]["inserted"] == 2


@pytest.mark.long
def test_ctrl_c_says_how_to_go_on_and_nothing_is_done_twice(headwater: Headwater, meters: Path, tmp_path: Path) -> None:
    meters.write_text(activities({"activity_id": f"a{number}"} for number in range(10_000)))
    with subprocess.Popen(
        [Path(sys.executable).parent / "headwater", "import", meters, "-m", "form.yaml", "--chunk-size", "50"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        run = process.stdout.readline().split()[1]
        while headwater("runs", "show", run, "--json").json["chunks"]["committed"] < 3:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"headwater runs resume {run}" in said
    assert "Traceback" not in said
    before = headwater("runs", "show", run, "--json").json
    assert before["state"] == "cancelled"
    assert 3 <= before["chunks"]["committed"] < 200
    after = headwater("runs", "resume", run, "--json")
    assert after.code == 0
    ledger = after.json["ledger"]
    assert (ledger["read"], ledger["inserted"], ledger["unchanged"]) == (10_000, 10_000, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["import", "nowhere.csv", "-m", "form.yaml"], 2, "nowhere.csv: there is no such file"),
        (["import", "form.yaml"], 2, "--mapping"),
        (["import", "meters.csv", "-m", "no_such_mapping"], 2, "there is no such mapping"),
        (["import", "meters.csv", "-m", "form.yaml", "--chunk-size", "0"], 2, "chunk-size"),
        (["runs", "show", "ffff"], 2, "there is no such run"),
        (["quarantine", "show", "x"], 2, "does not name a refused record"),
        (["quarantine", "resubmit", "meters.csv"], 1, "not a file that"),
        (["contracts", "show", "weather"], 2, "there is no such contract"),
        (["contracts", "diff", "activity", "emission"], 2, "different contracts"),
    ],
)
def test_errors_are_one_text_and_a_code(
    headwater: Headwater, meters: Path, arguments: list[str], code: int, says: str
) -> None:
    del meters
    done = headwater(*arguments)
    assert done.code == code
    assert says in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_folder_is_a_run_a_file_with_one_exit_code(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    del form
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "a.csv").write_text(activities(GOOD))
    (folder / "b.csv").write_text(activities(BAD[2:]))
    done = headwater("import", "sites", "--mapping", "form.yaml")
    assert done.code == 3
    assert "2 of 2  b.csv: succeeded with quarantine" in done.out
    listed = next(line for line in done.out.splitlines() if "quarantine list --run " in line)
    assert headwater(*listed.split()[1:], "--json").json["total"] == 2
    (folder / "c.xlsx").write_text("no workbook")
    again = headwater("import", "sites", "--mapping", "form.yaml", "--json")
    assert again.code == 4
    assert again.json["states"] == {"unchanged": 2, "refused": 1}
    assert "c.xlsx" in again.json["files"][0]["error"]
    (folder / "a.csv").unlink()
    (folder / "b.csv").unlink()
    assert headwater("import", "sites", "--mapping", "form.yaml").code == 1


def test_a_file_whose_record_another_had_replaced_and_holds_no_longer_is_told_of(
    headwater: Headwater, form: Path, tmp_path: Path
) -> None:
    del form
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "a.csv").write_text(activities([{"activity_id": "x", "quantity": "10"}]))
    (folder / "b.csv").write_text(activities([{"activity_id": "x", "quantity": "20"}]))
    headwater("import", "sites", "--mapping", "form.yaml")
    (folder / "b.csv").write_text(activities([{"activity_id": "n"}]))
    told = headwater("import", "sites", "--mapping", "form.yaml")
    assert told.code == 0
    assert "a.csv: unchanged" in told.out
    assert "  1 record of it was replaced by another file, which holds the key no longer" in told.err
    again = headwater("import", "sites", "--mapping", "form.yaml", "--json").json["files"]
    assert [bool(each["notice"]) for each in again] == [True, False]
    tried = headwater("import", "sites", "--mapping", "form.yaml", "--dry-run")
    assert tried.err.count("1 record of it was replaced by another file") == 1
    (a, b) = headwater("import", "sites", "--mapping", "form.yaml", "--dry-run", "--json").json["dry_run"]
    assert (a["state"], a["notice"], b["notice"]) == ("unchanged", again[0]["notice"], None)
    every = headwater("import", "sites", "--mapping", "form.yaml", "--dry-run", "--all")
    assert "1 record of it" not in every.err
    headwater("import", "sites", "--mapping", "form.yaml", "--all")
    assert "record of it" not in headwater("import", "sites", "--mapping", "form.yaml").err
