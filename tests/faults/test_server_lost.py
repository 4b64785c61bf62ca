"""PostgreSQL killed at any instant: the run waits for it or says in words that it is gone, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import psycopg
import pytest

from headwater.store.embedded import SUPERUSER
from tests.faults.scene import Scene, Stage
from tests.faults.worker_process import Worker
from tests.servers import TestServer

pytestmark = [pytest.mark.server, pytest.mark.faults]


@pytest.mark.faults(instants=10, sample=1)
def test_the_server_is_killed_at_a_random_instant_and_started_again(scene: Scene, stage: Stage, instant: float) -> None:
    worker = stage.work()
    worker.wait_for(instant * scene.seconds)
    os.kill(postmaster(scene.server), signal.SIGKILL)
    scene.server.start_again()

    _finish(stage, worker)
    scene.assert_as_undisturbed(stage)


@pytest.mark.faults(instants=10, sample=1)
@pytest.mark.long
def test_sessions_are_killed_from_a_random_instant_on(scene: Scene, stage: Stage, instant: float, seed: int) -> None:
    """One session killed makes the server end all others and recover. The second blow falls on a run that has just
    come back.
    """
    draw = random.Random(f"{seed} sessions {instant}")
    worker = stage.work()
    for seconds in (instant * scene.seconds, instant * scene.seconds + draw.uniform(0, 6)):
        if worker.wait_for(seconds):
            _kill_a_session(stage, draw)

    _finish(stage, worker)
    scene.assert_as_undisturbed(stage)


@pytest.mark.faults(instants=10, sample=1)
@pytest.mark.long
def test_a_server_that_stays_away_ends_the_run_in_words(scene: Scene, stage: Stage, instant: float) -> None:
    worker = stage.work()
    still = worker.wait_for(instant * 0.5 * scene.seconds)
    os.kill(postmaster(scene.server), signal.SIGKILL)
    try:
        said, _ = worker.end()
    finally:
        scene.server.start_again()
    if still:
        assert said.startswith("RetryLater: "), said
        assert stage.work().end()[0] == ""
    scene.assert_as_undisturbed(stage)


def _finish(stage: Stage, worker: Worker) -> None:
    """What does not come through by itself is resumed."""
    said, _ = worker.end()
    if said:
        assert said.startswith("RetryLater: "), said
        assert stage.work().end()[0] == ""


def postmaster(server: TestServer) -> int:
    """The parent of every session."""
    with psycopg.connect(server.url(SUPERUSER, "postgres")) as connection:
        (row,) = connection.execute("SELECT pg_backend_pid()").fetchall()
        stat = Path(f"/proc/{row[0]}/stat").read_text(encoding="utf-8")
    return int(stat.rpartition(")")[2].split()[1])


def _kill_a_session(stage: Stage, draw: random.Random) -> None:
    """One of those that work on the stage, where there is one at this instant and the server answers."""
    try:
        with psycopg.connect(stage.installation.superuser_url) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchall()
    except psycopg.OperationalError:
        return  # it recovers from the blow before
    if rows:
        os.kill(draw.choice(rows)[0], signal.SIGKILL)
