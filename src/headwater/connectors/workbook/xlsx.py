"""XLSX and XLSM: the parts around the sheets (which sheets there are, shared strings, number formats)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from headwater.connectors.workbook.archive import Archive, DoctypeGuard, attribute, corrupt, element, local
from headwater.connectors.workbook.formats import BUILT_IN, Shown, shown_by
from headwater.connectors.workbook.grid import Sheet, Walked, check_length
from headwater.connectors.workbook.xlsx_sheet import Cells, SheetPart
from headwater.connectors.workbook.xlsx_text import decoded, string_of, unescaped
from headwater.errors import InputRefused

_MAIN = "/officeDocument"
_STATES = {"hidden": "hidden", "veryHidden": "very hidden"}
_MAX_SHARED = 12_600_000
"""As many as a table of a million rows by twelve has cells."""
_MAX_SHARED_CHARACTERS = 500_000_000
_MAX_ITEM_CHARACTERS = 16 * 1024 * 1024
_ITEM = re.compile(r"<si><t(?: xml:space=\"preserve\")?>([^<]*)</t>")


class XlsxBook:
    """A workbook of Office Open XML, transitional or strict."""

    format = "xlsx"

    def __init__(self, archive: Archive, name: str) -> None:
        """Raise InputRefused where it is no such workbook, or a damaged one."""
        self._archive = archive
        self._name = name
        self._root = _target(self._relations(""), _MAIN)
        book = archive.document(self._root) if self._root else None
        if book is None or local(book.tag) != "workbook":
            raise corrupt(name, "it has no list of sheets (workbook.xml)")
        self._relations_of_book = self._relations(self._root or "")
        self._parts: dict[str, str] = {}
        self.sheets = tuple(self._sheets(book))
        properties = next((child for child in book if local(child.tag) == "workbookPr"), None)
        self._since_1904 = properties is not None and properties.get("date1904", "0") in {"1", "true", "on"}
        self._shared: list[str] | None = None
        self._formats: dict[str, Shown] | None = None

    def walk(self, wanted: frozenset[str], decimal: str) -> Iterator[Walked]:
        """Sheet by sheet; merged ranges are known before the first row."""
        if self._shared is None or self._formats is None:
            self._shared = list(self._shared_strings())
            self._formats = self._number_formats()
        cells = Cells(shared=self._shared, formats=self._formats, since_1904=self._since_1904, decimal=decimal)
        for sheet in self.sheets:
            if sheet.is_grid and sheet.name in wanted:
                part = SheetPart(self._archive, self._parts[sheet.name], f"{self._name}, sheet {sheet.name}")
                walked = Walked(sheet=sheet.name, rows=iter(()), merged=part.merged())
                walked.rows = part.rows(cells, walked)
                yield walked

    def close(self) -> None:
        self._archive.close()

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id -> (type, part) of what a part refers to inside the archive."""
        folder, _, name = part.rpartition("/")
        document = self._archive.document(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for child in document if document is not None else ():
            if child.get("TargetMode") != "External":
                target = child.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[child.get("Id", "")] = (child.get("Type", ""), posixpath.normpath(path))
        return found

    def _sheets(self, book: ET.Element) -> Iterator[Sheet]:
        listed = next((child for child in book if local(child.tag) == "sheets"), ())
        for child in listed:
            name = child.get("name", "")
            kind, part = self._relations_of_book.get(_relation_id(child), ("", ""))
            if not name or name in self._parts:
                raise corrupt(self._name, f"its list of sheets is broken at {name!r}")
            self._parts[name] = part
            is_grid = kind.endswith("/worksheet")
            yield Sheet(name=name, state=_STATES.get(child.get("state", ""), "visible"), is_grid=is_grid)

    def _number_formats(self) -> dict[str, Shown]:
        """Index of a cell's style -> how its number is shown; those that show the number only are not in it."""
        part = _target(self._relations_of_book, "/styles")
        styles = self._archive.document(part) if part else None
        if styles is None:
            return {}
        groups = {local(child.tag): child for child in styles}
        codes = {code.get("numFmtId", ""): code.get("formatCode", "") for code in groups.get("numFmts", ())}
        found = {}
        for index, style in enumerate(groups.get("cellXfs", ())):
            number = style.get("numFmtId", "0")
            shown = shown_by(codes[number]) if number in codes else BUILT_IN.get(int(number) if number.isdigit() else 0)
            if shown is not None:
                found[str(index)] = shown
        return found

    def _shared_strings(self) -> Iterator[str]:
        part = _target(self._relations_of_book, "/sharedStrings")
        if part is None or part not in self._archive.parts:
            return
        where = f"{self._name}, part {part}"
        guard = DoctypeGuard(where)
        text, open_tag, prefix, count, characters = "", "", "", 0, 0
        for piece in decoded(self._archive.stream(part), guard, where):
            text += piece
            if not open_tag:
                found = re.search(r"<(?:(\w+):)?sst\b[^<>]*>", text)
                if found is not None:
                    open_tag, prefix = found[0], f"{found[1]}:" if found[1] else ""
                    text = text[found.end() :]
            *items, text = text.split(f"</{prefix}si>") if open_tag else [text]
            if len(text) > _MAX_ITEM_CHARACTERS:
                raise corrupt(where, "a text of it has no end")
            for item in items:
                for string in _strings(item, open_tag, prefix, where):
                    count, characters = count + 1, characters + len(string)
                    if count > _MAX_SHARED or characters > _MAX_SHARED_CHARACTERS:
                        valid = f"at most {_MAX_SHARED:,} texts and {_MAX_SHARED_CHARACTERS:,} characters"
                        raise InputRefused("the workbook has too many texts", where=where, valid=valid)
                    yield string


def _strings(item: str, open_tag: str, prefix: str, where: str) -> Iterator[str]:
    """The texts of a stretch of the list that ends with an item: one, or more where items without a text go before."""
    plain = _ITEM.fullmatch(item.lstrip()) if "&" not in item and "\r" not in item else None
    if plain is not None:
        texts = [plain[1]]
    else:
        tree = element(f"{open_tag}{item}</{prefix}si></{prefix}sst>", where)
        texts = [string_of(child) for child in tree if local(child.tag) == "si"]
    for text in texts:
        check_length(text, lambda: where)
        yield unescaped(text) if "_x" in text else text


def _target(relations: dict[str, tuple[str, str]], kind: str) -> str | None:
    return next((part for given, part in relations.values() if given.endswith(kind)), None)


def _relation_id(sheet: ET.Element) -> str:
    for key, value in sheet.attrib.items():
        if local(key) == "id" and key != "id":
            return value
    return attribute(sheet, "id") or ""
