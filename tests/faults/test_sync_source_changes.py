"""The source is changed while a sync reads it: rows by rows, its columns, and its clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import psycopg
import pytest

from headwater.services.connectors.asking import Asker, CircuitOpen
from headwater.services.connectors.keeping import find
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.store.connectors import set_circuit
from headwater.telemetry import SilentProgress
from tests.faults.evidence import assert_books_balance
from tests.servers import Installation
from tests.synced import Synced

pytestmark = [pytest.mark.server, pytest.mark.faults]
CHUNKS, SIZE = 8, 125
FULL = {"load": {"strategy": "full", "chunk_size": SIZE}}
AT_WORK = 3
"""Chunks that may have been read when one is committed, that one included."""


class Meanwhile(SilentProgress):
    """Has something done at the source once so many chunks are committed."""

    def __init__(self, done: Mapping[int, Callable[[], None]]) -> None:
        self._committed = 0
        self._done = done

    def advance(self, units: int) -> None:
        """A chunk is committed."""
        del units
        self._committed += 1
        if self._committed in self._done:
            self._done[self._committed]()


def sync_while(synced: Synced, chunks: int, *statements: str) -> tuple[UUID, Ledger]:
    """A full load, while which this is done at the source once so many chunks are in."""
    installation = synced.river.installation
    run_id = plan_sync(installation, synced.recipe(**FULL), synced.river.folder)

    def change() -> None:
        for statement in statements:
            synced.at_source(statement)

    carry_out(installation, run_id, progress=Meanwhile({chunks: change}))
    return run_id, synced.river.ledger(run_id)


def at_source(synced: Synced) -> dict[str, str]:
    """What the source holds, as it is to be loaded."""
    with psycopg.connect(synced.source.superuser_url) as connection:
        rows = connection.execute("SELECT reading_id::text, kwh::numeric(20, 6)::text FROM meter_reading").fetchall()
    return dict(rows)


COLUMNS = {
    "added": ("ALTER TABLE meter_reading ADD COLUMN remark text", "remark new"),
    "dropped": ("ALTER TABLE meter_reading DROP COLUMN remark", "remark gone"),
    "key retyped": ("ALTER TABLE meter_reading ALTER reading_id TYPE text", "cut by has changed"),
}


def test_columns_that_change_between_chunks(synced: Synced, seed: int) -> None:
    """What is not as it was planned is a gap that says so, and the next sync is whole; nothing is read askew."""
    draw = random.Random(f"{seed} columns")
    for name, (statement, words) in COLUMNS.items():
        synced.at_source("UPDATE meter_reading SET kwh = kwh + 1")
        after = draw.randrange(1, CHUNKS - AT_WORK)
        run_id, ledger = sync_while(synced, after, statement)
        assert after <= ledger.committed < after + AT_WORK, name
        assert (ledger.failed, ledger.read) == (CHUNKS - ledger.committed, SIZE * ledger.committed), name
        assert (ledger.mapped, ledger.produced) == (ledger.read, ledger.inserted + ledger.updated + ledger.unchanged)
        view = show_run(synced.river.installation, run_id)
        assert view.run.state == "partial_success"
        assert all(words in why and "Sync again" in why for why in view.gaps.values()), view.gaps
    _, ledger = synced.sync(**FULL)
    assert (ledger.failed, ledger.read) == (0, 1000)
    assert synced.loaded() == at_source(synced)


def test_a_column_that_gets_another_type_between_chunks_keeps_its_figures(synced: Synced) -> None:
    _, ledger = sync_while(synced, 2, "ALTER TABLE meter_reading ALTER kwh TYPE double precision")
    assert (ledger.committed, ledger.failed, ledger.inserted) == (CHUNKS, 0, 1000)
    assert synced.loaded() == at_source(synced)


def test_rows_that_change_while_they_are_read(synced: Synced, seed: int) -> None:
    """Each row that stays is loaded once, as it was or as it is; what goes or comes meanwhile once at most."""
    after = random.Random(f"{seed} rows").randrange(1, CHUNKS - AT_WORK)
    before = at_source(synced)
    _, ledger = sync_while(
        synced,
        after,
        "UPDATE meter_reading SET kwh = kwh + 1000",
        "DELETE FROM meter_reading WHERE reading_id % 10 = 0",
        "INSERT INTO meter_reading SELECT n * 10 - 5000, 'new', '2024-03-01', 7, now() FROM generate_series(1, 900) n"
        " WHERE n * 10 - 5000 NOT BETWEEN 1 AND 1000",
    )
    now, loaded = at_source(synced), synced.loaded()
    assert (ledger.committed, ledger.failed, ledger.merged, ledger.quarantined) == (CHUNKS, 0, 0, 0)
    assert ledger.read == ledger.inserted == len(loaded)
    assert set(before) & set(now) <= set(loaded) <= set(before) | set(now)
    assert all(value in (before.get(key), now.get(key)) for key, value in loaded.items())
    as_they_were = {int(key) for key, value in loaded.items() if value == before.get(key)}
    chunks = len(as_they_were) // SIZE
    assert after <= chunks < after + AT_WORK
    assert as_they_were == set(range(1, SIZE * chunks + 1))
    (row,) = synced.river.rows("SELECT reconciliation FROM runs WHERE kind = 'sync'")
    assert (row["reconciliation"]["read"], row["reconciliation"]["stands"]) == (ledger.read, len(loaded))
    synced.sync(**FULL)
    assert synced.loaded() == now


@pytest.mark.parametrize("strategy", ["delta", "full"])
def test_rows_that_change_while_they_are_read_by_a_cursor(
    synced: Synced, installation: Installation, seed: int, strategy: str
) -> None:
    """Changed they move up, and are read again by the last chunk: each row is loaded with its newest value."""
    draw = random.Random(f"{seed} cursor {strategy}")
    instants = sorted(draw.sample(range(1, 20 - AT_WORK), 3))
    changed: set[int] = set()

    def change() -> None:
        some = draw.sample(range(1, 1001), 40)
        changed.update(some)
        synced.at_source(
            "UPDATE meter_reading SET kwh = kwh + 1000, changed_at = clock_timestamp() WHERE reading_id = ANY(%s)", some
        )

    recipe = synced.recipe(source={"cursor": "changed_at"}, load={"strategy": strategy, "chunk_size": 50})
    run_id = plan_sync(synced.river.installation, recipe, synced.river.folder)
    carry_out(synced.river.installation, run_id, progress=Meanwhile(dict.fromkeys(instants, change)))
    ledger = synced.river.ledger(run_id)
    assert (show_run(synced.river.installation, run_id).run.state, ledger.quarantined) == ("succeeded", 0)
    assert (ledger.inserted, ledger.failed) == (1000, 0)
    assert 0 < ledger.updated <= len(changed)
    assert synced.loaded() == at_source(synced)
    assert_books_balance(installation)
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_a_clock_that_jumps_back_by_less_than_the_lag_loses_no_row(synced: Synced) -> None:
    """The source's clock is an hour ahead, then right again: what is changed next seems older than what was read."""
    said: dict[str, Any] = {"source": {"cursor": "changed_at", "lag": 7200}, "load": {"chunk_size": 250}}
    synced.sync(**said)
    for ahead, number, kwh in (("1 hour", 1, 70), ("1 second", 2, 80), ("1 hour", 3, 90), ("-50 minutes", 4, 95)):
        synced.at_source(
            "UPDATE meter_reading SET kwh = %s, changed_at = timestamptz '2024-06-02 00:00:00+00' + %s::interval"
            " WHERE reading_id = %s", kwh, ahead, number,
        )  # fmt: skip
        _, ledger = synced.sync(**said)
        assert ledger.updated == 1, ahead
        assert synced.loaded() == at_source(synced), ahead


def test_a_circuit_opened_by_a_clock_that_was_ahead_does_not_stay_open_for_it(synced: Synced) -> None:
    installation = synced.river.installation
    connector_id = find(installation, "plant").connector_id
    for change, waits in (("interval '0'", True), ("interval '1 hour'", False), ("interval '-2 minutes'", False)):
        with installation.database.connect(installation.tenant_id) as connection:
            tenant_id = installation.tenant_id
            set_circuit(connection, tenant_id, connector_id, state="open", failures=5, last_error="lost")
        synced.river.change(f"UPDATE source_circuits SET changed_at = clock_timestamp() + {change}")
        asker = Asker(installation, connector_id, "plant")
        if waits:
            with pytest.raises(CircuitOpen):
                asker.ask(lambda: "an answer", about="a chunk")
        else:
            assert asker.ask(lambda: "an answer", about="a chunk") == "an answer"
