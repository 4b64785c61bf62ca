"""Real files read with nothing but Python's own parsers and Decimal: what Headwater's figures are held against."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HEADWATER_SHARED", ROOT / "../shared")) / "data"

needs_real_files = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder of real files (HEADWATER_SHARED) is not there"
)


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """A record of a file: the line it starts at, and its cells by header; invisible signs in headers are left out."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column].strip()

    def number(self, column: str) -> Decimal | None:
        """None for a blank and where the question did not apply."""
        return Decimal(self[column]) if is_figure(self[column]) else None


def records(name: str, delimiter: str = ",") -> list[RawRecord]:
    """All records of a UTF-8 file below `SHARED`."""
    text = io.StringIO((SHARED / name).read_bytes().decode("utf-8-sig"), newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header = [cell.replace("\u200b", "").replace("\xa0", " ").strip() for cell in next(reader)]
    found, line = [], reader.line_num + 1
    for cells in reader:
        found.append(RawRecord(line=line, cells=dict(zip(header, cells, strict=True))))
        line = reader.line_num + 1
    return found


def is_figure(text: str) -> bool:
    return text.lower() not in {"", "not applicable"}


def total(found: Iterable[RawRecord], column: str) -> Decimal | None:
    """The sum of a column; None where no record has a figure."""
    given = [figure for each in found if (figure := each.number(column)) is not None]
    return sum(given, Decimal(0)) if given else None


def rounded(number: Decimal, places: int) -> Decimal:
    """Half up, away from zero."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OUTER_SPACES = re.compile(r"^[\s\u200b\ufeff]+|[\s\u200b\ufeff]+$")
DAY_0 = date(1899, 12, 30)  # of the numbers by which workbooks keep days


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """A row of a sheet: its number, and its cells by header. Numbers as the shortest decimal of what is stored."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return OUTER_SPACES.sub("", self.cells.get(column, ""))


def sheet(name: str, number: int = 1) -> list[tuple[int, dict[str, str]]]:
    """The cells of a sheet that hold something, by column letters, read with zipfile and ElementTree alone."""
    with zipfile.ZipFile(SHARED / name) as archive:
        strings = []
        if "xl/sharedStrings.xml" in archive.namelist():
            items = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - a file of our own shelf
            strings = [_unescaped("".join(part.text or "" for part in item.iter(f"{MAIN}t"))) for item in items]
        tree = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314
    return [
        (
            int(row.attrib["r"]),
            {
                cell.attrib["r"].rstrip("0123456789"): text
                for cell in row.findall(f"{MAIN}c")
                if (text := _cell(cell, strings))
            },
        )
        for row in tree.iter(f"{MAIN}row")
    ]


def _cell(cell: ElementTree.Element, strings: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _unescaped("".join(part.text or "" for part in cell.iter(f"{MAIN}t")))
    stored = cell.findtext(f"{MAIN}v") or ""
    if not stored or cell.get("t") in {"str", "e", "b"}:
        return stored
    return strings[int(stored)] if cell.get("t") == "s" else plain(float(stored))


def _unescaped(text: str) -> str:
    """Workbooks write signs that XML cannot hold as _x0002_."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def plain(number: float) -> str:
    """The shortest decimal that reads back to the same number, without exponent and without `.0`."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rows(name: str) -> list[RawRow]:
    """The rows of the first sheet, whose first row is the header."""
    (_, header), *rest = sheet(name)
    names = {letters: text.strip() for letters, text in header.items()}
    return [
        RawRow(number=number, cells={names[letters]: text for letters, text in cells.items() if letters in names})
        for number, cells in rest
    ]


def day(stored: str) -> date:
    """The day of a date cell; its hour is left out."""
    return DAY_0 + timedelta(days=int(Decimal(stored)))


def has_control_characters(text: str) -> bool:
    """Anything that is neither printed nor a line break or tab."""
    return any(unicodedata.category(sign) == "Cc" and sign not in "\t\n\r" for sign in text)


def has_invisible_characters(text: str) -> bool:
    """Anything that cannot be seen but the plain space."""
    return any(unicodedata.category(sign)[0] in "CZ" and sign != " " for sign in text)
