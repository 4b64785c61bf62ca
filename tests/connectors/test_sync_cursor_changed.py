"""A sync whose cursor is another column than before: how far that one was read says nothing, so all is read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headwater.services.connectors.retrying import unfinished_runs
from headwater.services.imports import resume
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.synced import Synced

pytestmark = pytest.mark.server
TOLD = "all rows are read: the sync before read by due, and how far that came says nothing of changed_at"


def source(cursor: str | None, table: str = "public.shaky") -> dict[str, Any]:
    return {"source": {"table": table, "key": ["reading_id"], "cursor": cursor, "name": "readings"}}


def since(synced: Synced, run_id: UUID) -> str | None:
    found: str | None = show_run(synced.river.installation, run_id).run.layout["selection"]["since"]
    return found


def shaky(synced: Synced, failing: int) -> None:
    """A view of the readings that cannot be read where this one is among them."""
    synced.at_source(
        "CREATE OR REPLACE VIEW shaky AS SELECT reading_id, site, month, changed_at, due,"
        f" kwh / (CASE reading_id WHEN {failing} THEN 0 ELSE 1 END) AS kwh FROM meter_reading"
    )


@pytest.fixture
def dated(synced: Synced) -> Synced:
    """Each reading is due years after it was changed last."""
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN due timestamptz")
    synced.at_source("UPDATE meter_reading SET due = timestamptz '2027-01-01' + reading_id * interval '1 second'")
    shaky(synced, failing=0)
    return synced


def change(synced: Synced, reading: int) -> None:
    synced.at_source(
        "UPDATE meter_reading SET kwh = 7, changed_at = timestamptz '2024-07-01' WHERE reading_id = %s", reading
    )


def test_a_row_that_changed_before_the_cursor_did_is_read(dated: Synced) -> None:
    dated.sync(**source("due"))
    change(dated, 5)
    run_id, ledger = dated.sync(**source("changed_at"))
    assert (ledger.read, ledger.updated, dated.loaded()["5"]) == (1000, 1, "7.000000")
    assert show_run(dated.river.installation, run_id).warnings == (TOLD,)
    change(dated, 6)
    run_id, ledger = dated.sync(**source("changed_at"))
    assert (ledger.read < 10, dated.loaded()["6"]) == (True, "7.000000")
    assert show_run(dated.river.installation, run_id).warnings == ()
    assert verify(dated.river.installation, progress=SilentProgress()).differences == ()


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (source(None), "the sync before read without a cursor"),
        (source("changed_at", "public.other"), "the sync before read public.other"),
    ],
)
def test_another_table_and_no_cursor_say_nothing_either(dated: Synced, before: dict[str, Any], told: str) -> None:
    dated.at_source("CREATE TABLE other AS SELECT * FROM meter_reading WHERE reading_id < 10")
    dated.at_source("UPDATE other SET changed_at = now()")
    dated.sync(**source("changed_at"))
    dated.sync(**before)
    change(dated, 5)
    run_id, _ = dated.sync(**source("changed_at"))
    (line,) = show_run(dated.river.installation, run_id).warnings
    assert told in line
    assert dated.loaded()["5"] == "7.000000"


def test_a_run_by_the_new_cursor_that_fails_at_once_takes_nothing_over(dated: Synced) -> None:
    dated.sync(**source("due"))
    dated.at_source("UPDATE meter_reading SET kwh = 7 WHERE reading_id = 1")
    shaky(dated, failing=1)
    _, ledger = dated.sync(**source("changed_at"))
    assert (ledger.failed, ledger.read) == (1, 900)
    shaky(dated, failing=0)
    run_id, ledger = dated.sync(**source("changed_at"))
    assert (since(dated, run_id), ledger.read, dated.loaded()["1"]) == (None, 1000, "7.000000")


def test_a_run_by_the_old_cursor_that_is_resumed_does_not_bring_it_back(dated: Synced) -> None:
    shaky(dated, failing=555)
    old, ledger = dated.sync(**source("due"))
    assert (ledger.failed, ledger.read) == (1, 900)
    shaky(dated, failing=0)
    dated.sync(**source("changed_at"))
    assert list(unfinished_runs(dated.river.installation, "plant")) == []  # what it lacked, the newer one has read
    resume(dated.river.installation, str(old), progress=SilentProgress())
    assert dated.river.ledger(old).committed == 11
    change(dated, 3)
    run_id, ledger = dated.sync(**source("changed_at"))
    assert (since(dated, run_id), ledger.read, dated.loaded()["3"]) == (None, 1000, "7.000000")


def test_what_was_taken_over_before_is_not_believed(dated: Synced) -> None:
    """As an older version left it: a run by one column that began where another had come to."""
    dated.sync(**source("due"))
    run_id, _ = dated.sync(**source("changed_at"))
    foreign = "2027-01-01T00:16:40Z"
    dated.river.change(f"UPDATE connector_sync_state SET last_cursor = '{foreign}' WHERE run_id = '{run_id}'")
    since_then = f"""jsonb_set(layout, '{{selection,since}}', '"{foreign}"')"""
    dated.river.change(f"UPDATE runs SET layout = {since_then} WHERE run_id = '{run_id}'")
    change(dated, 3)
    again, _ = dated.sync(**source("changed_at"))
    assert (since(dated, again), dated.loaded()["3"]) == (None, "7.000000")
    (line,) = show_run(dated.river.installation, again).warnings
    assert line.startswith("all rows are read: syncs before began where another column had come to")
