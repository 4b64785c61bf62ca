"""The records of an XML file, one by one, each as cells; only one of them is held at a time.

Document types are refused whole, and with them every entity and external reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from headwater.connectors.csv_file.records import MAX_RECORD_BYTES
from headwater.connectors.nested.cells import SEP, Cells
from headwater.connectors.nested.config import NestedConfig, steps_of
from headwater.connectors.nested.text import MAX_DEPTH, text_blocks, too_deep, unicode_of
from headwater.errors import InputRefused

MAX_ATTRIBUTES = 1000
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TEXT = "#text"
_FED = 64 * 1024
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


@dataclass(slots=True)
class Element:
    """An element with all that is in it; names are "namespace local", or local alone."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    def own_text(self) -> str:
        """Spaces around it are layout, not content, where there are elements beside it."""
        text = "".join(self.text)
        return text.strip() if self.children or not text.strip() else text


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def xml_encoding(head: bytes) -> tuple[str, str]:
    """The encoding by byte order mark, zeros or declaration, and what speaks for it."""
    name, evidence = unicode_of(head)
    declared = _DECLARED.match(head)
    if name == "utf-8" and declared:
        said = declared[1].decode().lower()
        return ("utf-8" if said in {"utf8", "us-ascii", "ascii"} else said), f"declared: {declared[1].decode()}"
    return name, evidence


def xml_column(path: str) -> str:
    """The header cell of a path: name, @id, address.city; namespaces are left out."""
    return ".".join(("@" if part.startswith("@") else "") + local(part.removeprefix("@")) for part in path.split(SEP))


def pieces(path: Path, encoding: str, name: str) -> Iterator[str]:
    """The text in stretches short enough that few records are held at a time."""
    for text in text_blocks(path, encoding, name):
        for at in range(0, len(text), _FED):
            yield text[at : at + _FED]


class Watcher:
    """Follows the elements of a file and bounds them; a subclass says what to do with each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._quiet = 0
        self._locals: dict[str, str] = {}

    def feed(self, text: str) -> None:
        """Raises InputRefused for what is no XML, or none that is read."""
        self._quiet += len(text)
        self._parse(text, final=False)
        if self._quiet > MAX_RECORD_BYTES:
            raise self.too_long()

    def finish(self) -> None:
        self._parse("", final=True)

    def _parse(self, text: str, *, final: bool) -> None:
        try:
            self.parser.Parse(text, final)
        except expat.ExpatError as error:
            raise InputRefused(
                f"this is not well-formed XML: {expat.ErrorString(error.code)}",
                where=f"{self.name}, line {error.lineno}",
                valid="XML whose elements are all closed, in order",
                remedy="Fetch the file again; if it stays so, whoever made it must mend it.",
            ) from error
        except UnicodeEncodeError as error:
            raise InputRefused("this is no text: half of a surrogate pair", where=self.place()) from error

    def place(self) -> str:
        return f"{self.name}, line {self.parser.CurrentLineNumber}"

    def too_long(self) -> InputRefused:
        return InputRefused(
            f"a record is longer than {MAX_RECORD_BYTES // 1024 // 1024} MB",
            where=self.place(),
            remedy="See that source.records leads to the elements that are the records.",
        )

    def _start(self, name: str, attributes: list[str]) -> None:
        self._quiet = 0
        if len(self.path) >= MAX_DEPTH:
            raise too_deep(self.place())
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise InputRefused(
                "an element has too many attributes",
                where=self.place(),
                value=len(attributes) // 2,
                valid=f"at most {MAX_ATTRIBUTES:,}",
            )
        own = self._locals.get(name)
        if own is None:
            own = self._locals[name] = local(name)
        self.path.append(own)
        self.start(name, attributes)

    def _end(self, _: str) -> None:
        self._quiet = 0
        self.end()
        self.path.pop()

    def _characters(self, text: str) -> None:
        self._quiet = 0
        self.characters(text)

    def _doctype(self, *_: Any) -> None:
        raise InputRefused(
            "the file declares a document type (DOCTYPE), which may name entities and other files",
            where=self.place(),
            valid="XML without a DOCTYPE",
            remedy="Take the DOCTYPE away, or export the file without it.",
        )

    def start(self, name: str, attributes: list[str], /) -> None:
        """An element begins; `path` ends with it."""

    def end(self) -> None:
        """An element ends; `path` still ends with it."""

    def characters(self, text: str) -> None:
        """Text of the element that `path` ends with."""


class _RecordWatcher(Watcher):
    def __init__(self, name: str, steps: tuple[str, ...]) -> None:
        super().__init__(name)
        self.done: list[Element] = []
        self.is_found = len(steps) == 1
        self._steps = list(steps)
        self._open: list[Element] = []
        self._size = 0

    def start(self, name: str, attributes: list[str], /) -> None:
        if not self._open and self.path != self._steps:
            self.is_found = self.is_found or self.path == self._steps[:-1]
            return
        element = Element(name, _own(attributes) if attributes else {})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._size = 0
        self._open.append(element)
        self._grow(len(name) + sum(map(len, attributes)) + 100)

    def end(self) -> None:
        if self._open:
            element = self._open.pop()
            if not self._open:
                self.done.append(element)

    def characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)
            self._grow(len(text))

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_RECORD_BYTES:
            raise self.too_long()


class XmlRecords:
    """What `config` says of the file at `path`; can be gone through again and again.

    part          the path of the elements that are records
    first_number  1
    header        ()
    """

    def __init__(self, path: Path, config: NestedConfig, name: str) -> None:
        self._path = path
        self._name = name
        self._encoding = config.encoding or ""
        self._steps = steps_of(config.records or "")
        self.part = "/".join(self._steps)
        self.first_number = 1
        self.header: tuple[str, ...] = ()
        self._repeated: set[str] = set()
        self._has_grown = False

    def is_settled(self) -> bool:
        """Whether the last time through told no more of which children are repeated: then columns are what they are."""
        return not self._has_grown

    def cells(self, _decimal: str, /) -> Iterator[Cells]:
        """Each record in order. XML has texts only, so that the decimal sign is the file's own."""
        self._has_grown = False
        for element in self._elements():
            cells: Cells = {}
            self._add(element, "", cells)
            yield cells

    def column(self, path: str) -> str:
        """The header cell of a path."""
        return xml_column(path)

    def place(self, number: int) -> str:
        """Where a record is, for people."""
        return f"{self._name}, {self.part} number {number}"

    def _elements(self) -> Iterator[Element]:
        watcher = _RecordWatcher(self._name, self._steps)
        for text in pieces(self._path, self._encoding, self._name):
            watcher.feed(text)
            yield from watcher.done
            watcher.done.clear()
        watcher.finish()
        yield from watcher.done
        if not watcher.is_found:
            raise InputRefused(
                "the path of the records leads nowhere",
                where=self._name,
                value=self.part,
                valid="names of elements from the root on, joined with /",
                remedy="Correct source.records.",
            )

    def _add(self, element: Element, prefix: str, cells: Cells) -> None:
        for name, value in element.attributes.items():
            cells[f"{prefix}@{name}"] = value or None
        text = element.own_text()
        if text or not (element.children or element.attributes):
            cells[prefix.removesuffix(SEP) or _TEXT] = text or None
        lists: dict[str, list[Element]] = {}
        once: set[str] = set()
        for child in element.children:
            path = prefix + child.name
            if path in once and path not in self._repeated:
                self._repeated.add(path)
                self._has_grown = True
            once.add(path)
            if path in self._repeated:
                if path not in lists:
                    cells[path] = ""
                lists.setdefault(path, []).append(child)
            else:
                self._add(child, path + SEP, cells)
        for path, children in lists.items():
            cells[path] = json.dumps([_plain(child) for child in children], ensure_ascii=False, separators=(",", ":"))


def _own(attributes: list[str]) -> dict[str, str]:
    """Names and values in turn, as a dict; what belongs to the schema (xsi:nil, xsi:type) is left out."""
    pairs = zip(attributes[::2], attributes[1::2], strict=True)
    return {name: value for name, value in pairs if not name.startswith(_XSI)}


def _plain(element: Element) -> Any:
    """An element as JSON: a text, or an object of attributes, children and text."""
    text = element.own_text()
    if not element.attributes and not element.children:
        return text
    made: dict[str, Any] = {f"@{local(name)}": value for name, value in element.attributes.items()}
    for child in element.children:
        made.setdefault(local(child.name), []).append(_plain(child))
    made = {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in made.items()}
    return made | ({_TEXT: text} if text else {})
