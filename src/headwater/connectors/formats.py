"""What format a file is in: by its content first, by its name second; where the two contradict it is refused.

sign of the content                     answer
first bytes of a packing                its name in `packing`; the format is asked again of what is inside
a zip with xl/workbook.xml in it        xlsx; with a mimetype of OpenDocument's spreadsheets: ods
compound file with a Workbook stream    xls
PAR1                                    parquet
text that begins with <                 xml; a web page is refused
text that begins with { or [            json, jsonl, geojson
any other text                          csv
"""

from __future__ import annotations

import codecs
import io
import json
import mmap
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from headwater.connectors.foreign import foreign_kind
from headwater.connectors.packing import Limits, names_in_zip, packing_of, unpack
from headwater.connectors.packing.kinds import ENDINGS as PACKING_ENDINGS
from headwater.errors import InputRefused, Misuse, cannot_open

FORMATS = ("csv", "xlsx", "xls", "ods", "json", "jsonl", "geojson", "xml", "parquet")
_HEAD = 64 * 1024
_ENDINGS = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xltx": "xlsx",
    "xltm": "xlsx",
    "xls": "xls",
    "xlt": "xls",
    "ods": "ods",
    "ots": "ods",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "geojson": "geojson",
    "xml": "xml",
    "parquet": "parquet",
    "pq": "parquet",
}
_NESTED = {"json", "jsonl", "geojson"}
_CALLED = {
    "csv": "delimited text",
    "xlsx": "an Excel workbook (.xlsx)",
    "xls": "an Excel workbook of the old format (.xls)",
    "ods": "an OpenDocument spreadsheet (.ods)",
    "json": "JSON",
    "jsonl": "JSON Lines",
    "geojson": "GeoJSON",
    "xml": "an XML document",
    "parquet": "a Parquet file",
}
_ELEMENT = re.compile(r"<(\?xml|!--|[A-Za-z_][\w:.-]*[\s/>])")
_WEB_PAGE = re.compile(
    r"(<\?xml[^>]*>|<!--(?:(?!-->).)*-->|\s)*<(!doctype\s+html|(html|head|body|meta|script|style)[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_JSON = re.compile(r'(\{\s*["}])|(\[\s*([\[{"\]\d-]|true|false|null))')
# Only members with plain values may stand before it: a type further in is that of something else.
_COLLECTION = re.compile(r'\{\s*("[^"]*"\s*:\s*("[^"]*"|[\w.+-]+)\s*,\s*)*"type"\s*:\s*"Feature(Collection)?"')
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))
_NOISE = 0.1
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OPEN_AND_EXPORT = "Open it in the program it belongs to and export the table as CSV in UTF-8 or as .xlsx."
_STREAMS = (
    ("EncryptedPackage", "", "an Excel workbook under a password"),
    ("Workbook", "xls", ""),
    ("Book", "xls", ""),
    ("WordDocument", "", "a Word document of the old format (.doc)"),
    ("PowerPoint Document", "", "a presentation of the old format (.ppt)"),
    ("__properties_version1.0", "", "an Outlook message"),
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file's format, one of `FORMATS`, or its packing, the other being ""; and what speaks for it."""

    format: str
    packing: str
    evidence: tuple[str, ...]


def find_format(path: Path, name: str, said: str | None = None) -> Found:
    """Look at a file's first bytes, its name, and the list of files in a zip.

    `said` is the format the mapping names; then the name's ending is not asked. Raises InputRefused for what is no
    table, for an empty file, and where name or `said` contradict the content; Misuse where there is no such file.
    """
    if said is not None and said not in FORMATS:
        raise Misuse("no such format", where="source.format", value=said, valid=", ".join(FORMATS))
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise cannot_open(path, error) from error
    if not head:
        raise InputRefused("the file is empty", where=name, value="0 bytes", remedy="Fetch it again or leave it out.")
    foreign = foreign_kind(head)
    if foreign:
        raise _refused(name, foreign.kind, head[:8], foreign.remedy)
    found = _by_content(path, head, name, said)
    _compare(found, name, said)
    return replace(found, format=said) if said and found.format else found


def _by_content(path: Path, head: bytes, name: str, said: str | None) -> Found:
    packing = packing_of(head)
    if packing == "zip":
        return _in_zip(path, name)
    if packing:
        return Found(format="", packing=packing, evidence=(f"its first bytes are those of {packing}",))
    if head.startswith(b"PAR1"):
        return Found(format="parquet", packing="", evidence=("its first bytes are PAR1",))
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _in_compound_file(path, name)
    return _in_text(head, name, said)


def _in_zip(path: Path, name: str) -> Found:
    names = names_in_zip(path, name=name)
    names = tuple(each.replace("\\", "/").removeprefix("/") for each in names)
    inside = set(names)
    if "[Content_Types].xml" in inside or any(each.startswith("xl/") for each in names):
        if "xl/workbook.xml" in inside:
            return Found(format="xlsx", packing="", evidence=("a zip with xl/workbook.xml in it",))
        for part, kind in (
            ("xl/workbook.bin", "an Excel binary workbook (.xlsb)"),
            ("word/", "a Word document (.docx)"),
            ("ppt/", "a presentation (.pptx)"),
        ):
            if any(each.startswith(part) for each in names):
                raise _refused(name, kind, part, _OPEN_AND_EXPORT)
    if "mimetype" in inside and "content.xml" in inside:
        return _in_open_document(path, name)
    if any(each.endswith(".iwa") for each in names):
        raise _refused(name, "a document of Apple Numbers or Pages", "Index", _OPEN_AND_EXPORT)
    return Found(format="", packing="zip", evidence=("a zip that is no workbook",))


def _in_open_document(path: Path, name: str) -> Found:
    out = io.BytesIO()
    unpack(path, "mimetype", out, name=name, limits=Limits(unpacked=_HEAD))
    kind = out.getvalue()[:100].decode("latin-1").strip()
    if "opendocument.spreadsheet" in kind:
        return Found(format="ods", packing="", evidence=(f"a zip of the type {kind}",))
    raise _refused(name, "an OpenDocument file that is no spreadsheet", kind, _OPEN_AND_EXPORT)


def _in_compound_file(path: Path, name: str) -> Found:
    """Directory entries are 128 bytes each, begin at a multiple of that, and tell their name's length at 64."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for stream, format_, kind in _STREAMS:
            encoded = stream.encode("utf-16-le") + b"\0\0"
            at = data.find(encoded)
            while at >= 0 and (at % 128 or data[at + 64 : at + 66] != len(encoded).to_bytes(2, "little")):
                at = data.find(encoded, at + 1)
            if at >= 0 and format_:
                return Found(format=format_, packing="", evidence=(f"a compound file with a stream {stream}",))
            if at >= 0:
                raise _refused(name, kind, stream, _OPEN_AND_EXPORT)
    raise _refused(name, "a compound file of Microsoft's without a workbook in it", "", _OPEN_AND_EXPORT)


def _in_text(head: bytes, name: str, said: str | None) -> Found:
    text, encoding = _decoded(head)
    # Of what is called a text, the reader of texts knows better: fields may be divided by control characters.
    is_called_text = said == "csv" or _ENDINGS.get(_ending(name)) == "csv" or _ending(name) == "txt"
    if encoding == "utf-8" and not is_called_text and _noise(head) > _NOISE:
        raise _refused(name, "a binary file of an unknown kind, or a damaged one", head[:8], _OPEN_AND_EXPORT)
    start = text.lstrip()
    if said == "csv":
        return Found(format="csv", packing="", evidence=("text",))
    if _WEB_PAGE.match(start[:4096]):
        remedy = (
            "Often the answer of a server that wanted a login, or a report saved under a wrong name: see in a browser."
        )
        raise _refused(name, "a web page", start[:40], remedy)
    if _ELEMENT.match(start) or start.lower().startswith("<!doctype"):
        _refuse_office_xml(start, name)
        return Found(format="xml", packing="", evidence=(f"text that begins with {start[:20]!r}",))
    ending = _ENDINGS.get(_ending(name))
    is_header = ending == "csv" and re.match(r"\[\s*[^\[{\s]", start)
    if _JSON.match(start) and not is_header:
        format_, why = _kind_of_json(start, said or ending)
        return Found(format=format_, packing="", evidence=(why,))
    return Found(format="csv", packing="", evidence=("text that begins like neither XML nor JSON",))


def _noise(head: bytes) -> float:
    return 1 - len(head.translate(None, _CONTROL)) / len(head)


def _decoded(head: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head.removeprefix(mark).decode(
                encoding if encoding == "utf-8" else _ordered(mark), "replace"
            ), encoding
    zeros = [byte == 0 for byte in head[:4]]
    for pattern, encoding in (([False, True, False, True], "utf-16-le"), ([True, False, True, False], "utf-16-be")):
        if zeros == pattern:
            return head.decode(encoding, "replace"), encoding
    return head.decode("utf-8", "replace"), "utf-8"


def _ordered(mark: bytes) -> str:
    return {
        codecs.BOM_UTF32_LE: "utf-32-le",
        codecs.BOM_UTF32_BE: "utf-32-be",
        codecs.BOM_UTF16_LE: "utf-16-le",
        codecs.BOM_UTF16_BE: "utf-16-be",
    }[mark]


def _refuse_office_xml(start: str, name: str) -> None:
    for sign, kind in (
        ("urn:schemas-microsoft-com:office:spreadsheet", "a workbook in Excel's XML of 2003"),
        ("Excel.Sheet", "a workbook in Excel's XML of 2003"),
        ("urn:oasis:names:tc:opendocument", "a flat OpenDocument file"),
        ("http://www.w3.org/1999/xhtml", "a web page"),
    ):
        if sign in start[:4096]:
            raise _refused(name, kind, sign, "Open it in a spreadsheet program and save it as .xlsx.")


def _kind_of_json(start: str, ending: str | None) -> tuple[str, str]:
    if ending == "jsonl":
        return "jsonl", "text that begins as JSON, named as JSON Lines"
    lines = [line for line in start.split("\n", 2)[:2] if line.strip()]
    if len(lines) > 1 and _is_whole(lines[0]) and _JSON.match(lines[1].lstrip()):
        return "jsonl", "the first line is a whole JSON value, and another begins on the second"
    if ending == "geojson" or (_COLLECTION.match(start)):
        return "geojson", "JSON with a type Feature or FeatureCollection, or named so"
    return "json", f"text that begins with {start[:10]!r}"


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _ending(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower().removeprefix(".")


def _compare(found: Found, name: str, said: str | None) -> None:
    ending = _ending(name)
    if said is not None:
        if found.format and not _agree(said, found.format):
            _contradicted(found, name, f"source.format says {said}", f"Set source.format to {found.format}.")
        return
    if ending in PACKING_ENDINGS and found.packing != PACKING_ENDINGS[ending]:
        _contradicted(found, name, f"its name ends in .{ending}", "Fetch it again, or rename it to what it is.")
    expected = _ENDINGS.get(ending)
    if expected and found.format != expected and not _agree(expected, found.format):
        remedy = f"Rename it, or set source.format to {found.format}." if found.format else "Rename it to what it is."
        _contradicted(found, name, f"its name ends in .{ending}", remedy, found.format)


def _agree(said: str, found: str) -> bool:
    return said == found or {said, found} <= _NESTED


def _contradicted(found: Found, name: str, but: str, remedy: str, settled_by: str = "") -> None:
    """`settled_by`: the format that a mapping could name, so that the name is not asked."""
    kind = _CALLED.get(found.format, f"a {found.packing} archive")
    refused = InputRefused(
        f"this is {kind}, but {but}",
        where=name,
        value="; ".join(found.evidence),
        valid="a name that says what the file is",
        remedy=remedy,
    )
    raise refused.settled_by("source.format", [settled_by]) if settled_by else refused


def _refused(name: str, kind: str, found: bytes | str, remedy: str) -> InputRefused:
    shown = found.decode("latin-1") if isinstance(found, bytes) else found
    return InputRefused(
        f"this is {kind}", where=name, value=shown, valid="a table in " + ", ".join(FORMATS), remedy=remedy
    )
