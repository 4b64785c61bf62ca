"""What can be said about a delimited text file; all that is not said is found by inspection."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from headwater.errors import Misuse

LINE_ENDS = ("\n", "\r")


@dataclass(frozen=True, kw_only=True)
class CsvConfig:
    r"""How a file is written. None means not said: `inspect_file` finds it and returns a config without None.

    encoding   a Python codec name: utf-8, cp1252, utf-16-le
    delimiter  one ASCII character between the fields of a record
    quote      one ASCII character around a field; "" where quotes are ordinary characters
    comment    one ASCII character with which instruction lines begin; "" where there are none
    preamble   number of lines above the header
    line_end   "\n" (with or without a carriage return before it) or "\r" (classic Mac)
    unnamed    number of fields a record has beyond the header, as where every line ends with a delimiter
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    comment: str | None = None
    preamble: int | None = None
    line_end: str | None = None
    unnamed: int | None = None

    def __post_init__(self) -> None:
        self._check_character("delimiter", may_be_empty=False)
        self._check_character("quote", may_be_empty=True)
        self._check_character("comment", may_be_empty=True)
        said = [character for character in (self.delimiter, self.quote, self.comment) if character]
        if len(set(said)) != len(said):
            raise Misuse(
                "delimiter, quote and comment must be three different characters",
                where="source",
                value=said,
                remedy="Correct source.delimiter, source.quote or source.comment.",
            )
        for name in ("preamble", "unnamed"):
            number = getattr(self, name)
            if number is not None and number < 0:
                raise Misuse("a count cannot be negative", where=f"source.{name}", value=number, valid="0 or more")
        if self.line_end is not None and self.line_end not in LINE_ENDS:
            raise Misuse(
                "no such line end", where="source.line_end", value=self.line_end, valid=r'"\n" (also for CRLF) or "\r"'
            )
        if self.encoding is not None:
            _check_encoding(self.encoding)

    def _check_character(self, name: str, *, may_be_empty: bool) -> None:
        character = getattr(self, name)
        if character is None or (character == "" and may_be_empty):
            return
        if len(character) != 1 or not (character == "\t" or " " <= character <= "~") or character.isalnum():
            raise Misuse(
                "must be one character",
                where=f"source.{name}",
                value=character,
                valid="one ASCII character that is no letter and no digit; a tab is written \\t in double quotes",
            )


def _check_encoding(name: str) -> None:
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except LookupError as error:
        raise Misuse(
            "no such text encoding",
            where="source.encoding",
            value=name,
            valid="a codec name such as utf-8, cp1252, iso-8859-1, utf-16",
        ) from error
