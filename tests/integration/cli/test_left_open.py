"""What a run leaves open in quarantine is told at its end, with where to see it."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

from tests.integration.cli.conftest import Headwater, Lab


def test_records_that_a_sync_by_a_cursor_did_not_meet_are_told(headwater: Headwater, full_lab: Lab) -> None:
    full_lab.change("UPDATE a SET kwh = -1 WHERE reading_id IN (3, 5)")
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--cursor", "reading_id")
    first = headwater(*sync)
    assert (first.code, "since earlier runs" in first.out) == (3, False)
    full_lab.change("INSERT INTO a SELECT 41, site, month, -1, changed_at FROM a WHERE reading_id = 40")
    second = headwater(*sync)
    assert second.code == 3
    assert "1 record is open in quarantine. Look at it" in second.out
    line, command = second.out.splitlines()[-2:]
    assert line == "2 records are open in quarantine since earlier runs of lab/a, and this run did not meet them:"
    assert "2 records" in headwater(*shlex.split(command.removeprefix("  headwater "))).out

    full_lab.change("INSERT INTO a SELECT 42, site, month, 1, changed_at FROM a WHERE reading_id = 40")
    third = headwater(*sync, "--json").json
    runs = [told.out.split()[1] for told in (second, first)]
    assert (third["state"], third["open_in_quarantine"]) == ("succeeded_with_quarantine", 1)  # met again at the bound
    assert third["open_of_earlier_runs"] == {runs[1]: 2}
    assert headwater("runs", "show", runs[1], "--json").json.get("open_of_earlier_runs") is None  # nothing before it


def test_what_a_resubmission_leaves_open_is_told_apart(headwater: Headwater, full_lab: Lab) -> None:
    full_lab.change("UPDATE a SET kwh = -1 WHERE reading_id IN (3, 5, 7)")
    assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 3
    assert headwater("quarantine", "export", "--out", "mend.csv").code == 0
    with Path("mend.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["kwh"], rows[1]["kwh"] = "4", "-2"
    with Path("mend.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = headwater("quarantine", "resubmit", "mend.csv")
    words = " ".join(told.out.split())
    assert told.code == 3
    assert "refused again, and open as before: a rule broken, a key in conflict 1" in words
    assert "refused again activity.quantity.range 1" in words
    assert "1 refused again, 1 not mended. Why each was refused: headwater quarantine list" in words
