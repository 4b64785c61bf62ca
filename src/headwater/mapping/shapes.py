"""The shapes that texts of a sample have, and what each says about decimal sign and order of dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from headwater.values.characters import NUMBER_SPACES

MINUS = "\u2212"

NUMBERS = frozenset({"integer", "number"})
NUMERIC = NUMBERS
DAYS = frozenset({"date", "timestamp"})

_SPACES = f"[{NUMBER_SPACES}]"
_GROUPS = f".,'\u2019{NUMBER_SPACES}"
_MONTH = "(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*"
_DAY = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})"
    rf"|[0-9]{{1,2}}[. -]*{_MONTH}[., -]*[0-9]{{4}}|{_MONTH}[. -]*[0-9]{{1,2}}[, -]+[0-9]{{4}})"
)
_TIME = r"[Tt ] ?[0-9]{1,2}:[0-9]{2}[0-9:.,APMapmZzUTCutc +-]*"
_MIDNIGHT = r"[Tt ] ?(?:00:00(?::00(?:[.,]0+)?)?(?: ?(?:[Zz]|[+-]00:?00))?|12:00(?::00)? ?[Aa][Mm])"

# The first that matches is the shape; all patterns are for trimmed texts and mean the same to `re` and RE2.
KEYS = (
    "na", "n/a", "#n/a", "n.a.", "n/r", "nr", "n.r.", "nd", "n.d.", "k.a.", "ne", "no", "ie", "c", "nc", "no,ne",
    "ne,no", "no,ie", "ie,no", "ie,ne", "ne,ie", "no,na", "na,no", "ie,na", "na,ne", "no,ne,ie", "-", "--", "\u2014",
    "\u2013", ".", "..", "...", "\u2026", ":", "?", "x", "*", "null", "none", "nan", "nil", "tbd", "tbc", "unknown",
    "missing", "not applicable", "not reported", "not available", "not estimated", "not occurring", "not provided",
    "not disclosed", "no data", "no answer", "confidential", "included elsewhere", "question not applicable",
    "nicht verfügbar", "keine angabe", "non disponible", "no disponible",
)  # fmt: skip
REPORTED_ELSEWHERE = frozenset(
    {"na", "n/a", "n.a.", "no", "not applicable", "not occurring", "question not applicable", "no,na", "na,no"}
)
"""Keys that say that there is nothing to report; all others say that it was not reported."""

_PLAIN_KEYS = frozenset(
    key for key in KEYS if " " in key or not any(character.isalpha() for character in key) or "/" in key
) | {"n.a.", "n.r.", "n.d.", "k.a.", "null", "nan", "tbd", "tbc"}
_TRUE_FALSE = (
    "true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein", "oui", "non", "si", "sí", "sim", "não", "wahr",
    "falsch", "vrai", "faux",
)  # fmt: skip

_SIGN = "[+\u2212-]?"
_BODY = f"(?:[0-9]{{1,3}}(?:[{_GROUPS}][0-9]{{2,3}})+|[0-9]+)(?:[.,][0-9]*)?"
PATTERNS = (
    ("integer", f"{_SIGN}(?:[0-9]+(?:[.,]0)?|[0-9]{{1,3}}(?:[{_GROUPS}][0-9]{{3}}){{2,}})-?"),
    ("date", f"(?i:{_DAY}(?:{_MIDNIGHT})?)"),
    ("timestamp", f"(?i:{_DAY}{_TIME})"),
    (
        "number",
        (
            f"(?:{_SIGN}{_SPACES}?{_BODY}(?:[eE][+-]?[0-9]{{1,3}})?{_SPACES}*%?-?|{_SIGN}[.,][0-9]+%?"
            rf"|\({_BODY}\)%?)"
        ),
    ),
    ("code", r"[^\s,;:!?()]*[0-9][^\s,;:!?()]*|[A-Za-z0-9_./-]{1,12}|[a-z0-9]+(?:[_-][a-z0-9]+)+"),
)
_SENTINEL = re.compile(r"-9{2,6}(?:[.,]0+)?")


def classified(texts: Sequence[str]) -> dict[str, str]:
    """Text -> key, boolean, integer, number, date, timestamp, code or text."""
    array = pa.array(texts, pa.string())
    folded = pc.utf8_lower(array)
    shape: list[str | None] = [None] * len(texts)
    keys = pc.is_in(folded, value_set=pa.array(KEYS)).to_pylist()
    words = pc.is_in(folded, value_set=pa.array(_TRUE_FALSE)).to_pylist()
    both = _are_booleans({text.lower() for text in texts})
    matched = {kind: pc.match_substring_regex(array, f"^(?:{pattern})$").to_pylist() for kind, pattern in PATTERNS}
    for place in range(len(texts)):
        if words[place] and both:
            shape[place] = "boolean"
        elif keys[place]:
            shape[place] = "key"
        else:
            shape[place] = next((kind for kind, found in matched.items() if found[place]), "text")
    return {text: kind or "text" for text, kind in zip(texts, shape, strict=True)}


def _are_booleans(folded: set[str]) -> bool:
    """Whether two words for yes and no stand against each other: `no` alone is a notation key, or Norway."""
    pairs = list(zip(_TRUE_FALSE[::2], _TRUE_FALSE[1::2], strict=True))
    return any(yes in folded and no in folded for yes, no in pairs) or folded <= {"true", "false", ""}


def is_plain_key(text: str) -> bool:
    """Whether a notation key can be no name and no code."""
    return text.lower() in _PLAIN_KEYS


def is_sentinel(text: str) -> bool:
    """Whether a number stands for there being none: -99, -9999."""
    return _SENTINEL.fullmatch(text) is not None


def roughly(text: str) -> float | None:
    """A number as far as it can be read without knowing how it is written; None for all others."""
    digits = re.sub(r"[^0-9.,-]", "", text.replace(MINUS, "-"))
    last = max(digits.rfind("."), digits.rfind(","))
    whole, fraction = (digits[:last], digits[last + 1 :]) if last >= 0 else (digits, "")
    if last >= 0 and len(fraction) == 3 and re.search("[.,]", whole):
        whole, fraction = whole + fraction, ""
    try:
        return float(re.sub("[.,]", "", whole) + (f".{fraction}" if fraction else ""))
    except ValueError:
        return None


@dataclass
class Evidence:
    """Texts that decide how numbers and dates are written, collected over all columns of a sample."""

    point: list[str] = field(default_factory=list)
    comma: list[str] = field(default_factory=list)
    either: list[str] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    day_first: list[str] = field(default_factory=list)
    month_first: list[str] = field(default_factory=list)
    either_first: list[str] = field(default_factory=list)
    year_first: list[str] = field(default_factory=list)

    def add_numbers(self, texts: Sequence[str]) -> None:
        """Numbers of one column."""
        for text in texts:
            sign = _decimal_sign(text)
            if sign is None:
                continue
            {".": self.point, ",": self.comma, "?": self.either}[sign].append(text)
            if sign != "?":
                self._add_group(text, sign)

    def _add_group(self, text: str, decimal: str) -> None:
        whole = text.rpartition(decimal)[0] if decimal in text else text
        found = re.search(f"[0-9]([{_GROUPS}])[0-9]{{3}}", whole)
        if found and found[1] != decimal:
            group = "'" if found[1] == "\u2019" else " " if found[1] in NUMBER_SPACES else found[1]
            self.groups[group] = self.groups.get(group, 0) + 1

    def group(self) -> str | None:
        """The sign between thousands that most texts have; None where none has one."""
        return max(self.groups, key=lambda sign: self.groups[sign]) if self.groups else None

    def add_dates(self, texts: Sequence[str]) -> None:
        """Dates of one column."""
        for text in texts:
            numbers = re.match(r"([0-9]+)[-/.]([0-9]+)[-/.]([0-9]+)", text)
            if numbers is None:
                continue
            first, second = int(numbers[1]), int(numbers[2])
            if len(numbers[1]) == 4:
                self.year_first.append(text)
            elif first > 12:
                self.day_first.append(text)
            elif second > 12:
                self.month_first.append(text)
            elif first != second:
                self.either_first.append(text)


def _decimal_sign(text: str) -> str | None:
    """The decimal sign that a number shows, "?" where it could be a group sign, None where it shows none."""
    signs: list[str] = re.findall("[.,]", text)
    if not signs:
        return None
    if len(set(signs)) == 2:
        return signs[-1]
    sign, other = signs[0], {".": ",", ",": "."}[signs[0]]
    if len(signs) > 1:
        return other
    whole, _, fraction = re.sub(r"[^0-9.,]", "", text).partition(sign)
    could_be_group = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    has_exponent = re.search("[eE]", text) is not None
    return "?" if could_be_group and not has_exponent else sign
