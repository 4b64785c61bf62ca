"""The encoding of a text file: found with the evidence for it, or not found and said so; and the way to UTF-8."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from headwater.connectors.csv_file.alphabets import BETWEEN_LETTERS, ENCODINGS, LATIN, OTHER_SCRIPTS, SYMBOLS
from headwater.connectors.csv_file.layout import undecodable, unreadable
from headwater.errors import InputRefused

CONFIDENT = 0.8
_BLOCK_BYTES = 1024 * 1024
_SAMPLE_BYTES = 32 * 1024
_MISFITS = 0.02
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """An encoding, how sure that is (0 to 1, 1 is proof) and what speaks for it."""

    name: str
    confidence: float
    evidence: tuple[str, ...]


def find_encoding(path: Path, said: str | None = None) -> Encoding:
    """Look at the whole file. Raises InputRefused where it is binary, or where no reading is clearly the right one."""
    with path.open("rb") as file:
        head = file.read(_BLOCK_BYTES)
        file.seek(0)
        if said is not None:
            return Encoding(name=_name(said), confidence=1.0, evidence=("said by source.encoding",))
        for mark, name in _MARKS:
            if head.startswith(mark):
                return Encoding(name=name, confidence=1.0, evidence=(f"byte order mark {mark.hex(' ').upper()}",))
        by_zeros = _utf16_by_zeros(head)
        if by_zeros is not None:
            return by_zeros
        foreign = _foreign_lines(file, path.name)
    if foreign is None:
        return Encoding(name="utf-8", confidence=1.0, evidence=("every byte is valid UTF-8",))
    if _mostly_utf8(foreign):
        _refuse_as_utf8(path)
    try:
        found = _by_alphabet(foreign, path.name)
    except InputRefused:
        if _holds_utf8(foreign, "utf-8"):
            _refuse_as_utf8(path)
        raise
    if _holds_utf8(foreign, found.name):
        _refuse_as_utf8(path)
    return found


def _refuse_as_utf8(path: Path) -> None:
    """Raise InputRefused at the first byte that is not UTF-8."""
    with Path(os.devnull).open("wb") as nowhere:
        to_utf8(path, "utf-8", nowhere)


def is_utf8(encoding: str) -> bool:
    """Whether files in this encoding are read as they are."""
    return _name(encoding) == "utf-8"


class Sink(Protocol):
    """What takes a text block by block."""

    def write(self, block: bytes, /) -> object:
        """Take a block."""


def to_utf8(path: Path, encoding: str, out: Sink, *, name: str | None = None) -> None:
    """Write the text of a file to `out` in UTF-8. Raises InputRefused at the first byte that is not text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read, line = 0, 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            begin = read - len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].decode(encoding, errors="ignore").count("\n")
                raise undecodable(error.object, error, begin, f"{name or path.name}, line {line}") from error
            except UnicodeError as error:
                raise unreadable(encoding, error, name or path.name) from error
            out.write(text.encode())
            line += text.count("\n")
            read += len(block)
            if not block:
                return


def _name(encoding: str) -> str:
    name = codecs.lookup(encoding).name
    return "utf-8" if name in {"utf-8", "utf-8-sig", "ascii"} else name


def _utf16_by_zeros(head: bytes) -> Encoding | None:
    """UTF-16 without a mark: in text mostly of Latin letters every second byte is zero."""
    pairs = np.frombuffer(head[: len(head) // 2 * 2], np.uint8).reshape(-1, 2) == 0
    if not len(pairs):
        return None
    first, second = pairs.mean(axis=0)
    for name, zeros, others in (("utf-16-le", second, first), ("utf-16-be", first, second)):
        if zeros >= 0.5 and others <= 0.01:
            evidence = f"no byte order mark; {zeros:.0%} of every second byte are zero"
            return Encoding(name=name, confidence=float(zeros), evidence=(evidence,))
    return None


def _foreign_lines(file: BinaryIO, name: str) -> bytes | None:
    """None for UTF-8; otherwise the first lines that hold bytes beyond ASCII. Refuses zero bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid, sample, read, rest = True, bytearray(), 0, b""
    while block := file.read(_BLOCK_BYTES):
        zero = block.find(b"\0")
        if zero >= 0:
            raise InputRefused(
                f"a zero byte at offset {read + zero}: this is a binary file, or a damaged one",
                where=name,
                valid="text without zero bytes",
                remedy="Export the table again as CSV in UTF-8, or set source.encoding if it is UTF-16 or UTF-32.",
            ).settled_by("source.encoding")
        read += len(block)
        if block.isascii() and not decoder.getstate()[0]:
            continue
        valid = valid and _still_valid(decoder, block)
        if len(sample) < _SAMPLE_BYTES:
            *lines, rest = (rest + block).split(b"\n")
            sample += b"".join(line + b"\n" for line in lines if not line.isascii())
            rest = rest[-_SAMPLE_BYTES:]
    valid = valid and _still_valid(decoder, b"", final=True)
    return None if valid else bytes(sample + rest)[:_SAMPLE_BYTES]


def _still_valid(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final=final)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(foreign: bytes) -> bool:
    """Whether this is UTF-8 with a few damaged places or coded surrogates, rather than another encoding."""
    lines = foreign.splitlines()
    if _decoded(foreign, "utf-8", "surrogatepass") is not None:
        return True
    return sum(_decoded(line, "utf-8") is not None for line in lines) > len(lines) / 2


def _holds_utf8(foreign: bytes, encoding: str) -> bool:
    """Whether some lines make words as UTF-8, and none in the other encoding: two files put together are like that."""
    for line in foreign.splitlines():
        text, other = _decoded(line, "utf-8"), None if encoding == "utf-8" else _decoded(line, encoding)
        if text is not None and _language(text) and (other is None or not _language(other)):
            return True
    return False


def _by_alphabet(sample: bytes, name: str) -> Encoding:
    """The encoding under which the sample is written with the letters of one language."""
    readings: dict[str, tuple[float, str, str]] = {}  # text -> how usual the encoding is, encoding, language
    for encoding, prior in ENCODINGS.items():
        text = _decoded(sample, encoding)
        language = None if text is None else _language(text)
        if text is not None and language is not None and prior > readings.get(text, (0.0, "", ""))[0]:
            readings[text] = (prior, encoding, language)
    ranked = sorted(((weight, encoding, language, text) for text, (weight, encoding, language) in readings.items()))
    if not ranked:
        raise _not_found(name, "no encoding tried makes words of one language of it", sample)
    weight, encoding, language, text = ranked[-1]
    confidence = weight / sum(other[0] for other in ranked)
    if confidence < CONFIDENT:
        doubt = ", ".join(f"{other[1]} reads {_example(other[3])!r}" for other in reversed(ranked))
        raise _not_found(name, doubt, sample)
    evidence = ("not UTF-8", f"as {encoding} it has {language}, as in {_example(text)!r}")
    return Encoding(name=encoding, confidence=min(round(confidence, 2), 0.99), evidence=evidence)


def _decoded(sample: bytes, encoding: str, errors: str = "strict") -> str | None:
    try:
        return sample.decode(encoding, errors)
    except UnicodeDecodeError:
        return None


def _language(text: str) -> str | None:
    """The first language whose letters, and symbols where symbols stand, are all but 2 % of what is not ASCII."""
    places = [place for place, character in enumerate(text) if character > "\x7f"]
    in_place = Counter(text[place] for place in places if not _misplaced(text, place))
    allowed = _MISFITS * len(places) - (len(places) - in_place.total())
    if all(character in SYMBOLS for character in in_place):
        return "symbols only" if allowed >= 0 else None
    mixed = sum(_beside_latin(text, place) for place in places)
    for alphabets, script_allowed in ((LATIN, allowed), (OTHER_SCRIPTS, allowed - mixed)):
        for language, letters in alphabets.items():
            known = set(letters + letters.upper() + SYMBOLS)
            if sum(count for character, count in in_place.items() if character not in known) <= script_allowed:
                return f"letters of {language}"
    return None


def _misplaced(text: str, place: int) -> bool:
    before, here, after = text[place - 1 : place], text[place], text[place + 1 : place + 2]
    if here.isalpha() and here not in SYMBOLS:
        return here.isupper() and before.islower()
    return here not in BETWEEN_LETTERS and before.isalpha() and after.isalpha()


def _beside_latin(text: str, place: int) -> bool:
    beside = text[place - 1 : place] + text[place + 1 : place + 2]
    return text[place].isalpha() and any(character.isascii() and character.isalpha() for character in beside)


def _example(text: str) -> str:
    place = next(place for place, character in enumerate(text) if character > "\x7f")
    return " ".join(text[max(0, place - 12) : place + 12].split())


def _not_found(name: str, doubt: str, sample: bytes) -> InputRefused:
    return InputRefused(
        f"the encoding is not UTF-8 and cannot be told from the text: {doubt}",
        where=name,
        value=_example(sample.decode("latin-1")),
        valid="UTF-8, or an encoding that is named",
        remedy="Set source.encoding in the mapping (cp1252, iso-8859-1, cp1250, cp1251, shift_jis, gb18030, …).",
    ).settled_by("source.encoding")
