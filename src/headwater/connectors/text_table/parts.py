"""Records of a file on their way to text, and where in the file each of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Consecutive records of one part of a file.

    part          a sheet's name, the path of an array ("/value"), "" where the file has one part only
    first_number  of the first record as people count it there: row of the sheet, line, item; the others follow by one
    rows          a string column for each of the table's, nothing null; blank rows are records of blanks
    ragged        index -> cells of a record with another number of fields than the table; its row holds blanks
    columns       as in `Part`: with them, so many rows come from one row of the file
    """

    part: str
    first_number: int
    rows: pa.Table
    ragged: Mapping[int, Sequence[str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file as one table of texts.

    columns  names as mappings use them, each once
    header   the cells those names were made of
    units    column -> its unit, where a row below the header says so
    """

    columns: tuple[str, ...]
    header: tuple[str, ...]
    batches: Iterator[Batch]
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of the text whose records follow one another in the file.

    first_record  number in the text of its first record, from 1
    first_number  number in the file of the row that record came from
    columns       the columns that each row was turned into records of, in order; () where a row is one record
    """

    name: str
    first_record: int
    first_number: int
    columns: tuple[str, ...] = ()

    def number(self, record: int) -> int:
        """The row in the file of a record of this part, by its number in the text."""
        return self.first_number + (record - self.first_record) // (len(self.columns) or 1)

    def column(self, record: int) -> str | None:
        """The column that a record of this part came from, where rows were turned into several records."""
        return self.columns[(record - self.first_record) % len(self.columns)] if self.columns else None


def part_of(parts: Sequence[Part], record: int) -> Part | None:
    """The part that a record stands in; None where the file is its own text."""
    found = None
    for part in parts:
        if part.first_record > record:
            break
        found = part
    return found


def numbers(parts: Sequence[Part], records: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`Part.number` for many records at once; every record stands in a part."""
    first_records = np.array([part.first_record for part in parts], np.int64)
    first_numbers = np.array([part.first_number for part in parts], np.int64)
    widths = np.array([len(part.columns) or 1 for part in parts], np.int64)
    place = np.searchsorted(first_records, records, "right") - 1
    return first_numbers[place] + (records - first_records[place]) // widths[place]
