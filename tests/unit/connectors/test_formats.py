from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.connectors.formats import Found, find_format
from headwater.errors import InputRefused, Misuse
from tests.corpus.pollutions import Pollution, pollutions

if TYPE_CHECKING:
    from pathlib import Path


def found(tmp_path: Path, name: str, data: bytes | str, said: str | None = None) -> Found:
    path = tmp_path / "any"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    answer = find_format(path, name, said)
    assert answer.evidence
    return answer


def refused(tmp_path: Path, name: str, data: bytes | str, said: str | None = None) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        found(tmp_path, name, data, said)
    assert (error.value.where or "").startswith(name)
    assert error.value.remedy
    return error.value


def zipped(*names: str, mimetype: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def compound(*streams: str) -> bytes:
    """A compound file as far as its directory goes."""
    entries = b""
    for stream in ("Root Entry", *streams):
        encoded = stream.encode("utf-16-le") + b"\0\0"
        entries += encoded.ljust(64, b"\0") + len(encoded).to_bytes(2, "little") + bytes(62)
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "xWorkbook".encode("utf-16-le").ljust(512, b"\0") + entries
    )


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), out)
    return out.getvalue()


XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
ODS = zipped("content.xml", mimetype="application/vnd.oasis.opendocument.spreadsheet")


@pytest.mark.parametrize(
    ("name", "data", "format_"),
    [
        ("a.csv", "a,b\n1,2\n", "csv"),
        ("a.txt", "a\tb\n", "csv"),
        ("a.csv", "[kg],b\n1,2\n", "csv"),
        ("a.csv", "<5 kg,b\n1,2\n", "csv"),
        ("a.csv", "ORC,b\n1,2\n", "csv"),
        ("a.csv", "a,b\n\0,2\nthree,four\n", "csv"),
        ("a.csv", "a,é\n".encode("utf-16"), "csv"),
        ("a", "a,é\n".encode("cp1252"), "csv"),
        ("a.txt", "a\x1fb\n1\x1f2\n", "csv"),
        ("a.xlsx", XLSX, "xlsx"),
        ("a.xlsm", XLSX, "xlsx"),
        ("download", XLSX, "xlsx"),
        ("a.ods", ODS, "ods"),
        ("a.xls", compound("Workbook"), "xls"),
        ("a.xls", compound("Book"), "xls"),
        ("a.parquet", parquet(), "parquet"),
        ("a.json", ' \n[{"a": 1}]', "json"),
        ("a.json", '\ufeff{"a": 1}', "json"),
        ("a.json", '{"a": 1}'.encode("utf-16"), "json"),
        ("a.json", '{"a": 1}'.encode("utf-16-le"), "json"),
        ("a.json", '{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.txt", '{\n"a": 1}\n', "json"),
        ("a.jsonl", '{"a": 1}', "jsonl"),
        ("a.ndjson", '{"a": 1}', "jsonl"),
        ("a.json", '{"type": "FeatureCollection", "features": []}', "geojson"),
        ("a.geojson", '{"features": []}', "geojson"),
        ("a.json", '{"rows": [{"type": "Feature"}]}', "json"),
        ("a.xml", '<?xml version="1.0"?><r/>', "xml"),
        ("a.edmx", "<edmx:Edmx/>", "xml"),
        ("a.xml", "<r/>".encode("utf-16"), "xml"),
        ("a.xml", "<!DOCTYPE r><r/>", "xml"),
        ("a.xml", "<r><![CDATA[<html>]]></r>", "xml"),
    ],
)
def test_the_content_tells_the_format(tmp_path: Path, name: str, data: bytes | str, format_: str) -> None:
    answer = found(tmp_path, name, data)
    assert (answer.format, answer.packing) == (format_, "")


@pytest.mark.parametrize("pollution", pollutions(), ids=lambda pollution: pollution.name)
def test_delimited_text_is_told_as_such_however_polluted(tmp_path: Path, pollution: Pollution) -> None:
    try:
        assert found(tmp_path, "a.csv", pollution.data).format == "csv"
    except InputRefused:
        assert pollution.refused
        assert not pollution.hints


def test_a_packing_is_told_before_what_is_inside(tmp_path: Path) -> None:
    for name, data, packing in (
        ("a.csv.gz", gzip.compress(b"a,b\n", mtime=0), "gzip"),
        ("a.zip", zipped("a.csv"), "zip"),
        ("download", zipped("a.csv"), "zip"),
        ("a.csv.zst", bytes(pa.Codec("zstd").compress(b"a,b\n", asbytes=True)), "zstd"),
    ):
        answer = found(tmp_path, name, data)
        assert (answer.format, answer.packing) == ("", packing)


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("a.csv", "%PDF-1.7", "PDF"),
        ("a.zip", b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        ("a.tar", bytes(257) + b"ustar\0" + bytes(250), "tar archive"),
        ("a.csv", b"SQLite format 3\0", "SQLite"),
        ("a.csv", b"\x89PNG\r\n\x1a\n", "picture"),
        ("a.parquet", b"PARE", "encrypted"),
        ("a", bytes(range(256)) * 20, "binary file"),
        ("a.json", b"a\0\0\0\0\0\0,\n", "binary file"),
        ("a.csv", "\n<!DOCTYPE html><html>", "web page"),
        ("a.xls", "<html><table>", "web page"),
        ("a.xml", '<?xml version="1.0"?><!DOCTYPE html><html/>', "web page"),
        ("a.xml", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "web page"),
        ("a.xls", '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "XML of 2003"),
        ("a.docx", zipped("[Content_Types].xml", "word/document.xml"), "Word document"),
        ("a.xlsb", zipped("[Content_Types].xml", "xl/workbook.bin"), "xlsb"),
        ("a.odt", zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "no spreadsheet"),
        ("a.numbers", zipped("Index/Document.iwa"), "Apple Numbers"),
        ("a.doc", compound("WordDocument"), "Word document"),
        ("a.ppt", compound("PowerPoint Document"), "presentation"),
        ("a.xlsx", compound("EncryptedPackage"), "under a password"),
        ("a.xls", compound("Other"), "without a workbook"),
        ("a.xlsx", XLSX[:-30], "damaged or cut off"),
        ("a.xlsx", "a,b\n", "delimited text, but its name ends in .xlsx"),
        ("a.xls", XLSX, r"Excel workbook (.xlsx), but its name ends in .xls"),
        ("a.csv", XLSX, r"Excel workbook (.xlsx), but its name ends in .csv"),
        ("a.csv", '{"a": 1}', "JSON, but its name ends in .csv"),
        ("a.csv", '[{"a": 1}]', "JSON, but its name ends in .csv"),
        ("a.json", "a,b\n", "delimited text, but its name ends in .json"),
        ("a.csv", gzip.compress(b"a", mtime=0), "a gzip archive, but its name ends in .csv"),
        ("a.gz", "a,b\n", "delimited text, but its name ends in .gz"),
        ("a.zip", gzip.compress(b"a", mtime=0), "a gzip archive, but its name ends in .zip"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_table_or_no_such_table_is_refused_as_what_it_is(
    tmp_path: Path, name: str, data: bytes | str, what: str
) -> None:
    assert what in refused(tmp_path, name, data).what


def test_a_format_that_is_said_counts_instead_of_the_name(tmp_path: Path) -> None:
    assert found(tmp_path, "a.xls", XLSX, "xlsx").format == "xlsx"
    assert found(tmp_path, "a.txt", '{"a": 1}', "csv").format == "csv"
    assert found(tmp_path, "a.txt", '{"a": 1}\n{"a": 2}', "json").format == "json"
    assert found(tmp_path, "a.csv.gz", gzip.compress(b"a", mtime=0), "csv").packing == "gzip"
    error = refused(tmp_path, "a.csv", XLSX, "csv")
    assert "source.format says csv" in error.what
    assert error.remedy == "Set source.format to xlsx."


def test_what_a_caller_gets_wrong_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no such format"):
        found(tmp_path, "a.csv", "a", "yaml")
    with pytest.raises(Misuse, match="cannot be opened"):
        find_format(tmp_path / "none", "none")


def test_many_comments_before_a_document_cost_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<!-- licence -->\n" * 200 + "<root><row/></root>")
    assert find_format(path, "a.xml").format == "xml"
    path.write_text("<!-- a -->" * 200 + "<html><body>")
    with pytest.raises(InputRefused, match="web page"):
        find_format(path, "a.xml")
