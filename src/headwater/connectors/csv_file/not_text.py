"""Files that are no delimited text whatever their name says, known by their first bytes and refused in words."""

from __future__ import annotations

from headwater.errors import InputRefused

_TEXT = "a delimited text file"
_OPEN_AND_EXPORT = "Open it in the program it belongs to and export the table as CSV in UTF-8."
_UNPACK = "Unpack it first and import what is inside."

# First bytes -> what the file is, what to do.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"%PDF", "a PDF document", _OPEN_AND_EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old format (.xls)", _OPEN_AND_EXPORT),
    (b"PAR1", "a Parquet file", "Export the table as CSV in UTF-8."),
    (b"{\\rtf", "a rich text document", _OPEN_AND_EXPORT),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKUP = (b"<!doctype", b"<html", b"<?xml")


def refuse_other_formats(head: bytes, name: str) -> None:
    """Raise InputRefused where the first 4 KB are those of an archive, a workbook, a document or a pointer."""
    for magic, kind, remedy in _KINDS:
        if head.startswith(magic):
            raise _refused(name, kind, magic, remedy)
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head or b"xl/" in head:
            raise _refused(name, "an Excel workbook (.xlsx)", head[:4], _OPEN_AND_EXPORT)
        raise _refused(name, "a ZIP archive", head[:4], _UNPACK)
    if head.startswith(_LFS):
        raise _refused(name, "a Git LFS pointer, not the file itself", head[:40], "Fetch the file with `git lfs pull`.")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_MARKUP):
        kind = "an XML document" if start.startswith(b"<?xml") else "a web page"
        remedy = "Often the answer of a server that wanted a login or had an error: open it in a browser and see."
        raise _refused(name, kind, head[:40], remedy)


def _refused(name: str, kind: str, found: bytes, remedy: str) -> InputRefused:
    return InputRefused(f"this is {kind}", where=name, value=found.decode("latin-1"), valid=_TEXT, remedy=remedy)
