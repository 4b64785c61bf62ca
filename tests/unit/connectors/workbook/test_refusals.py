from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlwt

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook
from headwater.connectors.workbook import archive as archive_limits
from headwater.errors import HeadwaterError, InputRefused, Misuse
from tests.unit.connectors.workbook.made import number, ods, row, text, xlsx

HEADER = row(1, text("A1", "what"), text("B1", "value"))
TABLE = HEADER + row(2, text("A2", "x"), number("B2", "5"))
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def refusal(path: Path, config: WorkbookConfig | None = None) -> str:
    with pytest.raises(InputRefused) as refused:
        inspect_workbook(path, config)
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"a;b\n1;2\n", "this is a text file"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "a web page"),
        (b"\xef\xbb\xbf<table><tr><td>1", "a web page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "Excel 2003"),
        (b"<?xml version='1.0'?><a/>", "an XML document"),
        (b'{"a": 1}', "a JSON document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"\x00\x01\x02\x03", "the workbook is damaged"),
        (_OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (_OLE + bytes(600) + "WordDocument".encode("utf-16-le"), "a Word document"),
        (_OLE + bytes(600), "the workbook is damaged"),
        (b"PK\x03\x04" + bytes(100), "the workbook is damaged"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    assert says in refusal(path)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"data.csv": "a,b"}, "a ZIP archive that holds no workbook but data.csv"),
        ({"[Content_Types].xml": "<a/>", "word/document.xml": "<a/>"}, "no workbook (.docx"),
        ({"[Content_Types].xml": "<a/>", "xl/workbook.bin": "x"}, ".xlsb"),
        ({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}, "opendocument.text"),
        ({"[Content_Types].xml": "<a/>"}, "no list of sheets"),
    ],
)
def test_an_archive_of_something_else_is_named(tmp_path: Path, parts: dict[str, str], says: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert says in refusal(tmp_path / "a.xlsx")


def test_a_missing_file_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse):
        inspect_workbook(tmp_path / "none.xlsx")


@pytest.mark.parametrize("suffix", [".xlsx", ".ods", ".xls"])
def test_cut_or_changed_anywhere_a_workbook_is_read_or_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("Data")
        for column, name in enumerate(("what", "value")):
            sheet.write(0, column, name)
            sheet.write(1, column, column)
        book.save(str(path))
    elif suffix == ".xlsx":
        xlsx(path, {"Data": TABLE})
    else:
        ods(path, '<table:table table:name="a"><table:table-row/></table:table>')
    whole = path.read_bytes()
    refused = 0
    for at in range(1, len(whole), max(1, len(whole) // 60)):
        for broken in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            path.write_bytes(broken)
            try:
                inspect_workbook(path)
            except HeadwaterError:
                refused += 1
    assert refused >= 60


def test_encrypted_workbooks_are_refused(tmp_path: Path) -> None:
    path = ods(tmp_path / "a.ods", "", manifest='<m:file-entry><m:encryption-data m:checksum="x"/></m:file-entry>')
    assert "encrypted" in refusal(path)
    book = xlwt.Workbook()
    book.add_sheet("Data").write(0, 0, "x")
    book.save(str(tmp_path / "a.xls"))
    data = (tmp_path / "a.xls").read_bytes()
    # The record behind the first one (BOF) becomes FILEPASS.
    at = data.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20
    locked = data[:at] + struct.pack("<HH", 0x2F, struct.unpack("<H", data[at + 2 : at + 4])[0]) + data[at + 4 :]
    (tmp_path / "a.xls").write_bytes(locked)
    assert "encrypted" in refusal(tmp_path / "a.xls")


def test_bombs_are_refused_before_they_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = xlsx(tmp_path / "a.xlsx", {"Data": TABLE})
    monkeypatch.setattr(archive_limits, "MAX_ENTRIES", 3)
    assert "unpacks to more" in refusal(path)
    monkeypatch.undo()
    monkeypatch.setattr(archive_limits, "MAX_UNPACKED", 1000)
    assert "unpacks to more" in refusal(path)
    monkeypatch.undo()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(70 * 1024 * 1024))
    assert "times the packed size" in refusal(path)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE worksheet [<!ENTITY a "aaaa">]>',
        '<?xml version="1.0"?><!DOCTYPE worksheet SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?><!-- --> <!DOCTYPE x>',
    ],
)
def test_a_document_type_is_refused(tmp_path: Path, prolog: str) -> None:
    assert "document type" in refusal(xlsx(tmp_path / "a.xlsx", {"Data": TABLE}, prolog=prolog))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (row(2, number("A2", "1")) + row(1, number("A1", "1")), "row 1 stands after row 2"),
        (row(1, number("B1", "1"), number("A1", "1")), "column A stands after column B"),
        (row(1, number("A1", "1"), number("A1", "1")), "column A stands after column A"),
        (row(1, number("A1", "1_000")), "a cell cannot be read"),
        (row(1, number("A1", "NaN")), "a cell cannot be read"),
        (row(1, '<c r="A1" t="s"><v>9</v></c>'), "a cell cannot be read"),
        (row(1, '<c r="A1" t="x"><v>9</v></c>'), "no such type"),
        (row(1, '<c r="A1" t="inlineStr"><is><t>&nbsp;</t></is></c>'), "cannot be read"),
        (row(1, text("A1", "x" * 32_768)), "too long"),
        (row(1, number("BXY1", "1")), "too many columns"),
        (row(1_048_577, number("A1048577", "1")), "too many rows"),
        (row(1, "<c r='A1'><v>1</c>"), "not well-formed"),
        ("", "the workbook is empty"),
        ('<row r="5"/>', "the workbook is empty"),
    ],
)
def test_broken_cells_are_refused_with_their_place(tmp_path: Path, rows: str, says: str) -> None:
    assert says in refusal(xlsx(tmp_path / "a.xlsx", {"Data": rows}))


def test_a_workbook_of_charts_is_refused(tmp_path: Path) -> None:
    assert "charts or macros only" in refusal(xlsx(tmp_path / "a.xlsx", {"Chart": ""}, kinds={"Chart": "chartsheet"}))


def test_a_header_without_records_is_a_table_of_none(tmp_path: Path) -> None:
    found = inspect_workbook(xlsx(tmp_path / "a.xlsx", {"Data": HEADER}))
    assert found.columns == ("what", "value")
    assert found.sample == ()
    assert any("no records" in warning for warning in found.warnings)


def test_another_format_than_said_is_refused(tmp_path: Path) -> None:
    assert "xlsx" in refusal(xlsx(tmp_path / "a.xlsx", {"Data": TABLE}), WorkbookConfig(format="ods"))


def test_the_figures_of_a_table_without_a_header_are_none(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in range(10):
        book.active.append([line, line * 2.5, "a"])
    book.save(tmp_path / "a.xlsx")
    assert "source.header" in refusal(tmp_path / "a.xlsx")
