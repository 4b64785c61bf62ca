"""ODS, the workbook of OpenDocument, streamed through the XML parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as ET

from headwater.connectors.workbook.archive import MAX_TAGS, Archive, DoctypeGuard, attribute, corrupt, local, protected
from headwater.connectors.workbook.grid import (
    BLANK,
    BOOLEAN,
    DATE,
    ERROR,
    FORMULA,
    HEAD_ROWS,
    MAX_CELL,
    MAX_MERGED,
    NUMBER,
    TEXT,
    Range,
    Row,
    Sheet,
    Tally,
    Walked,
    check_column,
    check_filled,
    check_length,
    check_row,
)
from headwater.connectors.workbook.texts import clock_text, number_text, percent_text

_CONTENT = "content.xml"
_MAX_QUIET = 64 * 1024 * 1024
"""Bytes in which no element begins or ends."""
_UNSEEN = {"collapse", "filter"}
_GROUPS = {"table-header-rows", "table-rows", "table-row-group"}
_DURATION = re.compile(r"(-)?P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")
_MOMENT = re.compile(r"(\d{4,}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:[.,](\d+))?)?")
_SPACE = re.compile("[ \t\r\n]+")
_PREFIX = re.compile(r"^(?:[a-z]+:)(?==)")
_SAID = {1: " ", 2: "\t", 3: "\n"}
_NO_TEXT = {"annotation", "annotation-end", "ruby-text", "note"}
_FOREIGN = "{urn:org:documentfoundation"


class OdsBook:
    """A workbook of OpenDocument."""

    format = "ods"

    def __init__(self, archive: Archive, name: str) -> None:
        """Raise InputRefused where it is encrypted or damaged."""
        self._archive = archive
        self._name = name
        manifest = archive.document("META-INF/manifest.xml")
        if manifest is not None and any(local(part.tag) == "encryption-data" for part in manifest.iter()):
            raise protected(name)
        self.sheets = tuple(self._sheets())

    def walk(self, wanted: frozenset[str], decimal: str) -> Iterator[Walked]:
        """Sheet by sheet in one pass; a merged range is known when its first row is given."""
        events = _Events(self._archive, self._name)
        for name in events.sheets():
            if name in wanted:
                walked = Walked(sheet=name, rows=iter(()))
                walked.rows = _Rows(f"{self._name}, sheet {name}", decimal, walked).of(events)
                yield walked
                for _ in walked.rows:
                    pass

    def close(self) -> None:
        self._archive.close()

    def _sheets(self) -> Iterator[Sheet]:
        """Names and states, by the styles that stand before the sheets."""
        events = _Events(self._archive, self._name)
        names = set()
        for name in events.sheets():
            if name in names:
                raise corrupt(self._name, f"two sheets are called {name!r}")
            names.add(name)
            yield Sheet(name=name, state="hidden" if events.style in events.hidden else "visible")


class _Events:
    """The document as it comes by, thrown away row by row."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._where = f"{name}, part {_CONTENT}"
        self._guard = DoctypeGuard(self._where)
        self._stream = archive.stream(_CONTENT)
        self._events = self._all()
        self._stack: list[ET.Element] = []
        self._held = 0
        self.hidden: set[str] = set()
        self.style = ""

    def _all(self) -> Iterator[tuple[str, ET.Element]]:
        parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
        quiet = 0
        try:
            for data in self._stream:
                self._guard.feed(data)
                parser.feed(data)
                quiet += len(data)
                for event in parser.read_events():
                    quiet = 0
                    yield event  # type: ignore[misc]  # start and end events come as pairs
                if quiet > _MAX_QUIET:
                    raise corrupt(self._where, "a text of it has no end")
            parser.close()
            yield from parser.read_events()  # type: ignore[misc]
        except (ET.ParseError, ValueError, LookupError) as error:
            raise corrupt(self._where, f"it is not well-formed XML: {error}") from error

    def sheets(self) -> Iterator[str]:
        """Names of the sheets, standing at the start of each."""
        for event, found in self._events:
            tag = local(found.tag)
            if event == "start":
                self._begin(found)
                if tag == "table" and local(self._stack[-2].tag) == "spreadsheet":
                    self.style = attribute(found, "style-name") or ""
                    yield attribute(found, "name") or ""
            else:
                if self._stack and self._stack[-1] is found:
                    self._stack.pop()
                if tag == "style" and any(attribute(part, "display") == "false" for part in found):
                    self.hidden.add(attribute(found, "name") or "")
                if tag in {"table-row", "table", "style", "tracked-changes"}:
                    self._drop(found)

    def _begin(self, found: ET.Element) -> None:
        self._stack.append(found)
        self._held += 1
        if self._held > MAX_TAGS:
            raise corrupt(self._where, f"it holds over {MAX_TAGS:,} elements in one")

    def _drop(self, found: ET.Element) -> None:
        found.clear()
        self._held = 0

    def rows(self) -> Iterator[ET.Element]:
        """The rows of the sheet that was just named; each is emptied when the next is asked for."""
        depth = len(self._stack)
        for event, found in self._events:
            if event == "start":
                self._begin(found)
                continue
            self._stack.pop()
            if len(self._stack) < depth:
                self._drop(found)
                return
            tag = local(found.tag)
            parents = [local(parent.tag) for parent in self._stack[depth:]]
            if tag == "table-row" and all(parent in _GROUPS for parent in parents):
                yield found
                self._drop(self._stack[-1])
            elif not parents and tag not in _GROUPS:
                self._drop(self._stack[-1])


class _Rows:
    """Takes the rows of one sheet apart."""

    def __init__(self, where: str, decimal: str, walked: Walked) -> None:
        self._where = where
        self._decimal = decimal
        self._merged = walked.merged
        self._tally: Tally = walked.tally
        self._number = 1
        self._repeated = 0

    def of(self, events: _Events) -> Iterator[Row]:
        given = 0
        for row in events.rows():
            repeated = _count(row, "number-rows-repeated")
            texts, kinds = self._cells(row)
            if texts:
                check_row(self._number + repeated - 1, lambda: self._where)
                self._repeated += len(texts) * (repeated - 1)
                check_filled(self._repeated, self._place())
                for number in range(self._number, self._number + repeated):
                    if attribute(row, "visibility") in _UNSEEN:
                        self._tally.hidden(number)
                    yield Row(number, list(texts), kinds if given < HEAD_ROWS else "")
                    given += 1
            self._number += repeated

    def _cells(self, row: ET.Element) -> tuple[list[str], str]:
        texts: list[str] = []
        kinds: list[str] = []
        column = 0
        for cell in row:
            tag = local(cell.tag)
            if tag not in {"table-cell", "covered-table-cell"}:
                continue
            repeated = _count(cell, "number-columns-repeated")
            attributes = {local(key): value for key, value in cell.items() if not key.startswith(_FOREIGN)}
            # A covered cell shows the text of the range it belongs to, whatever it holds itself.
            text, kind = self._text(cell, attributes, column) if tag == "table-cell" else ("", BLANK)
            if tag == "table-cell" and ("number-columns-spanned" in attributes or "number-rows-spanned" in attributes):
                self._merge(cell, column)
            if text:
                check_column(column + repeated - 1, self._place)
                check_length(text, self._place)
                texts += [""] * (column - len(texts)) + [text] * repeated
                kinds += [BLANK] * (column - len(kinds)) + [kind] * repeated
            column += repeated
        return texts, "".join(kinds)

    def _merge(self, cell: ET.Element, column: int) -> None:
        right = column + _count(cell, "number-columns-spanned") - 1
        bottom = self._number + _count(cell, "number-rows-spanned") - 1
        if (right, bottom) != (column, self._number):
            self._merged.append(Range(self._number, bottom, column, right))
        if len(self._merged) > MAX_MERGED:
            raise corrupt(self._where, "it has too many merged ranges")

    def _text(self, cell: ET.Element, attributes: dict[str, str], column: int) -> tuple[str, str]:
        kind = attributes.get("value-type")
        if kind is None:
            formula = attributes.get("formula")
            shown = _paragraphs(cell)
            if formula is None or shown:
                return shown, TEXT
            text = _PREFIX.sub("", formula)
            text = text if text.startswith("=") else f"={text}"
            self._tally.formula(self._number, column, text)
            return text, FORMULA
        try:
            return self._value(kind, cell, attributes, column)
        except (KeyError, ValueError, InvalidOperation) as error:
            raise corrupt(self._place(), f"a cell of type {kind} cannot be read", value=str(error)) from error

    def _value(self, kind: str, cell: ET.Element, attributes: dict[str, str], column: int) -> tuple[str, str]:
        if kind == "string":
            shown = _paragraphs(cell)
            if any(key.startswith(_FOREIGN) and value == "error" for key, value in cell.items()):
                self._tally.error(self._number, column, shown)
                return shown, ERROR
            return attributes.get("string-value") or shown, TEXT
        if kind in {"float", "currency"}:
            shown = _paragraphs(cell)
            if len(shown) > 1 and shown.isdecimal() and shown[0] == "0" and float(shown) == float(attributes["value"]):
                return shown, NUMBER
            return number_text(_finite(attributes["value"]), self._decimal), NUMBER
        if kind == "percentage":
            return percent_text(_finite(attributes["value"]), self._decimal), NUMBER
        if kind == "boolean":
            return attributes["boolean-value"].upper(), BOOLEAN
        if kind == "date":
            return _moment(attributes["date-value"]), DATE
        if kind == "time":
            return _clock(attributes["time-value"]), DATE
        raise ValueError(kind)

    def _place(self) -> str:
        return f"{self._where}, row {self._number}"


def _count(found: ET.Element, name: str) -> int:
    text = attribute(found, name) or "1"
    return max(1, int(text)) if text.isdecimal() and len(text) < 10 else 1


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0 or "_" in text:
        raise ValueError(text)
    return number


def _moment(text: str) -> str:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    date, time, fraction = found.groups()
    fraction = (fraction or "").rstrip("0")
    return date + (f"T{time}" if time else "") + (f".{fraction}" if fraction else "")


def _clock(text: str) -> str:
    found = _DURATION.fullmatch(text)
    if found is None:
        return text
    sign, days, hours, minutes, seconds = found.groups()
    total = Decimal((seconds or "0").replace(",", ".")) + 60 * int(minutes or 0) + 3600 * int(hours or 0)
    milliseconds = round((total + 86_400 * int(days or 0)) * 1000)
    return clock_text(-milliseconds if sign else milliseconds)


def _paragraphs(cell: ET.Element) -> str:
    """The paragraphs of a cell, one a line; notes on it are not its text."""
    lines = (_SPACE.sub(" ", _inline(part)).strip(" ") for part in cell if local(part.tag) == "p")
    return "\n".join(lines).translate(_SAID)


def _inline(part: ET.Element) -> str:
    """The text of a paragraph; white space that is said to be there stands as signs that XML cannot hold."""
    pieces = [part.text or ""]
    for child in part:
        tag = local(child.tag)
        if tag == "s":
            pieces.append("\x01" * min(_count(child, "c"), MAX_CELL + 1))
        elif tag == "tab":
            pieces.append("\x02")
        elif tag == "line-break":
            pieces.append("\x03")
        elif tag not in _NO_TEXT:
            pieces.append(_inline(child))
        pieces.append(child.tail or "")
    return "".join(pieces)
