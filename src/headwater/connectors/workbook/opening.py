"""Opens a workbook of whatever format its bytes are, or says what the file is instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.connectors.workbook.archive import Archive, corrupt, protected
from headwater.connectors.workbook.grid import Book
from headwater.connectors.workbook.ods import OdsBook
from headwater.connectors.workbook.xls import XlsBook
from headwater.connectors.workbook.xlsx import XlsxBook
from headwater.errors import InputRefused, cannot_open

_WORKBOOK = "a workbook: .xlsx, .xlsm, .xls or .ods"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BARE_XLS = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
"""Workbooks from before Excel 97 may stand without a container around them."""
_ODS_TYPES = (
    b"application/vnd.oasis.opendocument.spreadsheet",
    b"application/vnd.oasis.opendocument.spreadsheet-template",
)
_SAVE_AS = "Open it in a spreadsheet program and save it as an Excel workbook (.xlsx)."

# First bytes, in lower case where they are text -> what the file is, what to do.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it first, or name it .gz."),
    (b"%PDF", "a PDF document", "Export the table as a workbook or as CSV."),
    (b"PAR1", "a Parquet file", "Name it .parquet."),
    (b"{\\rtf", "a rich text document", _SAVE_AS),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Fetch the file with `git lfs pull`."),
)
# Streams of an OLE container -> what it is.
_OLE_STREAMS = (
    ("WordDocument", "a Word document (.doc)"),
    ("PowerPoint Document", "a presentation (.ppt)"),
    ("__properties_version1.0", "an Outlook message (.msg)"),
)


@contextmanager
def opened(path: Path, name: str) -> Iterator[Book]:
    """The workbook, closed at the end. Raises InputRefused for what is none, Misuse where there is no such file."""
    book = _open(path, name)
    try:
        yield book
    finally:
        book.close()


def _open(path: Path, name: str) -> Book:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise cannot_open(path, error) from error
    if not head:
        raise InputRefused("the file is empty", where=name, value="0 bytes", remedy="Fetch it again or leave it out.")
    if head.startswith(_ZIP):
        return _of_archive(path, name)
    if head.startswith(_OLE):
        return _of_container(path, name)
    if head.startswith(_BARE_XLS):
        return XlsBook(path, name)
    raise _something_else(head, name)


def _of_archive(path: Path, name: str) -> Book:
    archive = Archive(path, name)
    try:
        kind = (archive.read("mimetype") or b"").strip()
        other = _other_document(archive.parts, kind)
        if other is None:
            return XlsxBook(archive, name) if _has_types(archive.parts) else OdsBook(archive, name)
    except BaseException:
        archive.close()
        raise
    archive.close()
    raise _refused(name, *other)


def _has_types(parts: Iterable[str]) -> bool:
    return any(part.lower() == "[content_types].xml" for part in parts)


def _other_document(parts: Collection[str], kind: bytes) -> tuple[str, str] | None:
    """What an archive is that is no workbook we read, and what to do; None for a workbook."""
    if kind in _ODS_TYPES:
        return None
    if _has_types(parts):
        if any(part.lower().endswith("xl/workbook.bin") for part in parts):
            return "a binary Excel workbook (.xlsb)", _SAVE_AS
        if any(part.startswith(("word/", "ppt/", "visio/")) for part in parts):
            return "an Office document that is no workbook (.docx, .pptx)", "Put the table into a workbook."
        return None
    if kind:
        return f"a document of the type {kind[:80].decode('latin-1')}", _SAVE_AS
    if "content.xml" in parts:
        return None
    if "Index/Document.iwa" in parts or "Index.zip" in parts:
        return "a document of Apple Numbers", "Export it from there as an Excel workbook."
    some = ", ".join(sorted(parts)[:3]) or "nothing"
    return f"a ZIP archive that holds no workbook but {some}", "Unpack it, or name it .zip."


def _of_container(path: Path, name: str) -> Book:
    """An OLE container: an old workbook, or what else is kept in one. Its streams have names in UTF-16."""
    found = b""
    with path.open("rb") as file:
        while data := file.read(1024 * 1024):
            found = found[-64:] + data
            if _in_utf16("EncryptedPackage") in found or _in_utf16("EncryptionInfo") in found:
                raise protected(name)
            for stream, kind in _OLE_STREAMS:
                if _in_utf16(stream) in found:
                    raise _refused(name, kind, "Put the table into a workbook.")
    return XlsBook(path, name)


def _in_utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def _something_else(head: bytes, name: str) -> InputRefused:
    for first, kind, remedy in _KINDS:
        if head.startswith(first):
            return _refused(name, kind, remedy, head)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return _refused(name, "a workbook in the XML of Excel 2003", _SAVE_AS, start)
    if b"urn:oasis:names:tc:opendocument" in head:
        return _refused(name, "an OpenDocument workbook in one XML file (.fods)", _SAVE_AS, start)
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<div")):
        remedy = f"If it opens in Excel, it is a web page that was given the name of a workbook: {_SAVE_AS}"
        return _refused(name, "a web page (HTML)", remedy, start)
    if start.startswith(b"<"):
        return _refused(name, "an XML document", "Name it .xml.", start)
    if start.startswith((b"{", b"[")):
        return _refused(name, "a JSON document", "Name it .json.", start)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in head:
        return _refused(name, "a text file", "If it is delimited text, name it .csv.", head)
    return corrupt(name, f"it begins with {head[:8].hex(' ')}, as no workbook does")


def _refused(name: str, kind: str, remedy: str, found: bytes = b"") -> InputRefused:
    value = found[:40].decode("latin-1") or None
    return InputRefused(f"this is {kind}", where=name, value=value, valid=_WORKBOOK, remedy=remedy)
