"""Number formats: whether a cell's number is shown as a per cent, a date, a time, or with leading zeros."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, kw_only=True)
class Shown:
    r"""How a number format shows a number, where it shows more than the number.

    digits  whole numbers have so many at least, as codes have: 00000 shows 123 as 00123
    signed  a per cent sign stands behind the number as it is: 0.0\% shows 0.5 as 0.5%
    """

    digits: int = 0
    signed: bool = False
    percent: bool = False
    date: bool = False
    time: bool = False
    elapsed: bool = False


_PERCENT = Shown(percent=True)
_DATE = Shown(date=True)
_TIME = Shown(time=True)
_BOTH = Shown(date=True, time=True)
_ELAPSED = Shown(time=True, elapsed=True)

# ECMA-376 part 1, 18.8.30; the East Asian ones are dates in every language that has them.
BUILT_IN: dict[int, Shown] = {
    **dict.fromkeys((9, 10), _PERCENT),
    **dict.fromkeys((14, 15, 16, 17), _DATE),
    **dict.fromkeys((18, 19, 20, 21, 45, 47), _TIME),
    22: _BOTH,
    46: _ELAPSED,
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), _DATE),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), _TIME),
}

_CODE = re.compile("00+")
_LITERAL_PERCENT = re.compile(r'^[^;]*?(\\%|"[^";]*%[^"]*")')
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.')
_ELAPSED_PART = re.compile(r"\[(h+|m+|s+)\]")
_BRACKET = re.compile(r"\[[^\]]*\]")
_HALF_DAY = re.compile(r"am/pm|a/p|上午/下午")
_FRACTION = re.compile(r"(?<=s)[.,]0+")


@lru_cache(maxsize=4096)
def shown_by(code: str) -> Shown | None:
    """What the first section of a format code makes of a number; None where it stays one (amounts, text, General)."""
    signed = bool(_LITERAL_PERCENT.search(code))
    section = _LITERAL.sub("", code).split(";", 1)[0].lower()
    elapsed = bool(_ELAPSED_PART.search(section))
    section = _BRACKET.sub("", _ELAPSED_PART.sub(r"\1", section))
    if "general" in section or "standard" in section or "@" in section:
        return None
    if "%" in section:
        return _PERCENT
    if signed:
        return Shown(signed=True)
    if _CODE.fullmatch(section):
        return Shown(digits=len(section))
    halves = bool(_HALF_DAY.search(section))
    section = _FRACTION.sub("", _HALF_DAY.sub("", section))
    if re.search("[0#?]", section):
        return None
    time = halves or "h" in section or "s" in section or elapsed
    # An m beside hours or seconds is minutes; three of them are always a month.
    date = bool(re.search("[yde]|mmm", section)) or ("m" in section and not time)
    if not (date or time):
        return None
    return Shown(date=date, time=time, elapsed=elapsed)
