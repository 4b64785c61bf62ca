"""One look at each sheet of a workbook: its size by its cells, its top rows, what is odd in it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from headwater.connectors.workbook.grid import HEAD_ROWS, Book, Range, Row, Sheet, Tally, Walked, filled

_TOTAL = re.compile(
    r"(?:grand |sub[- ]?|gesamt)?(?:totals?|sum|summe|somme|totale?s?|totaal|totalt|gesamt|gesamtsumme|insgesamt)"
    r"\b.{0,60}",
    re.IGNORECASE,
)


@dataclass(kw_only=True)
class Scan:
    """What a sheet holds.

    rows, columns  up to the last with a value of its own
    head           the top rows, merged cells filled
    own            the same rows as they stand, by number
    below          column -> number of the last row with a value in it
    totals         rows whose first text says so
    """

    sheet: Sheet
    rows: int = 0
    columns: int = 0
    cells: int = 0
    head: list[Row] = field(default_factory=list)
    own: dict[int, Row] = field(default_factory=dict)
    last_of: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def scans(book: Book) -> tuple[Scan, ...]:
    """All sheets of a workbook in its order, each read whole: what a sheet says of its own size may be wrong."""
    found = {sheet.name: Scan(sheet=sheet) for sheet in book.sheets}
    for walked in book.walk(frozenset(sheet.name for sheet in book.sheets if sheet.is_grid), "."):
        _scan(found[walked.sheet], walked)
    return tuple(found.values())


def _scan(scan: Scan, walked: Walked) -> None:
    watched = Walked(sheet=walked.sheet, rows=_watched(scan, walked), merged=walked.merged, tally=walked.tally)
    scan.head += islice(filled(watched), HEAD_ROWS)
    # The rest is only counted; what ranges fill there is for whoever reads the records.
    deque(watched.rows, maxlen=0)
    scan.merged = list(walked.merged)
    scan.tally = walked.tally


def _watched(scan: Scan, walked: Walked) -> Iterator[Row]:
    last_of = scan.last_of
    full: dict[int, int] = {}
    for row in walked.rows:
        texts = row.texts
        scan.rows = row.number
        scan.cells += len(texts)
        if "" not in texts:
            full[len(texts)] = row.number
        else:
            last_of += [0] * (len(texts) - len(last_of))
            for column, text in enumerate(texts):
                if text:
                    last_of[column] = row.number
        first = next((text for text in texts if text), "")
        if len(first) < 80 and first[:1] in "tgsiTGSI" and _TOTAL.fullmatch(first.strip()):
            scan.totals.append(row.number)
        if len(scan.own) < HEAD_ROWS:
            scan.own[row.number] = row
        yield row
    for width, number in full.items():
        last_of += [0] * (width - len(last_of))
        for column in range(width):
            last_of[column] = max(last_of[column], number)
    scan.columns = len(last_of)
