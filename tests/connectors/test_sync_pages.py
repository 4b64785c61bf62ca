"""A whole sync of a service that fails at pages drawn by chance: everything comes, once, and is proven."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server, json_reply
from tests.connectors.servers_readings import Readings
from tests.connectors.test_sync_circuit import recipe_of
from tests.planted import HANDING_OUT, planted
from tests.river import River

pytestmark = pytest.mark.server
ROWS, PAGE = 80, 10
SECRET, TOKEN = planted("the-secret-that-the-plant-is-asked-by"), planted("the-token-that-the-plant-gives")
ALL_BUT_THE_LAST = 3
"""A question is asked four times: a storm of so many in a row is one that the sync comes through."""
FAULTS = {
    "too many requests": Reply(status=429, headers={"Retry-After": "0"}),
    "the server fails": Reply(status=500),
    "the server is away": Reply(status=503, headers={"Retry-After": "0"}),
    "the body is cut": Reply(cut_after=40),
    "the body is slow": Reply(hold_after=40),
    "the token is over": Reply(status=401),
}


@dataclass
class Faulty(Readings):
    """Pages that begin at one of `places` are answered by the fault, so often each; `tokens` were bought."""

    fault: str = ""
    places: dict[int, int] = field(default_factory=dict)
    tokens: int = 0

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/token"):
            self.tokens += 1
            token = f"{TOKEN}-{self.tokens}"
            return json_reply({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}, 200, **HANDING_OUT)
        found = super().answer(asked)
        low, _ = self._range(asked.params.get("$filter", ""))
        is_page = asked.path.endswith("/Readings") and asked.params.get("$select") != "reading_id"
        if is_page and self.places.get(low, 0):
            self.places[low] -= 1
            reply = FAULTS[self.fault]
            is_body = reply.status == 200
            return replace(found, cut_after=reply.cut_after, hold_after=reply.hold_after) if is_body else reply
        return found


@pytest.mark.faults(instants=5, sample=1)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_sync_through_faults_is_whole(
    river: River, seed: int, fault: str, instant: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(f"{seed} {fault} {instant}")
    often = ALL_BUT_THE_LAST if fault == "too many requests" else 1
    readings = Faulty(rows=ROWS, fault=fault, places=dict.fromkeys(draw.sample(range(1, ROWS, PAGE), 2), often))
    monkeypatch.setenv("PLANT_SECRET", SECRET)
    with http_server(readings.answer) as server:
        auth = {"kind": "client_credentials", "token_url": f"{server.url}/token", "client_id": "c"}
        said = {"auth": {**auth, "client_secret_ref": "env:PLANT_SECRET"}, "read_seconds": 2}
        run_id = plan_sync(river.installation, recipe_of(river, server.url, **said), river.folder)
        carry_out(river.installation, run_id, progress=SilentProgress())
    assert set(readings.places.values()) == {0}
    # One each for the plan and for the run.
    assert (readings.tokens > 2) == (fault == "the token is over")
    ledger = river.ledger(run_id)
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (ROWS // PAGE, 0, ROWS, ROWS)
    found = river.rows("SELECT activity_id, quantity FROM activity_v1")
    assert {row["activity_id"]: row["quantity"] for row in found} == {str(n): n for n in range(1, ROWS + 1)}
    sums = (show_run(river.installation, run_id).run.reconciliation or {})["fields"]
    assert [Decimal(each["difference"]) for each in sums.values()] == [0]
    assert verify(river.installation, progress=SilentProgress()).differences == ()
