"""Where records end: newlines outside quotes, found by quote parity on whole blocks of bytes.

A quote that does not stand at the edge of a field is refused, because from there on parity would cut in wrong places;
so this cut, pyarrow's parser and Python's csv module see the same records.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.errors import InputRefused

MAX_RECORD_BYTES = 16 * 1024 * 1024
csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_BYTES))  # one field may be nearly the whole record

Positions = npt.NDArray[np.int64]
_NONE: Positions = np.empty(0, np.int64)
_CARRIAGE_RETURN = ord("\r")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The characters that cut a text into records and fields, each one ASCII character or "" for none."""

    delimiter: str
    quote: str
    comment: str
    line_end: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a piece of text begins in its file: for errors only."""

    name: str
    byte: int
    line: int

    def line_of(self, data: bytes, position: int, dialect: Dialect) -> int:
        return self.line + data.count(dialect.line_end.encode(), 0, position)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The complete records of a text that begins at a record's start.

    ends      offset after each record, its line end included
    breaks    for each record the number of line ends before the one that ends it; None where no field holds a line end
    comments  the records that are instruction lines, by index
    """

    ends: Positions
    breaks: Positions | None
    comments: Positions

    @property
    def complete(self) -> int:
        """Length of the text covered by complete records."""
        return int(self.ends[-1]) if self.ends.size else 0

    def lines(self) -> Positions:
        """For each record the number of lines before it."""
        if self.breaks is None:
            return np.arange(self.ends.size, dtype=np.int64)
        lines = np.zeros(self.ends.size, np.int64)
        lines[1:] = self.breaks[:-1] + 1
        return lines

    def lines_before(self, record: int) -> int:
        """Number of lines before the record of this index, which may be one beyond the last."""
        if record == 0 or self.breaks is None:
            return record
        return int(self.breaks[record - 1]) + 1


def cut(data: bytes, dialect: Dialect, place: Place, *, final: bool) -> Cut:
    """Cut a text into records; with `final` what follows the last line end is a record too.

    Raises InputRefused for a quote inside a field, a quote left open at the end (`final` only), a line end of the
    other kind outside quotes, and a record over 16 MB.
    """
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == ord(dialect.line_end))
    quoted = bool(dialect.quote) and dialect.quote.encode() in data
    quotes = np.flatnonzero(text == ord(dialect.quote)) if quoted else _NONE
    comment_starts = _NONE
    if dialect.comment:
        quotes, comment_starts = _set_comments_aside(data, dialect, quotes)
    ends = newlines + 1
    breaks: Positions | None = None
    if quotes.size:
        breaks = np.flatnonzero((np.searchsorted(quotes, newlines) & 1) == 0)
        if breaks.size == newlines.size:
            breaks = None
        else:
            ends = ends[breaks]
    _refuse_stray_quotes(text, data, dialect, place, quotes)
    if final and len(data) > (int(ends[-1]) if ends.size else 0):
        if quotes.size & 1:
            raise _left_open(data, dialect, place, int(quotes[-1]))
        ends = np.append(ends, len(data))
        breaks = breaks if breaks is None else np.append(breaks, newlines.size)
    comments = np.searchsorted(ends, comment_starts, side="right")
    result = Cut(ends=ends, breaks=breaks, comments=comments[comments < ends.size])
    _refuse_other_line_ends(data, dialect, place, quotes, result.complete)
    _refuse_long_records(data, dialect, place, result)
    return result


def _set_comments_aside(data: bytes, dialect: Dialect, quotes: Positions) -> tuple[Positions, Positions]:
    """The quotes outside instruction lines, and where those lines start."""
    sign, line_end = dialect.comment.encode(), dialect.line_end.encode()
    starts: list[int] = []
    aside = np.zeros(quotes.size, np.bool_)
    set_aside = 0
    at = 0 if data.startswith(sign) else _next_comment(data, line_end + sign, 0)
    while at >= 0:
        end = data.find(line_end, at)
        end = len(data) if end < 0 else end
        first = int(np.searchsorted(quotes, at))
        if (first - set_aside) % 2 == 0:
            last = int(np.searchsorted(quotes, end))
            aside[first:last] = True
            set_aside += last - first
            starts.append(at)
        at = _next_comment(data, line_end + sign, end)
    return quotes[~aside], np.array(starts, np.int64)


def _next_comment(data: bytes, start_of_comment: bytes, position: int) -> int:
    found = data.find(start_of_comment, position)
    return found if found < 0 else found + 1


def _refuse_stray_quotes(
    text: npt.NDArray[np.uint8], data: bytes, dialect: Dialect, place: Place, quotes: Positions
) -> None:
    if not quotes.size:
        return
    edge = np.zeros(256, np.bool_)
    edge[[ord(dialect.delimiter), ord(dialect.line_end), ord(dialect.quote)]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = opening - 1
    stray = opening[~(edge[text[before]] | (before < 0))]
    # A carriage return stands between a closing quote and a newline; anywhere else it is refused as a line end.
    edge[_CARRIAGE_RETURN] = True
    after = np.minimum(closing + 1, text.size - 1)
    early = closing[~(edge[text[after]] | (closing + 1 == text.size))]
    if stray.size and (not early.size or stray[0] < early[0]):
        line = place.line_of(data, int(stray[0]), dialect)
        raise InputRefused(
            "a quote stands inside a field that does not begin with one",
            where=f"{place.name}, line {line}",
            value=_around(data, int(stray[0])),
            valid=f"a quote ({dialect.quote}) around a whole field, quotes inside it doubled",
            remedy="Mend the line, or set source.quote to '' where quotes are ordinary characters in this file.",
        )
    if early.size:
        at = int(early[0])
        opened = int(quotes[np.searchsorted(quotes, at) - 1])
        line, opened_line = place.line_of(data, at, dialect), place.line_of(data, opened, dialect)
        raise InputRefused(
            f"a quoted field goes on after its closing quote; it was opened on line {opened_line}",
            where=f"{place.name}, line {line}",
            value=_around(data, at),
            valid="a delimiter or a line end after a closing quote; quotes inside a quoted field doubled",
            remedy=f"Look for a quote too many from line {opened_line} on, or set source.quote to '' where quotes are "
            "ordinary characters in this file.",
        )


def _refuse_other_line_ends(data: bytes, dialect: Dialect, place: Place, quotes: Positions, complete: int) -> None:
    """Refuse what is a line end for other programs: a lone CR in a file of LF or CRLF, an LF in a file of CR."""
    other = b"\r" if dialect.line_end == "\n" else b"\n"
    found = data.count(other, 0, complete) if other in data else 0
    if not found or (other == b"\r" and found == data.count(b"\r\n", 0, complete)):
        return
    text = np.frombuffer(data, np.uint8)[:complete]
    at = np.flatnonzero(text == other[0])
    if other == b"\r":
        at = at[(at + 1 == complete) | (text[np.minimum(at + 1, complete - 1)] != ord("\n"))]
    at = at[(np.searchsorted(quotes, at) & 1) == 0]
    if at.size:
        name = "carriage return" if other == b"\r" else "line feed"
        raise InputRefused(
            f"a {name} outside quotes, in a file whose lines end otherwise",
            where=f"{place.name}, line {place.line_of(data, int(at[0]), dialect)}",
            value=_around(data, int(at[0])),
            valid="one kind of line end in a file: LF or CRLF throughout, or CR throughout",
            remedy="Save the file again with one kind of line end, or put fields with line breaks in quotes.",
        )


def _refuse_long_records(data: bytes, dialect: Dialect, place: Place, result: Cut) -> None:
    if len(data) <= MAX_RECORD_BYTES:
        return
    starts = np.concatenate([np.zeros(1, np.int64), result.ends])
    lengths = np.diff(np.append(starts, len(data)))
    long = np.flatnonzero(lengths > MAX_RECORD_BYTES)
    if long.size:
        line = place.line_of(data, int(starts[long[0]]), dialect)
        raise InputRefused(
            f"a record is longer than {MAX_RECORD_BYTES // 1024 // 1024} MB",
            where=f"{place.name}, line {line}",
            value=f"{int(lengths[long[0]])} bytes or more",
            remedy="Most likely a quote opened in this record is never closed: close it, or set source.quote to ''.",
        )


def _left_open(data: bytes, dialect: Dialect, place: Place, quote: int) -> InputRefused:
    return InputRefused(
        "the file ends inside a quoted field",
        where=f"{place.name}, line {place.line_of(data, quote, dialect)}",
        value=_around(data, quote),
        valid="a closing quote for every opening one",
        remedy="Close the quote opened on this line, or fetch the file again if it was cut off.",
    )


def _around(data: bytes, position: int) -> str:
    return data[max(0, position - 20) : position + 20].decode(errors="replace")
