"""Chunks read ahead of their turn: side by side, and committed in order as if each had been read when it was due."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import Server, http_server
from tests.connectors.servers_readings import Readings
from tests.river import River, factors
from tests.synced import MAPPING

pytestmark = pytest.mark.server
CHUNKS = 7


def sync(river: River, server: Server, **load: Any) -> Ledger:
    """All 70 readings, ten a chunk."""
    path = Path(river.folder, "readings.yaml")
    path.write_text(yaml.safe_dump(MAPPING))
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    add(river.installation, "plant", "odata", {"url": f"{server.url}/plant", "auth": {"kind": "none"}})
    said = {"recipe": "readings", "source": {"connector": "plant", "table": "Readings"}, "mapping": str(path)}
    recipe = Recipe.model_validate({**said, "load": {"chunk_size": 10, **load}})
    run_id = plan_sync(river.installation, recipe, river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())
    return river.ledger(run_id)


def assert_whole_and_in_order(river: River, ledger: Ledger) -> None:
    assert (ledger.committed, ledger.failed, ledger.read, ledger.inserted) == (CHUNKS, 0, 70, 70)
    committed = river.rows("SELECT resource FROM audit_entries WHERE action = 'chunk.committed' ORDER BY seq DESC")
    last = [int(row["resource"].rpartition("/")[2]) for row in committed[:CHUNKS]]
    assert last == sorted(last, reverse=True)


def test_pages_of_several_chunks_are_asked_for_at_the_same_time(river: River) -> None:
    """The first is asked for alone; of the six after it each is answered only when another is asked for beside it."""
    readings = Readings(rows=70, together=threading.Barrier(2, timeout=30))
    with http_server(readings.answer) as server:
        assert_whole_and_in_order(river, sync(river, server, read_ahead=2))


def test_a_chunk_that_failed_ahead_is_read_again_when_its_turn_comes(river: River) -> None:
    readings = Readings(rows=70, failing={11: 1, 31: 1})
    with http_server(readings.answer) as server:
        assert_whole_and_in_order(river, sync(river, server, read_ahead=3))
    assert readings.failing == {11: 0, 31: 0}
    assert river.rows("SELECT * FROM source_circuits WHERE failures > 0") == []
