"""The first records of a text: cut by the csv module, and the signs that say how they are to be cut."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice

RECORDS = 200
_FIGURE = re.compile(r"[+-]?\d[\d.,' ]*%?|[+-]?\d[\d.,]*[eE][+-]?\d+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
_YEAR = re.compile(r"(19|20|21)\d\d")
# What Excel is told the delimiter with. Saved by Excel again the line is filled up with delimiters.
_SEPARATOR = re.compile(r'"?sep=([^\w\s"]|\t)"?[,;\t|]*(\r\n|\r|\n|$)', re.IGNORECASE)
_SINGLE_QUOTED = re.compile(r"'(?:[^']|'')*'")
_EDGES = ",;\t|^~\r\n"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A record of the sample and the number of lines before it."""

    cells: list[str]
    line: int


def rows_of(sample: str, *, delimiter: str, quote: str, above: int) -> list[Row]:
    """The first 200 records below `above` lines; fewer where quotes stand in wrong places (the plan refuses them)."""
    text = io.StringIO(sample, newline="")
    for _ in range(above):
        text.readline()
    reader = csv.reader(
        text,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    rows: list[Row] = []
    line = above
    try:
        for cells in islice(reader, RECORDS):
            rows.append(Row(cells=cells, line=line))
            line = above + reader.line_num
    except csv.Error:
        pass  # the plan refuses it with its line; what was read up to here is enough to find the delimiter
    return rows


def is_figure(cell: str) -> bool:
    """Whether this is a number or a date; a year alone is not, since years head columns."""
    text = cell.strip()
    return bool(_FIGURE.fullmatch(text)) and not is_year(text)


def is_year(cell: str) -> bool:
    """Whether this is four digits that may be a year."""
    return bool(_YEAR.fullmatch(cell.strip()))


def separator_line(sample: str) -> str | None:
    """The delimiter that a first line `sep=;` says, as Excel writes and reads it."""
    found = _SEPARATOR.match(sample)
    return found[1] if found else None


def single_quotes(sample: str) -> bool:
    """Whether single quotes stand around fields: there is no other quote, and each of them is at a field's edge."""
    if '"' in sample or "'" not in sample:
        return False
    end = 0
    for found in _SINGLE_QUOTED.finditer(sample):
        start = found.start()
        if "'" in sample[end:start] or (start and sample[start - 1] not in _EDGES):
            return False
        end = found.end()
        if end < len(sample) and sample[end] not in _EDGES:
            return False
    return bool(end) and "'" not in sample[end:]


def line_end_of(sample: str, quote: str) -> str:
    """CR where, outside quotes, it stands alone more often than line feeds stand at all."""
    bare = re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}", "", sample) if quote else sample
    feeds = bare.count("\n")
    return "\r" if bare.count("\r") - bare.count("\r\n") > feeds else "\n"
