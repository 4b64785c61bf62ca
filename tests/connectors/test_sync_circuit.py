"""A source that goes away in the middle of a sync and is left alone: what was not read stays pending, and comes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.asking import FAILURES_TO_OPEN, OPEN_SECONDS, CircuitOpen
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out, resume
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Asked, Reply, http_server
from tests.connectors.servers_readings import Readings
from tests.river import River, factors
from tests.synced import MAPPING

pytestmark = pytest.mark.server
CHUNKS = 16


@dataclass
class Failing(Readings):
    """Rows from `down_from` on are answered by 503, asking to come back after so many seconds."""

    down_from: int | None = None
    after: int = 0
    refused: int = 0

    def answer(self, asked: Asked) -> Reply:
        is_page = not asked.path.endswith(("$metadata", "/$count")) and asked.params.get("$select") != "reading_id"
        if is_page and self.down_from is not None:
            low, _ = self._range(asked.params.get("$filter", ""))
            if low >= self.down_from:
                self.refused += 1
                return Reply(status=503, headers={"Retry-After": str(self.after)})
        return super().answer(asked)


def recipe_of(river: River, url: str, **more: Any) -> Recipe:
    path = Path(river.folder, "readings.yaml")
    path.write_text(yaml.safe_dump(MAPPING))
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    config = {"url": f"{url}/plant", "auth": {"kind": "none"}, "requests_a_minute": 100_000, **more}
    add(river.installation, "plant", "odata", config)
    said: dict[str, Any] = {"recipe": "readings", "source": {"connector": "plant", "table": "Readings"}}
    return Recipe.model_validate({**said, "mapping": str(path), "load": {"chunk_size": 10}})


def states(river: River) -> list[str]:
    rows = river.rows(
        "SELECT chunks.state FROM chunks JOIN runs USING (tenant_id, run_id) WHERE kind = 'sync' ORDER BY chunk_no"
    )
    return [row["state"] for row in rows]


@pytest.mark.parametrize(("after", "gaps"), [(0, FAILURES_TO_OPEN), (3600, 1)])
def test_what_was_not_read_stays_pending_and_a_resumed_run_is_whole(river: River, after: int, gaps: int) -> None:
    """One that asks for longer than is waited is asked for no other chunk."""
    readings = Failing(rows=10 * CHUNKS, down_from=71, after=after)
    with http_server(readings.answer) as server:
        run_id = plan_sync(river.installation, recipe_of(river, server.url), river.folder)
        with pytest.raises(CircuitOpen):
            carry_out(river.installation, run_id, progress=SilentProgress())
        found = states(river)
        assert (found[:7], found.count("failed")) == (["committed"] * 7, gaps)
        assert found.count("pending") == CHUNKS - 7 - gaps
        view = show_run(river.installation, run_id)
        assert (view.run.state, len(view.gaps)) == ("partial_success", gaps)
        (state,) = river.rows(
            "SELECT gaps FROM connector_sync_state s JOIN runs USING (tenant_id, run_id) WHERE kind = 'sync'"
        )
        assert state["gaps"] == [number for number, each in enumerate(found, start=1) if each == "failed"]
        asked = readings.refused
        with pytest.raises(CircuitOpen):
            resume(river.installation, str(run_id), progress=SilentProgress())
        assert (readings.refused, states(river)) == (asked, found)

        readings.down_from = None
        river.change(f"UPDATE source_circuits SET changed_at = changed_at - interval '{OPEN_SECONDS + 1} seconds'")
        resume(river.installation, str(run_id), progress=SilentProgress())
    ledger = river.ledger(run_id)
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (CHUNKS, 0, 160, 160)
    assert show_run(river.installation, run_id).run.state == "succeeded"
    assert verify(river.installation, progress=SilentProgress()).differences == ()
