"""The structure of a delimited text, read off a sample: delimiter, preamble, header, instruction lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

from headwater.connectors.csv_file.config import CsvConfig
from headwater.errors import InputRefused

CONFIDENT = 0.8
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_RECORDS = 200
_TITLE_RECORDS = 20
_COMMENT = "#"
_FIGURE = re.compile(r"[+-]?\d[\d.,' ]*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
_YEAR = re.compile(r"(19|20|21)\d\d")


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A config with everything found or said, how sure the delimiter is (0 to 1), and what speaks for it."""

    config: CsvConfig
    confidence: float
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A record of the sample and the number of lines before it."""

    cells: list[str]
    line: int


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The sample as one delimiter cuts it.

    fields  the commonest number of fields in a record
    share   of the records have it
    header  index of the header in `rows`
    score   how well it fits, 0 to 1
    """

    delimiter: str
    rows: list[_Row]
    fields: int
    share: float
    header: int
    score: float


def find_structure(sample: str, said: CsvConfig, name: str) -> Structure:
    """Complete what was said by what the first 200 records show.

    Raises InputRefused where two delimiters fit alike, where lines could be instructions or records, and where the
    header is missing.
    """
    quote = '"' if said.quote is None else said.quote
    line_end = said.line_end or _line_end(sample, quote)
    config = replace(said, quote=quote, line_end=line_end)
    best, confidence, evidence = _delimiter(sample, config, name)
    warnings: list[str] = []
    comment = said.comment
    if comment is None:
        comment, found = _instructions(best, name)
        warnings += found
    data = [row for row in best.rows if not (comment and row.cells and row.cells[0].startswith(comment))]
    if comment:
        best = _reading(best.delimiter, data, said.preamble)
        evidence += (f"lines that begin with {comment} are instructions",)
    config = replace(config, delimiter=best.delimiter, comment=comment)
    if not best.rows:
        # No header: the layout refuses it.
        return Structure(config=replace(config, preamble=0, unnamed=0), confidence=0.0, evidence=(), warnings=())
    header = best.rows[best.header]
    below = [row.cells for row in best.rows[best.header + 1 :] if row.cells]
    _refuse_without_header(header, below, name)
    unnamed = said.unnamed
    if unnamed is None:
        unnamed = int(_has_trailing_delimiter(header.cells, below))
        evidence += ("every record ends with a delimiter, the header does not",) * unnamed
    preamble = header.line if said.preamble is None else said.preamble
    evidence += (f"{preamble} lines stand above the header",) * bool(preamble)
    config = replace(config, preamble=preamble, unnamed=unnamed)
    return Structure(config=config, confidence=confidence, evidence=evidence, warnings=tuple(warnings))


def _delimiter(sample: str, config: CsvConfig, name: str) -> tuple[_Reading, float, tuple[str, ...]]:
    if config.delimiter is not None:
        reading = _reading(config.delimiter, _rows(sample, config.delimiter, config), config.preamble)
        return reading, 1.0, (f"delimiter {config.delimiter!r} said by source.delimiter",)
    taken = {config.quote, config.comment}
    readings = [
        _reading(delimiter, _rows(sample, delimiter, config), config.preamble)
        for delimiter in DELIMITERS
        if delimiter not in taken
    ]
    readings.sort(key=lambda reading: (reading.score, reading.fields), reverse=True)
    best, *others = readings
    if best.score == 0:
        return best, 1.0, ("one column: no delimiter divides the records",)
    what = f"{best.share:.0%} of the first {len(best.rows)} records have {best.fields} fields"
    second = next((reading for reading in others if not _is_within_cells(reading, best)), None)
    if second is None:
        return best, 1.0, (f"divided by {DELIMITERS[best.delimiter]}, {what}",)
    confidence = round(best.score / (best.score + second.score), 2)
    if confidence < CONFIDENT:
        raise InputRefused(
            f"the delimiter cannot be told: {DELIMITERS[best.delimiter]} and {DELIMITERS[second.delimiter]} divide the "
            "records alike",
            where=name,
            value=f"{what} by {DELIMITERS[best.delimiter]}, {second.share:.0%} have {second.fields} by "
            f"{DELIMITERS[second.delimiter]}",
            valid="one delimiter that fits clearly better than the others",
            remedy='Set source.delimiter in the mapping, for example delimiter: ";".',
        )
    return best, confidence, (f"divided by {DELIMITERS[best.delimiter]}, {what}",)


def _is_within_cells(rival: _Reading, best: _Reading) -> bool:
    """Whether the rival stands in texts only: the header lacks it, and the best divides all, header included, alike."""
    return best.share == 1.0 and best.header == 0 < rival.header and rival.fields < best.fields


def _rows(sample: str, delimiter: str, config: CsvConfig) -> list[_Row]:
    text = io.StringIO(sample, newline="")
    for _ in range(config.preamble or 0):
        text.readline()
    reader = csv.reader(
        text,
        delimiter=delimiter,
        quotechar=config.quote or None,
        quoting=csv.QUOTE_MINIMAL if config.quote else csv.QUOTE_NONE,
    )
    rows: list[_Row] = []
    line = config.preamble or 0
    try:
        for cells in islice(reader, _RECORDS):
            rows.append(_Row(cells=cells, line=line))
            line = (config.preamble or 0) + reader.line_num
    except csv.Error:
        pass  # the plan refuses it with its line; what was read up to here is enough to find the delimiter
    return rows


def _reading(delimiter: str, rows: list[_Row], preamble: int | None) -> _Reading:
    """Cut by a delimiter, with the commonest number of fields and the header."""
    filled = [(index, row.cells) for index, row in enumerate(rows) if any(cell.strip() for cell in row.cells)]
    counts = Counter(len(cells) for _, cells in filled)
    if not counts:
        return _Reading(delimiter=delimiter, rows=rows, fields=1, share=0.0, header=0, score=0.0)
    fields = max(counts, key=lambda number: (counts[number], number))
    fitting = [index for index, cells in filled if len(cells) == fields]
    header = _header(rows, fitting, fields)
    above = [index for index, _ in filled if index < header]
    if preamble is not None:
        header = filled[0][0]
    elif (
        above
        and len(rows[above[-1]].cells) == fields - 1
        and _has_trailing_delimiter(rows[above[-1]].cells, [rows[index].cells for index in fitting])
    ):
        header = above[-1]
    share = counts[fields] / len(filled)
    score = share if fields > 1 else 0.0
    # A delimiter that takes a record for the header, or leaves lines above it, is likely a decimal comma or the like.
    score *= 0.2 if any(_is_figure(cell) for cell in rows[header].cells) else 1.0
    score *= 0.5 if filled[0][0] < header else 1.0
    return _Reading(delimiter=delimiter, rows=rows, fields=fields, share=share, header=header, score=score)


def _header(rows: list[_Row], fitting: list[int], fields: int) -> int:
    """The first fitting record at least half filled; below a blank line one more filled, as under a block of titles."""
    filled = {index: sum(map(bool, rows[index].cells)) for index in fitting}
    header = next((index for index in fitting if filled[index] * 2 >= fields), fitting[0])
    for index in fitting:
        below_blank = header < index < _TITLE_RECORDS and not any(rows[index - 1].cells)
        if below_blank and filled[index] > filled[header] and not any(map(_is_figure, rows[index].cells)):
            header = index
    return header


def _has_trailing_delimiter(header: list[str], below: list[list[str]]) -> bool:
    return (
        bool(below)
        and all(header)
        and len(header) > 1
        and all(len(cells) == len(header) + 1 and not cells[-1] for cells in below)
    )


def _instructions(reading: _Reading, name: str) -> tuple[str, list[str]]:
    """Whether lines that begin with # are instructions: they are where they are not divided as the records are."""
    signed = [row for row in reading.rows if row.cells and row.cells[0].startswith(_COMMENT)]
    if not signed or signed[0] is reading.rows[reading.header]:
        return "", []
    divided = sum(len(row.cells) == reading.fields for row in signed)
    if reading.fields > 1 and divided <= len(signed) * 0.2:
        return _COMMENT, []
    if reading.fields > 1 and divided >= len(signed) * 0.8:
        return "", [f"{len(signed)} records begin with {_COMMENT}; they are read as data"]
    raise InputRefused(
        f"lines begin with {_COMMENT}, and it cannot be told whether they are instructions or records",
        where=f"{name}, line {signed[0].line + 1}",
        value=reading.delimiter.join(signed[0].cells)[:80],
        remedy=f'Set source.comment in the mapping: "{_COMMENT}" if they are instructions, "" if they are records.',
    )


def _refuse_without_header(header: _Row, below: list[list[str]], name: str) -> None:
    """A first record whose figures stand where the records below have figures is a record itself."""
    alike = different = 0
    for place, cell in enumerate(header.cells):
        column = [cells[place] for cells in below if len(cells) == len(header.cells) and cells[place].strip()]
        if column and sum(map(_is_figure, column)) >= 0.9 * len(column):
            alike += _is_figure(cell)
            different += not _is_figure(cell) and not _YEAR.fullmatch(cell.strip())
    if alike and not different:
        raise InputRefused(
            "there is no header: the first record holds figures as the records below do",
            where=f"{name}, line {header.line + 1}",
            value=", ".join(header.cells)[:80],
            valid="a line with the names of the columns above the records",
            remedy="Add a header line to the file; if there is one further down, set source.preamble to the number of "
            "lines above it.",
        )


def _is_figure(cell: str) -> bool:
    """Whether this is a number or a date; a year alone is not, since years head columns."""
    text = cell.strip()
    return bool(_FIGURE.fullmatch(text)) and not _YEAR.fullmatch(text)


def _line_end(sample: str, quote: str) -> str:
    """CR where, outside quotes, it stands alone more often than line feeds stand at all."""
    bare = re.sub(f"{re.escape(quote)}[^{re.escape(quote)}]*{re.escape(quote)}", "", sample) if quote else sample
    feeds = bare.count("\n")
    return "\r" if bare.count("\r") - bare.count("\r\n") > feeds else "\n"
