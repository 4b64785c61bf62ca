"""The parts of an XLSX package while it is copied: a few replaced, a few new, all others as they are."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from xml.sax.saxutils import quoteattr

from headwater.connectors.workbook.archive import Archive, attribute, corrupt, local

TYPES = "[Content_Types].xml"
TRANSITIONAL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ENCODING = re.compile(rb"""<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)["']""")


class Package:
    """An XLSX workbook opened for copying. Parts are asked for by name and put back as bytes."""

    def __init__(self, archive: Archive, name: str) -> None:
        self.archive = archive
        self.name = name
        self._new: dict[str, bytes | Path] = {}
        found = self.relations("")
        self.book = next((part for kind, part in found.values() if kind.endswith("/officeDocument")), "")
        if not self.book:
            raise corrupt(name, "it has no workbook part")
        self.namespace = STRICT if STRICT.encode() in self.read(self.book) else TRANSITIONAL
        """Of relationships, in documents of this package."""

    def has(self, part: str) -> bool:
        """Whether there is such a part."""
        return part in self._new or part in self.archive.parts

    def read(self, part: str) -> bytes:
        """A part as it stands now; empty where there is none. InputRefused where it is not in UTF-8."""
        new = self._new.get(part)
        if isinstance(new, Path):
            return new.read_bytes()
        data = new if new is not None else self.archive.read(part) or b""
        declared = _ENCODING.match(data)
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or (declared and declared[1].lower() not in {b"utf-8", b"us-ascii"}):
            raise corrupt(self.name, f"its part {part} is not in UTF-8")
        return data.removeprefix(b"\xef\xbb\xbf")

    def put(self, part: str, data: bytes | Path, *, kind: str = "") -> None:
        """A part in place of what was there; a new one needs its content type."""
        self._new[part] = data
        if kind:
            override = f'<Override PartName="/{part}" ContentType="{kind}"/>'
            self._insert(TYPES, "Types", override)

    def default_type(self, ending: str, kind: str) -> None:
        """The content type of parts with an ending, where none is declared."""
        types = self.archive.document(TYPES) if TYPES not in self._new else None
        known = {(child.get("Extension") or "").lower() for child in types} if types is not None else set()
        if ending not in known and f'Extension="{ending}"'.encode() not in self.read(TYPES):
            # Defaults stand before overrides.
            data = self.read(TYPES)
            place = re.search(rb"<(?:\w+:)?Types\b[^>]*>", data)
            if place is None:
                raise corrupt(self.name, f"its part {TYPES} lists nothing")
            prefix = _prefix(data, b"Types")
            default = f'<{prefix}Default Extension="{ending}" ContentType="{kind}"/>'.encode()
            self._new[TYPES] = data[: place.end()] + default + data[place.end() :]

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id -> (type, part) of what a part refers to inside the package."""
        folder, _, name = part.rpartition("/")
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        document = self.archive.document(rels)
        found = {}
        for child in document if document is not None else ():
            if child.get("TargetMode") != "External":
                target = child.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[child.get("Id", "")] = (child.get("Type", ""), posixpath.normpath(path))
        return found

    def relate(self, part: str, kind: str, target: str) -> str:
        """A new relation from a part to another; its id."""
        folder, _, name = part.rpartition("/")
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self.has(rels):
            self._new[rels] = (
                f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{_PACKAGE}">'
                "</Relationships>"
            ).encode()
        taken = self.read(rels)
        number = 1
        while f'"rIdHeadwater{number}"'.encode() in taken:
            number += 1
        added = (
            f'<Relationship Id="rIdHeadwater{number}" Type="{self.namespace}/{kind}" Target={quoteattr("/" + target)}/>'
        )
        self._insert(rels, "Relationships", added)
        return f"rIdHeadwater{number}"

    def sheets(self) -> dict[str, str]:
        """Name of a sheet -> its part."""
        document, targets = self.archive.document(self.book), self.relations(self.book)
        listed = next((child for child in document if local(child.tag) == "sheets"), ()) if document is not None else ()
        return {child.get("name", ""): targets.get(_relation_id(child), ("", ""))[1] for child in listed}

    def write(self, out: IO[bytes]) -> None:
        """All parts, in the order they had; new ones last."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for part, entry in self.archive.parts.items():
                info = zipfile.ZipInfo(entry.filename, entry.date_time)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = entry.external_attr
                if not entry.is_dir():
                    _copy(packed, info, self._content(part))
            for part in self._new:
                if part not in self.archive.parts:
                    info = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
                    info.compress_type = zipfile.ZIP_DEFLATED
                    _copy(packed, info, self._content(part))

    def _content(self, part: str) -> Iterable[bytes]:
        new = self._new.get(part)
        if new is None:
            return self.archive.stream(part)
        return _pieces(new) if isinstance(new, Path) else (new,)

    def _insert(self, part: str, root: str, text: str) -> None:
        """At the end of a part's root."""
        data = self.read(part)
        prefix = _prefix(data, root.encode())
        if prefix:
            text = text.replace("<", f"<{prefix}", 1)
        empty = re.sub(rb"(<(?:\w+:)?%s\b[^>]*?)/>\s*$" % root.encode(), rb"\1></%s>" % (prefix + root).encode(), data)
        end = empty.rfind(f"</{prefix}{root}".encode())
        if end < 0:
            raise corrupt(self.name, f"its part {part} has no end")
        self._new[part] = empty[:end] + text.encode() + empty[end:]


def _prefix(data: bytes, root: bytes) -> str:
    found = re.search(rb"<(\w+:)?%s\b" % root, data)
    return (found[1] or b"").decode() if found else ""


def _relation_id(sheet: object) -> str:
    attributes = getattr(sheet, "attrib", {})
    return next((value for key, value in attributes.items() if local(key) == "id" and key != "id"), "") or (
        attribute(sheet, "id") or ""  # type: ignore[arg-type]
    )


def _copy(packed: zipfile.ZipFile, info: zipfile.ZipInfo, content: Iterable[bytes]) -> None:
    with packed.open(info, "w", force_zip64=True) as entry:
        for block in content:
            entry.write(block)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            yield block
