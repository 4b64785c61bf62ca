"""The PostgreSQL or MariaDB that a sync reads from is killed: back soon it is waited for, else chunks are gaps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.retrying import resume_each, unfinished_runs
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.telemetry import SilentProgress
from tests.connectors.servers_mariadb import PASSWORD, MariaDb, mariadb_server
from tests.faults.test_server_lost import postmaster
from tests.river import River, factors
from tests.servers import TestServer, installed_server
from tests.synced import MAPPING, Synced, synced_source

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


def assert_whole(river: River, chunks: int) -> None:
    (run,) = river.rows("SELECT run_id FROM runs WHERE kind = 'sync'")
    ledger = river.ledger(run["run_id"])
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (chunks, 0, 1000, 1000)
    found = river.rows("SELECT activity_id, quantity FROM activity_v1")
    assert {row["activity_id"]: row["quantity"] for row in found} == {
        str(n): Decimal(n) * 3 / 2 for n in range(1, 1001)
    }
    sums = (show_run(river.installation, run["run_id"]).run.reconciliation or {})["fields"]
    assert [Decimal(each["difference"]) for each in sums.values()] == [0]


def test_a_source_that_is_back_soon_is_waited_for(apart: Synced, source_server: TestServer) -> None:
    back = threading.Thread(target=source_server.start_again)

    def kill() -> None:
        os.kill(postmaster(source_server), signal.SIGKILL)
        back.start()

    run_id = plan_sync(apart.river.installation, apart.recipe(), apart.river.folder)
    carry_out(apart.river.installation, run_id, progress=Then(3, kill))
    back.join()
    assert_whole(apart.river, 10)


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
    assert_whole(apart.river, 4)


@pytest.fixture
def mariadb(river: River, monkeypatch: pytest.MonkeyPatch) -> Iterator[MariaDb]:
    """A server of its own with readings 1 to 1,000, and the connector `plant`."""
    monkeypatch.setenv("MARIADB_PASSWORD", PASSWORD)
    with mariadb_server() as server:
        with server.owner() as owner, owner.cursor() as cursor:
            cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")  # what was written outlives a kill
            cursor.execute(
                "CREATE TABLE meter_reading (reading_id bigint PRIMARY KEY, site varchar(20), month date,"
                " kwh decimal(12,3)) AS SELECT seq AS reading_id, concat('site-', seq % 7) AS site,"
                " date '2024-01-01' AS month, seq * 1.5 AS kwh FROM seq_1_to_1000"
            )
            cursor.execute("GRANT SELECT ON source.meter_reading TO reader@127.0.0.1")
        valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
        river.load(factors([valid]), name="factors.csv", mapping="factor_form")
        add(river.installation, "plant", "mysql", server.config.model_dump(mode="json", exclude_defaults=True))
        yield server


def recipe_of(river: River, rows: int) -> Recipe:
    """In chunks of so many rows."""
    (river.folder / "readings.yaml").write_text(yaml.safe_dump(MAPPING))
    said = {"recipe": "readings", "source": {"connector": "plant", "table": "meter_reading"}}
    mapped = {"mapping": str(river.folder / "readings.yaml"), "load": {"chunk_size": rows}}
    return Recipe.model_validate({**said, **mapped})


@pytest.mark.faults(instants=9, sample=1)
def test_a_mariadb_that_is_back_soon_is_waited_for(river: River, mariadb: MariaDb, instant: float) -> None:
    back = threading.Thread(target=mariadb.start_again)

    def kill() -> None:
        mariadb.kill()
        back.start()

    run_id = plan_sync(river.installation, recipe_of(river, 100), river.folder)
    carry_out(river.installation, run_id, progress=Then(1 + int(instant * 9), kill))
    back.join()
    assert_whole(river, 10)


@pytest.mark.long
def test_a_mariadb_that_stays_away_leaves_gaps_that_are_filled(river: River, mariadb: MariaDb) -> None:
    run_id = plan_sync(river.installation, recipe_of(river, 250), river.folder)
    carry_out(river.installation, run_id, progress=Then(1, mariadb.kill))
    view = show_run(river.installation, run_id)
    assert (view.run.state, bool(view.gaps)) == ("partial_success", True)
    mariadb.start_again()
    (done,) = resume_each(river.installation, unfinished_runs(river.installation, "plant"), progress=SilentProgress())
    assert done.error is None
    assert_whole(river, 4)
