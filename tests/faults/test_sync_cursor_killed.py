"""A sync of what changed, by a cursor that many rows share, that is killed at any instant: each row once, no step back.

The source has changed between a first sync and the one that is killed: whole groups of rows at one moment each, some of
them at the very moment that the first sync came to, so that its last rows are read again.
"""

from __future__ import annotations

import subprocess
from decimal import Decimal

import psycopg
import pytest
import yaml

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance
from tests.faults.test_sync_killed import SECONDS, headwater
from tests.servers import Installation
from tests.synced import Synced

pytestmark = [pytest.mark.server, pytest.mark.faults]
BEGUN_AT, LAST = "2024-06-01T00:16:40Z", "2024-07-01T00:00:14Z"
"""The cursor after the first sync, of reading 1000, and after the second."""
CHANGED = (
    # 600 rows at 15 moments, 40 each; a chunk of 25 rows ends in the middle of most groups.
    """UPDATE meter_reading SET kwh = kwh + 5000, changed_at = timestamptz '2024-07-01 00:00:00+00'
         + (reading_id / 40) * interval '1 second' WHERE reading_id < 600""",
    # 30 that were changed at the moment which the first sync came to, and that it did not see.
    f"UPDATE meter_reading SET kwh = kwh + 7, changed_at = '{BEGUN_AT}' WHERE reading_id BETWEEN 700 AND 729",
    f"INSERT INTO meter_reading SELECT n, 'new', '2024-09-01', n, '{BEGUN_AT}' FROM generate_series(1001, 1040) n",
    """INSERT INTO meter_reading SELECT n, 'new', '2024-09-01', n, '2024-07-01 00:00:07+00'
         FROM generate_series(1041, 1100) n""",
)
UPDATED, INSERTED, AGAIN = 599 + 30, 100, 1
"""And reading 1000, which is read again as it was, for it stands at the moment that the first sync came to."""


def sync(synced: Synced) -> subprocess.Popen[str]:
    recipe = synced.river.folder / "changed.recipe.yaml"
    source = {"connector": "plant", "table": "public.meter_reading", "cursor": "changed_at"}
    load = {"chunk_size": 25, "read_ahead": 3}
    said = {"recipe": "readings", "source": source, "mapping": str(synced.mapping()), "load": load}
    recipe.write_text(yaml.safe_dump(said))
    return headwater(synced.river, "run", str(recipe))


def at_source(synced: Synced) -> dict[str, str]:
    with psycopg.connect(synced.source.superuser_url) as connection:
        return dict(
            connection.execute("SELECT reading_id::text, kwh::numeric(20, 6)::text FROM meter_reading").fetchall()
        )


def changed_at_source(synced: Synced) -> Decimal:
    """The sum of what the second sync is to read."""
    with psycopg.connect(synced.source.superuser_url) as connection:
        row = connection.execute("SELECT sum(kwh) FROM meter_reading WHERE changed_at >= %s", [BEGUN_AT]).fetchone()
    assert row is not None
    return Decimal(row[0])


def ended(worker: subprocess.Popen[str]) -> None:
    said, _ = worker.communicate()
    assert worker.returncode == 0, said


@pytest.mark.faults(instants=20, sample=1)
def test_a_delta_that_is_killed_and_resumed_brings_each_change_once(
    synced: Synced, installation: Installation, instant: float
) -> None:
    ended(sync(synced))
    assert synced.state()["last_cursor"] == BEGUN_AT
    for statement in CHANGED:
        synced.at_source(statement)
    worker = sync(synced)
    try:
        worker.wait(instant * SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
    worker.communicate()

    runs = synced.river.rows("SELECT run_id, state FROM runs WHERE kind = 'sync' ORDER BY started_at OFFSET 1")
    assert len(runs) <= 1
    if not runs:
        ended(sync(synced))
    elif runs[0]["state"] != "succeeded":
        ended(headwater(synced.river, "runs", "resume", str(runs[0]["run_id"])))
    assert synced.loaded() == at_source(synced)
    (run,) = synced.river.rows(
        "SELECT run_id, state, reconciliation FROM runs WHERE kind = 'sync' ORDER BY started_at OFFSET 1"
    )
    ledger = synced.river.ledger(run["run_id"])
    assert (run["state"], ledger.failed, ledger.quarantined, ledger.merged) == ("succeeded", 0, 0, 0)
    assert (ledger.inserted, ledger.updated, ledger.unchanged) == (INSERTED, UPDATED, AGAIN)
    read = UPDATED + INSERTED + AGAIN
    sums = run["reconciliation"]
    assert (sums["read"], sums["stands"]) == (read, read)
    assert Decimal(sums["sums_read"]["kwh"]) == changed_at_source(synced)
    state = synced.state()
    assert (state["run_id"], state["last_cursor"], state["gaps"]) == (run["run_id"], LAST, [])
    assert_books_balance(installation)
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()

    ended(sync(synced))  # which begins where the killed one came to
    (latest,) = synced.river.rows("SELECT run_id FROM runs WHERE kind = 'sync' ORDER BY started_at OFFSET 2")
    after = synced.river.ledger(latest["run_id"])
    assert (after.inserted, after.updated, after.read) == (0, 0, after.unchanged)
    assert after.read < 100, "the rows of the last moment are read again, and no others"
