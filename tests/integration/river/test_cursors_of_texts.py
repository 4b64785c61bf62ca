"""A table of SQLite's whose cursor is a text: whatever zone it is written in, each row comes in once."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.pipeline.recipe import Recipe
from headwater.services.runs_view import show_run
from tests.integration.river.test_rows_known_again import Bills, sqlite_bills
from tests.river import River

pytestmark = pytest.mark.server

TABLE = "CREATE TABLE bills (id INTEGER PRIMARY KEY, kwh TEXT, note TEXT, changed {declared})"
ROWS = 360
EVERY_FOUR_HOURS = f"""
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})
INSERT INTO bills
SELECT i, CASE WHEN i % 10 THEN i ELSE 'much' END, '',
       strftime('%Y-%m-%dT%H:%M:%S', '2024-01-15 00:00:00', (i * 4) || ' hours') || '{{zone}}' FROM n"""


class BillsByTime(Bills):
    """Bills that are read by their cursor, in chunks of 50."""

    def recipe(self, strategy: str = "delta") -> Recipe:
        said = super().recipe(strategy).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        said["load"] |= {"chunk_size": 50, "window": "month"}
        said["source"]["cursor"] = "changed"
        return Recipe.model_validate(said)


def by_time(river: River, folder: Path, declared: str, zone: str) -> BillsByTime:
    made = sqlite_bills(river, folder, table=TABLE.format(declared=declared), rows=EVERY_FOUR_HOURS.format(zone=zone))
    return BillsByTime(river, made.source, made.table)


def test_a_sync_tells_that_local_times_go_back_by_an_hour(river: River, tmp_path: Path) -> None:
    bills = by_time(river, tmp_path, "TEXT", "")
    run = show_run(river.installation, bills.planned("delta"))
    assert ["lag: 3600" in line for line in run.warnings] == [True]


@pytest.mark.parametrize(("declared", "zone"), [("TEXT", "-05:00"), ("DATETIME", "-05:00"), ("TEXT", "+05:45")])
def test_each_row_is_read_once_and_refused_once(river: River, tmp_path: Path, declared: str, zone: str) -> None:
    bills = by_time(river, tmp_path, declared, zone)
    ledger = bills.sync("delta")
    assert (ledger.read, ledger.quarantined) == (ROWS, ROWS // 10)
    (found,) = river.rows("SELECT count(*) AS records, count(DISTINCT raw ->> 'id') AS bills FROM quarantine")
    assert (found["records"], found["bills"]) == (ROWS // 10, ROWS // 10)
    assert river.rows("SELECT max(read) AS most FROM chunks") == [{"most": 50}]
    bills.write(f"INSERT INTO bills VALUES ({ROWS}, '7', '', '2024-06-01T00:00:00{zone}')")
    assert bills.sync("delta").read == 2  # the one that stood at the cursor, and the new one
    assert bills.proved()
