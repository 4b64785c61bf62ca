"""A refused row of a table is known again by its key and the cells that its mapping reads, whatever else it says."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.quarantine.by_cell import resubmit
from headwater.services.quarantine.exports import export
from headwater.services.quarantine.quarantines import dismiss_records, list_records, plan_resubmission
from headwater.services.trials.trial import try_sync
from headwater.services.verification import verify
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.connectors.servers_http import http_server, json_reply
from tests.river import River
from tests.servers import TestServer
from tests.synced import Synced, synced_source

FIELDS: dict[str, Any] = {
    "activity_id": {"column": "id"},
    "activity_type": {"constant": "electricity"},
    "region": {"constant": "DE"},
    "period_start": {"constant": "2024-01-01"},
    "quantity": {"column": ["kwh", "kilowatt_hours"]},
    "unit": {"constant": "kWh"},
}
TABLE = "CREATE TABLE bills (id INTEGER PRIMARY KEY, kwh TEXT, note TEXT)"
BILLS = "INSERT INTO bills VALUES (1, '10', 'a'), (2, 'much', 'b'), (3, 'more', 'c'), (4, 'most', 'd'), (5, '50', 'e')"


@dataclass
class Bills:
    """Bills in a table: 1 and 5 are good; of the others the first sync refuses, 2 is dismissed, 3 mended, 4 open."""

    river: River
    source: Any
    table: str
    connector: str = "bills"
    fields: dict[str, Any] = field(default_factory=lambda: dict(FIELDS))
    version: int = 0

    def write(self, *statements: str) -> None:
        for statement in statements:
            self.source(statement)

    def recipe(self, strategy: str = "full") -> Recipe:
        mapping = self.river.folder / "bills.yaml"
        said = {"mapping": "bills", "version": f"1.{self.version}.0", "contract": "activity@1", "fields": self.fields}
        mapping.write_text(yaml.safe_dump(said), encoding="utf-8")
        body = {
            "recipe": "bills",
            "source": {"connector": self.connector, "table": self.table},
            "mapping": str(mapping),
        }
        return Recipe.model_validate({**body, "load": {"chunk_size": 2, "strategy": strategy}})

    def sync(self, strategy: str = "full") -> Ledger:
        run_id = self.planned(strategy)
        carry_out(self.river.installation, run_id, progress=SilentProgress())
        return self.river.ledger(run_id)

    def planned(self, strategy: str = "full") -> UUID:
        return plan_sync(self.river.installation, self.recipe(strategy), self.river.folder)

    def reads(self, name: str, column: str) -> None:
        """From now on a field is read from a column."""
        self.version += 1
        self.fields = {**self.fields, name: {"column": column}}

    def settle(self) -> None:
        """The first sync, and what a person does of what it refused."""
        self.sync()
        keys = {
            record.raw["id"]: str(record.key)
            for record in list_records(self.river.installation, state="open", run=None, rule=None, limit=9).records
        }
        dismiss_records(self.river.installation, [keys["2"]], reason="a test of the meter")
        resubmit(self.river.installation, {keys["3"]: {"kwh": "30"}})

    def states(self) -> list[tuple[str, str]]:
        """By the bill, each record's state."""
        rows = self.river.rows("SELECT raw ->> 'id' AS bill, state FROM quarantine ORDER BY 1, created_at")
        return [(row["bill"], row["state"]) for row in rows]

    def proved(self) -> bool:
        found = verify(self.river.installation, progress=SilentProgress())
        assert found.ok, (found.differences, found.not_recomputed)
        return True


SETTLED = [("2", "dismissed"), ("3", "resubmitted"), ("4", "open")]
ANEW = sorted([*SETTLED[:2], ("4", "expired"), ("2", "open"), ("3", "open"), ("4", "open")])


def sqlite_bills(river: River, folder: Path, *, table: str = TABLE, rows: str = BILLS) -> Bills:
    path = folder / "bills.sqlite"

    def write(statement: str) -> None:
        with closing(sqlite3.connect(path)) as source, source:
            source.execute(statement)

    made = Bills(river, write, "bills")
    made.write(table, rows)
    add(river.installation, "bills", "sqlite", {"path": str(path)})
    return made


@pytest.fixture
def bills(river: River, tmp_path: Path) -> Bills:
    made = sqlite_bills(river, tmp_path)
    made.settle()
    return made


@pytest.fixture
def served(river: River, server: TestServer) -> Any:
    with synced_source(river, server) as source:
        yield source


ANOTHER_TABLE = (
    "ALTER TABLE bills RENAME TO before",
    "CREATE TABLE bills (note TEXT, kwh VARCHAR(99), id BIGINT PRIMARY KEY)",
    "INSERT INTO bills SELECT note, kwh, id FROM before",
)
CHANGES = {
    "a column is added": ("ALTER TABLE bills ADD COLUMN flag TEXT DEFAULT 'x'",),
    "a cell that nobody reads is changed": ("UPDATE bills SET note = note || '!'",),
    "a column that nobody reads is removed": ("ALTER TABLE bills DROP COLUMN note",),
    "a column that nobody reads is renamed": ("ALTER TABLE bills RENAME COLUMN note TO remark",),
    "columns are in another order, and of other types": ANOTHER_TABLE,
}


@pytest.mark.parametrize("statements", CHANGES.values(), ids=CHANGES)
def test_what_nobody_reads_makes_no_other_row(bills: Bills, statements: tuple[str, ...]) -> None:
    assert bills.states() == SETTLED
    bills.write(*statements)
    tried = try_sync(bills.river.installation, bills.recipe(), bills.river.folder, rows=None, progress=SilentProgress())
    ledger = bills.sync()
    assert bills.states() == SETTLED
    assert (ledger.inserted, ledger.updated, ledger.unchanged, ledger.quarantined) == (0, 0, 2, 3)
    assert (tried.unchanged, tried.quarantined, tried.settled) == (2, 3, 2)
    assert bills.river.rows("SELECT count(*) AS n FROM activity_v1_history") == [{"n": 0}]
    assert bills.river.rows("SELECT count(*) AS n FROM activity_v1") == [{"n": 3}]
    assert bills.proved()


@pytest.mark.parametrize("statements", list(CHANGES.values())[:2], ids=list(CHANGES)[:2])
def test_the_same_of_postgresql(river: River, served: Synced, statements: tuple[str, ...]) -> None:
    bills = Bills(river, served.at_source, "public.bills", connector="plant")
    bills.write(TABLE, BILLS)
    bills.settle()
    bills.write(*statements)
    ledger = bills.sync()
    assert bills.states() == SETTLED
    assert (ledger.unchanged, ledger.quarantined) == (2, 3)
    assert bills.proved()


def test_a_changed_cell_that_is_read_is_another_fault(bills: Bills) -> None:
    bills.write("UPDATE bills SET kwh = kwh || ' again' WHERE id IN (2, 3, 4)")
    bills.sync()
    assert sorted(bills.states()) == ANEW
    assert bills.proved()


def test_a_record_is_mended_as_it_was_refused_though_a_column_has_come_since(bills: Bills) -> None:
    bills.write("ALTER TABLE bills ADD COLUMN flag TEXT DEFAULT 'x'", "UPDATE bills SET note = 'new' WHERE id = 4")
    bills.sync()
    (record,) = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
    assert record.raw == {"id": "4", "kwh": "most", "note": "d"}
    out = io.StringIO()
    export(bills.river.installation, out, run=None, rule=None)
    unmended = bills.river.folder / "unmended.csv"
    unmended.write_text(out.getvalue(), encoding="utf-8")
    sent = plan_resubmission(bills.river.installation, unmended)
    carry_out(bills.river.installation, sent, progress=SilentProgress())
    assert bills.river.ledger(sent).skipped == {"not_mended": 1}
    resubmit(bills.river.installation, {str(record.key): {"kwh": "40"}})
    assert [state for _, state in bills.states()] == ["dismissed", "resubmitted", "resubmitted"]
    assert bills.proved()


@pytest.mark.parametrize("statements", list(CHANGES.values())[:1], ids=list(CHANGES)[:1])
def test_rows_refused_before_this_was_so_are_known_again(
    river: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...]
) -> None:
    """Then they were known by all cells, and so they are as long as these columns are there."""
    with monkeypatch.context() as before:
        before.setattr("headwater.services.connectors.planning.known_by", lambda *_: {})
        bills = sqlite_bills(river, tmp_path)
        bills.settle()
    bills.write("ALTER TABLE bills ADD COLUMN early TEXT DEFAULT 'x'")
    bills.sync()
    assert bills.states() == SETTLED
    bills.write(*statements)
    bills.sync()
    assert bills.states() == SETTLED
    bills.write("ALTER TABLE bills DROP COLUMN note")
    bills.sync()
    assert sorted(bills.states()) == ANEW
    bills.write("UPDATE bills SET flag = 'y'")
    bills.sync()
    assert sorted(bills.states()) == ANEW
    assert bills.proved()


def test_where_a_further_column_is_read_rows_are_other_rows_once(bills: Bills) -> None:
    bills.reads("facility_code", "note")
    for _ in range(2):
        bills.sync()
        assert sorted(bills.states()) == ANEW
    bills.version += 1
    del bills.fields["facility_code"]
    bills.sync()
    assert sorted(bills.states()) == ANEW
    assert bills.proved()


def test_a_row_refused_for_a_new_column_is_another_record_than_was_settled(bills: Bills) -> None:
    """What the new column says nobody has judged: a bill that was mended may have been cancelled since."""
    bills.write("ALTER TABLE bills ADD COLUMN void TEXT", "UPDATE bills SET void = 'cancelled' WHERE id > 1")
    said = bills.recipe().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    recipe = Recipe.model_validate({**said, "load": {**said["load"], "drift": "quarantine"}})
    run_id = plan_sync(bills.river.installation, recipe, bills.river.folder)
    carry_out(bills.river.installation, run_id, progress=SilentProgress())
    listed = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
    assert {(each.raw["id"], each.raw["void"], each.findings[0]["rule"]) for each in listed} == {
        (number, "cancelled", "record.drift") for number in ("2", "3", "4", "5")
    }
    assert bills.proved()
    bills.write("UPDATE bills SET void = NULL")
    bills.sync()
    assert [each for each in bills.states() if each[1] != "expired"] == SETTLED
    assert bills.proved()


def test_another_new_column_that_says_nothing_makes_no_other_record(bills: Bills) -> None:
    """What was settled of a row that waits for one new column stays so when a further one comes."""
    said = bills.recipe().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    recipe = Recipe.model_validate({**said, "load": {**said["load"], "drift": "quarantine"}})
    bills.write("ALTER TABLE bills ADD COLUMN void TEXT", "UPDATE bills SET void = 'cancelled' WHERE id > 1")
    for more in ("ALTER TABLE bills ADD COLUMN other TEXT", "ALTER TABLE bills ADD COLUMN third TEXT"):
        run_id = plan_sync(bills.river.installation, recipe, bills.river.folder)
        carry_out(bills.river.installation, run_id, progress=SilentProgress())
        waiting = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
        keys = [str(each.key) for each in waiting if each.findings[0]["rule"] == "record.drift"]
        if keys:
            dismiss_records(bills.river.installation, keys, reason="they are cancelled")
        assert len(keys) == (4 if "other" in more else 0)
        bills.write(more)
    assert bills.proved()


def test_the_same_text_in_another_column_is_another_row(bills: Bills) -> None:
    bills.write("ALTER TABLE bills ADD COLUMN again TEXT", "UPDATE bills SET again = kwh")
    bills.reads("quantity", "again")
    bills.sync()
    assert sorted(bills.states()) == ANEW
    assert bills.proved()


def test_a_row_without_a_key_is_known_by_all_of_its_cells(river: River, tmp_path: Path) -> None:
    """What nobody reads may be all that tells two apart: one that was dismissed is not taken for the other."""
    rows = "(1, '10', 'a'), (2, 'much', 'a test'), (2, 'much', 'real'), (NULL, '4', 'd'), (NULL, '4', 'd')"
    without_key = TABLE.replace(" PRIMARY KEY", "")
    bills = sqlite_bills(river, tmp_path, table=without_key, rows=f"INSERT INTO bills VALUES {rows}")
    bills.sync()
    assert len(bills.states()) == 4
    records = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
    (test,) = [str(record.key) for record in records if record.raw["note"] == "a test"]
    dismiss_records(bills.river.installation, [test], reason="a test of the meter")
    bills.write("DELETE FROM bills WHERE note = 'a test'")
    bills.sync()
    stands = bills.river.rows(
        "SELECT raw ->> 'note' AS note, state FROM quarantine WHERE raw ->> 'id' = '2' ORDER BY 1"
    )
    assert [(row["note"], row["state"]) for row in stands] == [("a test", "dismissed"), ("real", "open")]
    assert bills.proved()


def test_a_row_with_a_blank_in_its_key_is_known_by_all_of_its_cells(river: River, tmp_path: Path) -> None:
    """SQLite keeps NULL in a primary key, in as many rows as there are."""
    rows = "('1', '10', 'a'), (NULL, 'much', 'a test'), (NULL, 'much', 'real'), ('3', 'more', 'c')"
    table = TABLE.replace("INTEGER PRIMARY KEY", "TEXT PRIMARY KEY")
    bills = sqlite_bills(river, tmp_path, table=table, rows=f"INSERT INTO bills VALUES {rows}")
    bills.sync()
    records = list_records(bills.river.installation, state="open", run=None, rule=None, limit=9).records
    (test,) = [str(record.key) for record in records if record.raw["note"] == "a test"]
    dismiss_records(bills.river.installation, [test], reason="a test of the meter")
    bills.write("DELETE FROM bills WHERE note = 'a test'", "UPDATE bills SET note = 'changed' WHERE id = '3'")
    bills.sync()
    stands = bills.river.rows("SELECT raw ->> 'note' AS note, state FROM quarantine ORDER BY 1")
    assert [(row["note"], row["state"]) for row in stands] == [("a test", "dismissed"), ("c", "open"), ("real", "open")]
    assert bills.proved()


def test_a_table_that_gets_a_key_has_the_same_rows(river: River, tmp_path: Path) -> None:
    bills = sqlite_bills(river, tmp_path, table=TABLE.replace(" PRIMARY KEY", ""))
    bills.settle()
    bills.write("ALTER TABLE bills RENAME TO before", TABLE, "INSERT INTO bills SELECT * FROM before")
    bills.sync()
    assert bills.states() == SETTLED
    assert bills.proved()


def test_the_same_of_a_service(river: River) -> None:
    records = [
        {"id": str(number), "kwh": kwh, "note": note}
        for number, kwh, note in ((1, "10", "a"), (2, "much", "b"), (3, "more", "c"), (4, "most", "d"), (5, "50", "e"))
    ]
    with http_server(lambda _: json_reply(records)) as server:
        table = {"name": "bills", "path": "bills", "key": ["id"]}
        config = {"url": server.url, "auth": {"kind": "none"}, "requests_a_minute": 100_000, "tables": [table]}
        add(river.installation, "bills", "rest", config)
        bills = Bills(river, None, "bills")
        bills.settle()
        for record in records:
            record |= {"note": "changed", "flag": "x"}
        ledger = bills.sync()
        assert bills.states() == SETTLED
        assert (ledger.unchanged, ledger.quarantined) == (2, 3)
        records[1]["kwh"] = "much more"
        bills.sync()
        assert bills.states() == [SETTLED[0], ("2", "open"), *SETTLED[1:]]
    assert bills.proved()


def test_a_row_is_not_another_that_says_the_same(river: River, tmp_path: Path) -> None:
    """The key tells rows apart, though the mapping does not read it."""
    bills = sqlite_bills(river, tmp_path)
    bills.fields["activity_id"] = {"column": "note"}
    bills.settle()
    bills.write("DELETE FROM bills WHERE id = 2", "UPDATE bills SET kwh = 'much', note = 'b' WHERE id = 4")
    bills.sync()
    assert bills.states() == [*SETTLED[:2], ("4", "expired"), ("4", "open")]
    assert bills.proved()
