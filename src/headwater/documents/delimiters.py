"""The signs that may stand between the cells of a line that is written: spreadsheets of some countries want others."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from headwater.errors import Misuse

Delimiter = Literal[",", ";", "|", "\t"]
"""Comma, semicolon, bar or tab."""


def delimiter_of(text: str) -> Delimiter:
    """Misuse for any other sign; `tab` is one that is hard to type."""
    sign = "\t" if text == "tab" else text
    if not _is_delimiter(sign):
        raise Misuse(
            "no sign that can stand between cells",
            where="--delimiter",
            value=text,
            valid='"," ";" "|" or tab',
            remedy="Excel takes ; where the comma stands before decimals.",
        )
    return sign


def _is_delimiter(sign: str) -> TypeGuard[Delimiter]:
    return sign in get_args(Delimiter)
