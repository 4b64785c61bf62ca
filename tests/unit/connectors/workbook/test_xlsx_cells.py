from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook
from tests.unit.connectors.workbook.made import number, row, rows_of, text, xlsx

HEADER = row(1, text("A1", "what"), text("B1", "value"))


def value(path: Path, cell: str, **said: object) -> str:
    """What a cell B2 is read as."""
    xlsx(path, {"Data": HEADER + row(2, text("A2", "x"), cell)}, **said)  # type: ignore[arg-type]
    return rows_of(path)[0][2]["value"]


@pytest.mark.parametrize(
    ("stored", "style", "shown"),
    [
        ("2528.2600000000002", 0, "2528.26"),
        ("0.30000000000000004", 0, "0.30000000000000004"),
        ("4.0009754E7", 0, "40009754"),
        ("2035.0", 0, "2035"),
        ("1E-5", 0, "0.00001"),
        ("1E-7", 0, "1e-07"),
        ("1.2345678901234567E19", 0, "12345678901234567000"),
        ("1E21", 0, "1e+21"),
        ("-0", 0, "0"),
        ("007", 0, "7"),
        ("0.45", 5, "45%"),
        ("0.07", 5, "7%"),
        ("0.28999999999999998", 5, "29%"),
        ("1.5", 5, "150%"),
        ("0", 5, "0%"),
        ("1000", 5, "100000%"),
        ("45352", 1, "2024-03-01"),
        ("1", 1, "1900-01-01"),
        ("59", 1, "1900-02-28"),
        ("60", 1, "1900-02-29"),
        ("61", 1, "1900-03-01"),
        ("-1", 1, "-1"),
        ("2958466", 1, "2958466"),
        ("45352.041666666664", 1, "2024-03-01T01:00:00"),
        ("45352", 3, "2024-03-01T00:00:00"),
        ("45352.573055555556", 3, "2024-03-01T13:45:12"),
        ("0.57291666666666663", 2, "13:45:00"),
        ("45352.5", 2, "2024-03-01T12:00:00"),
        ("1.5208333333333333", 4, "36:30:00"),
        ("12", 6, "12"),
        ("12.5", 7, "12.5"),
    ],
)
def test_a_number_is_read_as_its_format_means_it(tmp_path: Path, stored: str, style: int, shown: str) -> None:
    assert value(tmp_path / "a.xlsx", number("B2", stored, style)) == shown


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    assert value(tmp_path / "a.xlsx", number("B2", "43890", 1), since_1904=True) == "2024-03-01"
    assert value(tmp_path / "b.xlsx", number("B2", "0", 1), since_1904=True) == "1904-01-01"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ('<c r="B2" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="B2" t="b"><v>0</v></c>', "FALSE"),
        ('<c r="B2" t="e"><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c r="B2" t="str"><f>A2&amp;"y"</f><v>x&amp;y</v></c>', "x&y"),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', "2"),
        ('<c r="B2"><f>A1&amp;B1</f></c>', "=A1&B1"),
        ('<c r="B2"><f>A1+B1</f><v></v></c>', "=A1+B1"),
        ('<c r="B2"><f>A1+B1</f><v/></c>', "=A1+B1"),
        ('<c r="B2" t="str"><f>IF(1,"")</f><v></v></c>', ""),
        ('<c r="B2" t="inlineStr"><is><r><t>CO</t></r><r><rPr/><t>2</t></r><rPh><t>no</t></rPh></is></c>', "CO2"),
        ('<c r="B2" t="inlineStr"><is><t xml:space="preserve"> a b </t></is></c>', " a b "),
        ('<c r="B2" t="inlineStr"><is><t>one\r\ntwo</t></is></c>', "one\ntwo"),
        ('<c r="B2" t="inlineStr"><is><t>one&#10;two&#x20AC;</t></is></c>', "one\ntwo€"),
        ('<c r="B2" t="inlineStr"><is><t>a_x000D_b_x005F_x000D_</t></is></c>', "a\rb_x000D_"),
        ('<c r="B2" t="inlineStr"><is><t>a_x0000_b_xD800_</t></is></c>', "a_x0000_b_xD800_"),
        ('<c r="B2" t="inlineStr"><is><t>&lt;b&gt; &amp;amp;</t></is></c>', "<b> &amp;"),
        ('<c r="B2" t="inlineStr"><is><t>0042</t></is></c>', "0042"),
        ('<c r="B2" t="inlineStr"><is><t><![CDATA[<c r="B2">]]></t></is></c>', '<c r="B2">'),
        ('<c t="inlineStr" r="B2"><is><t>turned</t></is></c>', "turned"),
        ("<c r='B2'><v>5</v></c>", "5"),
        ("<c><v> 5 </v></c>", "5"),
        ('<!-- <c r="B2"><v>1</v></c> --><c r="B2"><v>5</v></c>', "5"),
        ('<c r="B2" t="n" s="5"><v>0.5</v></c>', "50%"),
        ('<c r="B2" t="d" s="1"><v>2024-03-01T00:00:00</v></c>', "2024-03-01"),
        ('<c r="B2" t="d" s="3"><v>2024-03-01T00:00:00.000Z</v></c>', "2024-03-01T00:00:00"),
        ('<c r="B2" t="d" s="1"><v>2024-03-01T13:45</v></c>', "2024-03-01T13:45:00"),
    ],
)
def test_a_cell_is_read_as_it_is_meant_however_it_is_written(tmp_path: Path, cell: str, shown: str) -> None:
    assert value(tmp_path / "a.xlsx", cell) == shown


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        ("<si><t>plain</t></si>", "plain"),
        ("<si><t>A&amp;B</t></si>", "A&B"),
        ('<si><t xml:space="preserve"> a</t></si>', " a"),
        ("<si><r><t>CO</t></r><r><rPr><vertAlign/></rPr><t>2</t></r></si>", "CO2"),
        ("<si><t>漢字</t><rPh sb='0' eb='1'><t>かんじ</t></rPh></si>", "漢字"),
        ("<si><t>a_x000D_\nb</t></si>", "a\r\nb"),
    ],
)
def test_a_shared_string_is_its_text(tmp_path: Path, item: str, shown: str) -> None:
    cell = '<c r="B2" t="s"><v>2</v></c>'
    assert value(tmp_path / "a.xlsx", cell, shared=f"<si><t>first</t></si><si/>{item}<si><t>last</t></si>") == shown


def test_the_decimal_sign_is_that_of_the_mapping(tmp_path: Path) -> None:
    sheet = (
        HEADER + row(2, number("A2", "1.5"), number("B2", "0.455", 5)) + row(3, number("A3", "1"), text("B3", "1.5"))
    )
    path = xlsx(tmp_path / "a.xlsx", {"Data": sheet})
    records = [record for _, _, record in rows_of(path, decimal=",")]
    assert records == [{"what": "1,5", "value": "45,5%"}, {"what": "1", "value": "1.5"}]


def test_openpyxl_writes_and_this_reads(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["day", "at", "moment", "span", "flag", "rich"])
    rich = CellRichText("t CO", TextBlock(InlineFont(vertAlign="subscript"), "2"), "e")
    moment = datetime.datetime(2024, 3, 1, 13, 45)  # noqa: DTZ001  sheets know no zones
    span = datetime.timedelta(hours=30, minutes=1)
    sheet.append([datetime.date(2024, 3, 1), datetime.time(13, 45), moment, span, True, rich])
    book.save(tmp_path / "a.xlsx")
    assert [record for _, _, record in rows_of(tmp_path / "a.xlsx")] == [
        {
            "day": "2024-03-01",
            "at": "13:45:00",
            "moment": "2024-03-01T13:45:00",
            "span": "30:01:00",
            "flag": "TRUE",
            "rich": "t CO2e",
        }
    ]


def test_rows_and_cells_without_their_places_follow_one_another(tmp_path: Path) -> None:
    rows = "<row><c t='inlineStr'><is><t>a</t></is></c><c t='inlineStr'><is><t>b</t></is></c></row>"
    rows += "<row/><row><c><v>1</v></c><c><v>2</v></c></row>"
    assert rows_of(xlsx(tmp_path / "a.xlsx", {"Data": rows})) == [
        ("Data", 2, {"a": "", "b": ""}),
        ("Data", 3, {"a": "1", "b": "2"}),
    ]


def test_strict_documents_and_prefixed_tags_are_the_same_workbook(tmp_path: Path) -> None:
    strict = xlsx(tmp_path / "a.xlsx", {"Data": HEADER + row(2, text("A2", "x"), number("B2", "5"))}, strict=True)
    assert rows_of(strict) == [("Data", 2, {"what": "x", "value": "5"})]


def test_formulas_without_values_and_errors_are_said(tmp_path: Path) -> None:
    cells = (
        row(2, text("A2", "x"), '<c r="B2" t="e"><v>#REF!</v></c>'),
        row(3, text("A3", "y"), '<c r="B3"><f t="shared" ref="B3:B4" si="0">A3*2</f></c>'),
        row(4, text("A4", "z"), '<c r="B4"><f t="shared" si="0"/></c>'),
    )
    path = xlsx(tmp_path / "a.xlsx", {"Data": HEADER + "".join(cells)})
    warnings = " ".join(inspect_workbook(path).warnings)
    assert "1 cell holds an error, the first B2: #REF!" in warnings
    assert "2 formulas were saved without their value, the first B3: =A3*2" in warnings
    assert [record["value"] for _, _, record in rows_of(path)] == ["#REF!", "=A3*2", "=A3*2"]


def test_a_sheet_read_twice_gives_the_same_batches(tmp_path: Path) -> None:
    rows = "".join(row(n, text(f"A{n}", f"t{n}"), number(f"B{n}", f"{n}.1")) for n in range(2, 20_000))
    path = xlsx(tmp_path / "a.xlsx", {"Data": HEADER + rows})
    config = WorkbookConfig(sheets=("Data",))
    assert rows_of(path, config) == rows_of(path, config)
    assert len(rows_of(path)) == 19_998


@pytest.mark.parametrize(
    ("stored", "code", "shown"),
    [
        (123, "00000", "00123"),
        (123456, "00000", "123456"),
        (7, "00", "07"),
        (1.5, "00", "1.5"),
        (12, "0.00", "12"),
        (0.5, "0.0\\%", "0.5%"),
        (0.5, '0.0" %"', "0.5%"),
        (0.5, '0.0" kg";0" %"', "0.5"),
    ],
)
def test_a_code_keeps_the_zeros_its_format_shows(tmp_path: Path, stored: float, code: str, shown: str) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    cell = WriteOnlyCell(sheet, value=stored)
    cell.number_format = code
    sheet.append(["what", "value"])
    sheet.append(["x", cell])
    path = tmp_path / "codes.xlsx"
    book.save(path)
    assert rows_of(path)[0][2]["value"] == shown
