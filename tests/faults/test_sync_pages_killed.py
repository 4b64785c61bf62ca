"""A sync of a service that answers page by page is killed at a request, more than once: each row once, sums equal."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock

import pytest
import yaml

from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.connectors.test_sync_circuit import recipe_of
from tests.faults.evidence import assert_books_balance
from tests.faults.test_sync_killed import headwater
from tests.river import River
from tests.servers import Installation

pytestmark = [pytest.mark.server, pytest.mark.faults]
ROWS, PAGE = 160, 10
REQUESTS = 2 * ROWS // PAGE
"""About as many as an undisturbed sync sends: one to find where each chunk begins, one for its page."""


@dataclass
class Watched(Readings):
    """Does something once, when so many requests more have come; that one is answered afterwards."""

    left: int = 0
    act: Callable[[], None] = lambda: None
    lock: Lock = field(default_factory=Lock)

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.act()
        return super().answer(asked)

    def run(self, river: River, *arguments: str, kill_at: int = 0) -> bool:
        """Whether it came to its end; it is killed at that request, where there is one."""
        with self.lock:
            worker = headwater(river, *arguments)
            self.left, self.act = kill_at, worker.kill
        said, _ = worker.communicate()
        assert worker.returncode in {0, -9}, said
        return worker.returncode == 0


def go_on(river: River, recipe: str) -> list[str]:
    """The words that resume the run, or that sync anew where none was planned; none where nothing is left."""
    runs = river.rows("SELECT run_id, state FROM runs WHERE kind = 'sync'")
    assert len(runs) <= 1
    if not runs:
        return ["run", recipe]
    return [] if runs[0]["state"] == "succeeded" else ["runs", "resume", str(runs[0]["run_id"])]


@pytest.mark.faults(instants=20, sample=2)
def test_killed_at_any_request_and_again_while_it_is_resumed(
    river: River, installation: Installation, seed: int, instant: float
) -> None:
    draw = random.Random(f"{seed} pages killed {instant}")
    readings = Watched(rows=ROWS)
    with http_server(readings.answer) as server:
        said = recipe_of(river, server.url).model_dump(mode="json", exclude_unset=True)
        recipe = river.folder / "readings.recipe.yaml"
        recipe.write_text(yaml.safe_dump(said))
        is_whole = readings.run(river, "run", str(recipe), kill_at=1 + int(instant * REQUESTS))
        again = go_on(river, str(recipe))
        if again:
            is_whole = readings.run(river, *again, kill_at=draw.randrange(1, REQUESTS))
            again = go_on(river, str(recipe))
        if again:
            is_whole = readings.run(river, *again)
    assert is_whole
    (run,) = river.rows("SELECT run_id, state, reconciliation FROM runs WHERE kind = 'sync'")
    ledger = river.ledger(run["run_id"])
    assert (run["state"], ledger.committed, ledger.failed) == ("succeeded", ROWS // PAGE, 0)
    assert (ledger.read, ledger.inserted) == (ROWS, ROWS)
    found = river.rows("SELECT activity_id, quantity FROM activity_v1")
    assert {row["activity_id"]: row["quantity"] for row in found} == {str(n): n for n in range(1, ROWS + 1)}
    assert [Decimal(each["difference"]) for each in run["reconciliation"]["fields"].values()] == [0]
    assert_books_balance(installation)
    assert verify(river.installation, progress=SilentProgress()).differences == ()
