"""Files that hold no table we read, known by their first bytes."""

from __future__ import annotations

from dataclasses import dataclass

_OPEN_AND_EXPORT = "Open it in the program it belongs to and export the table as CSV in UTF-8 or as .xlsx."
_UNPACK = "Unpack it and load what is inside, or pack it as zip, gzip or zstd."
_PICTURE = "A picture of a table cannot be read; ask for the table itself."
_TAR_AT = 257


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """What a file is, and what to do."""

    kind: str
    remedy: str


# First bytes, what the file is, what to do.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, not the file itself",
        "Fetch it: `git lfs pull`.",
    ),
    (b"%PDF", "a PDF document", "Export the table as CSV or .xlsx; tables in PDF are not read."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"{\\rtf", "a rich text document", _OPEN_AND_EXPORT),
    (b"PARE", "a Parquet file whose footer is encrypted", "Write it without encryption."),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or JSON Lines."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as CSV in UTF-8."),
    (b"\0\1\0\0Standard ", "an Access database", "Export the table as CSV in UTF-8."),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Write the table as Parquet."),
    (b"CDF\x01", "a NetCDF file", "Write the table as Parquet."),
    (b"CDF\x02", "a NetCDF file", "Write the table as Parquet."),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)", _PICTURE),
    (b"\xff\xd8\xff", "a picture (JPEG)", _PICTURE),
    (b"GIF8", "a picture (GIF)", _PICTURE),
    (b"II*\0", "a picture (TIFF)", _PICTURE),
    (b"MM\0*", "a picture (TIFF)", _PICTURE),
    (b"\x7fELF", "a program", "See that it is the right file."),
    (b"MZ\x90\0", "a program", "See that it is the right file."),
)


def foreign_kind(head: bytes) -> Foreign | None:
    """What the file is by its first bytes, where it holds no table we read; `head` is at least 512 bytes, or all."""
    for magic, kind, remedy in _KINDS:
        # "ORC" alone may begin the header of a text.
        if head.startswith(magic) and (magic != b"ORC" or b"\0" in head[:64]):
            return Foreign(kind=kind, remedy=remedy)
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return Foreign(kind="a tar archive", remedy=_UNPACK)
    return None
