"""What a sync tells of sums: those of the source, of what was read, and of what stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import yaml

from tests.integration.cli.conftest import Headwater, Lab


def test_differing_sums_are_told_with_what_they_may_come_of(headwater: Headwater, full_lab: Lab) -> None:
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping)
    first = headwater(*sync)
    assert (first.code, "difference is what" in first.out) == (0, False)  # nothing differs
    full_lab.change("DELETE FROM a WHERE reading_id > 35", "UPDATE a SET kwh = -1 WHERE reading_id = 7")
    second = headwater(*sync)
    assert (second.code, "A difference is what was read less what stands here" in second.out) == (3, True)
    told = headwater("runs", "show", second.out.split()[1], "--json").json
    refused, gone = told["differences"]
    assert refused.startswith("1 record was refused")
    assert gone.startswith("6 records were standing here and not loaded by this run")  # the refused one's as it was


def test_a_column_whose_sum_is_not_compared_is_told_with_the_reason(headwater: Headwater, full_lab: Lab) -> None:
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping)
    first = headwater(*sync)
    assert (first.code, "not compared" in first.out) == (0, False)
    full_lab.change("UPDATE a SET kwh = '150%' WHERE reading_id = 7")  # read as 1.5
    told = headwater(*sync)
    line = "sum not compared: quantity, column kwh: comes as text, and not each is a plain number"
    assert (told.code, line in told.out) == (0, True), told.out
    found = headwater("runs", "show", told.out.split()[1], "--json").json["reconciliation"]
    ((why,), fields) = found["not_compared"], found["fields"]
    assert (why["field"], why["column"], fields) == ("quantity", "kwh", {})
    assert headwater("verify").code == 0

    mapping = yaml.safe_load(full_lab.mapping.read_text())
    mapping["fields"]["quantity"] = {"expression": "kwh"}
    full_lab.mapping.write_text(yaml.safe_dump(mapping | {"version": "1.0.1"}))
    assert "sum not compared: quantity: an expression fills it" in headwater(*sync).out


def test_numbers_in_columns_of_texts_are_summed_as_the_mapping_reads_them(headwater: Headwater, full_lab: Lab) -> None:
    full_lab.change(
        "CREATE TABLE told (reading_id INTEGER PRIMARY KEY, site TEXT, month TEXT, kwh TEXT)",
        "INSERT INTO told VALUES (1, 's', '2024-01-01', '1.234,5'), (2, 's', '2024-01-01', '1.234'),"
        " (3, 's', '2024-01-01', '1.5')",
    )
    mapping = yaml.safe_load(full_lab.mapping.read_text())
    full_lab.mapping.write_text(yaml.safe_dump(mapping | {"locale": {"decimal": ",", "group": "."}}))
    told = headwater("connectors", "sync", "lab", "-t", "told", "-m", full_lab.mapping)
    assert told.code == 3, told.out
    (quantity,) = (line.split() for line in told.out.splitlines() if line.startswith("quantity  "))
    assert quantity == ["quantity", "kwh", "not", "told", "2,470", "2,468.5", "1.5"]  # the third is refused


def test_rows_that_another_source_delivers_too_are_compared_and_named(headwater: Headwater, full_lab: Lab) -> None:
    """Equal rows of two sources stand once, under the one that came first: that is no difference."""
    full_lab.change("CREATE TABLE twin AS SELECT * FROM a WHERE reading_id > 10")

    def synced(table: str, *options: str) -> tuple[str, dict[str, Any]]:
        done = headwater("connectors", "sync", "lab", "-t", table, "-m", full_lab.mapping, *options)
        assert done.code == 0, done.err
        told = headwater("runs", "show", done.out.split()[1], "--json").json
        (quantity,) = told["reconciliation"]["fields"].values()
        assert (Decimal(quantity["difference"]), "differences" in told) == (0, False), done.out
        return done.out, told["reconciliation"]

    _, found = synced("a")
    assert ("rows_of_others" in found, found["rows_of_source"]) == (False, 40)
    for _ in range(2):  # the second finds chunks of its own source, too
        out, found = synced("twin")
        assert "noticed: 30 records are also delivered by another source, which brought them first" in out
        assert (found["rows_of_source"], found["rows_of_others"]) == (30, 30)
    full_lab.change(
        "DELETE FROM a WHERE reading_id IN (3, 12, 13)", "INSERT INTO twin SELECT 50, site, month, 2, '' FROM a LIMIT 1"
    )
    out, found = synced("a", "--full")
    assert "noticed: 2 records are not in this source any more, and stay: they are also delivered by another" in out
    assert (found["deleted"]["records"], found["rows_of_source"], found["rows_left_to_others"]) == (1, 37, 2)
    _, found = synced("twin", "--full")
    assert (found["rows_of_source"], found["rows_of_others"]) == (31, 30)
    assert headwater("verify").code == 0


def test_rows_that_one_source_alone_holds_no_more_are_told_beside_those_of_both(
    headwater: Headwater, full_lab: Lab
) -> None:
    full_lab.change("CREATE TABLE twin AS SELECT * FROM a WHERE reading_id = 40")
    sync = ("connectors", "sync", "lab", "-m", full_lab.mapping, "-t")
    for table in ("a", "twin"):
        assert headwater(*sync, table).code == 0
    full_lab.change("DELETE FROM a WHERE reading_id > 38")
    told = headwater("runs", "show", headwater(*sync, "a").out.split()[1], "--json").json
    (gone,) = told["differences"]
    assert gone.startswith("1 record was standing here and not loaded by this run")
    assert told["reconciliation"]["rows_left_to_others"] == 1
