"""What a sync tells of sums: those of the source, of what was read, and of what stands."""

from __future__ import annotations

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
