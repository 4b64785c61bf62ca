"""A workbook comes back with what was refused marked; edited and resubmitted, it mends just those rows."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import xlwt
import yaml
from odf.opendocument import OpenDocumentSpreadsheet  # type: ignore[import-untyped]
from odf.table import Table, TableCell, TableRow  # type: ignore[import-untyped]
from odf.text import P  # type: ignore[import-untyped]
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from headwater.errors import InputRefused, Misuse
from headwater.services.imports import carry_out
from headwater.services.tracing.tracer import trace_record
from headwater.services.verification import verify
from headwater.services.workbooks.export import FINDINGS, ExportedWorkbook, export_workbook
from headwater.services.workbooks.mending import WorkbookSent, plan_workbook
from headwater.store.chunks import Ledger
from headwater.telemetry import SilentProgress
from tests.river import River

COLUMNS = ("activity_id", "activity_type", "region", "period_start", "quantity", "unit", "note")
RED = "FFFFC7CE"
TOP = 4  # the row of the first record
Row = list[Any]


def row(name: str, quantity: Any, **over: str) -> Row:
    said = {"activity_id": name, "activity_type": "electricity", "region": "DE", "period_start": "2024-01-01"}
    return [({**said, "quantity": quantity, "unit": "kWh", "note": ""} | over)[column] for column in COLUMNS]


ROWS = [
    row("good", 1),
    row("many", "many"),
    row("less", "less than 5", note="estimated"),
    row("fine", 2.5),
    row("never", 7, period_start="never"),
]


def workbook(rows: Sequence[Row]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Energy, all sites"
    sheet["A1"] = "Energy of all sites"
    sheet["A3"].font = Font(bold=True)
    for number, cells in enumerate([list(COLUMNS), *rows], start=3):
        for column, cell in enumerate(cells, start=1):
            sheet.cell(number, column, cell)
    other = book.create_sheet("Notes")
    other["A1"] = "=1+1"
    other.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def form(river: River, **over: Any) -> str:
    fields = {name: {"column": name} for name in COLUMNS}
    body = {"mapping": "form", "version": "1.0.0", "contract": "activity@1", "fields": fields, **over}
    path = river.folder / "workbook_form.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return str(path)


def exported(river: River, run_id: UUID) -> tuple[Path, ExportedWorkbook]:
    path = river.folder / "mend.xlsx"
    return path, export_workbook(river.installation, path, run=str(run_id), rule=None)


@pytest.fixture
def given(river: River) -> Path:
    run_id, ledger = river.load(workbook(ROWS), name="energy.xlsx", mapping=form(river))
    assert (ledger.inserted, ledger.quarantined) == (2, 3)
    return exported(river, run_id)[0]


def edited(path: Path, change: Callable[[Worksheet], object], sheet: str = "Energy, all sites") -> Path:
    book = openpyxl.load_workbook(path)
    change(book[sheet])
    book.save(path)
    return path


def cells_set(**cells: Any) -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        for name, value in cells.items():
            sheet[name] = value

    return change


def resubmitted(river: River, path: Path) -> tuple[WorkbookSent, Ledger]:
    sent = plan_workbook(river.installation, path)
    carry_out(river.installation, sent.run_id, progress=SilentProgress())
    return sent, river.ledger(sent.run_id)


def quantities(river: River) -> dict[str, str]:
    found = river.rows("SELECT activity_id, quantity::text FROM activity_v1 ORDER BY activity_id")
    return {each["activity_id"]: each["quantity"].rstrip("0").rstrip(".") for each in found}


def states(river: River) -> dict[str, str]:
    found = river.rows("SELECT raw ->> 'activity_id' AS which, state FROM quarantine")
    return {each["which"]: each["state"] for each in found}


def assert_verified(river: River) -> None:
    found = verify(river.installation, progress=SilentProgress())
    assert (found.ok, found.differences, found.not_recomputed) == (True, (), {})


def test_cells_that_were_refused_are_coloured_noted_and_listed(given: Path) -> None:
    book = openpyxl.load_workbook(given)
    sheet = book["Energy, all sites"]
    red = {cell.coordinate for cells in sheet.iter_rows() for cell in cells if cell.fill.fgColor.rgb == RED}
    assert red == {"E5", "E6", "D8"}
    note = sheet["E5"].comment
    assert note is not None
    assert "activity.quantity.type" in note.text
    assert "Valid: " in note.text
    assert sheet["A3"].font.bold
    assert book["Notes"]["A1"].value == "=1+1"
    assert book["Notes"].sheet_state == "hidden"
    header, *rows = [[cell.value for cell in cells] for cells in book[FINDINGS].iter_rows()]
    assert header[:5] == ["sheet", "cell", "rule", "field", "value"]
    assert [each[:5] for each in rows] == [
        ["Energy, all sites", "E5", "activity.quantity.type", "quantity", "many"],
        ["Energy, all sites", "E6", "activity.quantity.type", "quantity", "less than 5"],
        ["Energy, all sites", "D8", "activity.period_start.type", "period_start", "never"],
    ]
    link = book[FINDINGS]["B3"].hyperlink
    assert link is not None
    assert link.location == "'Energy, all sites'!E6"


def test_what_is_mended_is_loaded_settled_traced_and_computed_again(river: River, given: Path) -> None:
    sent, ledger = resubmitted(river, edited(given, cells_set(E5=12, D8="2024-02-01")))
    assert (ledger.read, ledger.inserted, ledger.skipped) == (3, 2, {"not_mended": 1})
    assert (sent.gone, sent.unclear, sent.others, sent.missing) == (0, (), 0, 0)
    assert states(river) == {"many": "resubmitted", "less": "open", "never": "resubmitted"}
    assert quantities(river) == {"fine": "2.5", "good": "1", "many": "12", "never": "7"}
    traced = trace_record(river.installation, "activity", "never").record.raw
    assert traced.line == 8
    assert_verified(river)


@pytest.mark.parametrize("add", [[], ["file"]], ids=["without the file's name in its records", "with it"])
@pytest.mark.long
def test_each_record_is_traced_to_the_file_that_brought_it(river: River, add: list[str]) -> None:
    """The copy under its own name, and the same bytes imported later under the name they have then."""
    fields = {name: {"column": name} for name in COLUMNS} | ({"supplier": {"column": "_file"}} if add else {})
    mapping = form(river, fields=fields, source={"add": add, "sheets": ["Energy*"]})
    run_id, _ = river.load(workbook(ROWS), name="energy.xlsx", mapping=mapping)
    path = edited(exported(river, run_id)[0], cells_set(E5=12))
    resubmitted(river, path)
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    raw, first = (trace_record(river.installation, "activity", name).record.raw for name in ("many", "good"))
    assert (raw.file, raw.sha256, raw.place) == ("mend.xlsx", own, "sheet Energy, all sites, row 5")
    assert first.file == "energy.xlsx"
    if add:
        assert raw.cells is not None
        assert raw.cells["_file"] == "energy.xlsx"
    edited(path, cells_set(A4="new"))
    resubmitted(river, edited(path, cells_set(E6=4)))
    river.load(path.read_bytes(), name="key.xlsx", mapping=mapping)
    again = trace_record(river.installation, "activity", "new").record.raw
    assert (again.file, again.sha256) == ("key.xlsx", hashlib.sha256(path.read_bytes()).hexdigest())
    assert_verified(river)


@pytest.mark.long
def test_a_workbook_may_be_sent_twice(river: River, given: Path) -> None:
    resubmitted(river, edited(given, cells_set(E5=12)))
    sent, ledger = resubmitted(river, edited(given, cells_set(E6=4)))
    assert (ledger.inserted, ledger.skipped) == (1, {"already_settled": 1, "not_mended": 1})
    assert sent.others == 0
    assert quantities(river) == {"fine": "2.5", "good": "1", "less": "4", "many": "12"}
    assert_verified(river)


def sort(sheet: Worksheet) -> None:
    """Descending by the first column, as the command of a spreadsheet does."""
    rows = [[cell.value for cell in cells] for cells in sheet.iter_rows(min_row=TOP)]
    for number, cells in enumerate(sorted(rows, key=lambda cells: str(cells[0]), reverse=True), start=TOP):
        for column, value in enumerate(cells, start=1):
            sheet.cell(number, column).value = value


def test_rows_may_be_sorted(river: River, given: Path) -> None:
    edited(given, cells_set(E5=12, E6=4, D8="2024-02-01"))
    sent, ledger = resubmitted(river, edited(given, sort))
    assert (ledger.inserted, sent.unclear, sent.others) == (3, (), 0)
    assert quantities(river) == {"fine": "2.5", "good": "1", "less": "4", "many": "12", "never": "7"}
    mended = river.rows(
        "SELECT raw ->> 'activity_id' AS which, r.record_no FROM quarantine_repairs r JOIN quarantine q"
        " USING (tenant_id, quarantine_id, occurrence) ORDER BY which"
    )
    assert [each["which"] for each in mended] == ["less", "many", "never"]
    assert_verified(river)


def test_rows_may_be_left_out_or_put_in(river: River, given: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["E6"] = 4
        sheet.delete_rows(5)
        sheet.insert_rows(4, 2)

    sent, ledger = resubmitted(river, edited(given, change))
    assert (ledger.inserted, ledger.skipped, sent.gone) == (1, {"not_mended": 1}, 1)
    assert states(river) == {"many": "open", "less": "resubmitted", "never": "open"}
    assert quantities(river) == {"fine": "2.5", "good": "1", "less": "4"}
    assert_verified(river)


def test_other_cells_are_not_loaded_and_it_is_said(river: River, given: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["E4"] = 100
        sheet["E5"] = 12
        sheet.append(row("new", 8))

    sent, ledger = resubmitted(river, edited(given, change))
    assert (ledger.inserted, ledger.updated, sent.others, sent.missing) == (1, 0, 2, 1)
    assert quantities(river) == {"fine": "2.5", "good": "1", "many": "12"}


def test_a_row_of_which_it_is_not_certain_which_it_is_is_left_out(river: River) -> None:
    rows = [row("good", 1), row("", "x"), row("", "y"), row("sure", "z")]
    run_id, _ = river.load(workbook(rows), name="twins.xlsx", mapping=form(river))
    path, _ = exported(river, run_id)

    def change(sheet: Worksheet) -> None:
        sheet["E5"], sheet["E6"], sheet["E7"] = 1, 2, 3
        sheet.delete_rows(4)

    sent, ledger = resubmitted(river, edited(path, change))
    assert sent.unclear == ("Energy, all sites, row 5", "Energy, all sites, row 6")
    assert (ledger.inserted, ledger.read) == (1, 1)
    assert quantities(river) == {"good": "1", "sure": "3"}


def test_rows_that_take_each_others_place_are_not_mixed_up(river: River) -> None:
    run_id, _ = river.load(workbook([row("a", "x"), row("b", "y")]), name="two.xlsx", mapping=form(river))
    path, _ = exported(river, run_id)

    def change(sheet: Worksheet) -> None:
        for number, cells in enumerate([row("b", 2, note="was y"), row("a", 1, note="was x")], start=TOP):
            for column, value in enumerate(cells, start=1):
                sheet.cell(number, column).value = value

    with pytest.raises(Misuse, match="none of the rows that were refused is found again"):
        plan_workbook(river.installation, edited(path, change))


UNPIVOT = {"columns": "20??", "name": "period_start", "value": "quantity"}


def test_columns_that_became_records_are_marked_and_mended_one_by_one(river: River) -> None:
    header = ["activity_type", "region", "unit", "2020", "2021", "2022"]
    rows: list[Row] = [header, ["electricity", "DE", "kWh", 1, "x", 3], ["electricity", "FR", "kWh", 4, 5, "y"]]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in rows:
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    fields = {name: {"column": name} for name in ("activity_type", "region", "unit", "quantity")} | {
        "activity_id": {"expression": "region || '-' || period_start"},
        "period_start": {"expression": "period_start || '-01-01'"},
    }
    mapping = form(river, fields=fields, source={"unpivot": UNPIVOT})
    run_id, ledger = river.load(out.getvalue(), name="years.xlsx", mapping=mapping)
    assert (ledger.inserted, ledger.quarantined) == (4, 2)
    path, _ = exported(river, run_id)
    marked = openpyxl.load_workbook(path)["Sheet"]
    red = {cell.coordinate for cells in marked.iter_rows() for cell in cells if cell.fill.fgColor.rgb == RED}
    assert red == {"E2", "F3"}
    sent, ledger = resubmitted(river, edited(path, cells_set(E2=2, D3=40), "Sheet"))
    assert (ledger.inserted, ledger.skipped, sent.others) == (1, {"not_mended": 1}, 1)
    assert quantities(river)["DE-2021"] == "2"
    assert quantities(river)["FR-2020"] == "4"
    assert_verified(river)


def as_xls(rows: Sequence[Row]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for number, cells in enumerate([list(COLUMNS), *rows]):
        for column, cell in enumerate(cells):
            if cell != "":
                sheet.write(number, column, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_ods(rows: Sequence[Row]) -> bytes:
    document = OpenDocumentSpreadsheet()
    table = Table(name="Data")
    for cells in [list(COLUMNS), *rows]:
        line = TableRow()
        for cell in cells:
            is_number = isinstance(cell, int | float)
            made = TableCell(valuetype="float", value=cell) if is_number else TableCell(valuetype="string")
            made.addElement(P(text=str(cell)))
            line.addElement(made)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue()


@pytest.mark.parametrize(("name", "write"), [("old.xls", as_xls), ("open.ods", as_ods)])
def test_other_formats_come_back_as_xlsx(river: River, name: str, write: Callable[[Sequence[Row]], bytes]) -> None:
    run_id, _ = river.load(write(ROWS), name=name, mapping=form(river))
    path, found = exported(river, run_id)
    assert (found.converted, found.records, found.cells) == (name.rpartition(".")[2], 3, 3)
    _, ledger = resubmitted(river, edited(path, cells_set(E3=12), "Data"))
    assert (ledger.inserted, ledger.skipped) == (1, {"not_mended": 2})
    assert quantities(river) == {"fine": "2.5", "good": "1", "many": "12"}
    assert_verified(river)


def test_a_workbook_may_be_saved_in_another_format(river: River, given: Path) -> None:
    book = openpyxl.load_workbook(edited(given, cells_set(E5=12)))
    document = OpenDocumentSpreadsheet()
    for sheet in book.worksheets:
        table = Table(name=sheet.title)
        for cells in sheet.iter_rows(values_only=True):
            line = TableRow()
            for cell in cells:
                is_number = isinstance(cell, int | float)
                made = TableCell(valuetype="float", value=cell) if is_number else TableCell()
                if cell is not None:
                    made.addElement(P(text=str(cell)))
                line.addElement(made)
            table.addElement(line)
        document.spreadsheet.addElement(table)
    path = river.folder / "mend.ods"
    document.save(str(path))
    sent, ledger = resubmitted(river, path)
    assert (ledger.inserted, ledger.skipped, sent.others) == (1, {"not_mended": 2}, 0)
    assert quantities(river) == {"fine": "2.5", "good": "1", "many": "12"}
    assert_verified(river)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_edited_no_other_record_changes(river: River, seed: int) -> None:
    """Rows deleted, sorted and edited at random: what is loaded is what a refused row says now, and nothing else is."""
    draw = random.Random(seed)
    rows = [row(f"a{number}", draw.choice([number, "bad", "worse"])) for number in range(12)]
    run_id, _ = river.load(workbook(rows), name="energy.xlsx", mapping=form(river))
    stood = river.rows("SELECT activity_id, row_hash FROM activity_v1 ORDER BY activity_id")
    path, _ = exported(river, run_id)
    now = [list(cells) for cells in rows if draw.random() < 0.8]
    for cells in now:
        cells[4] = draw.choice([cells[4], 100 + draw.randrange(100)])
        cells[6] = draw.choice([cells[6], "a note"])
    draw.shuffle(now)

    def change(sheet: Worksheet) -> None:
        sheet.delete_rows(TOP, len(rows))
        for cells in now:
            sheet.append(cells)

    refused = {cells[0] for cells in rows if isinstance(cells[4], str)}
    mended = {cells[0]: cells[4] for cells in now if cells[0] in refused and not isinstance(cells[4], str)}
    resubmitted(river, edited(path, change))
    good = {each["activity_id"] for each in stood}
    left = river.rows(
        "SELECT activity_id, row_hash FROM activity_v1 WHERE activity_id = ANY(%(good)s) ORDER BY 1", good=list(good)
    )
    assert left == stood
    loaded = {name: int(figure) for name, figure in quantities(river).items() if name not in good}
    assert loaded.items() <= mended.items()
    assert all(
        river_state == ("resubmitted" if name in loaded else "open") for name, river_state in states(river).items()
    )
    assert_verified(river)


def test_a_repair_that_is_refused_again_stays_open(river: River, given: Path) -> None:
    _, ledger = resubmitted(river, edited(given, cells_set(E5="a lot")))
    assert ledger.quarantined == 1
    assert states(river)["many"] == "open"
    again, _ = exported(river, river.rows("SELECT run_id FROM runs WHERE kind = 'import'")[0]["run_id"])
    book = openpyxl.load_workbook(again)
    _, *listed = [[cell.value for cell in cells] for cells in book[FINDINGS].iter_rows()]
    assert [(each[1], each[4], str(each[5]).startswith("as it was mended last: ")) for each in listed] == [
        ("E5", "many", False),
        ("E5", "a lot", True),
        ("E6", "less than 5", False),
        ("D8", "never", False),
    ]
    note = book["Energy, all sites"]["E5"].comment
    assert note is not None
    assert "as it was mended last: " in note.text


def test_a_row_is_found_again_whose_key_only_the_last_try_blames(river: River, given: Path) -> None:
    river.load(workbook([row("many", 3)]), name="other.xlsx", mapping=form(river))
    _, ledger = resubmitted(river, edited(given, cells_set(E5=5)))
    assert (ledger.inserted, ledger.quarantined) == (0, 1)

    again, _ = exported(river, river.rows("SELECT run_id FROM runs ORDER BY started_at LIMIT 1")[0]["run_id"])
    sent, ledger = resubmitted(river, edited(again, cells_set(A5="many too", E5=5)))
    assert (sent.sent, sent.unclear, ledger.inserted) == (3, (), 1)
    assert quantities(river) == {"fine": "2.5", "good": "1", "many": "3", "many too": "5"}
    assert states(river)["many"] == "resubmitted"
    assert_verified(river)


def test_a_source_that_is_no_workbook_is_refused_in_words(river: River) -> None:
    run_id, _ = river.load("activity_id,quantity\n", name="a.csv", mapping=form(river, fields={
        "activity_id": {"column": "activity_id"}, "quantity": {"column": "quantity"},
        **{name: {"constant": "x"} for name in ("activity_type", "region", "period_start", "unit")},
    }))  # fmt: skip
    with pytest.raises(Misuse, match="is no workbook"):
        exported(river, run_id)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda book: book.remove(book[FINDINGS]), "not a workbook that"),
        (lambda book: book["Energy, all sites"].delete_cols(5), "columns are not those"),
        (lambda book: cells_set(E3="amount")(book["Energy, all sites"]), "columns are not those"),
        (lambda book: book.remove(book["Energy, all sites"]), "no such sheet"),
        (lambda book: cells_set(L5="see mail of May")(book["Energy, all sites"]), "value beside the table"),
    ],
    ids=["no findings", "a column deleted", "a header renamed", "a sheet deleted", "a remark beside the table"],
)
def test_what_cannot_be_read_as_the_original_was_is_refused_in_words(
    river: River, given: Path, change: Callable[[Any], object], says: str
) -> None:
    book = openpyxl.load_workbook(given)
    change(book)
    book.save(given)
    with pytest.raises(InputRefused, match=says):
        plan_workbook(river.installation, given)
    assert set(states(river).values()) == {"open"}
