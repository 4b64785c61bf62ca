"""A service answers 429 now and then: a page is asked for again by itself. Or so often that this does not help: what is
missing then comes later, once.
"""

from __future__ import annotations

import gc
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock

import pytest

from headwater.services.connectors.asking import FAILURES_TO_OPEN, OPEN_SECONDS, RETRY_AFTER_SECONDS, CircuitOpen
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.retrying import resume_each, unfinished_runs
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.connectors.test_sync_circuit import recipe_of, states
from tests.river import River

pytestmark = [pytest.mark.server, pytest.mark.faults]
ROWS, PAGE = 160, 10
PAGES = ROWS // PAGE
TRIES = len(RETRY_AFTER_SECONDS) + 1


@dataclass
class Stormy(Readings):
    """`at` says how often the page that begins at a reading is refused; once one from `storm_from` on is asked for,
    the next `storm` requests for pages are, whichever they are. `given` counts the pages that were answered.
    """

    at: dict[int, int] = field(default_factory=dict)
    storm_from: int = ROWS + 1
    storm: int = 0
    given: Counter[int] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def answer(self, asked: Asked) -> Reply:
        is_page = asked.path.endswith("/Readings") and asked.params.get("$select") != "reading_id"
        if not is_page:
            return super().answer(asked)
        low, _ = self._range(asked.params.get("$filter", ""))
        with self.lock:
            if low >= self.storm_from:
                self.storm_from = 0
            if self.storm_from == 0 and self.storm:
                self.storm -= 1
            elif self.at.get(low, 0):
                self.at[low] -= 1
            else:
                self.given[low] += 1
                return super().answer(asked)
        return Reply(status=429, headers={"Retry-After": "0"})


def assert_whole(river: River, readings: Stormy, page: int = PAGE) -> None:
    (run,) = river.rows("SELECT run_id FROM runs WHERE kind = 'sync'")
    ledger = river.ledger(run["run_id"])
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (PAGES, 0, ROWS, ROWS)
    found = river.rows("SELECT activity_id, quantity FROM activity_v1")
    assert {row["activity_id"]: row["quantity"] for row in found} == {str(n): n for n in range(1, ROWS + 1)}
    view = show_run(river.installation, run["run_id"])
    assert (view.run.state, view.gaps) == ("succeeded", {})
    sums = (view.run.reconciliation or {})["fields"]
    assert [Decimal(each["difference"]) for each in sums.values()] == [0]
    assert verify(river.installation, progress=SilentProgress()).differences == ()
    assert readings.given == Counter(range(1, ROWS, page)), "what is loaded is not asked for again"


@pytest.mark.faults(instants=5, sample=1)
def test_pages_that_are_refused_now_and_then_do_not_make_their_chunk_begin_again(
    river: River, seed: int, instant: float
) -> None:
    """Of each chunk more answers are refused than a question may be."""
    draw, size = random.Random(f"{seed} now and then {instant}"), 2
    readings = Stormy(rows=ROWS, at={low: draw.randrange(1, TRIES) for low in range(1, ROWS, size)})
    with http_server(readings.answer) as server:
        run_id = plan_sync(river.installation, recipe_of(river, server.url, page_rows=size), river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())
    assert not any(readings.at.values())
    assert_whole(river, readings, size)


def test_a_chunk_that_is_given_up_after_some_of_its_pages_leaves_nothing_behind(river: River) -> None:
    readings = Stormy(rows=ROWS, at={5: TRIES})
    with http_server(readings.answer) as server:
        run_id = plan_sync(river.installation, recipe_of(river, server.url, page_rows=2), river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())
        gc.collect()  # what Arrow has left open would be closed here, and say that it cannot be
        assert show_run(river.installation, run_id).gaps.keys() == {1}
        assert readings.given == Counter(low for low in range(1, ROWS, 2) if low not in {5, 7, 9})
        unfinished = unfinished_runs(river.installation, "plant")
        (done,) = resume_each(river.installation, unfinished, progress=SilentProgress())
        assert done.error is None
    readings.given.subtract([1, 3])
    assert_whole(river, readings, 2)


@pytest.mark.faults(instants=5, sample=1)
def test_a_page_refused_more_often_than_it_is_asked_for_is_a_gap_that_is_filled(
    river: River, seed: int, instant: float
) -> None:
    draw = random.Random(f"{seed} pages {instant}")
    first, second = sorted(draw.sample(range(1, ROWS, PAGE), 2))
    readings = Stormy(rows=ROWS, at={first: TRIES + draw.randrange(TRIES), second: 2 * TRIES})
    gaps = [1 + low // PAGE for low in (first, second)]
    with http_server(readings.answer) as server:
        run_id = plan_sync(river.installation, recipe_of(river, server.url), river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())
        assert states(river) == ["failed" if number in gaps else "committed" for number in range(1, PAGES + 1)]
        view = show_run(river.installation, run_id)
        assert (view.run.state, sorted(view.gaps)) == ("partial_success", gaps)
        assert all("failed 4 times" in why for why in view.gaps.values()), view.gaps
        assert river.ledger(run_id).inserted == ROWS - 2 * PAGE
        for left in ([gaps[1]], []):  # the second is refused four times more
            (done,) = resume_each(
                river.installation, unfinished_runs(river.installation, "plant"), progress=SilentProgress()
            )
            assert done.error is None
            assert sorted(show_run(river.installation, run_id).gaps) == left
    assert_whole(river, readings)


@pytest.mark.faults(instants=5, sample=1)
def test_a_storm_opens_the_circuit_and_what_it_left_pending_comes(river: River, seed: int, instant: float) -> None:
    """Whoever tries after a minute is refused as well until the storm is over."""
    draw = random.Random(f"{seed} storm {instant}")
    opens_after = TRIES * FAILURES_TO_OPEN
    readings = Stormy(rows=ROWS, storm=opens_after + draw.randrange(1, 3 * TRIES))
    readings.storm_from = 1 + PAGE * int(instant * (PAGES - FAILURES_TO_OPEN))
    with http_server(readings.answer) as server:
        run_id = plan_sync(river.installation, recipe_of(river, server.url), river.folder)
        with pytest.raises(CircuitOpen):
            carry_out(river.installation, run_id, progress=SilentProgress())
        assert states(river).count("failed") == FAILURES_TO_OPEN
        assert "pending" in states(river)
        tries = 0
        while unfinished := unfinished_runs(river.installation, "plant"):
            tries += 1
            assert tries <= 5, states(river)
            river.change(
                f"UPDATE source_circuits SET changed_at = changed_at - interval '{OPEN_SECONDS + 1} seconds'"
                " WHERE state <> 'closed'"
            )
            (done,) = resume_each(river.installation, unfinished, progress=SilentProgress())
            assert isinstance(done.error, CircuitOpen | None)
    assert readings.storm == 0
    assert_whole(river, readings)
