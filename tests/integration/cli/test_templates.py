"""A workbook to fill in, from the command line and back."""

from __future__ import annotations

import json
from pathlib import Path

from tests.filled import example_in, filled
from tests.integration.cli.conftest import Headwater


def test_a_template_is_written_filled_in_and_imported(headwater: Headwater, tmp_path: Path) -> None:
    done = headwater("contracts", "template", "activity", "--out", "bills.xlsx")
    assert done.code == 0, done.err
    assert "headwater import bills.xlsx" in done.out
    path = tmp_path / "bills.xlsx"
    example = example_in(path.read_bytes())
    path.write_bytes(filled(path.read_bytes(), example, {**example, "activity_id": "E-1/2024-02"}))
    done = headwater("import", "bills.xlsx", "--json")
    assert done.code == 0, done.err
    assert (done.json["ledger"]["inserted"], done.json["ledger"]["quarantined"]) == (2, 0)
    assert "activity@1." in headwater("inspect", "bills.xlsx").out


def test_a_template_is_not_written_over_what_is_there_nor_for_what_is_calculated(
    headwater: Headwater, tmp_path: Path
) -> None:
    (tmp_path / "bills.xlsx").write_text("mine")
    done = headwater("contracts", "template", "activity", "--out", "bills.xlsx")
    assert (done.code, (tmp_path / "bills.xlsx").read_text()) == (2, "mine")
    done = headwater("contracts", "template", "emission", "--out", "emission.xlsx")
    assert (done.code, (tmp_path / "emission.xlsx").exists()) == (2, False)
    assert headwater("contracts", "template", "activity", "--out", "bills.xlsx", "--force").code == 0


def test_a_file_in_the_form_of_a_contract_is_read_by_its_name_and_any_other_needs_a_mapping(
    headwater: Headwater, tmp_path: Path
) -> None:
    names = ("travel_id", "system", "travel_date", "mode", "distance", "distance_unit")
    values = ("own/1", "own", "2024-03-05", "train", "585", "km")
    done = headwater("contracts", "show", "erp.travel", "--json")
    fields = [field["name"] for field in done.json["fields"]]
    row = dict(zip(names, values, strict=True))
    (tmp_path / "trips.csv").write_text(f"{','.join(fields)}\n{','.join(row.get(name, '') for name in fields)}\n")
    done = headwater("import", "trips.csv")
    assert (done.code, "a mapping is needed" in done.err) == (2, True)
    done = headwater("import", "trips.csv", "--mapping", "erp.travel@1", "--json")
    assert done.code == 0, done.err
    assert done.json["ledger"]["inserted"] == 1
    (tmp_path / "trips.json").write_text(json.dumps([dict.fromkeys(fields) | row | {"travel_id": "own/2"}]))
    done = headwater("import", "trips.json", "--mapping", "erp.travel@1", "--json")
    assert (done.code, done.json["ledger"]["inserted"]) == (0, 1), done.err
