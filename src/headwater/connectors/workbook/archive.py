"""A workbook's ZIP archive, opened with limits: no bomb unpacks, no fault of it leaves this file as a foreign error."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.etree import ElementTree as ET
from xml.parsers import expat

from headwater.errors import InputRefused

MAX_ENTRIES = 10_000
MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 250
FREE_OF_RATIO = 64 * 1024**2
"""Small archives may be packed as tightly as they like."""
MAX_PART = 256 * 1024**2
"""Of a part that is read whole: styles, relations, the list of sheets."""
MAX_TAGS = 1_000_000
"""Of XML of which a tree is made: a row, or a part that is read whole."""
_CHUNK = 1024 * 1024
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)


class Archive:
    """The parts of a workbook by name."""

    def __init__(self, path: Path, name: str) -> None:
        """Raise InputRefused for what is broken, encrypted or would unpack to more than a workbook can be."""
        self.name = name
        self._being_read: list[IO[bytes]] = []
        try:
            self._zip = zipfile.ZipFile(path)
        except _FAULTS as error:
            raise corrupt(name, f"its archive cannot be opened: {error}") from error
        try:
            self._check(path.stat().st_size)
        except BaseException:
            self._zip.close()
            raise

    def _check(self, packed: int) -> None:
        entries = self._zip.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        limits = (
            (len(entries) > MAX_ENTRIES, f"{len(entries):,} parts", f"at most {MAX_ENTRIES:,} parts"),
            (unpacked > MAX_UNPACKED, f"{unpacked:,} bytes unpacked", f"at most {MAX_UNPACKED:,} bytes unpacked"),
            (
                unpacked > FREE_OF_RATIO and unpacked > MAX_RATIO * packed,
                f"{packed:,} bytes would unpack to {unpacked:,}",
                f"at most {MAX_RATIO} times the packed size",
            ),
        )
        for is_over, value, valid in limits:
            if is_over:
                raise InputRefused(
                    "the archive unpacks to more than a workbook can be",
                    where=self.name,
                    value=value,
                    valid=valid,
                    remedy="See where the file came from; if it is a genuine workbook, save its sheets one by one.",
                )
        if any(entry.flag_bits & 1 for entry in entries):
            raise protected(self.name)
        self.parts = {entry.filename.lstrip("/"): entry for entry in entries}

    def read(self, part: str) -> bytes | None:
        """A part as a whole; None where there is no such part."""
        entry = self._find(part)
        if entry is None:
            return None
        if entry.file_size > MAX_PART:
            raise corrupt(self.name, f"its part {part} has {entry.file_size:,} bytes")
        return b"".join(self.stream(part))

    def stream(self, part: str) -> Iterator[bytes]:
        """A part, a megabyte at a time."""
        entry = self._find(part)
        if entry is None:
            raise corrupt(self.name, f"its part {part} is missing")
        try:
            file = self._zip.open(entry)
            self._being_read.append(file)
            with file:
                while data := file.read(_CHUNK):
                    yield data
        except _FAULTS as error:
            raise corrupt(self.name, f"its part {part} cannot be read: {error}") from error

    def _find(self, part: str) -> zipfile.ZipInfo | None:
        found = self.parts.get(part)
        if found is None:
            # Part names are compared without case (ECMA-376 part 2, 9.1.1).
            found = next((entry for name, entry in self.parts.items() if name.lower() == part.lower()), None)
        return found

    def document(self, part: str) -> ET.Element | None:
        """A part as an XML tree; None where there is no such part."""
        data = self.read(part)
        if data is None:
            return None
        where = f"{self.name}, part {part}"
        DoctypeGuard(where).feed(data)
        return element(data, where)

    def close(self) -> None:
        """Close the archive, and what of it is still being read."""
        for file in self._being_read:
            file.close()
        self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class DoctypeGuard:
    """Refuses a document type declaration, and with it every entity, before a tree is made of the document.

    It can only stand before the first element, so that looking stops there.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._parser: expat.XMLParserType | None = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._done
        self._is_done = False

    def feed(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            for at in range(0, len(data), 4096):
                self._parser.Parse(data[at : at + 4096])
                if self._is_done:
                    self._parser = None
                    return
        except expat.ExpatError as error:
            if not self._is_done:
                raise corrupt(self._where, f"it is not well-formed XML: {error}") from error
            self._parser = None

    def _done(self, _name: str, _attributes: object) -> None:
        self._is_done = True

    def _refuse(self, *_declared: object) -> None:
        raise InputRefused(
            "the XML of this workbook declares a document type, by which entities and outside files could be drawn in",
            where=self._where,
            valid="XML without <!DOCTYPE>, as spreadsheet programs write it",
            remedy="Do not open this file elsewhere before you know where it came from.",
        )


def element(data: bytes | str, where: str) -> ET.Element:
    """Parse XML that is known to have no document type."""
    if len(data) > MAX_TAGS and (data.count(b"<") if isinstance(data, bytes) else data.count("<")) > MAX_TAGS:
        raise corrupt(where, f"it holds over {MAX_TAGS:,} elements in one")
    try:
        return ET.fromstring(data)  # noqa: S314  no document type, so no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise corrupt(where, f"it is not well-formed XML: {error}") from error


def local(tag: str) -> str:
    """A tag without its namespace: transitional and strict documents differ in nothing else."""
    return tag.rpartition("}")[2]


def attribute(found: ET.Element, name: str) -> str | None:
    """An attribute by its local name, whatever its namespace."""
    for key, value in found.attrib.items():
        if local(key) == name:
            return value
    return None


def corrupt(where: str, why: str, *, value: str | None = None) -> InputRefused:
    return InputRefused(
        f"the workbook is damaged: {why}",
        where=where,
        value=value,
        remedy="Fetch the file again; if it opens in a spreadsheet program, save it from there anew.",
    )


def protected(name: str) -> InputRefused:
    return InputRefused(
        "the workbook is encrypted",
        where=name,
        valid="a workbook that opens without a password",
        remedy="Open it with its password, take the password away (File, Info, Protect Workbook) and save it.",
    )
