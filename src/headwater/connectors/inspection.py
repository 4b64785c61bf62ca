"""What a file is, before anything is loaded: the answer that every format's inspection gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

Config_co = TypeVar("Config_co", covariant=True)

SAMPLE_ROWS = 20
CONFIDENT = 0.8
"""Below it a guess is refused, naming the option that settles it."""


@dataclass(frozen=True, kw_only=True)
class SheetInfo:
    """A sheet of a workbook.

    state       visible, hidden or very hidden
    rows        up to the last with a value; `columns` likewise
    merged      ranges as a spreadsheet names them, A1:C3
    header_row  from 1; None where no header was found
    is_read     whether it is part of the table
    """

    name: str
    state: str
    rows: int
    columns: int
    merged: tuple[str, ...] = ()
    header_row: int | None = None
    is_read: bool = False


@dataclass(frozen=True, kw_only=True)
class Inspection(Generic[Config_co]):
    """What was found; `config` holds all of it in the form that reading takes.

    size          bytes of the file as it is
    confidence    of everything found together, 0 to 1; below `CONFIDENT` the file is refused instead
    evidence      why it is thought to be so
    encoding      of a text; "" for a binary format
    header_line   line or row of the header, from 1; 0 where the names stand in every record, as in JSON
    preamble      the lines above the header
    columns       names as the mapping uses them
    sample        up to 20 records from the top, the texts of each in the order of `columns`
    sample_lines  the line, row or index of each of them
    units         column -> its unit, where a row below the header says so
    sheets        of a workbook, all of them
    members       of an archive, those that could be read
    member        of an archive, the one that was inspected
    contract      of a workbook to fill in, name and version of the one it was made for
    """

    format: str
    name: str
    size: int
    encoding: str
    confidence: float
    evidence: tuple[str, ...]
    config: Config_co
    header_line: int
    preamble: tuple[str, ...]
    columns: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    sample_lines: tuple[int, ...]
    warnings: tuple[str, ...]
    units: tuple[tuple[str, str], ...] = ()
    sheets: tuple[SheetInfo, ...] = ()
    members: tuple[str, ...] = ()
    member: str | None = None
    contract: str | None = None

    def as_json(self) -> dict[str, object]:
        """Plain dicts, lists, texts and numbers."""
        return asdict(self)
