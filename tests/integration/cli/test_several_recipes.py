"""`headwater run` with several recipes: each a run of its own, told together, and ending as the worst of them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import yaml

from headwater.cli.several import PROGRAM
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River


def recipe(folder: Path, name: str, **source: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"recipe": name, "source": source, "mapping": "readings.yaml"}))
    return path


def test_each_is_a_run_of_its_own_and_those_of_one_connector_wait_for_each_other(
    headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path
) -> None:
    full_lab.change("UPDATE b SET kwh = -1 WHERE reading_id = 207")
    paths = [recipe(tmp_path, name, connector="lab", table=name) for name in ("a", "b")]
    missing = recipe(tmp_path, "missing", path="nowhere.csv")
    done = headwater("run", *paths, missing, "--at-once", "3", "--json")
    assert done.code == 2
    told = {each["recipe"]: each for each in done.json["recipes"]}
    assert [told[str(path)]["exit_code"] for path in (*paths, missing)] == [0, 3, 2]
    assert told[str(paths[1])]["result"]["open_in_quarantine"] == 1
    assert told[str(missing)]["result"] is None
    assert f"{missing}: error: " in done.err
    assert "3 of 3" in done.err
    runs = river.rows("SELECT source_name, started_at, finished_at FROM runs WHERE kind = 'sync' ORDER BY started_at")
    assert [row["source_name"] for row in runs] == ["lab/a", "lab/b"]
    assert runs[0]["finished_at"] < runs[1]["started_at"]


def test_one_that_cannot_be_read_is_refused_before_any_begins(
    headwater: Headwater, lab: Lab, river: River, tmp_path: Path
) -> None:
    del lab
    good, bad = recipe(tmp_path, "a", connector="lab", table="a"), tmp_path / "bad.yaml"
    bad.write_text("recipe: bad\n")
    refused = headwater("run", good, bad)
    assert (refused.code, "bad.yaml, source: it is missing" in refused.err) == (2, True)
    assert river.rows("SELECT count(*) FROM runs WHERE kind = 'sync'") == [{"count": 0}]


def test_interrupted_each_ends_in_its_own_way(headwater: Headwater, full_lab: Lab, tmp_path: Path) -> None:
    """The source holds its rows back until both runs were told to stop."""
    del full_lab
    readings, asked_for, is_over = Readings(rows=20), threading.Event(), threading.Event()

    def answer(asked: Asked) -> Reply:
        if "$top" in asked.params and asked.params.get("$select") != "reading_id":
            asked_for.set()
            is_over.wait(60)
        return readings.answer(asked)

    with http_server(answer) as server:
        url = f"{server.url}/plant"
        assert headwater("connectors", "add", "plant", "-k", "odata", "-s", f"url={url}").code == 0
        slow = recipe(tmp_path, "slow", connector="plant", table="Readings")
        other = recipe(tmp_path, "other", connector="plant", table="Readings")
        running = subprocess.Popen(
            [*PROGRAM, "run", str(slow), str(other), "--json"],
            env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert asked_for.wait(60)
        running.send_signal(signal.SIGINT)
        is_over.set()
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, ""), err
    assert f"{slow}: interrupted; go on with: headwater runs resume" in err
    assert "other.yaml" not in err
