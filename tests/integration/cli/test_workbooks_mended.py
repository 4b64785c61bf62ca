"""A workbook imported, exported with marks, edited and resubmitted from the command line."""

from __future__ import annotations

import shlex
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from tests.integration.cli.conftest import ACTIVITY_FIELDS, Headwater

USUAL = {"activity_type": "electricity", "region": "DE", "period_start": "2024-01-01", "unit": "kWh"}


@pytest.fixture
def imported(headwater: Headwater, form: Path, tmp_path: Path) -> Headwater:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(ACTIVITY_FIELDS)
    for name, quantity in {"a": 1, "b": "2 kWh", "c": "3 kWh", "d": "many"}.items():
        cells = USUAL | {"activity_id": name, "quantity": quantity}
        sheet.append([cells.get(column) for column in ACTIVITY_FIELDS])
    book.save(tmp_path / "energy.xlsx")
    assert headwater("import", "energy.xlsx", "--mapping", form.name).code == 3
    return headwater


def run_of(headwater: Headwater) -> str:
    return str(headwater("runs", "list", "--json").json["runs"][0]["run_id"])


def edited(path: Path, cells: dict[str, int | str]) -> None:
    book = openpyxl.load_workbook(path)
    for name, value in cells.items():
        book.worksheets[0][name] = value
    book.save(path)


def quantity_cell(row: int) -> str:
    return f"{get_column_letter(ACTIVITY_FIELDS.index('quantity') + 1)}{row}"


def test_a_workbook_goes_out_and_comes_back_and_the_rest_is_fixed_like_it(imported: Headwater, tmp_path: Path) -> None:
    run = run_of(imported)
    out = imported("quarantine", "export", "--run", run, "--workbook", "--out", "mend.xlsx")
    assert out.code == 0
    assert "3 records" in out.out
    edited(tmp_path / "mend.xlsx", {quantity_cell(2): 100, quantity_cell(3): 2})
    done = imported("quarantine", "resubmit", "mend.xlsx")
    assert done.code == 3
    assert "1 other record differs" in done.out
    assert "2 more records are open that activity.quantity.type refused" in done.out
    hint = next(line.strip() for line in done.out.splitlines() if "quarantine fix --like" in line)
    fixed = imported(*hint.split()[1:], "--apply", "--out", "form_1.1.0.yaml")
    assert fixed.code == 0
    assert "same command" not in fixed.out
    left = imported("quarantine", "list", "--json").json
    assert [record["raw"]["quantity"] for record in left["records"]] == ["many"]
    assert imported("verify").code == 0


def test_what_was_written_and_sent_is_told_as_json(imported: Headwater, tmp_path: Path) -> None:
    run = run_of(imported)
    told = imported("quarantine", "export", "--run", run, "--workbook", "-o", "mend.xlsx", "--json").json
    assert {name: told[name] for name in ("run_id", "records", "cells", "unnoted", "converted")} == {
        "run_id": run, "records": 3, "cells": 3, "unnoted": 0, "converted": None,
    }  # fmt: skip
    edited(tmp_path / "mend.xlsx", {quantity_cell(3): 2})
    sent = imported("quarantine", "resubmit", "mend.xlsx", "--json").json
    assert sent["ledger"]["inserted"] == 1
    assert sent["workbook"] == {"sent": 3, "gone": 0, "unclear": [], "others": 0, "missing": 0}


def test_what_stays_open_since_its_row_is_gone_ends_with_3_and_one_way_to_mend_it(
    imported: Headwater, tmp_path: Path
) -> None:
    run = run_of(imported)
    imported("quarantine", "export", "--run", run, "--workbook", "--out", "mend.xlsx")
    edited(tmp_path / "mend.xlsx", {quantity_cell(3): 2, quantity_cell(4): 3})
    book = openpyxl.load_workbook(tmp_path / "mend.xlsx")
    book.worksheets[0].delete_rows(5)
    book.save(tmp_path / "mend.xlsx")
    done = imported("quarantine", "resubmit", "mend.xlsx")
    assert "1 record is not in the workbook any more, and stays open." in done.out
    assert "in the same file" not in done.out
    assert done.code == 3
    command = next(line.split()[1:] for line in done.out.splitlines() if "export --workbook" in line)
    assert imported(*command).code == 0
    edited(tmp_path / "mend_again.xlsx", {quantity_cell(5): 4})
    assert imported("quarantine", "resubmit", "mend_again.xlsx").code == 0
    assert imported("verify").code == 0


def test_what_is_refused_again_is_told_with_its_place_and_a_formula_as_one(imported: Headwater, tmp_path: Path) -> None:
    run = run_of(imported)
    imported("quarantine", "export", "--run", run, "--workbook", "--out", "mend.xlsx")
    edited(tmp_path / "mend.xlsx", {quantity_cell(3): "=2*600", quantity_cell(4): "a lot", quantity_cell(5): 4})
    done = imported("quarantine", "resubmit", "mend.xlsx")
    assert done.code == 3
    places = done.out.partition("Refused again:\n")[2].splitlines()
    assert places[0] == (
        "  Sheet, row 3, quantity: '=2*600' a formula that was never calculated: "
        "open the workbook in Excel or LibreOffice and save it"
    )
    assert places[1].startswith("  Sheet, row 4, quantity: 'a lot' ")
    assert "2 records are still open in quarantine: correct them in the same file" in done.out


def test_an_import_of_a_workbook_offers_that_workbook_first(imported: Headwater) -> None:
    told = imported("runs", "show", run_of(imported)).out
    command = f"headwater quarantine export --workbook --run {run_of(imported)} --out mend.xlsx"
    assert command in told
    assert told.index(command) < told.index("--out mend.csv")
    assert imported(*command.split()[1:]).code == 0


def test_other_changes_are_loaded_by_the_command_that_is_told_and_count_once(
    imported: Headwater, tmp_path: Path
) -> None:
    run = run_of(imported)
    imported("quarantine", "export", "--run", run, "--workbook", "--out", "mend.xlsx")
    edited(
        tmp_path / "mend.xlsx", {quantity_cell(2): 100, quantity_cell(3): 2, quantity_cell(4): 3, quantity_cell(5): 4}
    )
    done = imported("quarantine", "resubmit", "mend.xlsx")
    assert done.code == 0
    command = next(line for line in done.out.splitlines() if "headwater import" in line)
    assert command.strip() == 'headwater import mend.xlsx --mapping form.yaml --name "energy.xlsx"'
    loaded = imported(*shlex.split(command)[1:], "--json").json
    assert (loaded["ledger"]["inserted"], loaded["ledger"]["updated"]) == (0, 1)
    assert loaded["source"] == "energy.xlsx"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--workbook", "--out", "mend.xlsx"), "that of one run"),
        (("--workbook", "--run", "RUN"), "that of one run"),
        (("--workbook", "--run", "RUN", "--out", "energy.xlsx"), "there already"),
        (("--workbook", "--run", "RUN", "--out", "mend.csv"), "would not open it under this name"),
        (("--json",), "standard output"),
    ],
)
def test_what_is_not_clear_is_refused_in_words(imported: Headwater, options: tuple[str, ...], says: str) -> None:
    run = run_of(imported)
    done = imported("quarantine", "export", *(run if option == "RUN" else option for option in options))
    assert done.code in {1, 2}
    assert says in done.err
