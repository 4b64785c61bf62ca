"""A refused record that its source corrects is open no longer once a run has loaded it that read only what changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.errors import Conflict, HeadwaterError
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.quarantine.by_cell import resubmit
from headwater.services.quarantine.quarantines import list_records
from headwater.telemetry import SilentProgress
from tests.integration.river.test_keys_of_refused_records import checked, erase_files
from tests.river import River, never_held

MAPPING: dict[str, Any] = {
    "mapping": "bills",
    "version": "1.0.0",
    "contract": "activity@1",
    "fields": {
        "activity_id": {"column": "bill"},
        "activity_type": {"constant": "electricity"},
        "region": {"constant": "DE"},
        "period_start": {"constant": "2024-01-01"},
        "quantity": {"column": "kwh"},
        "unit": {"constant": "kWh"},
    },
}
BY_CURSOR: dict[str, Any] = {"cursor": "changed"}


@dataclass
class Bills:
    """A table of bills: `id` numbers its rows, and `bill` is what a mapping makes the key."""

    river: River
    path: Path

    def write(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as source, source:
            source.execute(statement, values)

    def put(self, number: int, bill: str, kwh: str, *, changed: int) -> None:
        self.write("INSERT OR REPLACE INTO bills VALUES (?, ?, ?, ?)", number, bill, kwh, changed)

    def planned(self, *, chunk_size: int = 10, strategy: str = "delta", **source: Any) -> UUID:
        mapping = self.river.folder / "bills.yaml"
        mapping.write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
        body = {
            "recipe": "bills", "source": {"connector": "bills", "table": "bills", **source}, "mapping": str(mapping),
            "load": {"chunk_size": chunk_size, "strategy": strategy},
        }  # fmt: skip
        return plan_sync(self.river.installation, Recipe.model_validate(body), self.river.folder)

    def sync(self, **said: Any) -> UUID:
        return carry_out(self.river.installation, self.planned(**said), progress=SilentProgress())

    def states(self) -> dict[tuple[str, str], str]:
        """State by bill and kWh."""
        rows = self.river.rows("SELECT raw ->> 'bill' AS bill, raw ->> 'kwh' AS kwh, state FROM quarantine")
        return {(row["bill"], row["kwh"]): row["state"] for row in rows}

    def standing(self) -> dict[str, str]:
        rows = self.river.rows("SELECT activity_id, quantity::float::text AS quantity FROM activity_v1")
        return {row["activity_id"]: row["quantity"] for row in rows}

    def proved(self) -> bool:
        found = checked(self.river)
        assert found.ok, (found.differences, found.not_recomputed)
        return True


@pytest.fixture
def bills(river: River, tmp_path: Path) -> Bills:
    made = Bills(river, tmp_path / "bills.sqlite")
    made.write("CREATE TABLE bills (id INTEGER PRIMARY KEY, bill TEXT, kwh TEXT, changed INTEGER NOT NULL)")
    add(river.installation, "bills", "sqlite", {"path": str(made.path)})
    return made


def test_what_the_next_sync_brings_in_well_is_settled(bills: Bills) -> None:
    for number, kwh in enumerate(["10", "much", "more", "13"], start=1):
        bills.put(number, f"b{number}", kwh, changed=number)
    bills.sync(**BY_CURSOR)
    bills.put(2, "b2", "11", changed=8)
    run_id = bills.sync(**BY_CURSOR)

    assert bills.states() == {("b2", "much"): "expired", ("b3", "more"): "open"}
    (row,) = bills.river.rows("SELECT state_reason FROM quarantine WHERE state = 'expired'")
    assert row["state_reason"] == f"corrected in its source, and loaded by run {run_id}"
    assert bills.standing() == {"b1": "10", "b2": "11", "b4": "13"}
    assert bills.proved()

    (settled,) = list_records(bills.river.installation, state="expired", run=None, rule=None, limit=9).records
    with pytest.raises(Conflict, match="the record is expired"):
        resubmit(bills.river.installation, {str(settled.key): {"kwh": "12"}})


def test_refused_again_it_is_open_again(bills: Bills) -> None:
    for changed, kwh in enumerate(["much", "11", "much"], start=1):
        bills.put(1, "b1", kwh, changed=changed)
        bills.write("UPDATE bills SET changed = 1") if changed == 3 else None
        bills.sync()
    assert bills.states() == {("b1", "much"): "open"}
    bills.put(1, "b1", "12", changed=9)
    bills.sync()
    assert set(bills.states().values()) == {"expired"}
    assert bills.proved()


@pytest.mark.parametrize("chunk_size", [1, 10], ids=["one chunk a record", "one chunk"])
def test_a_row_that_is_again_what_it_was_before_it_was_refused_settles(bills: Bills, chunk_size: int) -> None:
    """It is found unchanged, with or without others in its chunk that are not."""
    bills.put(1, "b1", "10", changed=1)
    bills.put(2, "b2", "20", changed=1)
    bills.sync(chunk_size=chunk_size)
    bills.put(1, "b1", "much", changed=1)
    bills.sync(chunk_size=chunk_size)
    assert bills.states() == {("b1", "much"): "open"}
    bills.put(1, "b1", "10", changed=1)
    bills.put(2, "b2", "21", changed=1)
    bills.sync(chunk_size=chunk_size)
    assert bills.states() == {("b1", "much"): "expired"}
    assert bills.proved()


def test_a_record_in_conflict_stays_for_it_may_be_the_other_that_came(bills: Bills) -> None:
    bills.put(1, "same", "10", changed=1)
    bills.put(2, "same", "20", changed=2)
    bills.sync(**BY_CURSOR)
    assert bills.states() == {("same", "20"): "open"}
    bills.put(1, "same", "11", changed=5)
    bills.sync(**BY_CURSOR)
    assert bills.standing() == {"same": "11"}
    assert bills.states() == {("same", "20"): "open"}
    assert bills.proved()


@pytest.mark.parametrize("is_erased", [False, True], ids=["files kept", "files erased"])
@pytest.mark.parametrize("kwh", ["20", "25"], ids=["as it was refused", "changed since"])
def test_a_record_in_conflict_is_settled_once_its_very_row_is_loaded(
    bills: Bills, kwh: str, *, is_erased: bool
) -> None:
    bills.put(1, "same", "10", changed=1)
    bills.put(2, "same", "20", changed=2)
    bills.sync(**BY_CURSOR)
    assert bills.states() == {("same", "20"): "open"}
    bills.put(2, "same", kwh, changed=5)
    run_id = bills.sync(**BY_CURSOR)
    assert bills.standing() == {"same": kwh}
    assert bills.states() == {("same", "20"): "expired"}
    (row,) = bills.river.rows("SELECT state_reason FROM quarantine")
    assert row["state_reason"] == f"corrected in its source, and loaded by run {run_id}"
    if is_erased:
        erase_files(bills.river)
    assert bills.proved()


def test_chunks_of_versions_that_left_conflicts_open_are_proved_as_they_were(bills: Bills) -> None:
    bills.put(1, "b1", "much", changed=1)
    bills.put(2, "same", "10", changed=1)
    bills.put(3, "same", "20", changed=2)
    bills.sync(**BY_CURSOR)
    bills.put(1, "b1", "10", changed=5)
    bills.put(3, "same", "25", changed=5)
    bills.sync(**BY_CURSOR)
    assert set(bills.states().values()) == {"expired"}
    assert bills.proved()
    never_held(bills.river, "conflicts_corrected")
    bills.river.change("UPDATE quarantine SET state = 'open', state_reason = NULL WHERE raw ->> 'bill' = 'same'")
    (found,) = checked(bills.river).differences
    assert (found.table, found.column, found.stored, found.expected) == ("chunks", "corrected", "2", "1")


@pytest.mark.parametrize(("good", "chunk_size"), [(1, 1), (2, 1), (2, 10)])
def test_what_the_very_run_refuses_stays_open(bills: Bills, good: int, chunk_size: int) -> None:
    bills.put(3 - good, "same", "much", changed=1)
    bills.sync(chunk_size=chunk_size)
    bills.put(good, "same", "10", changed=1)
    bills.sync(chunk_size=chunk_size)
    assert bills.standing() == {"same": "10"}
    assert bills.states() == {("same", "much"): "open"}
    assert bills.proved()


def test_another_row_of_the_key_that_comes_again_settles_nothing(bills: Bills) -> None:
    bills.put(1, "same", "much", changed=1)
    bills.put(2, "same", "10", changed=2)
    for _ in range(3):  # what is at the cursor is read again each time
        bills.sync(**BY_CURSOR)
    assert bills.standing() == {"same": "10"}
    assert bills.states() == {("same", "much"): "open"}
    assert bills.proved()


def test_another_row_of_the_key_that_is_new_settles_nothing(bills: Bills) -> None:
    bills.put(1, "same", "much", changed=1)
    bills.sync(**BY_CURSOR)
    bills.put(2, "same", "10", changed=2)
    bills.sync(**BY_CURSOR)
    assert bills.standing() == {"same": "10"}
    assert bills.states() == {("same", "much"): "open"}
    assert bills.proved()


def test_of_two_refused_under_a_key_the_one_that_is_corrected_is_settled(bills: Bills) -> None:
    bills.put(1, "same", "much", changed=1)
    bills.put(2, "same", "more", changed=2)
    bills.sync(**BY_CURSOR)
    bills.put(1, "same", "10", changed=5)
    bills.sync(**BY_CURSOR)
    assert bills.states() == {("same", "much"): "expired", ("same", "more"): "open"}
    assert bills.proved()
    erase_files(bills.river)
    assert bills.proved()


def test_a_chunk_that_fails_leaves_its_records_open(bills: Bills) -> None:
    """The good row of the key is read again by the first chunk, and the wrong one not, for the second fails."""
    bills.put(1, "same", "10", changed=1)
    bills.put(2, "same", "much", changed=1)
    bills.sync(chunk_size=1)
    assert bills.states() == {("same", "much"): "open"}
    bills.sync(chunk_size=1)
    assert bills.states() == {("same", "much"): "open"}
    bills.river.change(
        "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
    )
    bills.river.change("CREATE TRIGGER full_up BEFORE INSERT ON quarantine EXECUTE FUNCTION full_up()")
    try:
        with suppress(HeadwaterError):
            bills.sync(chunk_size=1)
    finally:
        bills.river.change("DROP FUNCTION full_up() CASCADE")
    chunks = bills.river.rows(
        "SELECT chunk_no, state FROM chunks WHERE run_id = (SELECT run_id FROM runs ORDER BY started_at DESC LIMIT 1)"
    )
    assert {row["chunk_no"]: row["state"] == "committed" for row in chunks} == {1: True, 2: False}
    assert bills.states() == {("same", "much"): "open"}
    assert bills.proved()


def test_a_table_whose_rows_nothing_tells_apart_settles_nothing(bills: Bills) -> None:
    bills.write("ALTER TABLE bills RENAME TO keyed")
    bills.write("CREATE TABLE bills AS SELECT * FROM keyed")
    bills.put(1, "b1", "much", changed=1)
    bills.sync(**BY_CURSOR, key=["id"])
    bills.write("UPDATE bills SET kwh = '10', changed = 2")
    bills.sync(**BY_CURSOR, key=["id"])
    assert bills.standing() == {"b1": "10"}
    assert bills.states() == {("b1", "much"): "open"}
    assert bills.proved()


@pytest.mark.parametrize("is_erased", [False, True], ids=["files kept", "files erased"])
def test_how_many_were_settled_is_proved(bills: Bills, *, is_erased: bool) -> None:
    """Somebody has a run settle one record too many, and covers that up."""
    bills.put(1, "b1", "much", changed=1)
    bills.put(2, "b2", "more", changed=0)
    bills.sync(**BY_CURSOR)
    rows = bills.river.rows("SELECT raw::text AS raw, key_hash FROM quarantine ORDER BY raw ->> 'bill'")
    change = "UPDATE quarantine SET raw = %(raw)s::jsonb, key_hash = %(key)s WHERE raw ->> 'kwh' = 'more'"
    bills.river.change(change, raw=rows[0]["raw"].replace("much", "more"), key=rows[0]["key_hash"])
    bills.put(1, "b1", "10", changed=2)
    bills.sync(**BY_CURSOR)
    bills.river.change(change, raw=rows[1]["raw"], key=rows[1]["key_hash"])
    assert set(bills.states().values()) == {"expired"}
    bills.river.change("UPDATE quarantine SET state = 'open', state_reason = NULL WHERE raw ->> 'bill' = 'b2'")
    if is_erased:
        erase_files(bills.river)
    assert ("chunks", "corrected") in {(each.table, each.column) for each in checked(bills.river).differences}


def test_what_was_mended_here_or_dismissed_is_left_as_it_is(bills: Bills) -> None:
    bills.put(1, "b1", "much", changed=1)
    bills.sync(**BY_CURSOR)
    (refused,) = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
    resubmit(bills.river.installation, {str(refused.key): {"kwh": "12"}})
    bills.put(1, "b1", "13", changed=5)
    bills.sync(**BY_CURSOR)
    assert bills.states() == {("b1", "much"): "resubmitted"}
    assert bills.standing() == {"b1": "13"}
    assert bills.proved()


def test_another_source_settles_nothing(bills: Bills) -> None:
    bills.put(1, "b1", "much", changed=1)
    bills.sync(**BY_CURSOR)
    bills.put(1, "b1", "13", changed=1)
    bills.sync(name="other")
    assert bills.standing() == {"b1": "13"}
    assert bills.states() == {("b1", "much"): "open"}
    assert bills.proved()


@pytest.mark.parametrize("is_erased", [False, True], ids=["files kept", "files erased"])
def test_who_says_so_of_another_record_is_found_out(bills: Bills, *, is_erased: bool) -> None:
    bills.put(1, "b1", "much", changed=1)
    bills.put(2, "b2", "more", changed=1)
    bills.sync(**BY_CURSOR)
    bills.put(1, "b1", "10", changed=2)
    bills.sync(**BY_CURSOR)
    if is_erased:
        erase_files(bills.river)
    found = checked(bills.river)
    assert found.ok, found.differences
    assert bool(found.erased) == is_erased
    change = "UPDATE quarantine SET state = '{}', state_reason = (SELECT max(state_reason) FROM quarantine) WHERE {}"
    for state, which in (("expired", "state = 'open'"), ("open", "raw ->> 'bill' = 'b1'")):
        bills.river.change(change.format(state, which))
        assert {(each.table, each.column) for each in checked(bills.river).differences} >= {("quarantine", "state")}
        bills.river.change(
            change.format("open", "raw ->> 'bill' = 'b2'").replace("(SELECT max(state_reason) FROM quarantine)", "NULL")
        )
