"""A table of a PostgreSQL server synced into the river: once, again, what changed, what went, what is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from headwater.errors import HeadwaterError, Misuse
from headwater.services.connectors.planning import plan_sync
from headwater.services.connectors.viewing import status
from headwater.services.imports import carry_out
from headwater.services.quarantine.quarantines import show_record
from headwater.services.runs_view import show_run
from headwater.services.tracing.tracer import trace_emission
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.synced import Synced

pytestmark = pytest.mark.server

KEPT_BACK = (
    "A record with a text in a new column goes to quarantine, and waits there until the mapping reads the column or "
    "one run with --drift freeze takes it; where a cursor says what changed, by one run with --full."
)


@pytest.mark.always
def test_every_row_comes_once_with_its_figure_and_is_proven(synced: Synced) -> None:
    _, ledger = synced.sync()
    assert (ledger.committed, ledger.read, ledger.inserted) == (10, 1000, 1000)
    assert synced.loaded() == {str(n): f"{n * 1.5:.6f}" for n in range(1, 1001)}
    found = verify(synced.river.installation, progress=SilentProgress())
    assert found.differences == ()
    assert found.not_recomputed == {}
    told = trace_emission(synced.river.installation, "17")
    assert told.record is not None
    assert told.record.raw.place == "connector plant, table public.meter_reading, reading_id = 17"
    (chunk,) = synced.river.rows("SELECT extract_sha256 FROM chunks WHERE chunk_no = 1 AND extract_sha256 IS NOT NULL")
    assert told.record.raw.sha256 == chunk["extract_sha256"].hex()
    assert told.record.raw.cells == {
        "reading_id": "17", "site": "site-3", "month": "2024-01-18", "kwh": "25.500",
        "changed_at": "2024-06-01T00:00:17Z",
    }  # fmt: skip


@pytest.mark.long
def test_what_was_read_is_held_against_what_stands(synced: Synced) -> None:
    synced.at_source("UPDATE meter_reading SET kwh = -1 WHERE reading_id = 7")
    synced.sync()
    (row,) = synced.river.rows("SELECT reconciliation FROM runs WHERE kind = 'sync'")
    found = row["reconciliation"]
    total = Decimal("1.5") * 1000 * 1001 / 2 - Decimal("10.5")
    assert (found["read"], found["stands"], found["quarantined"], found["rows_of_source"]) == (1000, 999, 1, 999)
    (kwh,) = found["fields"].values()
    sums = (Decimal(kwh["read"]), Decimal(kwh["stands"]), Decimal(kwh["difference"]))
    assert sums == (total - 1, total, Decimal(-1))
    synced.river.change("UPDATE runs SET reconciliation = '{}' WHERE kind = 'sync'")
    changed = verify(synced.river.installation, progress=SilentProgress()).differences
    assert [each.column for each in changed] == ["reconciliation"]


@pytest.mark.long
def test_the_same_again_changes_nothing(synced: Synced) -> None:
    synced.sync()
    _, ledger = synced.sync()
    assert (ledger.read, ledger.inserted, ledger.updated, ledger.unchanged) == (1000, 0, 0, 1000)


@pytest.mark.always
def test_with_a_cursor_only_what_changed_is_read(synced: Synced) -> None:
    by_cursor = {"source": {"cursor": "changed_at"}}
    synced.sync(**by_cursor)
    synced.at_source("UPDATE meter_reading SET kwh = 0, changed_at = '2024-07-01 00:00:00+00' WHERE reading_id = 5")
    synced.at_source("INSERT INTO meter_reading VALUES (1001, 'site-1', '2024-02-01', 9, '2024-07-01 00:00:00+00')")
    _, ledger = synced.sync(**by_cursor)
    assert ledger.read < 20  # those, and whoever shares the last moment read before
    assert (ledger.inserted, ledger.updated) == (1, 1)
    assert synced.loaded()["5"] == "0.000000"
    synced.at_source(
        "UPDATE meter_reading SET kwh = 1, changed_at = timestamptz '2024-08-01 00:00:00+00' WHERE reading_id % 100 = 0"
    )
    _, ledger = synced.sync(**by_cursor)
    # One row in a hundred, and the two that share the moment at which the last sync ended.
    assert (ledger.read, ledger.updated, ledger.unchanged) == (12, 10, 2)


@pytest.mark.always
def test_what_the_source_no_longer_holds_goes_with_a_full_sync(synced: Synced) -> None:
    full = {"load": {"strategy": "full"}}
    synced.sync(**full)
    synced.at_source("DELETE FROM meter_reading WHERE reading_id > 990")
    synced.sync(**full)
    assert len(synced.loaded()) == 990
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_what_changed_in_the_columns_is_noted_even_where_the_sync_is_refused_for_it(synced: Synced) -> None:
    synced.sync()
    synced.at_source("ALTER TABLE meter_reading RENAME COLUMN site TO sites")
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    with pytest.raises(Misuse, match=r"there is no column 'site' in the table.*Write the column as the table does"):
        synced.sync()
    noted = synced.river.rows("SELECT seen_no, changes FROM source_schema_cache ORDER BY seen_no")
    assert [row["seen_no"] for row in noted] == [1, 2]
    changes = {(each["kind"], each["before"], each["after"]) for each in noted[1]["changes"]}
    assert changes == {("renamed", "site", "sites"), ("added", None, "remark")}


@pytest.mark.parametrize(
    ("mode", "unchanged", "refused", "told"),
    [
        ("evolve", 1000, 0, ""),
        ("freeze", 1000, 0, "What is new is not loaded until it is mapped."),
        ("quarantine", 998, 2, KEPT_BACK),
    ],
)
def test_a_new_column_is_taken_as_the_recipe_says(
    synced: Synced, mode: str, unchanged: int, refused: int, told: str
) -> None:
    synced.sync(load={"drift": mode})
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    synced.at_source("UPDATE meter_reading SET remark = 'x' WHERE reading_id <= 2")
    run_id, ledger = synced.sync(load={"drift": mode})
    assert (ledger.read, ledger.unchanged, ledger.quarantined_raw) == (1000, unchanged, refused)
    said = show_run(synced.river.installation, run_id).drift
    assert said == ("Since plant/public.meter_reading: column 'remark' is new.", *([told] if told else []))
    assert len(synced.loaded()) == 1000
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_a_new_column_stops_a_sync_whose_recipe_says_so(synced: Synced) -> None:
    synced.sync(load={"drift": "stop"})
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    synced.at_source("UPDATE meter_reading SET kwh = 7")
    with pytest.raises(HeadwaterError, match="not those of the last sync, and the recipe says to stop then"):
        synced.sync(load={"drift": "stop"})
    assert synced.loaded()["1"] == "1.500000"
    assert synced.river.rows("SELECT count(*) FROM runs WHERE kind = 'sync'") == [{"count": 1}]
    (change,) = [one for each in status(synced.river.installation, "plant").schema_changes for one in each["changes"]]
    assert (change["kind"], change["after"]) == ("added", "remark")


def test_rows_refused_for_a_new_column_wait_until_a_sync_takes_it(synced: Synced) -> None:
    synced.sync()
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    synced.at_source("UPDATE meter_reading SET remark = 'x', kwh = 7 WHERE reading_id <= 2")
    for _ in range(3):
        run_id, ledger = synced.sync(load={"drift": "quarantine"})
        assert (ledger.unchanged, ledger.quarantined_raw) == (998, 2)
        assert show_run(synced.river.installation, run_id).drift[-1] == KEPT_BACK
        assert synced.river.rows("SELECT state FROM quarantine") == [{"state": "open"}] * 2
    synced.sync(load={"drift": "freeze"})
    run_id, ledger = synced.sync(load={"drift": "quarantine"})
    assert (ledger.unchanged, ledger.quarantined_raw) == (1000, 0)
    assert show_run(synced.river.installation, run_id).drift == ()
    assert (synced.loaded()["1"], synced.loaded()["3"]) == ("7.000000", "4.500000")
    assert synced.river.rows("SELECT DISTINCT state FROM quarantine") == [{"state": "expired"}]
    assert verify(synced.river.installation, progress=SilentProgress()).differences == ()


def test_a_sync_that_failed_before_it_loaded_anything_has_taken_no_column(synced: Synced) -> None:
    synced.sync()
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    failing = plan_sync(synced.river.installation, synced.recipe(load={"drift": "freeze"}), synced.river.folder)
    synced.at_source("ALTER TABLE meter_reading RENAME TO elsewhere")
    carry_out(synced.river.installation, failing, progress=SilentProgress())
    assert show_run(synced.river.installation, failing).run.state == "failed"
    synced.at_source("ALTER TABLE elsewhere RENAME TO meter_reading")
    with pytest.raises(HeadwaterError, match="not those of the last sync, and the recipe says to stop then"):
        synced.sync(load={"drift": "stop"})
    run_id, _ = synced.sync(load={"drift": "freeze"})
    assert "column 'remark' is new" in show_run(synced.river.installation, run_id).drift[0]
    assert show_run(synced.river.installation, synced.sync(load={"drift": "stop"})[0]).drift == ()


def test_a_column_is_taken_by_a_sync_that_finds_nothing_changed(synced: Synced) -> None:
    by_cursor = {"cursor": "changed_at"}
    synced.sync(source=by_cursor)
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    synced.sync(source=by_cursor, load={"drift": "freeze"})
    assert show_run(synced.river.installation, synced.sync(load={"drift": "stop"})[0]).drift == ()


def test_a_table_is_compared_with_itself_not_with_another_of_the_same_mapping(synced: Synced) -> None:
    synced.sync()
    synced.at_source("CREATE TABLE other AS SELECT *, 'x' AS remark FROM meter_reading")
    other = synced.recipe(source={"table": "public.other"}, load={"drift": "stop"})
    run_id = plan_sync(synced.river.installation, other, synced.river.folder)
    assert show_run(synced.river.installation, run_id).drift == ()


def test_bad_rows_are_refused_with_their_place_and_mended(synced: Synced) -> None:
    synced.at_source("UPDATE meter_reading SET kwh = -1 WHERE reading_id IN (7, 700)")
    _, ledger = synced.sync()
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (1000, 998, 2)
    refused = synced.river.rows("SELECT raw ->> 'reading_id' AS id, state FROM quarantine ORDER BY record_no")
    assert [(row["id"], row["state"]) for row in refused] == [("7", "open"), ("700", "open")]
    (first, _) = synced.river.rows("SELECT quarantine_id, occurrence FROM quarantine ORDER BY record_no")
    place = show_record(synced.river.installation, f"{first['quarantine_id']}.{first['occurrence']}").origin.place
    assert place == "connector plant, table public.meter_reading, reading_id = 7"
    synced.at_source("UPDATE meter_reading SET kwh = 1 WHERE reading_id IN (7, 700)")
    synced.sync(load={"strategy": "full"})
    assert {row["state"] for row in synced.river.rows("SELECT state FROM quarantine")} == {"expired"}
    assert len(synced.loaded()) == 1000
    found = verify(synced.river.installation, progress=SilentProgress())
    assert (found.differences, found.not_recomputed) == ((), {})


def test_columns_that_a_recipe_leaves_out_have_not_changed(synced: Synced) -> None:
    few = {"columns": ["reading_id", "site", "month", "kwh"]}
    synced.sync()
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN remark text")
    some, _ = synced.sync(source=few)
    synced.at_source("ALTER TABLE meter_reading DROP COLUMN site, ADD COLUMN later text")
    synced.at_source("ALTER TABLE meter_reading ADD COLUMN site text NOT NULL DEFAULT 'x'")
    synced.at_source("ALTER TABLE meter_reading ALTER COLUMN kwh TYPE double precision")
    other, _ = synced.sync(source=few)
    whole, _ = synced.sync()

    said = {run: show_run(synced.river.installation, run).drift for run in (some, other, whole)}
    assert said[some] == ()
    assert [line for line in said[whole] if "new." in line] == [
        f"Since plant/public.meter_reading: column {name!r} is new." for name in ("remark", "later")
    ]
    (line,) = said[other]
    assert "column 'kwh' held" in line
    changed = [
        change for each in status(synced.river.installation, "plant").schema_changes for change in each["changes"]
    ]
    assert {change["column"] for change in changed} == {"kwh", "remark", "later"}


def test_a_column_that_no_recipe_asked_for_is_new_to_one_that_asks_for_all(synced: Synced) -> None:
    """It was there all along, and nobody has taken it. One that is asked for by its name is taken."""
    few = {"columns": ["reading_id", "site", "month", "kwh"]}
    synced.sync(source=few)
    for _ in range(2):
        with pytest.raises(HeadwaterError, match="column 'changed_at' is new"):
            synced.sync(load={"drift": "stop"})
    run_id, ledger = synced.sync(load={"drift": "quarantine"})
    assert show_run(synced.river.installation, run_id).drift[0].endswith("column 'changed_at' is new.")
    assert ledger.quarantined_raw == 1000
    more = {"columns": [*few["columns"], "changed_at"]}
    run_id, ledger = synced.sync(source=more, load={"drift": "stop"})
    assert show_run(synced.river.installation, run_id).drift == ()
    assert ledger.unchanged == 1000
    synced.sync(source=few, load={"drift": "stop"})
    run_id, ledger = synced.sync(load={"drift": "stop"})
    assert show_run(synced.river.installation, run_id).drift == ()
    assert synced.river.rows("SELECT DISTINCT state FROM quarantine") == [{"state": "expired"}]


def test_a_column_left_out_meanwhile_was_taken_before(synced: Synced) -> None:
    few = {"columns": ["reading_id", "site", "month", "kwh"]}
    synced.sync()
    for _ in range(2):
        synced.sync(source=few)
    assert show_run(synced.river.installation, synced.sync(load={"drift": "stop"})[0]).drift == ()
    synced.sync(source=few)
    synced.at_source("ALTER TABLE meter_reading DROP COLUMN changed_at")
    synced.sync(source=few)
    (told,) = show_run(synced.river.installation, synced.sync(load={"drift": "stop"})[0]).drift
    assert told.endswith("column 'changed_at' is gone.")  # which the mapping does not read


def test_a_column_that_a_recipe_names_in_place_of_another_is_taken(synced: Synced) -> None:
    synced.sync(source={"columns": ["reading_id", "site", "month", "kwh", "changed_at"]})
    synced.at_source("ALTER TABLE meter_reading RENAME changed_at TO change_at")
    renamed = {"columns": ["reading_id", "site", "month", "kwh", "change_at"]}
    assert show_run(synced.river.installation, synced.sync(source=renamed, load={"drift": "stop"})[0]).drift == ()


@pytest.mark.parametrize("cursor", [None, "changed_at"])
def test_a_row_that_changes_between_plan_and_read_stays_in_a_full_load(synced: Synced, cursor: str | None) -> None:
    said: dict[str, Any] = {"source": {"cursor": cursor}, "load": {"strategy": "full", "chunk_size": 400}}
    synced.sync(**said)
    installation = synced.river.installation
    run_id = plan_sync(installation, synced.recipe(**said), synced.river.folder)
    synced.at_source(
        "UPDATE meter_reading SET kwh = 5, changed_at = changed_at + interval '1 year' WHERE reading_id = 7"
    )
    carry_out(installation, run_id, progress=SilentProgress())
    assert synced.loaded()["7"] == "5.000000"
    assert len(synced.loaded()) == 1000


@pytest.mark.long
def test_one_value_of_the_plan_changed_is_found(synced: Synced) -> None:
    synced.sync(source={"cursor": "changed_at"}, load={"chunk_size": 400})
    changed = {
        "locator": "locator || '{\"x\": 1}'", "records": "records + 1", "cursor_to": "'x'", "window_start": "'x'",
        "chunk_no": "chunk_no + 100",
    }  # fmt: skip
    synced.river.change("ALTER TABLE source_chunks DROP CONSTRAINT source_chunks_tenant_id_run_id_chunk_no_fkey")
    for column, value in changed.items():
        with psycopg.connect(synced.river.superuser_url, autocommit=True) as superuser:
            superuser.execute("CREATE TABLE kept AS SELECT * FROM source_chunks")
            superuser.execute(f"UPDATE source_chunks SET {column} = {value} WHERE chunk_no = 2")
            found = verify(synced.river.installation, progress=SilentProgress())
            assert any("its plan" in each.key for each in found.differences), column
            superuser.execute("DELETE FROM source_chunks")
            superuser.execute("INSERT INTO source_chunks SELECT * FROM kept")
            superuser.execute("DROP TABLE kept")
    assert verify(synced.river.installation, progress=SilentProgress()).ok


@pytest.mark.long
def test_one_byte_of_what_was_read_changed_is_found(synced: Synced) -> None:
    synced.sync()
    (row,) = synced.river.rows("SELECT extract_sha256 FROM chunks WHERE chunk_no = 3")
    installation = synced.river.installation
    path = installation.blobs.path(installation.tenant_id, bytes(row["extract_sha256"]))
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert not verify(installation, progress=SilentProgress()).ok
