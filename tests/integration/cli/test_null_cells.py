"""A refused row of a table tells null from an empty text to whoever looks at it; mended, both are blank."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Headwater, Lab


@pytest.mark.parametrize("chunk_size", ["15", "1000"])
def test_null_is_told_from_an_empty_text(headwater: Headwater, full_lab: Lab, chunk_size: str) -> None:
    full_lab.change(
        "UPDATE a SET kwh = -1, changed_at = NULL WHERE reading_id = 17",
        "UPDATE a SET kwh = -1, changed_at = '' WHERE reading_id = 18",
    )
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--chunk-size", chunk_size)
    assert headwater(*sync).code == 3

    def cells() -> dict[str, Any]:
        listed = [each["quarantine"] for each in headwater("quarantine", "list", "--json").json["records"]]
        shown = [headwater("quarantine", "show", key, "--json").json for key in listed]
        assert all("∅" in headwater("quarantine", "show", key).out for key in listed[:1])
        return {each["raw"]["reading_id"]: each["raw"]["changed_at"] for each in shown}

    assert cells() == {"17": None, "18": ""}
    (key, *_) = [each["quarantine"] for each in headwater("quarantine", "list", "--json").json["records"]]
    assert "lab/a, connector lab, table a, reading_id = 1" in headwater("quarantine", "show", key).out
    full_lab.change("DELETE FROM a WHERE reading_id IN (2, 4)")  # the rows move up
    assert headwater(*sync).code == 3
    assert cells() == {"17": None, "18": ""}

    assert headwater("quarantine", "export", "--out", "mend.csv").code == 0
    with Path("mend.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["changed_at"] for row in rows] == ["", ""]
    assert ["∅ null at the source, not empty: changed_at" in row["reasons"] for row in rows] == [True, False]
    listed = headwater("quarantine", "list", "--json").json["records"]
    assert {each["raw"]["reading_id"]: each["raw"]["changed_at"] for each in listed} == {"17": None, "18": ""}
    with Path("mend.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "kwh": "4"} for row in rows)
    assert headwater("quarantine", "resubmit", "mend.csv").code == 0


def test_what_is_missing_is_listed_as_null_or_as_nothing(headwater: Headwater, full_lab: Lab) -> None:
    full_lab.change("UPDATE a SET kwh = NULL WHERE reading_id = 17", "UPDATE a SET kwh = '' WHERE reading_id = 18")
    assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 3
    rows = [line for line in headwater("quarantine", "list").out.splitlines() if "reading_id = " in line]
    assert ["∅" in row for row in rows] == [True, False]
    assert headwater("quarantine", "list").out.count("null at its source") == 1
