"""A row that is changed while a sync by a cursor reads its table is read twice: what was read last stands."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.connectors.planning import plan_sync
from headwater.services.imports import carry_out
from headwater.services.replay_export.export import check, export_run
from headwater.services.runs_view import show_run
from headwater.telemetry import SilentProgress
from tests.integration.river.test_corrected_in_the_source import MAPPING
from tests.integration.river.test_keys_of_refused_records import checked
from tests.river import River, factors

BY_ID = {"activity_id": {"column": "id"}}
BY_BILL = {"activity_id": {"column": "bill"}}
BY_CODE = {"activity_id": {"column": "code"}}
AT_WORK = 3
"""Chunks that may have been read when one is committed, that one included."""


class Meanwhile(SilentProgress):
    """Has something done once so many chunks are committed."""

    def __init__(self, changes: dict[int, Callable[[], None]]) -> None:
        self._changes = changes
        self._committed = 0

    def advance(self, units: int) -> None:
        """A chunk is committed."""
        del units
        self._committed += 1
        self._changes.get(self._committed, lambda: None)()


@dataclass
class Meters:
    """A table of `id`, `bill`, `kwh` and the cursor `changed`."""

    river: River
    path: Path

    def write(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as source, source:
            source.execute(statement, values)

    def put(self, number: int, kwh: int, *, changed: int) -> None:
        self.write("INSERT OR REPLACE INTO meters VALUES (?, ?, ?, ?)", number, f"b{number}", kwh, changed)

    def planned(self, *, size: int = 10, strategy: str = "delta", key: Any = BY_ID, **load: Any) -> UUID:
        mapping = self.river.folder / "meters.yaml"
        mapping.write_text(yaml.safe_dump({**MAPPING, "fields": {**MAPPING["fields"], **key}}), encoding="utf-8")
        body = {
            "recipe": "meters", "source": {"connector": "meters", "table": "meters", "cursor": "changed"},
            "mapping": str(mapping), "load": {"chunk_size": size, "strategy": strategy, **load},
        }  # fmt: skip
        return plan_sync(self.river.installation, Recipe.model_validate(body), self.river.folder)

    def sync(self, changes: dict[int, Callable[[], None]] | None = None, **said: Any) -> UUID:
        return carry_out(self.river.installation, self.planned(**said), progress=Meanwhile(changes or {}))

    def at_source(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.path)) as source:
            return {str(number): str(kwh) for number, kwh in source.execute("SELECT id, kwh FROM meters")}

    def standing(self) -> dict[str, str]:
        rows = self.river.rows("SELECT activity_id, quantity::float::text AS quantity FROM activity_v1")
        return {row["activity_id"]: row["quantity"] for row in rows}

    @contextmanager
    def gap(self) -> Iterator[None]:
        """The chunk that brings row 5 fails meanwhile."""
        self.river.change(
            "CREATE FUNCTION barred() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'barred' USING ERRCODE = 'insufficient_privilege'; END $$"
        )
        self.river.change(
            "CREATE TRIGGER barred BEFORE INSERT OR UPDATE ON activity_v1 FOR EACH ROW"
            " WHEN (NEW.activity_id = '5') EXECUTE FUNCTION barred()"
        )
        try:
            yield
        finally:
            self.river.change("DROP FUNCTION barred() CASCADE")

    def ended(self, run_id: UUID) -> str:
        return str(self.river.rows(f"SELECT state FROM runs WHERE run_id = '{run_id}'")[0]["state"])

    def proved(self, run_id: UUID) -> bool:
        """All that stands by the server; and the run alone, by the file that it is exported to."""
        found = checked(self.river)
        assert found.ok, (found.differences, found.not_recomputed)
        file = self.river.folder / f"{run_id}.pyz"
        export_run(self.river.installation, str(run_id), file)
        assert check(file).differences == []
        return True


def made(river: River, columns: str, *, row: str = "n, 'b' || n, n, n", options: str = "") -> Meters:
    """A table of these columns, with 60 rows of these values by their number n."""
    meters = Meters(river, river.folder / "meters.sqlite")
    meters.write(f"CREATE TABLE meters ({columns}) {options}")
    meters.write(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60)"
        f" INSERT INTO meters SELECT {row} FROM n"
    )
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    add(river.installation, "meters", "sqlite", {"path": str(meters.path)})
    return meters


@pytest.fixture
def meters(river: River) -> Meters:
    return made(river, "id INTEGER PRIMARY KEY, bill TEXT, kwh INTEGER, changed INTEGER NOT NULL")


@pytest.fixture
def without_cursor(river: River) -> Meters:
    """Row 5 has no value in its cursor."""
    return made(
        river,
        "id INTEGER PRIMARY KEY, bill TEXT, kwh INTEGER, changed INTEGER",
        row="n, 'b' || n, n, CASE WHEN n <> 5 THEN n END",
    )


@pytest.mark.parametrize("strategy", ["delta", "full"])
def test_a_row_that_is_changed_after_it_was_read_is_updated_by_the_run_itself(meters: Meters, strategy: str) -> None:
    def change() -> None:
        meters.put(3, 300, changed=103)
        meters.put(7, 700, changed=107)

    run_id = meters.sync({2: change}, strategy=strategy)
    ledger = meters.river.ledger(run_id)
    assert (ledger.read, ledger.inserted, ledger.updated, ledger.quarantined) == (62, 60, 2, 0)
    assert ledger.produced == ledger.inserted + ledger.updated
    assert meters.ended(run_id) == "succeeded"
    assert meters.standing() == meters.at_source()
    past = meters.river.rows("SELECT activity_id, operation FROM activity_v1_history ORDER BY 1")
    assert [(row["activity_id"], row["operation"]) for row in past] == [("3", "update"), ("7", "update")]
    assert meters.proved(run_id)

    figures = meters.river.rows("SELECT DISTINCT operation, count(*) AS n FROM emission_v1_history GROUP BY 1")
    assert [(row["operation"], row["n"]) for row in figures] == [("update", 2)]

    run_id = meters.sync(strategy=strategy)  # which finds all as it was
    after = meters.river.ledger(run_id)
    assert (after.inserted, after.updated, after.quarantined) == (0, 0, 0)
    assert meters.proved(run_id)


def test_a_row_that_was_found_as_an_older_run_left_it_is_updated_too(meters: Meters) -> None:
    meters.sync(strategy="full")
    run_id = meters.sync({2: lambda: meters.put(3, 300, changed=103)}, strategy="full")
    ledger = meters.river.ledger(run_id)
    assert (ledger.unchanged, ledger.updated, ledger.quarantined) == (60, 1, 0)
    assert meters.standing() == meters.at_source()
    (why,) = show_run(meters.river.installation, run_id).differences
    assert why.startswith("1 record was loaded or found unchanged, and not standing each for itself: read twice")
    assert meters.proved(run_id)


def test_a_row_that_was_only_touched_is_merged(meters: Meters) -> None:
    run_id = meters.sync({2: lambda: meters.put(3, 3, changed=103)})
    ledger = meters.river.ledger(run_id)
    assert (ledger.inserted, ledger.merged, ledger.updated, ledger.quarantined) == (60, 1, 0, 0)
    assert meters.proved(run_id)


@pytest.mark.parametrize("is_known", [False, True], ids=["loaded by it", "found unchanged by it"])
def test_a_chunk_that_is_loaded_late_does_not_replace_what_a_later_one_read(meters: Meters, *, is_known: bool) -> None:
    meters.put(3, 300, changed=103)
    if is_known:
        meters.sync(strategy="full")
    meters.put(5, 55, changed=5)
    with meters.gap():
        run_id = meters.sync(strategy="full")
    assert meters.ended(run_id) == "partial_success"
    meters.put(5, 56, changed=5)
    meters.put(3, 33, changed=3)
    carry_out(meters.river.installation, run_id, progress=SilentProgress())
    ledger = meters.river.ledger(run_id)
    assert (ledger.failed, ledger.quarantined, ledger.skipped) == (0, 0, {"older_version": 1})
    assert meters.standing() == meters.at_source() | {"3": "300"}
    assert meters.proved(run_id)


def test_two_rows_that_share_a_key_are_in_conflict_as_ever(meters: Meters) -> None:
    """Where the key of the contract is not that of the table, a key read again need not be the same row."""
    meters.write("UPDATE meters SET bill = 'b1' WHERE id = 50")
    run_id = meters.sync(key=BY_BILL)
    assert meters.ended(run_id) == "succeeded_with_quarantine"
    assert meters.standing()["b1"] == "1"
    assert meters.proved(run_id)


@pytest.mark.parametrize(
    ("declared", "options", "other", "size"),
    [
        ("code TEXT PRIMARY KEY NOT NULL", "", "M3 ", 10),
        ("code TEXT PRIMARY KEY NOT NULL", "", "\u00a0M3", 10),
        ("code TEXT PRIMARY KEY NOT NULL", "", "M3 ", 1000),
        ("code INTEGER PRIMARY KEY", "WITHOUT ROWID", "M3 ", 10),  # these two hold texts as well
        ("code INT PRIMARY KEY NOT NULL", "", "M3 ", 10),
    ],
)
def test_two_rows_whose_keys_differ_by_a_blank_are_in_conflict(
    river: River, declared: str, options: str, other: str, size: int
) -> None:
    """Texts are trimmed, so that two rows of the source may have one key of the contract."""
    columns = f"{declared}, bill TEXT, kwh INTEGER, changed INTEGER NOT NULL"
    coded = made(river, columns, row="'M' || n, 'b' || n, n, n", options=options)
    coded.write("INSERT INTO meters VALUES (?, 'bx', 300, 55)", other)
    run_id = coded.sync(key=BY_CODE, size=size)
    ledger = river.ledger(run_id)
    assert (ledger.inserted, ledger.updated, ledger.quarantined) == (60, 0, 1)
    assert coded.standing()["M3"] == "3"
    assert coded.proved(run_id)


@pytest.mark.parametrize("is_known", [False, True], ids=["loaded by it", "found unchanged by it"])
def test_a_row_that_lost_its_cursor_is_in_conflict_where_it_is_read_by_a_late_chunk(
    without_cursor: Meters, *, is_known: bool
) -> None:
    """The chunk of rows without a cursor is the first, and may be read after all others: it is not the older one."""
    meters = without_cursor
    if is_known:
        meters.sync()
        meters.write("UPDATE meters SET kwh = 55 WHERE id = 5")
    with meters.gap():
        run_id = meters.sync(strategy="full")
    assert meters.ended(run_id) == "partial_success"
    meters.write("UPDATE meters SET kwh = 333, changed = NULL WHERE id = 33")
    carry_out(meters.river.installation, run_id, progress=SilentProgress())
    ledger = meters.river.ledger(run_id)
    assert (ledger.failed, ledger.quarantined, ledger.skipped) == (0, 1, {})
    assert meters.ended(run_id) == "succeeded_with_quarantine"
    assert meters.standing() == meters.at_source() | {"33": "33"}
    assert meters.proved(run_id)

    run_id = meters.sync()  # which reads the rows without a cursor each time
    assert meters.standing() == meters.at_source()
    assert [row["state"] for row in meters.river.rows("SELECT state FROM quarantine")] == ["expired"]
    assert meters.proved(run_id)


def test_a_row_that_gets_its_first_cursor_while_the_table_is_read_is_updated(without_cursor: Meters) -> None:
    run_id = without_cursor.sync({2: lambda: without_cursor.put(5, 500, changed=105)})
    ledger = without_cursor.river.ledger(run_id)
    assert (ledger.inserted, ledger.updated, ledger.quarantined) == (60, 1, 0)
    assert without_cursor.standing() == without_cursor.at_source()
    assert without_cursor.proved(run_id)


@pytest.mark.parametrize("size", [3, 10, 1000])
def test_whatever_is_changed_meanwhile_the_newest_stands(meters: Meters, size: int, seed: int) -> None:
    """Rows changed by turns while they are read, in two runs: as the source has them, whatever the size of a chunk."""
    draw, now = random.Random(f"{seed} {size}"), iter(range(1000, 9000))

    def change() -> None:
        for number in draw.sample(range(1, 80), 6):
            meters.put(number, draw.randrange(4), changed=next(now))

    chunks = -(-60 // size)
    instants = sorted(draw.sample(range(1, max(2, chunks - AT_WORK)), min(4, max(0, chunks - AT_WORK - 1))))
    for strategy in ("delta", "full"):
        run_id = meters.sync(dict.fromkeys(instants, change), size=size, strategy=strategy)
        ledger = meters.river.ledger(run_id)
        assert (meters.ended(run_id), ledger.quarantined, ledger.failed) == ("succeeded", 0, 0)
        assert ledger.produced == ledger.inserted + ledger.updated + ledger.unchanged + ledger.merged
        assert meters.standing() == meters.at_source()
        change()
    assert meters.proved(run_id)
