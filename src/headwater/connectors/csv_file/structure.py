"""The structure of a delimited text, read off a sample: delimiter, preamble, header, instruction lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.doubts import (
    about_characters,
    about_records,
    refuse_curly_quotes,
    refuse_long_delimiter,
    refuse_one_column,
    refuse_one_line,
    refuse_other_notations,
    refuse_second_header,
    refuse_short_header,
    refuse_stray_quotes,
    refuse_tables_above,
    refuse_tables_below,
)
from headwater.connectors.csv_file.records import Dialect
from headwater.connectors.csv_file.sample import (
    Row,
    is_figure,
    is_year,
    line_end_of,
    rows_of,
    separator_line,
    single_quotes,
)
from headwater.documents.counted import counted
from headwater.errors import InputRefused

CONFIDENT = 0.8
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# Tried where no other divides: signs that stand in no text by chance.
_RARE = frozenset("^~")
_TITLE_RECORDS = 20
_COMMENT = "#"


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A config with everything found or said, how sure the delimiter is (0 to 1), and what speaks for it."""

    config: CsvConfig
    confidence: float
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The sample as one delimiter cuts it.

    fields  the commonest number of fields in a record
    share   of the records have it
    header  index of the header in `rows`
    score   how well it fits, 0 to 1
    """

    delimiter: str
    rows: list[Row]
    fields: int
    share: float
    header: int
    score: float


def find_structure(sample: str, said: CsvConfig, name: str) -> Structure:
    """Complete what was said by what the first 200 records show.

    Raises InputRefused where two delimiters fit alike, where lines could be instructions or records, where the header
    is missing, and for the doubts of `doubts`.
    """
    separator = separator_line(sample) if said.preamble is None else None
    if said.delimiter is None:
        refuse_other_notations(sample, name)
    quote = said.quote if said.quote is not None else "'" if single_quotes(sample) else '"'
    config = replace(
        said,
        quote=quote,
        line_end=said.line_end or line_end_of(sample, quote),
        delimiter=said.delimiter or (separator if separator != said.comment else None),
        preamble=1 if separator else said.preamble,
    )
    best, confidence, evidence = _delimiter(sample, config, name, forced=said.preamble)
    if separator:
        evidence = (f"the first line says sep={separator}", *(evidence if said.delimiter else ()))
    if said.quote is None and quote == "'":
        evidence += ("single quotes stand around fields",)
    warnings: list[str] = []
    comment = said.comment
    if comment is None:
        comment, found = _instructions(best, name)
        warnings += found
    if comment:
        data = [row for row in best.rows if not (row.cells and row.cells[0].startswith(comment))]
        best = _reading(best.delimiter, data, said.preamble)
        evidence += (f"lines that begin with {comment} are instructions",)
    config = replace(config, delimiter=best.delimiter, comment=comment)
    if not best.rows:
        # No header: the layout refuses it.
        config = replace(config, preamble=config.preamble or 0, unnamed=0)
        return Structure(config=config, confidence=0.0, evidence=(), warnings=())
    header = best.rows[best.header]
    below = [row.cells for row in best.rows[best.header + 1 :] if row.cells]
    _doubt(best, sample, said, config, name)
    unnamed = said.unnamed
    if unnamed is None:
        unnamed = int(_has_trailing_delimiter(header.cells, below))
        evidence += ("every record ends with a delimiter, the header does not",) * unnamed
    preamble = header.line if said.preamble is None else said.preamble
    evidence += (f"{counted(preamble, 'line stands', 'lines stand')} above the header",) * bool(preamble)
    config = replace(config, preamble=preamble, unnamed=unnamed)
    warnings += [*about_records(best.rows, best.header), *about_characters(best.rows)]
    return Structure(config=config, confidence=confidence, evidence=evidence, warnings=tuple(warnings))


def _doubt(best: _Reading, sample: str, said: CsvConfig, config: CsvConfig, name: str) -> None:
    """Refuse what is likely read wrong; what was said is not doubted."""
    rows, header = best.rows, best.header
    if said.delimiter is None:
        refuse_one_line(sample, rows, name)
        if best.fields == 1:
            refuse_one_column(rows, name)
        refuse_long_delimiter(rows, best.delimiter, name)
    if said.quote is None:
        refuse_curly_quotes(rows, name)
    try:
        if said.preamble is None:
            refuse_tables_above(rows, header, name)
            refuse_short_header(rows, header, name)
            refuse_tables_below(rows, header, name)
            refuse_second_header(rows, header, name)
        _refuse_without_header(rows[header], [row.cells for row in rows[header + 1 :] if row.cells], name)
    except InputRefused:
        dialect = Dialect(
            delimiter=best.delimiter,
            quote=config.quote or "",
            comment=config.comment or "",
            line_end=config.line_end or "\n",
        )
        refuse_stray_quotes(sample, dialect, name)
        raise


def _delimiter(
    sample: str, config: CsvConfig, name: str, *, forced: int | None
) -> tuple[_Reading, float, tuple[str, ...]]:
    """The reading that fits best. `forced`: the number of lines above the header, where it was said."""

    def reading(delimiter: str) -> _Reading:
        rows = rows_of(sample, delimiter=delimiter, quote=config.quote or "", above=config.preamble or 0)
        return _reading(delimiter, rows, forced)

    if config.delimiter is not None:
        return reading(config.delimiter), 1.0, (f"delimiter {config.delimiter!r} said by source.delimiter",)
    taken = {config.quote, config.comment}
    readings = [reading(delimiter) for delimiter in DELIMITERS if delimiter not in taken]
    best = max(readings, key=lambda one: (sum(_is_better(one, other) for other in readings), one.score, one.fields))
    others = sorted((other for other in readings if other is not best), key=lambda other: other.score, reverse=True)
    if best.score == 0:
        rare = [found for found in map(reading, _RARE - taken) if found.score == 1]
        if len(rare) == 1:
            return (
                rare[0],
                0.9,
                (f"divided by {rare[0].delimiter}, as is every record, into {counted(rare[0].fields, 'field')}",),
            )
        return best, 1.0, ("one column: no delimiter divides the records",)
    what = f"{best.share:.0%} of the first {counted(len(best.rows), 'record')} have {counted(best.fields, 'field')}"
    second = next((reading for reading in others if not _is_within_cells(reading, best)), None)
    if second is None:
        return best, 1.0, (f"divided by {DELIMITERS[best.delimiter]}, {what}",)
    confidence = round(best.score / (best.score + second.score / _advantage(best, second)), 2)
    if confidence < CONFIDENT:
        raise InputRefused(
            f"the delimiter cannot be told: {DELIMITERS[best.delimiter]} and {DELIMITERS[second.delimiter]} divide the "
            "records alike",
            where=name,
            value=f"{what} by {DELIMITERS[best.delimiter]}, {second.share:.0%} have {second.fields} by "
            f"{DELIMITERS[second.delimiter]}",
            valid="one delimiter that fits clearly better than the others",
            remedy='Set source.delimiter in the mapping, for example delimiter: ";".',
        ).settled_by("source.delimiter")
    return best, confidence, (f"divided by {DELIMITERS[best.delimiter]}, {what}",)


def _is_better(one: _Reading, other: _Reading) -> bool:
    return one.score * _advantage(one, other) > other.score * _advantage(other, one)


def _advantage(best: _Reading, rival: _Reading) -> float:
    """How much likelier the best is for dividing into more fields, where it divides more evenly as well."""
    if rival.share < best.share and 1 < rival.fields < best.fields:
        return (best.fields - 1) / (rival.fields - 1)
    return 1.0


def _is_within_cells(rival: _Reading, best: _Reading) -> bool:
    """Whether the rival stands in texts only: the header lacks it, and the best divides all, header included, alike."""
    return best.share == 1.0 and best.header == 0 < rival.header and rival.fields <= best.fields


def _reading(delimiter: str, rows: list[Row], preamble: int | None) -> _Reading:
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
    score *= 0.2 if any(is_figure(cell) for cell in rows[header].cells) else 1.0
    score *= 0.5 if filled[0][0] < header else 1.0
    return _Reading(delimiter=delimiter, rows=rows, fields=fields, share=share, header=header, score=score)


def _header(rows: list[Row], fitting: list[int], fields: int) -> int:
    """The first fitting record at least half filled; below a blank line one more filled, as under a block of titles."""
    filled = {index: sum(map(bool, rows[index].cells)) for index in fitting}
    header = next((index for index in fitting if filled[index] * 2 >= fields), fitting[0])
    for index in fitting:
        below_blank = header < index < _TITLE_RECORDS and not any(rows[index - 1].cells)
        if below_blank and filled[index] > filled[header] and not any(map(is_figure, rows[index].cells)):
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
        return "", [f"{counted(len(signed), 'record begins', 'records begin')} with {_COMMENT}; they are read as data"]
    raise InputRefused(
        f"lines begin with {_COMMENT}, and it cannot be told whether they are instructions or records",
        where=f"{name}, line {signed[0].line + 1}",
        value=reading.delimiter.join(signed[0].cells)[:80],
        remedy=f'Set source.comment in the mapping: "{_COMMENT}" if they are instructions, "" if they are records.',
    ).settled_by("source.comment")


def _refuse_without_header(header: Row, below: list[list[str]], name: str) -> None:
    """A first record whose figures stand where the records below have figures is a record itself."""
    alike = different = 0
    for place, cell in enumerate(header.cells):
        column = [cells[place] for cells in below if len(cells) == len(header.cells) and cells[place].strip()]
        if column and sum(map(is_figure, column)) >= 0.9 * len(column):
            alike += is_figure(cell)
            different += not is_figure(cell) and not is_year(cell)
    if alike and not different:
        raise InputRefused(
            "there is no header: the first record holds figures as the records below do",
            where=f"{name}, line {header.line + 1}",
            value=", ".join(header.cells)[:80],
            valid="a line with the names of the columns above the records",
            remedy="Add a header line to the file; if there is one further down, set source.preamble to the number of "
            "lines above it.",
        ).settled_by("source.preamble")
