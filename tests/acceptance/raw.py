"""Real files read with nothing but Python's csv module and Decimal: what Headwater's figures are held against."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

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
