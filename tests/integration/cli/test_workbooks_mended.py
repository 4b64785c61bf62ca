"""A workbook imported, exported with marks, edited and resubmitted from the command line."""

from __future__ import annotations

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


def edited(path: Path, cells: dict[str, int]) -> None:
    book = openpyxl.load_workbook(path)
    for name, value in cells.items():
        book.worksheets[0][name] = value
    book.save(path)


def quantity_cell(row: int) -> str:
    return f"{get_column_letter(ACTIVITY_FIELDS.index('quantity') + 1)}{row}"


def test_a_workbook_goes_out_and_comes_back_and_the_rest_is_fixed_like_it(imported: Headwater, tmp_path: Path) -> None:
    run = run_of(imported)
    out = imported("quarantine", "export", "--run", run, "--workbook", "--output", "mend.xlsx")
    assert out.code == 0
    assert "3 records" in out.out
    edited(tmp_path / "mend.xlsx", {quantity_cell(2): 100, quantity_cell(3): 2})
    done = imported("quarantine", "resubmit", "mend.xlsx")
    assert done.code == 3
    assert "1 other records differ" in done.out
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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--workbook", "--output", "mend.xlsx"), "that of one run"),
        (("--workbook", "--run", "RUN"), "that of one run"),
        (("--workbook", "--run", "RUN", "--output", "energy.xlsx"), "there already"),
        (("--workbook", "--run", "RUN", "--output", "mend.csv"), "would not open it under this name"),
        (("--json",), "standard output"),
    ],
)
def test_what_is_not_clear_is_refused_in_words(imported: Headwater, options: tuple[str, ...], says: str) -> None:
    run = run_of(imported)
    done = imported("quarantine", "export", *(run if option == "RUN" else option for option in options))
    assert done.code in {1, 2}
    assert says in done.err
