"""What a source counts and sums itself, held against what a sync read of it: chunk by chunk, of one moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from headwater import plugins
from headwater.services.connectors.keeping import add, change, find
from headwater.services.connectors.kinds import installed_kinds
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.runs_view import show_run
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.synced import Synced

pytestmark = pytest.mark.server

LOSING = """
from contextlib import contextmanager
from dataclasses import replace

from headwater.connectors.postgresql import kind as honest
from headwater.connectors.postgresql.connector import PostgresConnector


class Losing(PostgresConnector):
    @contextmanager
    def read_tallied(self, selection, chunk, columns):
        with super().read_tallied(selection, chunk, columns) as (batches, tally):
            yield (changed(batch) if chunk.chunk_no == 3 else batch for batch in batches), tally


def changed(batch):
    return {change}


kind = replace(honest, name="losing", open=Losing)
"""


def told(synced: Synced, run_id: UUID) -> dict[str, Any]:
    found: dict[str, Any] = (show_run(synced.river.installation, run_id).run.reconciliation or {})["source"]
    return found


@pytest.fixture
def losing(synced: Synced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Make `lossy` read the same source through a plug-in that changes the batches of chunk 3 so."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "losing_plugin", raising=False)

    def install(change: str) -> None:
        (tmp_path / "losing_plugin.py").write_text(LOSING.format(change=change), encoding="utf-8")
        about = tmp_path / "losing_plugin-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: losing_plugin\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[{plugins.CONNECTORS}]\nlosing = losing_plugin:kind\n", "utf-8")
        installed_kinds.cache_clear()
        add(synced.river.installation, "lossy", "losing", find(synced.river.installation, "plant").config)

    yield install
    installed_kinds.cache_clear()


@pytest.mark.parametrize("made_of", ["numeric(12,3)", "positive", "bigint", "money"])
def test_the_source_sums_a_domain_as_what_it_is_made_of(synced: Synced, made_of: str) -> None:
    synced.at_source("CREATE DOMAIN positive AS numeric(12,3)")
    synced.at_source(f"CREATE DOMAIN energy AS {made_of}")
    synced.at_source("ALTER TABLE meter_reading ALTER kwh TYPE energy USING CAST(reading_id AS numeric)::energy")
    synced.at_source("UPDATE meter_reading SET kwh = 2 WHERE reading_id = 1")
    run_id, ledger = synced.sync()
    assert (ledger.read, ledger.inserted) == (1000, 1000)
    (kwh,) = told(synced, run_id)["columns"].values()
    assert Decimal(kwh["sum"]) == Decimal(kwh["sum_read"]) == 1000 * 1001 // 2 + 1


def test_the_source_counts_and_sums_as_was_read_nulls_and_nan_included(synced: Synced) -> None:
    synced.at_source("ALTER TABLE meter_reading ALTER kwh DROP NOT NULL, ALTER kwh TYPE numeric")
    synced.at_source("UPDATE meter_reading SET kwh = NULL WHERE reading_id = 4")
    synced.at_source("UPDATE meter_reading SET kwh = 'NaN' WHERE reading_id = 5")
    synced.at_source("UPDATE meter_reading SET kwh = 'Infinity' WHERE reading_id = 6")
    synced.at_source("UPDATE meter_reading SET kwh = 1 + 1::numeric / 3 WHERE reading_id = 700")
    run_id, ledger = synced.sync()
    assert (ledger.read, ledger.quarantined + ledger.quarantined_raw) == (1000, 4)
    source = told(synced, run_id)
    total = Decimal("1.5") * (1000 * 1001 // 2 - 4 - 5 - 6 - 700) + Decimal("1.33333333333333333333")
    (kwh,) = source["columns"].values()
    assert (source["rows"], source["rows_read"], source["chunks"], source["chunks_that_differ"]) == (1000, 1000, 10, [])
    assert (kwh["values"], kwh["values_read"]) == (999, 999)
    assert Decimal(kwh["sum"]) == Decimal(kwh["sum_read"]) == total
    assert show_run(synced.river.installation, run_id).at_source == ()
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("batch.slice(1)", ["The source counts 1,000 rows, and 999 were read.", "1 chunk differs: 3."]),
        (
            "batch.set_column(3, 'kwh', batch.column(3).take(list(reversed(range(99))) + [98]))",
            ["Column kwh: the source sums to", "1 chunk differs: 3."],
        ),
        (
            "batch.set_column(3, 'kwh', batch.column(3).take([None] + list(range(1, batch.num_rows))))",
            ["Column kwh: the source counts 1,000 values, and 999 were read.", "1 chunk differs: 3."],
        ),
    ],
    ids=["a row is lost", "a value comes twice", "a value is lost"],
)
def test_what_is_lost_between_the_source_and_the_extract_is_told(
    synced: Synced, losing: Callable[[str], None], change: str, words: list[str]
) -> None:
    losing(change)
    run_id, _ = synced.sync(source={"connector": "lossy"})
    assert told(synced, run_id)["chunks_that_differ"] == [3]
    said = show_run(synced.river.installation, run_id).at_source
    assert [word for word in words if not any(line.startswith(word) for line in said)] == [], said
    assert "Read all of it again (`--full`)" in said[-1]


def test_it_is_of_the_moment_of_the_read_while_the_source_changes(synced: Synced) -> None:
    done = threading.Event()

    def write() -> None:
        with psycopg.connect(synced.source.superuser_url, autocommit=True) as connection:
            number = 0
            while not done.is_set():
                number = (number + 1) % 1000
                connection.execute("UPDATE meter_reading SET kwh = kwh + 1 WHERE reading_id %% 7 = %s", [number % 7])
                connection.execute("DELETE FROM meter_reading WHERE reading_id = %s", [number])
                connection.execute("INSERT INTO meter_reading VALUES (%s, 's', '2024-01-01', 1, now())", [number])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        runs = [synced.sync()[0] for _ in range(3)]
    finally:
        done.set()
        writer.join()
    found = [told(synced, run_id) for run_id in runs]
    assert [(each["chunks"] >= 9, each["chunks_that_differ"]) for each in found] == [(True, [])] * 3


def test_a_source_is_not_asked_where_its_connector_says_so(synced: Synced) -> None:
    change(synced.river.installation, "plant", {"count_at_source": False})
    run_id, _ = synced.sync()
    assert told(synced, run_id) == {"not_told": [{"chunks": 10, "why": "`count_at_source` of the connector is off"}]}


def test_a_sync_does_not_fail_where_the_source_cannot_count(synced: Synced) -> None:
    synced.at_source(
        "CREATE VIEW refuses AS SELECT reading_id, site, month, changed_at,"
        " CASE WHEN current_query() LIKE '%sum(%' THEN (1 / (reading_id - reading_id))::numeric ELSE kwh END AS kwh"
        " FROM meter_reading"
    )
    run_id, ledger = synced.sync(source={"table": "public.refuses", "key": ["reading_id"]})
    assert (ledger.read, ledger.inserted) == (1000, 1000)
    (silent,) = told(synced, run_id)["not_told"]
    assert silent["chunks"] == 11  # the last, which has no rows and could be counted, is not asked any more either
    assert silent["why"].startswith("the source gave no count (")
    assert "count_at_source=false" in silent["why"]


def changed_since(synced: Synced) -> tuple[UUID, dict[str, Any]]:
    """What a sync by the cursor says that reads 12 rows: 10 that changed, one that is new, one that it knows."""
    synced.sync(source={"cursor": "changed_at"})
    synced.at_source(
        "UPDATE meter_reading SET kwh = kwh + 1000, changed_at = '2024-08-01 00:00:00+00' WHERE reading_id % 100 = 1"
    )
    synced.at_source("INSERT INTO meter_reading VALUES (1001, 'site-1', '2024-02-01', 9, '2024-08-01 00:00:00+00')")
    run_id, ledger = synced.sync(source={"cursor": "changed_at"})
    assert (ledger.read, ledger.inserted + ledger.updated + ledger.unchanged + ledger.quarantined) == (12, 12)
    return run_id, dict(show_run(synced.river.installation, run_id).run.reconciliation or {})


READ = Decimal("1.5") * sum(range(1, 1000, 100)) + 10 * 1000 + 9 + Decimal("1.5") * 1000


def test_what_changed_is_held_against_the_rows_that_stand_of_it(synced: Synced) -> None:
    run_id, found = changed_since(synced)
    (kwh,) = found["fields"].values()
    assert (found["rows_of_sync"], found["source"]["rows"]) == (12, 12)
    assert (Decimal(kwh["read"]), Decimal(kwh["stands"]), Decimal(kwh["difference"])) == (READ, READ, 0)
    assert show_run(synced.river.installation, run_id).differences == ()
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_a_changed_row_that_does_not_stand_as_it_was_read_is_told(synced: Synced) -> None:
    synced.river.change(
        "CREATE FUNCTION less() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.activity_id = '1001' THEN NEW.quantity := 8; END IF; RETURN NEW; END$$"
    )
    synced.river.change("CREATE TRIGGER less BEFORE INSERT ON activity_v1 FOR EACH ROW EXECUTE FUNCTION less()")
    run_id, found = changed_since(synced)
    (kwh,) = found["fields"].values()
    assert (found["rows_of_sync"], Decimal(kwh["difference"])) == (12, 1)
    assert show_run(synced.river.installation, run_id).differences[0].startswith("No record of this run was refused")


def test_a_run_that_was_gone_on_with_says_that_what_changed_is_not_compared(synced: Synced) -> None:
    """Which rows the process brought that was killed, the next does not know."""
    installation, by_cursor = synced.river.installation, {"cursor": "changed_at"}
    synced.sync(source=by_cursor)
    synced.at_source("UPDATE meter_reading SET changed_at = changed_at + interval '1 day' WHERE reading_id > 500")
    run_id = plan_sync(installation, synced.recipe(source=by_cursor), synced.river.folder)

    class Interrupts(SilentProgress):
        def advance(self, units: int) -> None:
            raise KeyboardInterrupt(units)

    with pytest.raises(KeyboardInterrupt):
        carry_out(installation, run_id, progress=Interrupts())
    carry_out(installation, run_id, progress=SilentProgress())
    found = show_run(installation, run_id).run.reconciliation or {}
    assert found["not_compared"][0]["why"].startswith("the run was gone on with")
    assert found["source"]["rows"] == found["source"]["rows_read"] == 500
