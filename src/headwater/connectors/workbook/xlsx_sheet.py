"""The cells of one XLSX sheet, streamed.

A sheet of a million rows has 50 million XML events; an XML parser gives them one by one. Nearly all programs write
cells in one way, which a single expression takes apart a row at a time. Where a row is written in any other way (each
cell must be accounted for), that row goes through the XML parser. Both give the same cells; a property test holds
them equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree import ElementTree as ET

from headwater.connectors.workbook.archive import Archive, DoctypeGuard, corrupt, element, local
from headwater.connectors.workbook.formats import Shown
from headwater.connectors.workbook.grid import (
    BLANK,
    BOOLEAN,
    DATE,
    ERROR,
    FORMULA,
    HEAD_ROWS,
    MAX_MERGED,
    MAX_ROWS,
    NUMBER,
    TEXT,
    Range,
    Row,
    Tally,
    Walked,
    check_column,
    check_length,
    check_row,
    letters,
    number_of,
    range_of,
)
from headwater.connectors.workbook.texts import code_text, number_text, percent_text, serial_text
from headwater.connectors.workbook.xlsx_text import decoded, dereferenced, string_of, unescaped

_MAX_ROW_CHARACTERS = 16 * 1024 * 1024
_MAX_TAIL_CHARACTERS = 128 * 1024 * 1024
_NAMED_COLUMNS = {letters(number): number for number in range(16_384)}
# No tag holds a "<": without it in these, a file of tags that never end costs no time.
_ROOT = re.compile(r"<(?:(\w+):)?worksheet\b[^<>]*>")
_ROWS = re.compile(r"<(?:\w+:)?sheetData\b[^<>]*?(/?)>")
_ROWS_END = re.compile(r"</(?:\w+:)?sheetData\s*>|<(?:\w+:)?sheetData\s*/>")
_ROW_TAG = re.compile(r"<(?:\w+:)?row\b([^<>]*)>")
_PLAIN_ROW = re.compile(r'<row r="(\d{1,9})"[^<>]*>')
_HIDDEN = re.compile(r"""\shidden\s*=\s*["'](?:1|true)["']""")
_ROW_NUMBER = re.compile(r"""\sr\s*=\s*["'](\d{1,9})["']""")
_MERGED = re.compile(r"""<(?:\w+:)?mergeCell\s[^<>]*?\bref\s*=\s*["']([^"']*)["']""")
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})[0-9]{1,7}"(?: s="([0-9]+)")?(?: t="([a-zA-Z]+)")?(?: s="([0-9]+)")?(?: cm="[0-9]+")?(?:'
    r"/>|></c>"
    r"|>(?:<f(?:[^<>]*/>|(?:\s[^<>]*)?>[^<]*</f>))?<v>([^<]+)</v></c>"
    r'|><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>)'
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)?(?:T?(\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?)?Z?")
_PLAIN_DIGITS = 15
_CACHED_DATES = 100_000

# A cell as the expression gives it: column, style, type, style again (some write it there), value, inline text.
Found = tuple[str, str, str, str, str, str]
_UNCACHED = "="
"""The type given to a formula without a value; its text stands as the value."""


@dataclass
class Cells:
    """What the texts of all cells of a workbook depend on."""

    shared: Sequence[str]
    formats: Mapping[str, Shown]
    since_1904: bool
    decimal: str
    _dates: dict[tuple[str, str], str] = field(default_factory=dict)

    def number(self, value: str, style: str) -> str:
        """A stored number as its format means it. Raises ValueError for what is none."""
        shown = self.formats.get(style)
        if shown is None:
            if len(value) <= _PLAIN_DIGITS and value.isdecimal() and value.isascii() and value[0] != "0":
                return value
            shortest = repr(float(value))
            if shortest == value and shortest[-2:] != ".0" and "e" not in value and "n" not in value:
                return shortest if self.decimal == "." else shortest.replace(".", self.decimal)
            return number_text(_number(value), self.decimal)
        if shown.percent:
            return percent_text(_number(value), self.decimal)
        if shown.digits or shown.signed:
            return code_text(_number(value), shown, self.decimal)
        text = self._dates.get((value, style))
        if text is None:
            if len(self._dates) > _CACHED_DATES:
                self._dates.clear()
            text = serial_text(_number(value), shown, since_1904=self.since_1904, decimal=self.decimal)
            self._dates[value, style] = text
        return text

    def kind(self, style: str, given: str) -> str:
        """The kind of a cell, as one letter."""
        if given in {"", "n"}:
            shown = self.formats.get(style)
            return NUMBER if shown is None or shown.percent or shown.digits or shown.signed else DATE
        return {"b": BOOLEAN, "e": ERROR, "d": DATE, _UNCACHED: FORMULA}.get(given, TEXT)


def _number(value: str) -> float:
    if not _NUMBER.fullmatch(value):
        raise ValueError(value)
    number = float(value)
    if number - number != 0:
        raise ValueError(value)
    return number


class SheetPart:
    """One sheet's part of the archive."""

    def __init__(self, archive: Archive, part: str, where: str) -> None:
        self._archive = archive
        self._part = part
        self._where = where

    def merged(self) -> list[Range]:
        """The merged ranges, which stand behind the rows: looked for without reading those."""
        tail, at_tail = "", False
        for text in self._texts():
            tail += text
            if not at_tail:
                end = _ROWS_END.search(tail) if "sheetData" in tail else None
                at_tail = end is not None
                tail = tail[-64:] if end is None else tail[end.start() :]
            self._check_size(tail, "what stands behind its rows", _MAX_TAIL_CHARACTERS)
        return self._ranges(tail) if at_tail else []

    def rows(self, cells: Cells, walked: Walked) -> Iterator[Row]:
        """The rows that have a value. Raises InputRefused where ranges are found that `merged` did not see."""
        reading = _Rows(cells, walked.tally, self._where)
        text, is_open = "", False
        chunks = self._texts()
        for chunk in chunks:
            text += chunk
            if not is_open:
                opened = _ROWS.search(text)
                root = _ROOT.search(text)
                if opened is None:
                    self._check_size(text)
                    continue
                if root is None:
                    break
                is_open = True
                reading.within(root)
                text = text[opened.end() :]
                if opened[1]:
                    break
            at = text.find(reading.end)
            *pieces, rest = (text if at < 0 else text[:at]).split(reading.row_end)
            for piece in pieces:
                row = reading.row(piece)
                if row is not None:
                    yield row
            text = rest if at < 0 else text[at:]
            if at >= 0:
                break
            self._check_size(text)
        else:
            raise corrupt(self._where, "its rows have no end")
        tail = text + "".join(chunks)
        if len(self._ranges(tail)) != len(walked.merged):
            raise corrupt(self._where, "its merged ranges cannot be told")

    def _ranges(self, tail: str) -> list[Range]:
        found = [range_of(ref) for ref in _MERGED.findall(tail)]
        if len(found) > MAX_MERGED or None in found:
            raise corrupt(self._where, "its merged ranges are broken or too many")
        return sorted(merged for merged in found if merged is not None and merged.top * merged.left >= 0)

    def _texts(self) -> Iterator[str]:
        return decoded(self._archive.stream(self._part), DoctypeGuard(self._where), self._where)

    def _check_size(self, text: str, what: str = "a row of it", most: int = _MAX_ROW_CHARACTERS) -> None:
        if len(text) > most:
            raise corrupt(self._where, f"{what} has over {most // 1024**2} MB")


class _Rows:
    """Takes the rows of a sheet apart, one after the other."""

    def __init__(self, cells: Cells, tally: Tally, where: str) -> None:
        self._cells = cells
        self._tally = tally
        self._where = where
        self._number = 0
        self._given = 0
        self._formulas: dict[str, str] = {}

    def within(self, root: re.Match[str]) -> None:
        """The sheet's root tag, whose namespaces a row needs to be parsed alone."""
        prefix = f"{root[1]}:" if root[1] else ""
        self._root = root[0]
        self._root_end = f"</{prefix}worksheet>"
        self.row_end = f"</{prefix}row>"
        self.end = f"</{prefix}sheetData>"
        self._is_plain = not prefix

    def row(self, piece: str) -> Row | None:
        """The row that ends a piece of the sheet; None where it has no value. Rows before it in the piece have none."""
        start = self._start(piece)
        if self._number > MAX_ROWS:
            check_row(self._number, self._place)
        is_plain = self._is_plain and "<!" not in piece
        found: list[Found] = _CELL.findall(piece) if is_plain else []
        if not is_plain or len(found) != piece.count("<c"):
            found, is_plain = self._parsed(piece[start:]), False
        raw = is_plain and ("&" in piece or "\r" in piece)
        texts, kinds = self._texts(found, raw=raw)
        if not texts:
            return None
        self._given += 1
        if _HIDDEN.search(piece, start, piece.find(">", start)):
            self._tally.hidden(self._number)
        return Row(self._number, texts, kinds)

    def _start(self, piece: str) -> int:
        """Where the last row of a piece begins; its number is that of the row from here on."""
        plain = _PLAIN_ROW.match(piece)
        if plain is not None and piece.find("<row", 5) < 0:
            self._follow(int(plain[1]))
            return 0
        tags = list(_ROW_TAG.finditer(piece))
        if not tags:
            raise corrupt(self._where, f"there is something else than a row after row {self._number}")
        for tag in tags:
            given = _ROW_NUMBER.search(tag[1])
            self._follow(int(given[1]) if given else self._number + 1)
        return tags[-1].start()

    def _follow(self, number: int) -> None:
        if number <= self._number:
            raise corrupt(self._where, f"row {number} stands after row {self._number}")
        self._number = number

    def _texts(self, found: list[Found], *, raw: bool) -> tuple[list[str], str]:
        texts: list[str] = []
        kinds: list[str] = []
        with_kinds = self._given < HEAD_ROWS
        shared, number = self._cells.shared, self._cells.number
        column = -1
        try:
            for name, style, given, style_behind, value, inline in found:
                if given == "s":
                    text = shared[int(value)] if value else ""
                elif not given or given == "n":
                    text = number(value, style or style_behind) if value else ""
                else:
                    text = self._other(given, value, inline, style or style_behind, name, raw=raw)
                if not text:
                    continue
                at = _NAMED_COLUMNS[name]
                if at != column + 1:
                    if at <= column:
                        raise corrupt(self._place(), f"column {name} stands after column {letters(column)}")
                    check_column(at, self._place)
                    texts += [""] * (at - column - 1)
                column = at
                texts.append(text)
                if with_kinds:
                    kinds += [BLANK] * (len(texts) - 1 - len(kinds))
                    kinds.append(self._cells.kind(style or style_behind, given))
        except (ValueError, IndexError, KeyError) as error:
            raise corrupt(self._place(), "a cell cannot be read", value=str(error)) from error
        if column:
            check_column(column, self._place)
        return texts, "".join(kinds)

    def _other(self, given: str, value: str, inline: str, style: str, name: str, *, raw: bool) -> str:
        """The text of a cell that holds neither a number nor a shared string."""
        column = _NAMED_COLUMNS[name]
        text = inline if given == "inlineStr" else value
        if raw:
            text = dereferenced(text.replace("\r\n", "\n").replace("\r", "\n"))
        if given in {"inlineStr", "str"}:
            check_length(text, lambda: f"{self._where}, cell {name}{self._number}")
            return unescaped(text) if "_x" in text else text
        if given == "b":
            return {"1": "TRUE", "0": "FALSE", "true": "TRUE", "false": "FALSE"}.get(text, text)
        if given == "e":
            self._tally.error(self._number, column, text)
        elif given == _UNCACHED:
            text = f"={text}"
            self._tally.formula(self._number, column, text)
        elif given == "d":
            return self._iso(text, style)
        else:
            raise corrupt(self._place(), f"there is no such type of a cell as {given!r}")
        return text

    def _iso(self, text: str, style: str) -> str:
        """A date of a strict workbook, as its format means it: midnight is left out where no time is shown."""
        found = _ISO.fullmatch(text)
        if found is None:
            return text
        date, time, fraction = found.groups()
        shown = self._cells.formats.get(style)
        fraction = (fraction or "").rstrip("0")
        time = f"{time}:00" if time and len(time) == 5 else time
        clock = f"{time}.{fraction}" if fraction else time
        is_midnight = clock == "00:00:00" and not (shown is not None and shown.time)
        if date and (clock is None or is_midnight):
            return date
        return f"{date}T{clock}" if date else clock or text

    def _parsed(self, piece: str) -> list[Found]:
        """The cells of a row by way of the XML parser, in the form that the expression gives."""
        tree = element(f"{self._root}{piece}{self.row_end}{self._root_end}", self._place())
        row = next((child for child in tree if local(child.tag) == "row"), None)
        found: list[Found] = []
        before = -1
        for cell in row if row is not None else ():
            if local(cell.tag) != "c":
                continue
            reference = cell.get("r")
            name = reference.rstrip("0123456789") if reference else letters(before + 1)
            if name not in _NAMED_COLUMNS:
                self._no_such_cell(reference)
            before = number_of(name)
            given, value, inline = self._content(cell)
            found.append((name, cell.get("s", ""), given, "", value, inline))
        return found

    def _content(self, cell: ET.Element) -> tuple[str, str, str]:
        """Type, value and inline text of a cell."""
        parts = {local(part.tag): part for part in cell}
        given = cell.get("t", "")
        value = parts["v"].text or "" if "v" in parts else ""
        if given not in {"inlineStr", "str"}:
            value = value.strip()
        inline = string_of(parts["is"]) if "is" in parts else ""
        formula = parts.get("f")
        if formula is None:
            return given, value, inline
        text = formula.text or ""
        if formula.get("t") == "shared":
            # Only the first cell of a shared formula has its text; it stands for the others.
            text = self._formulas.setdefault(formula.get("si", ""), text) or text
        if value or (given == "str" and "v" in parts):
            return given, value, inline
        return _UNCACHED, text, ""

    def _place(self) -> str:
        return f"{self._where}, row {self._number}"

    def _no_such_cell(self, reference: str | None) -> NoReturn:
        raise corrupt(self._place(), f"there is no such cell as {reference!r}")
