"""The text of a file, of which only a stretch is held at a time, and the JSON values in it one by one."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.connectors.csv_file.layout import undecodable
from headwater.connectors.csv_file.records import MAX_RECORD_BYTES
from headwater.errors import InputRefused, cannot_open

MAX_DEPTH = 100
MAX_KEYED = 2_000_000
"""Members of one object that are told apart: more would not fit into memory."""
_BLOCK_BYTES = 1024 * 1024
# A value cut off by the end of what was read fails this near to it, if not inside a text.
_CUT_OFF = 16
_SPACE = re.compile(r"[ \t\n\r]*")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Number(str):
    """A number as the file writes it."""

    __slots__ = ()


class _Twice(Exception):
    pass


class _NoNumber(Exception):
    pass


class _ZeroName(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)

    if "\0" in "".join(made):
        raise _ZeroName(next(key for key in made if "\0" in key))
    return made


def _constant(word: str) -> Any:
    raise _NoNumber(word)


_scan = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant
).raw_decode


def unicode_of(head: bytes) -> tuple[str, str]:
    """The Unicode encoding of a text that begins with an ASCII character, and what speaks for it."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, f"byte order mark {mark.hex(' ').upper()}"
    zeros = tuple(byte == 0 for byte in head[:4])
    for pattern, name in (
        ((True, True, True, False), "utf-32-be"),
        ((False, True, True, True), "utf-32-le"),
        ((True, False), "utf-16-be"),
        ((False, True), "utf-16-le"),
    ):
        if zeros[: len(pattern)] == pattern:
            return name, "no byte order mark; zeros beside the first characters"
    return "utf-8", "neither a byte order mark nor zeros: UTF-8"


def text_blocks(path: Path, encoding: str, name: str) -> Iterator[str]:
    """The text in stretches. Raises InputRefused at the first byte that is not text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read, line = 0, 1
    with _opened(path) as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            begin = read - len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].decode(encoding, errors="ignore").count("\n")
                raise undecodable(error.object, error, begin, f"{name}, line {line}") from error
            except UnicodeError as error:
                raise InputRefused(f"this is not {encoding.upper()} text: {error}", where=name) from error
            if not read:
                text = text.removeprefix("\ufeff")
            line += text.count("\n")
            read += len(block)
            if text:
                yield text
            if not block:
                return


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise cannot_open(path, error) from error


class JsonText:
    """A place in the text of a JSON file that only moves forward; line breaks are counted on the way."""

    def __init__(self, path: Path, encoding: str, name: str) -> None:
        self._blocks = text_blocks(path, encoding, name)
        self._name = name
        self._text = ""
        self._at = 0
        self._line = 1

    def place(self, at: int | None = None) -> str:
        """Where the text has come to, for people."""
        upto = self._at if at is None else at
        return f"{self._name}, line {self._line + self._text.count(chr(10), 0, upto)}"

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def line(self) -> str | None:
        """The rest of the line; None at the end."""
        searched = self._at
        while (end := self._text.find("\n", searched)) < 0:
            searched = max(0, len(self._text) - self._at)
            self._check_size()
            if not self._more():
                if self._at == len(self._text):
                    return None
                end = len(self._text)
                break
        line = self._text[self._at : end]
        self._at = end + 1 if end < len(self._text) else end
        return line

    def value(self) -> Any:
        """The value that begins here: objects are dicts, numbers `Number`."""
        if not self.peek() or self._text[self._at] in "]},:":
            raise self._expected("a value")
        while True:
            try:
                value, end = _scan(self._text, self._at)
            except json.JSONDecodeError as error:
                cut_off = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _CUT_OFF
                if cut_off and self._more():
                    continue
                raise self._not_json(error) from error
            except (_Twice, _NoNumber, _ZeroName, RecursionError) as error:
                raise self._unfit(error) from error
            if end == len(self._text) and self._more():
                continue
            if end - self._at > MAX_RECORD_BYTES:
                raise self._too_long()
            self._at = end
            return value

    def members(self, *, keep: bool = True) -> Iterator[str]:
        """The names of the object that begins here; whoever takes one takes its value, too.

        `keep`: names are held, so that one that comes twice is refused.
        """
        self._at += 1
        if self.peek() == "}":
            self._at += 1
            return
        seen: set[str] = set()
        while True:
            if self.peek() != '"':
                raise self._expected("a name in double quotes")
            key = self.value()
            if key in seen:
                raise self._unfit(_Twice(key))
            if keep:
                seen.add(key)
                self._check_members(seen)
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def items(self) -> Iterator[int]:
        """The numbers of the items of the array that begins here, from 0; whoever takes one takes the item, too."""
        self._at += 1
        if self.peek() == "]":
            self._at += 1
            return
        index = 0
        while True:
            yield index
            index += 1
            if self._take(",]") == "]":
                return

    def skip(self, depth: int = 0) -> None:
        """Pass over the value that begins here, however long it is."""
        opening = self.peek()
        if depth < 4 and opening == "{":
            for _ in self.members(keep=False):
                self.skip(depth + 1)
        elif depth < 4 and opening == "[":
            for _ in self.items():
                self.skip(depth + 1)
        else:
            self.value()

    def close(self) -> None:
        """Raises InputRefused where more stands behind the one value of the file."""
        if self.peek():
            raise InputRefused(
                "another value stands behind the end of the first",
                where=self.place(),
                value=self._text[self._at : self._at + 40],
                valid="one JSON value in a file, or JSON Lines: one object on every line",
                remedy="Put the values into an array, [ … , … ], or write each on one line of its own.",
            )

    def _take(self, valid: str) -> str:
        found = self.peek()
        if not found or found not in valid:
            raise self._expected(" or ".join(valid))
        self._at += 1
        return found

    def _more(self) -> bool:
        """Read on: as much again as is held, so that a long value is not scanned many times."""
        self._check_size()
        self._line += self._text.count("\n", 0, self._at)
        parts = [self._text[self._at :]]
        self._at = 0
        wanted = len(parts[0])
        for block in self._blocks:
            parts.append(block)
            wanted -= len(block)
            if wanted <= 0:
                break
        self._text = "".join(parts)
        return len(parts) > 1

    def _check_size(self) -> None:
        if len(self._text) - self._at > MAX_RECORD_BYTES:
            raise self._too_long()

    def _too_long(self) -> InputRefused:
        return InputRefused(
            f"a value is longer than {MAX_RECORD_BYTES // 1024 // 1024} MB",
            where=self.place(),
            valid="records below that size",
            remedy="See that source.records leads to the array of the records, and that every quote is closed.",
        )

    def _check_members(self, seen: set[str]) -> None:
        if len(seen) > MAX_KEYED:
            raise InputRefused(
                f"an object has more than {MAX_KEYED:,} members",
                where=self.place(),
                remedy="Export the records as an array or as JSON Lines.",
            )

    def _expected(self, valid: str) -> InputRefused:
        at_end = self._at >= len(self._text)
        return InputRefused(
            "the file ends in the middle of a value" if at_end else "this is not JSON",
            where=self.place(),
            value=None if at_end else self._text[self._at : self._at + 40],
            valid=f"{valid} here",
            remedy="Fetch the file again; if it stays so, whoever made it must mend it.",
        )

    def _not_json(self, error: json.JSONDecodeError) -> InputRefused:
        at_end = error.msg.startswith("Unterminated") or error.pos >= len(self._text.rstrip())
        return InputRefused(
            "the file ends in the middle of a value" if at_end else f"this is not JSON: {error.msg}",
            where=self.place(error.pos),
            value=self._text[error.pos : error.pos + 40],
            valid="JSON (RFC 8259)",
            remedy="Fetch the file again; if it stays so, whoever made it must mend it.",
        )

    def _unfit(self, error: Exception) -> InputRefused:
        return unfit(error, self.place())


def unfit(error: Exception, place: str) -> InputRefused:
    """The refusal for JSON that means nothing certain."""
    if isinstance(error, _Twice):
        return InputRefused(
            "an object has the same name twice: which value holds is not certain",
            where=place,
            value=str(error),
            valid="each name once in an object",
            remedy="Rename one of them, or take away the wrong one.",
        )
    if isinstance(error, _NoNumber):
        return InputRefused(
            "this is no number that JSON knows",
            where=place,
            value=str(error),
            valid="a number, or null where there is none",
            remedy="Export the table again with null in its place.",
        )
    if isinstance(error, _ZeroName):
        return InputRefused(
            "a name holds a zero character, which no text can",
            where=place,
            value=ascii(error.args[0]),
            valid="Unicode text without U+0000",
            remedy="Mend the record where it comes from; it was damaged on its way.",
        )
    return too_deep(place)


def too_deep(place: str) -> InputRefused:
    return InputRefused(
        f"values are nested more than {MAX_DEPTH} deep",
        where=place,
        valid=f"at most {MAX_DEPTH} levels",
        remedy="This is no table; see that it is the right file.",
    )


def one_line(line: str, place: str) -> Any:
    """The value of a line of JSON Lines; None for a blank one."""
    start = _SPACE.match(line)
    at = start.end() if start else 0
    if at == len(line):
        return None
    try:
        value, end = _scan(line, at)
    except json.JSONDecodeError as error:
        raise InputRefused(
            f"this line is not one JSON value: {error.msg}",
            where=place,
            value=line[error.pos : error.pos + 40],
            valid="JSON Lines: one object on every line",
            remedy="If the objects are written over several lines, put them into an array, [ … , … ].",
        ) from error
    except (_Twice, _NoNumber, _ZeroName, RecursionError) as error:
        raise unfit(error, place) from error
    if line[end:].strip(" \t\r"):
        raise InputRefused(
            "several values stand on one line",
            where=place,
            value=line[end : end + 40],
            valid="JSON Lines: one object on every line",
            remedy="Write each on one line of its own.",
        )
    return value
