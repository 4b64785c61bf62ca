r"""Regular expressions that find the same in DuckDB (RE2) and in Python, and their translation for Python.

Allowed: characters, escaped punctuation, `.` `\d` `\D` `\w` `\W` `\s` `\S` `\b` `\t` `\n`, classes of these,
groups, `|`, `^` and `$` for the ends of the text, and the repeats `?` `*` `+` `{m}` `{m,n}`, lazy ones too. A group
that repeats without bound, or that can be empty, may not itself be repeated: RE2 and Python differ in what it has found
in the end, and Python could look for it without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.errors import Misuse

MOST_REPEATS = 1000

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_ESCAPES = {"t": r"\t", "n": r"\n", "b": r"\b", "B": r"\B"}
_PUNCTUATION = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~ """)
_REPEAT = re.compile(r"(?:[?*+]|\{(?P<low>[0-9]{1,4})(?P<comma>,(?P<high>[0-9]{0,4}))?\})\??")


@dataclass(kw_only=True)
class _Group:
    """An open group: what was found in it so far."""

    endless: bool = False
    can_be_empty: bool = True  # of the alternative at hand
    some_empty: bool = False  # of those before it


def portable(pattern: str) -> str:
    """The pattern as Python's `re` must be given it, with `re.ASCII`; Misuse naming what may mean two things."""
    groups = [_Group()]
    made: list[str] = []
    last: _Group | None = None  # what a repeat would repeat, with what is known of it
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        repeat = _REPEAT.match(pattern, at)
        if repeat:
            _check_repeat(repeat, last, pattern)
            made.append(repeat[0])
            groups[-1].endless |= repeat[0][0] in "*+" or bool(repeat["comma"] and not repeat["high"])
            if repeat[0][0] not in "*?" and repeat["low"] not in ("0", "00", "000", "0000"):
                groups[-1].can_be_empty = groups[-1].can_be_empty and bool(last and last.can_be_empty)
            last, at = None, repeat.end()
            continue
        _settle(groups[-1], last)
        last = None
        if sign == "(":
            opening = "(?:" if pattern.startswith("(?:", at) else "("
            if pattern.startswith("(?", at) and opening == "(":
                raise _refused(pattern, pattern[at : at + 4])
            groups.append(_Group())
            made.append(opening)
            at += len(opening)
        elif sign == ")":
            if len(groups) == 1:
                raise _refused(pattern, sign)
            closed = groups.pop()
            closed.can_be_empty |= closed.some_empty
            groups[-1].endless |= closed.endless
            last = closed
            made.append(sign)
            at += 1
        elif sign == "|":
            groups[-1].some_empty |= groups[-1].can_be_empty
            groups[-1].can_be_empty = True
            made.append(sign)
            at += 1
        else:
            text, at, is_wide = _one(pattern, at)
            last = _Group(can_be_empty=not is_wide) if is_wide else None
            made.append(text)
    _settle(groups[-1], last)
    if len(groups) != 1:
        raise _refused(pattern, "(")
    return _compiled("".join(made), pattern)


def _compiled(text: str, pattern: str) -> str:
    try:
        re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise Misuse("the pattern cannot be read", where="pattern", value=pattern, valid=str(error)) from error
    return text


def _settle(group: _Group, last: _Group | None) -> None:
    """What was not repeated stands once."""
    if last is not None:
        group.can_be_empty = group.can_be_empty and last.can_be_empty


def _check_repeat(repeat: re.Match[str], last: _Group | None, pattern: str) -> None:
    if last is None or any(int(repeat[name] or 0) > MOST_REPEATS for name in ("low", "high")):
        raise _refused(pattern, repeat[0])
    if repeat[0][0] != "?" and (last.endless or last.can_be_empty):
        raise _refused(pattern, repeat[0])


def _one(pattern: str, at: int) -> tuple[str, int, bool]:
    """One character, class or end of the text: its translation, where it ends, and whether it takes a character."""
    sign = pattern[at]
    if sign == "^":
        return r"\A", at + 1, False
    if sign == "$":
        return r"\Z", at + 1, False
    if sign == ".":
        return r"[^\n]", at + 1, True
    if sign == "[":
        return *_class(pattern, at), True
    if sign == "\\":
        named = pattern[at + 1 : at + 2]
        if named.lower() in _CLASSES and named:
            return f"[{'^' if named.isupper() else ''}{_CLASSES[named.lower()]}]", at + 2, True
        if named in _ESCAPES:
            return _ESCAPES[named], at + 2, named in "tn"
        if named and named in _PUNCTUATION:
            return re.escape(named), at + 2, True
        raise _refused(pattern, sign + named)
    if sign in "{}" or "\ud800" <= sign <= "\udfff":
        raise _refused(pattern, sign)
    return re.escape(sign), at + 1, True


def _class(pattern: str, start: int) -> tuple[str, int]:
    at = start + 1
    made = ["["]
    if pattern[at : at + 1] == "^":
        made.append("^")
        at += 1
    first = at
    while at < len(pattern) and pattern[at] != "]":
        text, at = _in_class(pattern, at, is_first=at == first)
        made.append(text)
    if at >= len(pattern) or at == first:
        raise _refused(pattern, "[")
    return "".join([*made, "]"]), at + 1


def _in_class(pattern: str, at: int, *, is_first: bool) -> tuple[str, int]:
    """One part of a class, and where it ends. A minus between two characters is a range, at an end itself."""
    sign, following = pattern[at], pattern[at + 1 : at + 2]
    if sign == "\\":
        if following in _CLASSES:
            return _CLASSES[following], at + 2
        if following in {"t", "n"}:
            return _ESCAPES[following], at + 2
        if following and following in _PUNCTUATION:
            return re.escape(following), at + 2
        raise _refused(pattern, sign + following)
    if sign == "-":
        is_end = is_first or following == "]"
        if not is_end and not _plain(pattern[at - 1], following):
            raise _refused(pattern, pattern[at - 1 : at + 2])
        return r"\-" if is_end else "-", at + 1
    if sign in "[&~|" or "\ud800" <= sign <= "\udfff":
        raise _refused(pattern, sign)
    return re.escape(sign), at + 1


def _plain(low: str, high: str) -> bool:
    return bool(high) and low.isalnum() and high.isalnum()


def _refused(pattern: str, part: str) -> Misuse:
    return Misuse(
        f"the pattern holds {part!r}, which Python and the engine may read differently",
        where="regexp_extract",
        value=pattern,
        valid=str(__doc__).split("\n\n")[1],
        remedy="Write the pattern without it, or the mapping without the pattern.",
    )
