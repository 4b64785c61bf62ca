"""`headwater run` with several recipes: each a run of its own, told together, and ending as the worst of them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import yaml

from headwater.cli.several import PROGRAM
from headwater.pipeline.recipe import load_recipe
from headwater.services.connectors.planning import plan_sync
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River

FACTS = {
    "mapping": "facts",
    "version": "1.0.0",
    "contract": "organisation_fact@1",
    "fields": {
        "fact": {"constant": "electricity"},
        "facility_code": {"column": "activity_id"},
        "period_start": {"column": "period_start"},
        "quantity": {"column": "quantity"},
        "unit": {"column": "unit"},
    },
}
"""Of every activity the quantity, as if that were a fact of the organisation."""


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
    (tmp_path / "facts.yaml").write_text(yaml.safe_dump(FACTS))
    facts = tmp_path / "facts.recipe.yaml"
    facts.write_text(yaml.safe_dump({"recipe": "facts", "source": {"contract": "activity@1"}, "mapping": "facts.yaml"}))
    done = headwater("run", *paths, missing, facts, "--at-once", "4", "--json")
    assert done.code == 2
    told = {each["recipe"]: each for each in done.json["recipes"]}
    assert [told[str(path)]["exit_code"] for path in (*paths, missing)] == [0, 3, 2]
    assert told[str(paths[1])]["result"]["open_in_quarantine"] == 1
    assert told[str(missing)]["result"] is None
    assert f"{missing}: error: " in done.err
    assert "4 of 4" in done.err
    # It read what both have loaded, so it was held back until they had.
    assert told[str(facts)]["result"]["ledger"]["read"] == 79
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
    assert (refused.code, "bad.yaml: source: it is missing" in refused.err) == (2, True)
    assert river.rows("SELECT count(*) FROM runs WHERE kind = 'sync'") == [{"count": 0}]


def test_told_to_end_each_ends_in_its_own_way_and_at_once(
    headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path
) -> None:
    """The first waits for its turn to ask the source, for most of a minute, when the process of both is told to end."""
    del full_lab
    readings, asked = Readings(rows=20), Counter[str]()

    def answer(request: Asked) -> Reply:
        asked["requests"] += 1
        return readings.answer(request)

    with http_server(answer) as server:
        said = f"url={server.url}/plant"
        assert headwater("connectors", "add", "plant", "-k", "odata", "-s", said).code == 0
        plan_sync(
            river.installation, load_recipe(recipe(tmp_path, "slow", connector="plant", table="Readings")), tmp_path
        )
        often = f"requests_a_minute={asked['requests']}"  # as often as a plan asks, and no more
        assert headwater("connectors", "change", "plant", "-s", often).code == 0
        slow, other = (recipe(tmp_path, name, connector="plant", table="Readings") for name in ("slow", "other"))
        running = subprocess.Popen(
            [*PROGRAM, "run", str(slow), str(other), "--json"],
            env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        waits = "SELECT FROM source_requests WHERE sent_at > clock_timestamp() + interval '5 seconds'"
        while not river.rows(waits):
            assert running.poll() is None
            threading.Event().wait(0.1)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
        assert river.rows(waits)  # the turn it waited for has not come yet
    assert (running.returncode, out) == (130, ""), err
    assert f"{slow}: interrupted; go on with: headwater runs resume" in err
    assert "other.yaml" not in err
    assert [row["state"] for row in river.rows("SELECT state FROM runs WHERE kind = 'sync' ORDER BY started_at")] == [
        "pending", "cancelled",
    ]  # fmt: skip
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if str(slow).encode() in command]
