"""A clock jumps while a sync is at work, the source's or that of our own server: each row once, and nothing waits."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.retrying import unfinished_runs
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.connectors.test_sync_circuit import recipe_of
from tests.faults.evidence import assert_books_balance
from tests.faults.test_sync_source_changes import AT_WORK, Meanwhile, at_source
from tests.river import River
from tests.servers import Installation
from tests.synced import Synced

pytestmark = [pytest.mark.server, pytest.mark.faults]
CHUNKS = 20
ROWS, PAGE = 120, 10
LAG = 7200
STAMPS = (
    ("runs", "started_at"),
    ("chunks", "committed_at"),
    ("connector_sync_state", "updated_at"),
    ("source_circuits", "changed_at"),
    ("source_requests", "sent_at"),
)
"""What a sync writes by the clock of our server."""
_KWH = re.compile(rb'"kwh": (\d+)')


@pytest.mark.faults(instants=10, sample=2)
def test_the_clock_of_the_source_jumps_while_a_sync_reads_by_it(
    synced: Synced, installation: Installation, seed: int, instant: float
) -> None:
    """By less than the lag, ahead or back: what was changed then is missed until the next sync at most."""
    draw = random.Random(f"{seed} clock {instant}")
    jump = draw.choice((-1, 1)) * draw.randrange(60, LAG - 3600)
    some = draw.sample(range(1, 1001), 60)
    before, after = some[:40], some[40:]

    def change(rows: list[int], seconds: int) -> None:
        """As a source does whose clock is wrong by so many seconds."""
        synced.at_source(
            "UPDATE meter_reading SET kwh = kwh + 1000, changed_at = timestamptz '2024-06-01 00:16:41+00'"
            " + %s * interval '1 second' WHERE reading_id = ANY(%s)", seconds, rows,
        )  # fmt: skip

    said = {"source": {"cursor": "changed_at", "lag": LAG}, "load": {"chunk_size": 1000 // CHUNKS}}
    run_id = plan_sync(synced.river.installation, synced.recipe(**said), synced.river.folder)
    at = 1 + int(instant * (CHUNKS - AT_WORK))
    carry_out(synced.river.installation, run_id, progress=Meanwhile({at: lambda: change(before, jump)}))
    assert show_run(synced.river.installation, run_id).run.state == "succeeded"
    loaded, there = synced.loaded(), at_source(synced)
    assert loaded.keys() >= there.keys() - {str(number) for number in before}
    assert all(loaded[key] == there[key] for key in loaded.keys() - {str(number) for number in before})
    change(after, 0)  # the clock is right again
    _, ledger = synced.sync(**said)
    assert (ledger.failed, ledger.quarantined) == (0, 0)
    assert synced.loaded() == at_source(synced)
    assert_books_balance(installation)
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


@dataclass
class Rising(Readings):
    """Each reading is so much more than its number."""

    more: int = 0

    def answer(self, asked: Asked) -> Reply:
        reply = super().answer(asked)
        return replace(reply, body=_KWH.sub(lambda found: f'"kwh": {int(found[1]) + self.more}'.encode(), reply.body))


@pytest.mark.faults(instants=10, sample=2)
def test_our_own_clock_jumps_while_a_sync_is_at_work(
    river: River, installation: Installation, seed: int, instant: float
) -> None:
    """What was written by it lies hours ahead, or back: the source is asked on at once, and the next sync is newer."""
    draw = random.Random(f"{seed} our clock {instant}")
    hours = draw.choice((-1, 1)) * draw.uniform(1.1, 30)
    readings = Rising(rows=ROWS, failing=dict.fromkeys(draw.sample(range(1, ROWS, PAGE), 3), 1))

    def jump() -> None:
        for table, column in STAMPS:
            river.change(f"UPDATE {table} SET {column} = {column} + %(by)s * interval '1 hour'", by=hours)

    def loaded() -> dict[str, Decimal]:
        return {row["activity_id"]: row["quantity"] for row in river.rows("SELECT * FROM activity_v1")}

    with http_server(readings.answer) as server:
        recipe = recipe_of(river, server.url)
        first = plan_sync(river.installation, recipe, river.folder)
        at = 1 + int(instant * (ROWS // PAGE - 1))
        carry_out(river.installation, first, progress=Meanwhile({at: jump}))
        assert loaded() == {str(n): n for n in range(1, ROWS + 1)}
        assert not unfinished_runs(river.installation, "plant")
        readings.more = 1000
        second = plan_sync(river.installation, recipe, river.folder)
        carry_out(river.installation, second, progress=SilentProgress())
    assert loaded() == {str(n): n + 1000 for n in range(1, ROWS + 1)}
    before, after = river.ledger(first), river.ledger(second)
    assert (before.failed, before.inserted, after.failed, after.updated) == (0, ROWS, 0, ROWS)
    for run_id in (first, second):
        run = show_run(river.installation, run_id).run
        assert run.state == "succeeded"
        assert [Decimal(each["difference"]) for each in (run.reconciliation or {})["fields"].values()] == [0]
    assert_books_balance(installation)
    moved = verify(river.installation, progress=SilentProgress()).differences
    assert {each.column for each in moved} == {"started_at"}, "what this test has moved, and nothing else"
