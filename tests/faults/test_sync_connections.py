"""The connection to a source fails anywhere in a sync, and the sync comes through with every row once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from headwater.services.connectors.keeping import change, find
from tests.proxy import Fault, Proxy, proxy, reached
from tests.synced import Synced

pytestmark = [pytest.mark.server, pytest.mark.faults]
SECONDS = 2
"""Of the time limits of connecting and of a statement; the former can be no shorter."""
FAULTS: tuple[Fault, ...] = ("closed", "reset", "silent")


@pytest.fixture
def between(synced: Synced) -> Iterator[Proxy]:
    """The connector reaches its source through this."""
    config = find(synced.river.installation, "plant").config
    host, port = str(config["host"]), int(config.get("port") or 5432)
    with proxy(lambda: reached(host, port)) as made:
        limits = {"connect_timeout": SECONDS, "statement_timeout": SECONDS}
        change(synced.river.installation, "plant", {**config, "host": "127.0.0.1", "port": made.port, **limits})
        yield made


@pytest.mark.faults(instants=15, sample=1)
def test_a_connection_that_fails_anywhere(synced: Synced, between: Proxy, instant: float, seed: int) -> None:
    """At a byte drawn by chance the source hangs up, then the connection is reset, then it goes silent and stays up."""
    draw = random.Random(f"{seed} {instant}")
    four_chunks = {"load": {"chunk_size": 250}}
    synced.sync(**four_chunks)
    bytes_in_all = between.handed
    for number, fault in enumerate(FAULTS, 1):
        synced.at_source("UPDATE meter_reading SET kwh = kwh + 1")
        place = instant if fault == "silent" else draw.random()
        between.fail(fault, after=int(place * bytes_in_all * 0.99))
        _, ledger = synced.sync(**four_chunks)
        assert between.fallen == number
        assert (ledger.committed, ledger.failed, ledger.read, ledger.updated) == (4, 0, 1000, 1000), fault
        assert synced.loaded() == {str(n): f"{n * 1.5 + number:.6f}" for n in range(1, 1001)}
    assert synced.river.rows("SELECT * FROM source_circuits WHERE failures > 0") == []
