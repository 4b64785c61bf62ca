"""The written forms of a number: one grammar, read by Python and rendered as SQL.

A number is digits, perhaps grouped by threes, perhaps with decimals, and one of: a sign before it, a minus behind it
(SAP), parentheses for a negative (accounts), a percent sign, an exponent. Its exact value is found in the text, by
moving the decimal sign; no float and no rounding cast has a part in it.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from headwater.values.characters import NUMBER_SPACES
from headwater.values.sql_text import let, literal
from headwater.values.text_format import TextFormat

MINUS = "\u2212"
_SIGN = f"[+{MINUS}-]"
_GAP = f"[{NUMBER_SPACES}]*"
_GROUP_CLASS = {",": "[,]", ".": "[.]", " ": f"[{NUMBER_SPACES}]", "'": "['\u2019]"}
_ANY_SEPARATOR = f"[.,'\u2019{NUMBER_SPACES}]"


@dataclass(frozen=True, kw_only=True)
class Notation:
    """The patterns of one decimal and grouping sign, for whole trimmed texts; they mean the same to `re` and RE2."""

    decimal: str
    group: str | None
    grouped: str | None
    number: str
    other: str


def _forms(body: str, ungrouped: str) -> str:
    return (
        f"(?:{_SIGN}?{_GAP}{body}(?:{_GAP}%)?"
        f"|{_SIGN}?{ungrouped}[eE][+-]?[0-9]{{1,3}}"
        f"|{body}[{MINUS}-]"
        f"|[(]{_GAP}{body}(?:{_GAP}%)?{_GAP}[)]"
        f"|[(]{_GAP}{body}{_GAP}[)]{_GAP}%)"
    )


@functools.cache
def _notation(decimal: str, group: str | None) -> Notation:
    point = f"[{decimal}]"
    ungrouped = f"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)"
    grouped = f"[1-9][0-9]{{0,2}}(?:{_GROUP_CLASS[group]}[0-9]{{3}})+(?:{point}[0-9]*)?" if group else None
    any_notation = f"(?:[0-9]{{1,3}}(?:{_ANY_SEPARATOR}[0-9]{{2,3}})+(?:[.,][0-9]*)?|[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)"
    return Notation(
        decimal=decimal,
        group=group,
        grouped=grouped,
        number=_forms(f"(?:{grouped}|{ungrouped})" if grouped else ungrouped, ungrouped),
        other=_forms(any_notation, any_notation),
    )


def notation(fmt: TextFormat) -> Notation:
    """The notation that a format declares."""
    return _notation(fmt.decimal, fmt.group)


@dataclass(frozen=True, kw_only=True)
class Digits:
    """A number taken apart: its value is ± 0.significant × 10^integer_digits, and it needs `decimals` decimals.

    Zero has no significant digits.
    """

    negative: bool
    significant: str
    integer_digits: int
    decimals: int


def digits(trimmed: str, form: Notation) -> Digits | None:
    """Take a number apart; None if the text is not one in this notation."""
    if not re.fullmatch(form.number, trimmed):
        return None
    mantissa, _, exponent = trimmed.lower().partition("e")
    whole, _, fraction = ("".join(c for c in part if c in "0123456789") for part in mantissa.partition(form.decimal))
    shift = int(exponent or 0) - (2 if "%" in trimmed else 0)
    kept = (whole + fraction).rstrip("0")
    significant = kept.lstrip("0")
    point = len(whole) + shift
    return Digits(
        negative=trimmed[0] in f"(-{MINUS}" or trimmed[-1] in f"-{MINUS}",
        significant=significant,
        integer_digits=point - (len(kept) - len(significant)),
        decimals=len(kept) - point,
    )


def digits_sql(trimmed: str, form: Notation) -> str:
    """SQL twin of `digits`: a STRUCT of `is_number` and the fields of `Digits`, which hold only if it is one."""
    point = f"[{form.decimal}]"
    whole = f"regexp_replace(regexp_extract({trimmed}, '^[^eE{form.decimal}]*'), '[^0-9]', '', 'g')"
    fraction = f"regexp_extract({trimmed}, '{point}([0-9]*)', 1)"
    exponent = f"coalesce(TRY_CAST(regexp_extract({trimmed}, '[eE]([+-]?[0-9]+)', 1) AS INTEGER), 0)"
    written = (
        f"{{'is_number': regexp_full_match({trimmed}, {literal(form.number)}),"
        f" 'whole': {whole}, 'fraction': {fraction},"
        f" 'shift': {exponent} - CASE WHEN contains({trimmed}, '%') THEN 2 ELSE 0 END,"
        f" 'negative': regexp_matches({trimmed}, {literal(f'^[({MINUS}-]|[{MINUS}-]$')})}}"
    )
    parts = (
        "{'is_number': seen.is_number, 'negative': seen.negative, 'significant': ltrim(kept, '0'),"
        " 'integer_digits': length(seen.whole) + seen.shift - length(kept) + length(ltrim(kept, '0')),"
        " 'decimals': length(kept) - length(seen.whole) - seen.shift}"
    )
    return let("seen", written, lambda _: let("kept", "rtrim(seen.whole || seen.fraction, '0')", lambda _: parts))


def fixed_sql(parts: str, scale: int) -> str:
    """SQL text of the number in `parts` (a STRUCT of `digits_sql`) with exactly `scale` decimals after a point; it must
    have no more than these.
    """
    unscaled = f"(repeat('0', {scale + 1}) || {parts}.significant || repeat('0', {scale} - {parts}.decimals))"
    number = f"left({unscaled}, -{scale}) || '.' || right({unscaled}, {scale})" if scale else unscaled
    return f"(CASE WHEN {parts}.negative THEN '-' ELSE '' END || {number})"
