"""What somebody's records say, overwritten in a delimited text: every other byte stays, and stays where it was."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from headwater.connectors.csv_file.records import Place, cut

if TYPE_CHECKING:
    from headwater.connectors.csv_file.layout import Layout
    from headwater.connectors.csv_file.plan import ChunkSpan
    from headwater.connectors.csv_file.records import Dialect

Range = tuple[int, int]
"""First byte, and the one after the last."""
FILLER, OTHER_FILLER = b"*", b"x"
_BLOCK = 8 * 2**20
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where records stand in a text, and the cells of them that are to be overwritten, in bytes of the text."""

    records: tuple[Range, ...]
    cells: tuple[Range, ...]


def places_of(data: bytes, span: ChunkSpan, layout: Layout, columns: Mapping[int, Collection[str]]) -> Places:
    """Where some records of a slice stand, by number in the chunk from 0, and the cells of these columns in them.

    Of a record with another number of fields than the header all cells are taken.
    """
    ends = cut(data, layout.dialect, Place(name="", byte=span.byte_start, line=span.first_line), final=True).ends
    records: list[Range] = []
    cells: list[Range] = []
    for number in sorted(columns):
        start, end = int(ends[number - 1]) if number else 0, int(ends[number])
        found = cell_ranges(data[start:end], layout.dialect)
        if len(found) == len(layout.columns):
            found = [cell for name, cell in zip(layout.columns, found, strict=True) if name in columns[number]]
        start += span.byte_start
        records.append((start, span.byte_start + end))
        cells += [(start + first, start + last) for first, last in found if first < last]
    return Places(records=tuple(records), cells=tuple(cells))


def records_at(data: bytes, span: ChunkSpan, layout: Layout, ranges: Iterable[Range]) -> list[int]:
    """The records of a slice, by number from 0, that share bytes of the text with these ranges."""
    near = [(first, last) for first, last in ranges if first < span.byte_end and last > span.byte_start]
    if not near:
        return []
    ends = cut(data, layout.dialect, Place(name="", byte=span.byte_start, line=span.first_line), final=True).ends
    found: set[int] = set()
    for first, last in near:
        begins = int(ends.searchsorted(max(0, first - span.byte_start), "right"))
        stops = int(ends.searchsorted(last - span.byte_start, "left"))
        found.update(range(begins, min(stops + 1, len(ends))))
    return sorted(found)


def cell_ranges(record: bytes, dialect: Dialect) -> list[Range]:
    """Where the text of each field of one record stands in it, quotes around it left out."""
    delimiter, quote = dialect.delimiter.encode(), dialect.quote.encode()
    end = len(record.removesuffix(dialect.line_end.encode()))
    end -= dialect.line_end == "\n" and end < len(record) and record[:end].endswith(b"\r")
    found: list[Range] = []
    at = 0
    while True:
        if quote and record.startswith(quote, at, end):
            closing = _closing(record, quote, at + 1, end)
            found.append((at + 1, closing))
            at = closing + 1
        else:
            stop = record.find(delimiter, at, end)
            stop = end if stop < 0 else stop
            found.append((at, stop))
            at = stop
        if at >= end:
            return found
        at += 1


def _closing(record: bytes, quote: bytes, at: int, end: int) -> int:
    while (found := record.find(quote, at, end)) >= 0:
        if not record.startswith(quote, found + 1, end):
            return found
        at = found + 2
    return end


def filler_of(dialect: Dialect) -> bytes:
    """What stands in place of each byte: a sign that is none of the dialect's own."""
    own = {dialect.delimiter, dialect.quote, dialect.comment}
    return OTHER_FILLER if FILLER.decode() in own else FILLER


def overwrite(file: BinaryIO, ranges: Sequence[Range], filler: bytes, write: Callable[[bytes], object]) -> None:
    """Write a text with the filler in place of every byte of these ranges; line ends stay, and with them the lines."""
    waiting = sorted(ranges)
    offset = 0
    while block := bytearray(file.read(_BLOCK)):
        ends = offset + len(block)
        for first, last in waiting:
            if first >= ends:
                break
            here = slice(max(first, offset) - offset, min(last, ends) - offset)
            block[here] = bytes(byte if byte in _LINE_ENDS else filler[0] for byte in block[here])
        waiting = [each for each in waiting if each[1] > ends]
        write(bytes(block))
        offset = ends
