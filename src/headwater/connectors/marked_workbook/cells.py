"""One sheet's XML with the styles of some cells changed; every other byte of its rows is copied."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from headwater.connectors.workbook.archive import corrupt
from headwater.connectors.workbook.grid import letters, number_of

_ROOT = re.compile(rb"<((?:\w+:)?)worksheet\b[^>]*>")
_DATA = re.compile(rb"<(?:\w+:)?sheetData\b[^>]*?(/?)>")
_DATA_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_ROW = re.compile(rb"<(?:\w+:)?row(?=[\s/>])[^>]*>")
_ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["'](\d+)["']""")
_CELL = re.compile(rb"<(?:\w+:)?c(?=[\s/>])(?:[^>]*?/>|[^>]*>.*?</(?:\w+:)?c\s*>)", re.DOTALL)
_OPENING = re.compile(rb"<[^>]*?(?=/?>)")
_CELL_NAME = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})\d+["']""")
_STYLE = re.compile(rb"""\ss\s*=\s*["'](\d+)["']""")
_SPANS = re.compile(rb"""\sspans\s*=\s*["'][^"']*["']""")
# What stands behind a legacy drawing in a worksheet (ECMA-376 part 1, 18.3.1.99).
_BEHIND = frozenset(
    {"legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst"}
)


@dataclass(frozen=True, kw_only=True)
class Tail:
    """What stands below the rows: where a legacy drawing belongs, and the relation of one that is there."""

    place: int
    drawing: str | None


def write_marked(
    part: mmap.mmap,
    marks: Mapping[int, Mapping[int, bool]],
    marked: Callable[[int], int],
    out: IO[bytes],
    *,
    drawing: Callable[[str], bytes],
    where: str,
) -> None:
    """Copy a sheet; `marks` says row -> columns whose cells get the style `marked` gives for their own.

    `drawing` gives the element of a legacy drawing for the prefix of the sheet's own elements; nothing where there is
    one already.
    """
    root, data = _ROOT.search(part), _DATA.search(part)
    if root is None or data is None:
        raise corrupt(where, "it has no rows")
    end = data.end()
    out.write(part[: data.end()] if not data[1] else part[: data.start()])
    if data[1]:
        prefix = root[1]
        out.write(b"<%ssheetData>" % prefix)
        out.writelines(_new_row(prefix, number, marks[number], marked) for number in sorted(marks))
        out.write(b"</%ssheetData>" % prefix)
    else:
        closing = _DATA_END.search(part, data.end())
        if closing is None:
            raise corrupt(where, "its rows have no end")
        out.writelines(_rows(part, data.end(), closing.start(), marks, marked, root[1]))
        out.write(closing[0])
        end = closing.end()
    below = part[end:]
    tail = tail_of(below, root, where)
    added = b"" if tail.drawing is not None else drawing(root[1].decode())
    out.write(below[: tail.place] + added + below[tail.place :])


def tail_of(below: bytes, root: re.Match[bytes], where: str) -> Tail:
    """Where below the rows a legacy drawing belongs, by the elements that stand there."""
    parser = expat.ParserCreate()
    opening = b"<" + root[1] + b"worksheet>"
    depth, places, drawings = 0, list[int](), list[str]()

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        own = name.rpartition(":")[2]
        if depth == 2 and own in _BEHIND:
            places.append(parser.CurrentByteIndex)
        if depth == 2 and own == "legacyDrawing":
            drawings.extend(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")

    def finish(_name: str) -> None:
        nonlocal depth
        depth -= 1
        if not depth:
            places.append(parser.CurrentByteIndex)

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    try:
        parser.Parse(opening + below, True)
    except expat.ExpatError as error:
        raise corrupt(where, f"it is not well-formed XML: {error}") from error
    return Tail(place=places[0] - len(opening), drawing=drawings[0] if drawings else None)


def drawing_of(part: mmap.mmap, where: str) -> str | None:
    """The relation of the legacy drawing that a sheet has."""
    root = _ROOT.search(part)
    data = _DATA_END.search(part) or _DATA.search(part)
    if root is None or data is None:
        raise corrupt(where, "it has no rows")
    return tail_of(part[data.end() :], root, where).drawing


def _rows(  # noqa: PLR0917  positions in one file
    part: mmap.mmap,
    start: int,
    end: int,
    marks: Mapping[int, Mapping[int, bool]],
    marked: Callable[[int], int],
    prefix: bytes,
) -> Iterator[bytes]:
    """The rows between two positions; what is between marked ones in one piece."""
    left = sorted(marks, reverse=True)
    copied, number = start, 0
    for found in _ROW.finditer(part, start, end):
        if not left:
            break
        said = _ROW_NUMBER.search(found[0])
        number = int(said[1]) if said else number + 1
        while left and left[-1] < number:
            yield part[copied : found.start()]
            copied = found.start()
            yield _new_row(prefix, left[-1], marks[left.pop()], marked)
        if left and left[-1] == number:
            yield part[copied : found.start()]
            copied = _end_of_row(part, found, end)
            yield _marked_row(part[found.start() : copied], number, marks[left.pop()], marked, prefix)
    yield part[copied:end]
    for number in reversed(left):
        yield _new_row(prefix, number, marks[number], marked)


def _end_of_row(part: mmap.mmap, found: re.Match[bytes], end: int) -> int:
    if found[0].endswith(b"/>"):
        return found.end()
    following = _ROW.search(part, found.end(), end)
    return following.start() if following else end


def _new_row(prefix: bytes, number: int, columns: Mapping[int, bool], marked: Callable[[int], int]) -> bytes:
    cells = b"".join(_new_cell(prefix, number, column, marked(0)) for column in sorted(columns))
    return b'<%srow r="%d">%s</%srow>' % (prefix, number, cells, prefix)


def _new_cell(prefix: bytes, number: int, column: int, style: int) -> bytes:
    return b'<%sc r="%s%d" s="%d"/>' % (prefix, letters(column).encode(), number, style)


def _marked_row(
    row: bytes, number: int, columns: Mapping[int, bool], marked: Callable[[int], int], prefix: bytes
) -> bytes:
    opening = _OPENING.match(row)
    if opening is None:
        raise AssertionError("the row was found by its beginning")
    own_style = _STYLE.search(opening[0])
    blank = marked(int(own_style[1]) if own_style else 0)
    left = sorted(columns, reverse=True)
    begins = _SPANS.sub(b"", opening[0])
    if row[opening.end() :].startswith(b"/>"):
        cells = b"".join(_new_cell(prefix, number, column, blank) for column in reversed(left))
        return b"%s>%s</%srow>%s" % (begins, cells, prefix, row[opening.end() + 2 :])
    pieces, copied, column = [begins], opening.end(), -1
    last = opening.end() + 1
    for cell in _CELL.finditer(row):
        said = _CELL_NAME.search(cell[0], 0, cell[0].find(b">") + 1)
        column = number_of(said[1].decode()) if said else column + 1
        pieces.append(row[copied : cell.start()])
        while left and left[-1] < column:
            pieces.append(_new_cell(prefix, number, left.pop(), blank))
        if left and left[-1] == column:
            left.pop()
            pieces.append(_marked_cell(cell[0], number, column, marked))
        else:
            pieces.append(cell[0])
        copied = last = cell.end()
    pieces.append(row[copied:last])
    pieces += [_new_cell(prefix, number, column, blank) for column in reversed(left)]
    return b"".join([*pieces, row[last:]])


def _marked_cell(cell: bytes, number: int, column: int, marked: Callable[[int], int]) -> bytes:
    opening = _OPENING.match(cell)
    if opening is None:
        raise AssertionError("the cell was found by its beginning")
    said = _STYLE.search(opening[0])
    begins = _STYLE.sub(b"", opening[0])
    if not _CELL_NAME.search(begins):
        begins += b' r="%s%d"' % (letters(column).encode(), number)
    return b'%s s="%d"%s' % (begins, marked(int(said[1]) if said else 0), cell[opening.end() :])
