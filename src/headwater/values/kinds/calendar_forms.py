"""The written forms of a day: one list, read by Python and rendered as SQL.

The year first, an English month's name, or the order that the format declares. All patterns are for trimmed and folded
text, and mean the same to `re` and RE2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from headwater.values.sql_text import let, literal

_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH_NAME = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_SEPARATORS = "/.-"
_THREE_NUMBERS = "^([0-9]+)[/.-]([0-9]+)[/.-]([0-9]+)"


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way to write a day: `pattern` matches the whole of it; `parts` finds three groups from its beginning on."""

    pattern: str
    parts: str
    order: str
    named: bool = False


def _separated(*fields: str) -> str:
    return "(?:" + "|".join(f"[{sign}]".join(fields) for sign in _SEPARATORS) + ")"


_YEAR_FIRST = Form(pattern=_separated("[0-9]{4}", "[0-9]{1,2}", "[0-9]{1,2}"), parts=_THREE_NUMBERS, order="YMD")
_YEAR_LAST = _separated("[0-9]{1,2}", "[0-9]{1,2}", "[0-9]{4}")
_COMPACT = Form(pattern="[0-9]{8}", parts="^([0-9]{4})([0-9]{2})([0-9]{2})", order="YMD")
_DAY_MONTH_NAME = Form(
    pattern=f"[0-9]{{1,2}}(?:-|[.]? ?){_MONTH_NAME}(?:-|[.,]? ?)[0-9]{{4}}",
    parts="^([0-9]+)[^a-z0-9]*([a-z]+)[^a-z0-9]*([0-9]+)",
    order="DMY",
    named=True,
)
_MONTH_NAME_DAY = Form(
    pattern=f"{_MONTH_NAME}[.]? ?[0-9]{{1,2}}(?:, ?| )[0-9]{{4}}",
    parts="^([a-z]+)[^a-z0-9]*([0-9]+)[^a-z0-9]*([0-9]+)",
    order="MDY",
    named=True,
)

# A day that somebody wrote, but whose order of day and month, or century, only the writer knows.
AMBIGUOUS = f"(?:{_separated('[0-9]{1,2}', '[0-9]{1,2}', '(?:[0-9]{4}|[0-9]{2})')}|[0-9]{{6}}|[0-9]{{8}})"


@functools.cache
def forms(date_order: str | None) -> tuple[Form, ...]:
    """The forms that a declared order allows, the most common first."""
    by_name = (_DAY_MONTH_NAME, _MONTH_NAME_DAY)
    if date_order is None:
        return (_YEAR_FIRST, *by_name)
    if date_order == "YMD":
        return (_YEAR_FIRST, _COMPACT, *by_name)
    return (Form(pattern=_YEAR_LAST, parts=_THREE_NUMBERS, order=date_order), _YEAR_FIRST, *by_name)


def any_form(allowed: Iterable[Form]) -> str:
    """Pattern of all the forms together."""
    return "(?:" + "|".join(form.pattern for form in allowed) + ")"


def year_month_day(folded: str, allowed: Iterable[Form], suffix: str) -> tuple[int, int, int] | None:
    """Year, month and day of a text that is a day in one of the forms, then `suffix` (a pattern); None if it is not."""
    for form in allowed:
        if re.fullmatch(form.pattern + suffix, folded):
            match = re.match(form.parts, folded)
            if match is None:
                continue
            part = dict(zip(form.order, match.groups(), strict=True))
            month = _MONTHS.index(part["M"][:3]) // 3 + 1 if form.named else int(part["M"])
            return int(part["Y"]), month, int(part["D"])
    return None


def iso_sql(folded: str, allowed: Iterable[Form], suffix: str) -> str:
    """SQL twin of `year_month_day`: VARCHAR 2024-3-31, which may be no day of the calendar; NULL for no form."""
    branches = "".join(
        f" WHEN regexp_full_match({folded}, {literal(form.pattern + suffix)})"
        f" THEN {let('part', _parts_sql(folded, form), _joined_sql(form))}"
        for form in allowed
    )
    return f"(CASE{branches} END)"


def _parts_sql(folded: str, form: Form) -> str:
    names = ", ".join(f"'{name.lower()}'" for name in form.order)
    return f"regexp_extract({folded}, {literal(form.parts)}, [{names}])"


def _joined_sql(form: Form) -> Callable[[str], str]:
    def joined(part: str) -> str:
        month = f"(strpos('{_MONTHS}', left({part}.m, 3)) // 3 + 1)" if form.named else f"{part}.m"
        return f"{part}.y || '-' || {month} || '-' || {part}.d"

    return joined


def padded(date_order: str | None, text: str) -> tuple[str, str] | None:
    """The common form of a declared order with the year last, 31/03/2024, as a pattern, and SQL that makes it
    2024-03-31; None for other orders.
    """
    if date_order not in {"DMY", "MDY"}:
        return None
    first, second = ("[0-3][0-9]", "[01][0-9]") if date_order == "DMY" else ("[01][0-9]", "[0-3][0-9]")
    day, month = (f"{text}[1:2]", f"{text}[4:5]") if date_order == "DMY" else (f"{text}[4:5]", f"{text}[1:2]")
    return _separated(first, second, "[1-9][0-9]{3}"), f"{text}[7:10] || '-' || {month} || '-' || {day}"
