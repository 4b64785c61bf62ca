"""Jobs and schedules from the command line, carried out by a worker that ends when nothing is left to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import ACTIVITY_FIELDS, Ended, Headwater, Lab
from tests.river import activities

pytestmark = pytest.mark.server

WORKER = [sys.executable, "-c", "from headwater.cli.main import run; run()", "worker", "--once"]


@pytest.fixture
def recipe(tmp_path: Path, headwater: Headwater) -> Path:
    """Of a folder with two files, one of them no activities."""
    del headwater
    fields = {name: {"column": name} for name in ACTIVITY_FIELDS}
    mapping = {"mapping": "meters", "version": "1.0.0", "contract": "activity@1", "fields": fields}
    (tmp_path / "meters.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text(activities([{"activity_id": "a"}], ACTIVITY_FIELDS))
    (tmp_path / "in/b.csv").write_text("these,are\nno,activities\n")
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"recipe": "meters", "source": {"path": "in"}, "mapping": "meters.yaml"}))
    return path


def test_what_is_queued_is_carried_out_by_a_worker(headwater: Headwater, recipe: Path, tmp_path: Path) -> None:
    (imported,) = headwater("import", "in/a.csv", "--mapping", "meters.yaml", "--queue", "--json").json["jobs"]
    asked = headwater("run", recipe, "--queue")
    assert asked.out.startswith("job "), asked
    cancelled = headwater("import", "in/a.csv", "--mapping", "meters.yaml", "--queue").out.split()[1]
    assert headwater("jobs", "cancel", cancelled).out == f"job {cancelled}: cancelled\n"
    added = headwater("schedules", "add", "nightly", recipe, "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin")
    assert "30 2 * * * Europe/Berlin" in added.out
    by_schedule = headwater("schedules", "run-now", "nightly", "--json").json["job_id"]
    assert headwater("jobs", "list", "--state", "pending", "--json").json["total"] == 3

    done = subprocess.run(WORKER, capture_output=True, text=True, check=False, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    states = {job["job_id"]: job["state"] for job in headwater("jobs", "list", "--json").json["jobs"]}
    ran = asked.out.split()[1]
    assert states == {
        imported: "succeeded",
        ran: "partial_success",
        cancelled: "cancelled",
        by_schedule: "partial_success",
    }
    shown = headwater("jobs", "show", ran[:8]).out
    assert "partial success" in shown
    assert "error: " in shown
    assert "2 of 2 files" in shown
    assert "1 of 1 source" in headwater("jobs", "show", imported).out
    (run,) = headwater("jobs", "show", imported, "--json").json["runs"]
    assert (run["source"], run["state"]) == ("a.csv", "succeeded")
    logged = headwater("schedules", "updates", "nightly", "--json").json
    assert {entry["source_name"]: list(entry["errors"]) for entry in logged} == {"a.csv": [], "b.csv": ["refused"]}
    assert headwater("schedules", "history", "nightly", "--json").json[0]["state"] == "partial_success"

    (tmp_path / "in/b.csv").write_text(activities([{"activity_id": "b"}], ACTIVITY_FIELDS))
    assert headwater("jobs", "retry", ran).out == f"job {ran}: pending\n"
    anew = headwater("jobs", "show", ran, "--json").json
    assert (anew["sources_planned"], anew["sources_done"]) == (None, 0), "its files are listed anew"
    assert headwater("schedules", "pause", "nightly", "--json").json["next_at"] is None
    assert headwater("schedules", "remove", "nightly").code == 0
    assert headwater("schedules", "list", "--json").json == []
    assert headwater("jobs", "cancel", imported).code == 2


def test_why_a_job_of_a_schedule_failed_is_told_whole_though_it_came_to_no_run(
    headwater: Headwater, lab: Lab, tmp_path: Path
) -> None:
    said = {"recipe": "a", "source": {"connector": "lab", "table": "a"}, "mapping": str(lab.mapping)}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(said))
    assert headwater("schedules", "add", "nightly", "a.yaml", "--cron", "@daily").code == 0
    job = headwater("schedules", "run-now", "nightly", "--json").json["job_id"]
    assert headwater("connectors", "remove", "lab", "--force").code == 0
    done = subprocess.run(WORKER, capture_output=True, text=True, check=False, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    why = {
        "kind": "NotFound", "what": "there is no such connector", "where": "connector", "value": "lab", "valid": None,
        "remedy": "`headwater connectors add` makes one.",
    }  # fmt: skip
    told = "connector: there is no such connector (value: 'lab'). `headwater connectors add` makes one."
    (time,) = headwater("schedules", "history", "nightly", "--json").json
    assert (time["state"], time["error"]) == ("failed", why)
    (entry,) = headwater("schedules", "updates", "--json").json
    kept = {name: value for name, value in why.items() if value is not None}
    assert (entry["source_name"], entry["run_id"], entry["errors"]) == ("lab/a", None, {"failed_of": kept})
    assert f"error: {told}" in headwater("jobs", "show", job).out
    (listed,) = headwater("jobs", "list", "--json").json["jobs"]
    assert (listed["error"], listed["schedule"]) == (why, "nightly")
    assert "schedule nightly" in headwater("jobs", "list").out
    for command in (("history", "nightly"), ("updates",)):
        text = " ".join(_as_lines(headwater, "schedules", *command).split())
        assert told in text, text
        assert "{" not in text


def test_a_schedule_of_what_is_not_there_is_refused(headwater: Headwater, lab: Lab, tmp_path: Path) -> None:
    def add(*command: str, **source: str) -> Ended:
        said = {"recipe": "r", "source": source, "mapping": str(lab.mapping)}
        (tmp_path / "r.yaml").write_text(yaml.safe_dump(said))
        return headwater("schedules", *command, "r.yaml")

    for source, why, valid in (
        ({"connector": "mine", "table": "a"}, "there is no such connector (value: 'mine')", "lab"),
        ({"connector": "lab", "table": "c"}, "there is no table or view 'c' (value: 'c')", "a, b"),
        ({"connector": "lab", "table": "a", "cursor": "seen"}, "the cursor 'seen' is no column", "reading_id, site"),
    ):
        refused = add("add", "nightly", "--cron", "@daily", **source)
        assert (refused.code, why in refused.err, f"Valid: {valid}" in refused.err) == (2, True, True), refused.err
    assert headwater("schedules", "list", "--json").json == []
    assert add("add", "nightly", "--cron", "@daily", connector="lab", table="a").code == 0
    assert add("change", "nightly", connector="lab", table="c").code == 2
    away = ("-s", "host=127.0.0.1", "-s", "port=1", "-s", "database=x", "-s", "user=x", "-s", "password_ref=env:NONE")
    assert headwater("connectors", "add", "away", "-k", "postgresql", *away).code == 0
    assert add("add", "later", "--cron", "@daily", connector="away", table="public.x").code == 0


def _as_lines(headwater: Headwater, *command: str) -> str:
    """What a table tells where it has no room for columns: nothing is folded."""
    with pytest.MonkeyPatch.context() as narrow:
        narrow.setenv("COLUMNS", "40")
        return headwater(*command).out


def test_a_schedule_is_changed(headwater: Headwater, recipe: Path, tmp_path: Path) -> None:
    for name in ("first", "nightly"):
        headwater("schedules", "add", name, recipe, "--cron", "30 2 * * *", "--time-limit", "60")
    times = ("--cron", "0 4 * * *", "--time-zone", "Europe/Berlin", "--missed", "catch-up")
    changed = headwater("schedules", "change", "nightly", *times, "--priority", "9", "--time-limit", "0")
    assert (changed.code, "0 4 * * * Europe/Berlin" in changed.out) == (0, True), changed
    shown = headwater("schedules", "show", "nightly", "--json").json
    assert {name: shown[name] for name in ("missed", "priority", "time_limit", "most_attempts")} == {
        "missed": "catch_up", "priority": 9, "time_limit": None, "most_attempts": 5,
    }  # fmt: skip
    another = tmp_path / "other.yaml"
    another.write_text(yaml.safe_dump({"recipe": "b", "source": {"path": "in/b.csv"}, "mapping": "meters.yaml"}))
    changed = headwater("schedules", "change", "nightly", another, "--after", "first", "--json")
    assert (changed.json["label"], changed.json["after"], changed.json["next_at"]) == ("in/b.csv", ["first"], None)
    refused = headwater("schedules", "change", "first", "--after", "nightly")
    assert (refused.code, "it would come after itself" in refused.err) == (2, True)


def test_a_state_that_there_is_not_is_refused(headwater: Headwater) -> None:
    refused = headwater("jobs", "list", "--state", "done")
    assert refused.code == 2
    assert "pending, running, succeeded" in refused.err


def test_a_job_tells_of_a_file_whose_record_another_had_replaced_and_holds_no_longer(
    headwater: Headwater, recipe: Path, tmp_path: Path
) -> None:
    def puts(name: str, key: str, quantity: str) -> None:
        text = activities([{"activity_id": key, "quantity": quantity}], ACTIVITY_FIELDS)
        (tmp_path / f"in/{name}.csv").write_text(text)

    puts("a", "x", "10")
    puts("b", "x", "20")
    assert headwater("run", recipe).code == 0
    puts("b", "n", "1")
    asked = headwater("run", recipe, "--queue").out.split()[1]
    done = subprocess.run(WORKER, capture_output=True, text=True, check=False, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    assert "1 record of it was replaced by another file" in headwater("jobs", "show", asked).out
    told = headwater("jobs", "show", asked, "--json").json
    (notice,) = told["result"]["notices"]
    assert (told["state"], Path(notice["file"]).name) == ("succeeded", "a.csv")
    assert notice["notice"].startswith("1 record of it was replaced")
