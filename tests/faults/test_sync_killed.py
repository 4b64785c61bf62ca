"""A sync that is killed at any instant, or whose source drops its sessions, leaves what an undisturbed one leaves."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import yaml

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River
from tests.synced import Synced

pytestmark = [pytest.mark.server, pytest.mark.faults]
CHUNKS = 50
SECONDS = 6.0
"""About what the work takes, start of the program included."""


def headwater(river: River, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    environment |= {
        "HEADWATER_DATABASE_URL": river.app_url,
        "HEADWATER_DATA_DIR": str(river.installation.settings.data_dir),
    }
    command = [sys.executable, "-c", "from headwater.cli.main import run; run()", *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=river.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def sync(synced: Synced, mapping: Path) -> subprocess.Popen[str]:
    """With chunks read ahead, as a person might say of a database that is far away."""
    recipe = synced.river.folder / "readings.recipe.yaml"
    source = {"connector": "plant", "table": "public.meter_reading"}
    load = {"chunk_size": 1000 // CHUNKS, "read_ahead": 3}
    recipe.write_text(yaml.safe_dump({"recipe": "readings", "source": source, "mapping": str(mapping), "load": load}))
    return headwater(synced.river, "run", str(recipe))


def go_on(synced: Synced, mapping: Path) -> None:
    """Resume the run, or sync anew where none was planned."""
    runs = synced.river.rows("SELECT run_id, state FROM runs WHERE kind = 'sync' ORDER BY started_at DESC LIMIT 1")
    if runs and runs[0]["state"] != "succeeded":
        again = headwater(synced.river, "runs", "resume", str(runs[0]["run_id"]))
    else:
        again = sync(synced, mapping)
    out, _ = again.communicate()
    assert again.returncode == 0, out


def assert_whole(synced: Synced) -> None:
    assert synced.loaded() == {str(n): f"{n * 1.5:.6f}" for n in range(1, 1001)}
    found = verify(synced.river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed) == ((), {})


@pytest.mark.always
@pytest.mark.faults(instants=20, sample=1)
def test_killed_at_a_random_instant(synced: Synced, instant: float) -> None:
    mapping = synced.mapping()
    worker = sync(synced, mapping)
    try:
        worker.wait(instant * SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
    worker.communicate()
    go_on(synced, mapping)
    assert_whole(synced)


@pytest.mark.long
def test_sessions_that_the_source_drops_are_opened_again(synced: Synced, seed: int) -> None:
    """Now and then every session of the source is ended, whatever it is at; chunks are asked for again."""
    draw = random.Random(f"{seed} dropped")
    mapping = synced.mapping()
    worker = sync(synced, mapping)
    with psycopg.connect(synced.source.superuser_url, autocommit=True) as connection:
        dropped = 0
        while worker.poll() is None and dropped < 3:
            dropped += len(
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
            )
            try:
                worker.wait(draw.uniform(1.0, 3.0))
            except subprocess.TimeoutExpired:
                continue
    out, _ = worker.communicate()
    if worker.returncode != 0:
        go_on(synced, mapping)
    assert dropped or worker.returncode == 0, out
    assert_whole(synced)
