"""What may be said of chunks: the calendar they end with, how many are read ahead; and what a plan tells of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River


def test_a_plan_tells_what_is_to_be_noticed_of_its_cursor(headwater: Headwater, lab: Lab) -> None:
    with closing(sqlite3.connect(lab.path)) as source, source:
        source.execute("CREATE TABLE told (id INTEGER PRIMARY KEY, changed TEXT)")
        source.execute("INSERT INTO told VALUES (1, '2024-06-01 00:00:01')")
    by_time = headwater("connectors", "plan", "lab", "-t", "told", "--cursor", "changed")
    assert "noticed: the times of changed name no zone" in by_time.out
    assert "Chunks end where they are full, not with the calendar." in by_time.out


def test_what_of_the_calendar_chunks_end_with_can_be_said(headwater: Headwater, full_lab: Lab) -> None:
    """Three days of readings; chunks have room for two."""
    full_lab.change("UPDATE a SET changed_at = '2024-06-0' || (1 + reading_id % 3) || ' 00:00:' || (reading_id + 10)")
    said = ("-t", "a", "--cursor", "changed_at", "--chunk-size", "30", "--window", "day")
    by_days = headwater("connectors", "plan", "lab", *said)
    assert "Chunks end with a day of the calendar" in by_days.out, by_days
    told = headwater("connectors", "plan", "lab", *said, "--json").json
    assert (told["window"], [each["rows"] for each in told["chunks"]]) == ("day", [0, 27, 13])
    synced = headwater("connectors", "sync", "lab", "-m", full_lab.mapping, *said)
    found = headwater("runs", "show", synced.out.split()[1], "--json").json
    assert (synced.code, found["chunks"]["committed"]) == (0, 3)
    refused = headwater("connectors", "plan", "lab", "-t", "a", "--window", "day")
    assert (refused.code, "not cut by windows of the calendar" in refused.err) == (2, True)


def test_how_many_chunks_are_read_ahead_can_be_said(headwater: Headwater, full_lab: Lab, river: River) -> None:
    sync = ("connectors", "sync", "lab", "-m", full_lab.mapping, "--chunk-size", "10", "--read-ahead", "3")
    assert headwater(*sync, "-t", "a").code == 0
    kept = river.rows("SELECT body::jsonb -> 'load' ->> 'read_ahead' AS ahead FROM documents WHERE name = 'sync'")
    assert kept == [{"ahead": "3"}]
