"""What is no table, or a trap, is refused in words: nothing is loaded, no traceback, an exit code that is not 0."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities

MB = 1024 * 1024


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def swollen(content: bytes, part: str, *, pad: int) -> bytes:
    """A workbook one part of which has been filled up with blanks that pack to nothing."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as read,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as write,
    ):
        for info in read.infolist():
            if info.filename != part:
                write.writestr(info.filename, read.read(info))
                continue
            with write.open(info.filename, "w") as into:
                into.write(read.read(info))
                for _ in range(pad):
                    into.write(b" " * MB)
    return out.getvalue()


def encrypted() -> bytes:
    """The frame of a compound file whose folder names EncryptedPackage, as spreadsheets write under a password."""
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIII", header, 44, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    folder = b"".join(
        entry(name, kind) for name, kind in (("Root Entry", 5), ("EncryptedPackage", 2), ("", 0), ("", 0))
    )
    return bytes(header) + table + folder


def entry(name: str, kind: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0" if name else b""
    rest = struct.pack("<HBBIII16sIQQIQ", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, 1 if kind == 5 else 0xFFFFFFFF,
                       b"", 0, 0, 0, 0xFFFFFFFE, 0)  # fmt: skip
    return text.ljust(64, b"\0") + rest


GOOD = activities([{"activity_id": "a"}])
BOOK = workbook([["activity_id", "quantity"], ["a", 1]])
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r><x><y>&b;</y></x></r>'
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r><x><y>&a;</y></x></r>'

FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "corrupt.xlsx": (lambda: BOOK[: len(BOOK) // 2], "damaged"),
    "encrypted.xlsx": (encrypted, "password"),
    "pointer.csv": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    "bomb.csv.gz": (lambda: gzip.compress(b"a,b\n" + b"1,2\n" * (40 * MB), 9), "bomb"),
    "bomb.zip": (lambda: zipped({"a.csv": b"a,b\n" + b"1,2\n" * (40 * MB)}), "bomb"),
    "bomb.xlsx": (lambda: swollen(BOOK, "xl/worksheets/sheet1.xml", pad=160), "bomb"),
    "bomb.ods": (
        lambda: zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": b"<a>" + b" " * (160 * MB),
            }
        ),
        "bomb",
    ),
    "nested.zip": (lambda: zipped({"inner.zip": zipped({"a.csv": GOOD.encode()})}), "archive"),
    "outside.zip": (lambda: zipped({"../a.csv": GOOD.encode()}), "leads out"),
    "really.xlsx": (GOOD.encode, "ends in .xlsx"),
    "really.csv": (lambda: BOOK, "Excel workbook"),
    "noise.csv": (lambda: bytes(range(256)) * 64, "binary"),
    "zero.csv": (lambda: b"", "empty"),
    "entities.xml": (lambda: ENTITIES, "DOCTYPE"),
    "external.xml": (lambda: EXTERNAL, "DOCTYPE"),
    "headless.csv": (lambda: b"1,2,3\n4,5,6\n7,8,9\n", "header"),
    "headless.xlsx": (lambda: workbook([[1, 2], [3, 4], [5, 6]]), "header"),
    "wide.csv": (lambda: ",".join(f"c{n}" for n in range(2_001)).encode() + b"\n", "too many columns"),
    "wide.xlsx": (lambda: workbook([[f"c{n}" for n in range(2_001)], [*range(2_001)]]), "columns"),
    "long.csv": (lambda: activities([{"activity_id": "a", "note": "x" * (33 * MB)}]).encode(), "record is longer"),
    "page.csv": (lambda: b"<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
    "report.pdf": (lambda: b"%PDF-1.7\n", "PDF"),
    "mixed.csv": (lambda: b"name,city\n" + "é,Zürich\n".encode() * 50 + b"Caf\xe9,Paris\n", "offset"),
    "broken.json": (lambda: b'[{"a": 1}, {"a": ', "JSON"),
    "deep.json": (lambda: b"[" * 100_000, "deep"),
}  # fmt: skip


@pytest.mark.slow
def test_what_is_no_table_is_refused_in_words(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    del form
    folder = tmp_path / "traps"
    folder.mkdir()
    for name, (content, _) in FILES.items():
        (folder / name).write_bytes(content())
    done = headwater("import", "traps", "--mapping", "form.yaml", "--json")
    assert done.code == 1
    assert "Traceback" not in done.err
    files = {each["file"]: each for each in done.json["files"]}
    silent = {
        name: files[name]["error"]
        for name, (_, words) in FILES.items()
        if files[name]["state"] != "refused" or words.lower() not in files[name]["error"].lower()
    }
    assert silent == {}
    assert headwater("runs", "list", "--json").json["runs"] == []
