"""The top of a file: byte order mark, preamble, header. What is below it is records."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from headwater.connectors.csv_file.config import CsvConfig
from headwater.connectors.csv_file.records import MAX_RECORD_BYTES, Dialect, Place, cut
from headwater.connectors.text_table.parts import Part
from headwater.documents.counted import counted
from headwater.errors import InputRefused, Misuse

MAX_COLUMNS = 2_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Zero-width spaces and joiners, direction marks, word joiner, byte order mark: no reader sees them, a program does.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_LINE_BREAK = re.compile(r"[\r\n]+")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What reading a slice of the file needs to know of its top.

    columns      names as made by `column_names`
    header       its cells as they stand in the file
    preamble     the lines above the header, without their line ends; blank and instruction lines among them
    header_line  line the header starts at, from 1
    data_byte    offset of the first record, counted from the file's first byte (the byte order mark counts)
    data_line    line the first record starts at
    parts        where records stood, if the text was made of a file of another form; then lines are rows of that file
    unwanted     columns in which no record may have a text: they are new, and the recipe does not take what is new
    """

    columns: tuple[str, ...]
    header: tuple[str, ...]
    preamble: tuple[str, ...]
    header_line: int
    data_byte: int
    data_line: int
    dialect: Dialect
    parts: tuple[Part, ...] = ()
    unwanted: tuple[str, ...] = ()


def read_layout(head: bytes, config: CsvConfig, name: str, *, final: bool) -> Layout | None:
    """Read the top of a UTF-8 text; None where `head` ends before the header does. `final`: no more is to come."""
    if not final and len(head) < len(BYTE_ORDER_MARK):
        return None
    dialect = _dialect(head, config, final=final)
    if dialect is None:
        return None
    line_end = dialect.line_end.encode()
    at = len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0
    preamble: list[bytes] = []
    while at < len(head):
        end = head.find(line_end, at)
        if end < 0 and not final:
            _refuse_endless(head, name)
            return None
        end = len(head) if end < 0 else end
        line = head[at:end]
        is_preamble = len(preamble) < (config.preamble or 0)
        if not is_preamble and line.strip() and not (dialect.comment and line.startswith(dialect.comment.encode())):
            return _read_header(head, at, preamble=preamble, dialect=dialect, config=config, name=name, final=final)
        preamble.append(line)
        at = end + 1
    if not final:
        _refuse_endless(head, name)
        return None
    raise _no_header(name, f"{counted(len(preamble), 'line')}, none of them with column names")


def _no_header(where: str, found: str) -> InputRefused:
    return InputRefused(
        "there is no header",
        where=where,
        value=found,
        valid="a line with the names of the columns above the records",
        remedy="Add a header line; if source.preamble is set, see that it counts only the lines above the header.",
    )


def column_names(cells: list[str], unnamed: int = 0) -> tuple[str, ...]:
    """Names a person can type: invisible characters and outer spaces gone, empty ones numbered, double ones told apart.

    Names that differ by case only count as double, as they do for SQL. "" becomes "column_7", the second "x" "x_2".
    """
    names: list[str] = []
    taken: set[str] = set()
    cleaned = [*map(visible, cells), *[""] * unnamed]
    first_uses = {name.lower() for name in cleaned}
    for number, given in enumerate(cleaned, start=1):
        stem = given or f"column_{number}"
        name, copy = stem, 1
        while name.lower() in taken or ((copy > 1 or not given) and name.lower() in first_uses):
            copy += 1
            name = f"{stem}_{copy}"
        taken.add(name.lower())
        names.append(name)
    return tuple(names)


def visible(cell: str) -> str:
    """A header cell on one line, without invisible characters and outer spaces."""
    lines = (line.strip() for line in _LINE_BREAK.split(_INVISIBLE.sub("", cell)))
    return " ".join(line for line in lines if line)


def _dialect(head: bytes, config: CsvConfig, *, final: bool) -> Dialect | None:
    if config.delimiter is None:
        raise Misuse(
            "the delimiter is not known",
            where="source.delimiter",
            remedy="Inspect the file first, or set source.delimiter.",
        )
    line_end = config.line_end or _first_line_end(head, final=final)
    if line_end is None:
        return None
    quote = '"' if config.quote is None else config.quote
    return Dialect(delimiter=config.delimiter, quote=quote, comment=config.comment or "", line_end=line_end)


def _first_line_end(head: bytes, *, final: bool) -> str | None:
    feed, carriage_return = head.find(b"\n"), head.find(b"\r")
    if carriage_return < 0 or 0 <= feed <= carriage_return + 1:
        return "\n" if feed >= 0 or final else None
    if carriage_return + 1 == len(head) and not final:
        return None
    return "\r"


def _read_header(
    head: bytes,
    start: int,
    *,
    preamble: list[bytes],
    dialect: Dialect,
    config: CsvConfig,
    name: str,
    final: bool,
) -> Layout | None:
    end = _end_of_record(head, start, dialect, final=final)
    line = len(preamble) + 1
    place = f"{name}, line {line}"
    # Refuses quotes in wrong places; at the end of the file an open one too, so that there is a header or a refusal.
    cut(head[start:end], dialect, Place(name=name, byte=start, line=line), final=final)
    if end is None:
        _refuse_endless(head, name)
        return None
    cells = _split(_decode(head[start:end], start, place), dialect, place)
    if not any(map(visible, cells)):
        raise _no_header(place, f"{counted(len(cells), 'field')}, none of them with a name")
    if len(cells) + (config.unnamed or 0) > MAX_COLUMNS:
        raise InputRefused(
            "too many columns",
            where=place,
            value=len(cells),
            valid=f"at most {MAX_COLUMNS:,} columns",
            remedy="See that source.delimiter is right; a wide table is better turned into rows first.",
        )
    return Layout(
        columns=column_names(cells, config.unnamed or 0),
        header=tuple(cells),
        preamble=tuple(_decode(text, 0, name).rstrip("\r") for text in preamble),
        header_line=line,
        data_byte=end,
        data_line=line + head.count(dialect.line_end.encode(), start, end),
        dialect=dialect,
    )


def _end_of_record(data: bytes, start: int, dialect: Dialect, *, final: bool) -> int | None:
    line_end, quote = dialect.line_end.encode(), dialect.quote.encode()
    at, quotes = start, 0
    while (end := data.find(line_end, at)) >= 0:
        quotes += data.count(quote, at, end) if quote else 0
        if quotes % 2 == 0:
            return end + 1
        at = end + 1
    quotes += data.count(quote, at) if quote else 0
    return len(data) if final and quotes % 2 == 0 else None


def _split(text: str, dialect: Dialect, place: str) -> list[str]:
    """The fields of one record that is known to have its quotes in the right places."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    try:
        return next(reader)
    except csv.Error as error:
        raise InputRefused(f"the header cannot be cut into names: {error}", where=place, value=text[:80]) from error


def _decode(data: bytes, offset: int, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise undecodable(data, error, offset, place) from error


def undecodable(data: bytes, error: UnicodeDecodeError, offset: int, place: str) -> InputRefused:
    """The refusal for a byte that is not text in the encoding; `offset` is where `data` begins in the file."""
    return InputRefused(
        f"the byte at offset {offset + error.start} is not {error.encoding.upper()} text",
        where=place,
        value=f"0x{data[error.start]:02X}",
        valid=f"text in {error.encoding.upper()} throughout",
        remedy="Set source.encoding to the encoding the file was saved in, or save it again as UTF-8.",
    ).settled_by("source.encoding")


def unreadable(encoding: str, error: UnicodeError, place: str) -> InputRefused:
    """The refusal for a text that is not in the encoding as a whole, as UTF-16 without the mark that it begins with."""
    return InputRefused(
        f"this is not {encoding.upper()} text: {error}",
        where=place,
        valid=f"text in {encoding.upper()} throughout",
        remedy="Set source.encoding to the encoding the file was saved in (utf-16-le or utf-16-be without a byte order "
        "mark), or save it again as UTF-8.",
    ).settled_by("source.encoding")


def _refuse_endless(head: bytes, name: str) -> None:
    if len(head) > MAX_RECORD_BYTES:
        raise InputRefused(
            f"no header within the first {MAX_RECORD_BYTES // 1024 // 1024} MB",
            where=name,
            remedy="See that this is a text file with line ends, and that a quote opened in the header is closed.",
        )
