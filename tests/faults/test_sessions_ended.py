"""Sessions that the server ends between any two chunks of a run: it comes through by itself, or ends without a gap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from headwater.errors import RetryLater
from headwater.services.imports import import_file, resume
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance, differences, evidence_of
from tests.river import River, activities, factors, make_river
from tests.servers import Installation, TestServer

pytestmark = [pytest.mark.server, pytest.mark.faults]

FIRST = [{"activity_id": f"a-{number:02}", "quantity": str(number)} for number in range(24)]
# In each chunk of four one record is changed, so that the other three are known by their hashes alone; the last chunks
# repeat keys of the first ones, with other content.
SECOND = [record | ({"quantity": "100"} if number % 4 == 2 else {}) for number, record in enumerate(FIRST)]
REPEATED = [{"activity_id": f"a-{number:02}", "quantity": "999"} for number in (0, 4, 8, 12)]


class AfterEachChunk(SilentProgress):
    """Does something when a chunk is done, on the thread that prepares the next."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def advance(self, units: int) -> None:
        """A chunk is done."""
        del units
        self._act()


@pytest.fixture
def loaded(river: River) -> River:
    river.load(factors([{"factor_id": "f1"}]), name="factors.csv", mapping="factor_form")
    river.load(activities(FIRST), chunk_size=4)
    return river


@pytest.mark.long
def test_the_run_comes_through_by_itself(server: TestServer, installation: Installation, loaded: River) -> None:
    content = activities([*SECOND, *REPEATED])
    copied = server.copy(installation)
    _import(make_river(copied, loaded.folder), content, SilentProgress())
    wanted = evidence_of(copied)
    server.drop(copied)

    _import(loaded, content, AfterEachChunk(lambda: _end_sessions(installation)))
    assert not differences(evidence_of(installation), wanted)
    assert_books_balance(installation)


@pytest.mark.long
def test_a_run_whose_database_stays_away_ends_and_leaves_no_gap(installation: Installation, loaded: River) -> None:
    """A gap would be filled after later records had come in, which then would be the first in the run to hold a key."""

    def lose() -> None:
        _allow_connections(installation, allowed=False)
        _end_sessions(installation)

    with pytest.raises(RetryLater):
        _import(loaded, activities([*SECOND, *REPEATED]), AfterEachChunk(lose))
    _allow_connections(installation, allowed=True)

    states = loaded.rows("SELECT state, count(*) AS n FROM chunks GROUP BY state ORDER BY state")
    assert states == [{"state": "committed", "n": 8}, {"state": "pending", "n": 6}]
    (run,) = loaded.rows("SELECT run_id FROM runs ORDER BY started_at OFFSET 2")
    resume(loaded.installation, str(run["run_id"]), progress=SilentProgress())
    assert_books_balance(installation)
    refused = loaded.rows("SELECT record_no FROM quarantine ORDER BY record_no")
    assert [row["record_no"] for row in refused] == [25, 26, 27, 28]


def _import(river: River, content: str, progress: SilentProgress) -> UUID:
    path: Path = river.folder / "activities.csv"
    path.write_text(content)
    return import_file(river.installation, path, river.mapping("activity_form"), progress=progress, chunk_size=4)


def _end_sessions(installation: Installation) -> None:
    with psycopg.connect(installation.superuser_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _allow_connections(installation: Installation, *, allowed: bool) -> None:
    with psycopg.connect(installation.superuser_url, autocommit=True) as connection:
        limit = -1 if allowed else 0  # a superuser is let in all the same
        connection.execute(f"ALTER DATABASE {installation.name} CONNECTION LIMIT {limit}")
