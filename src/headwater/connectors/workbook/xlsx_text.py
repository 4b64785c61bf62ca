"""Texts in the XML of an XLSX workbook: encodings, runs, characters that XML cannot hold."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from headwater.connectors.workbook.archive import DoctypeGuard, corrupt, local

_REFERENCE = re.compile("&(#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|\\w+);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def string_of(item: ET.Element) -> str:
    """The text of a string item: its runs one after the other, without readings above East Asian ones."""
    texts = []
    for child in item:
        if local(child.tag) == "t":
            texts.append(child.text or "")
        elif local(child.tag) == "r":
            texts += [part.text or "" for part in child if local(part.tag) == "t"]
    return "".join(texts)


def dereferenced(text: str) -> str:
    """The characters that `&amp;` and `&#10;` stand for. Raises KeyError for an entity that XML does not know."""
    return _REFERENCE.sub(_referred, text) if "&" in text else text


def _referred(found: re.Match[str]) -> str:
    name = found[1]
    if name.startswith("#"):
        return chr(int(f"0{name[1:]}", 16) if name[1] == "x" else int(name[1:]))
    return _NAMED[name]


def unescaped(text: str) -> str:
    """Characters that XML cannot hold, written as _x000D_."""
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    """Zero and halves of a surrogate pair are no characters of a text: they stay as they are written."""
    number = int(found[1], 16)
    return found[0] if number == 0 or 0xD800 <= number <= 0xDFFF else chr(number)


def decoded(chunks: Iterator[bytes], guard: DoctypeGuard, where: str) -> Iterator[str]:
    """A part as text, in the encoding its first bytes declare (UTF-8 in nearly all)."""
    decoder: codecs.IncrementalDecoder | None = None
    try:
        for chunk in chunks:
            guard.feed(chunk)
            decoder = decoder or _decoder(chunk)
            yield decoder.decode(chunk)
        if decoder is not None:
            yield decoder.decode(b"", final=True)
    except (UnicodeDecodeError, LookupError) as error:
        raise corrupt(where, f"it is not text in the encoding it declares: {error}") from error


def _decoder(head: bytes) -> codecs.IncrementalDecoder:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return codecs.getincrementaldecoder("utf-16")()
    declared = re.match(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)["']""", head)
    encoding = declared[1].decode() if declared else "utf-8"
    return codecs.getincrementaldecoder("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)()
