"""PostgreSQL is killed while a sync loads into it from another source: the sync waits or says so, and loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from headwater.services.connectors.keeping import add
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance
from tests.faults.test_server_lost import postmaster
from tests.faults.test_sync_killed import SECONDS, headwater
from tests.river import River, factors
from tests.servers import Installation, TestServer
from tests.synced import MAPPING

pytestmark = [pytest.mark.server, pytest.mark.faults]
ROWS, CHUNKS = 1000, 25


@pytest.fixture
def recipe(river: River) -> Path:
    """Of a source that does not fall with the server: a file of SQLite's."""
    source, mapping = river.folder / "plant.db", river.folder / "readings.yaml"
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("CREATE TABLE reading (reading_id INTEGER PRIMARY KEY, site TEXT, month TEXT, kwh TEXT)")
        rows = [(n, f"site-{n % 7}", f"2024-{n % 12 + 1:02}-01", f"{n * 1.5}") for n in range(1, ROWS + 1)]
        connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", rows)
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    add(river.installation, "plant", "sqlite", {"path": str(source)})
    mapping.write_text(yaml.safe_dump(MAPPING))
    said = {"recipe": "readings", "source": {"connector": "plant", "table": "reading"}, "mapping": str(mapping)}
    path = river.folder / "readings.recipe.yaml"
    path.write_text(yaml.safe_dump({**said, "load": {"chunk_size": ROWS // CHUNKS}}))
    return path


def begin(river: River, recipe: Path) -> subprocess.Popen[str]:
    """Go on with the sync, or begin it where none was planned."""
    runs = river.rows("SELECT run_id FROM runs WHERE kind = 'sync'")
    assert len(runs) <= 1, "a sync that was disturbed was planned twice"
    return headwater(river, *(["runs", "resume", str(runs[0]["run_id"])] if runs else ["run", str(recipe)]))


@pytest.mark.faults(instants=20, sample=1)
def test_the_target_is_killed_at_a_random_instant(
    river: River, recipe: Path, installation: Installation, server: TestServer, instant: float
) -> None:
    worker = begin(river, recipe)
    try:
        worker.wait(instant * SECONDS)
    except subprocess.TimeoutExpired:
        os.kill(postmaster(server), signal.SIGKILL)
        server.start_again()
    said, _ = worker.communicate()
    assert "Traceback" not in said
    if worker.returncode != 0:
        again = begin(river, recipe)
        said, _ = again.communicate()
        assert again.returncode == 0, said
    loaded = river.rows("SELECT activity_id, quantity::text AS quantity FROM activity_v1")
    assert {row["activity_id"]: row["quantity"] for row in loaded} == {
        str(n): f"{n * 1.5:.6f}" for n in range(1, ROWS + 1)
    }
    (run,) = river.rows("SELECT run_id, state, reconciliation FROM runs WHERE kind = 'sync'")
    ledger = river.ledger(run["run_id"])
    assert (run["state"], ledger.committed, ledger.failed) == ("succeeded", CHUNKS, 0)
    assert (ledger.read, ledger.inserted, ledger.unchanged) == (ROWS, ROWS, 0)
    assert run["reconciliation"]["read"] == run["reconciliation"]["stands"] == ROWS
    assert_books_balance(installation)
    assert verify(river.installation, progress=SilentProgress()).differences == ()
