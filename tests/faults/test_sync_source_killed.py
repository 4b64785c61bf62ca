"""The PostgreSQL that a sync reads from is killed in the middle: back soon it is waited for, else chunks are gaps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.retrying import resume_each, unfinished_runs
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.telemetry import SilentProgress
from tests.faults.test_server_lost import postmaster
from tests.river import River
from tests.servers import TestServer, installed_server
from tests.synced import Synced, synced_source

pytestmark = [pytest.mark.server, pytest.mark.faults]


@pytest.fixture
def source_server(installed_postgres: Path) -> Iterator[TestServer]:
    """A server of its own, apart from the one that is loaded into."""
    with installed_server(installed_postgres) as server:
        yield server


@pytest.fixture
def apart(river: River, source_server: TestServer) -> Iterator[Synced]:
    with synced_source(river, source_server) as synced:
        yield synced


class Then(SilentProgress):
    """Does something once so many chunks are in."""

    def __init__(self, chunks: int, act: Callable[[], None]) -> None:
        self._left = chunks
        self._act = act

    def advance(self, units: int) -> None:
        del units
        self._left -= 1
        if self._left == 0:
            self._act()


def assert_whole(synced: Synced, chunks: int) -> None:
    (run,) = synced.river.rows("SELECT run_id FROM runs WHERE kind = 'sync'")
    ledger = synced.river.ledger(run["run_id"])
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (chunks, 0, 1000, 1000)
    assert synced.loaded() == {str(n): f"{n * 1.5:.6f}" for n in range(1, 1001)}


def test_a_source_that_is_back_soon_is_waited_for(apart: Synced, source_server: TestServer) -> None:
    back = threading.Thread(target=source_server.start_again)

    def kill() -> None:
        os.kill(postmaster(source_server), signal.SIGKILL)
        back.start()

    run_id = plan_sync(apart.river.installation, apart.recipe(), apart.river.folder)
    carry_out(apart.river.installation, run_id, progress=Then(3, kill))
    back.join()
    assert_whole(apart, 10)


@pytest.mark.long
def test_a_source_that_stays_away_leaves_gaps_that_are_filled(apart: Synced, source_server: TestServer) -> None:
    installation = apart.river.installation
    run_id = plan_sync(installation, apart.recipe(load={"chunk_size": 250}), apart.river.folder)
    carry_out(installation, run_id, progress=Then(1, lambda: os.kill(postmaster(source_server), signal.SIGKILL)))
    view = show_run(installation, run_id)
    assert (view.run.state, bool(view.gaps)) == ("partial_success", True)
    source_server.start_again()
    (done,) = resume_each(installation, unfinished_runs(installation, "plant"), progress=SilentProgress())
    assert done.error is None
    assert_whole(apart, 4)
