"""The expressions of mappings and contracts as instructions: lists in JSON, and what runs them without any engine.

An instruction is `[name, …]`; what follows is other instructions, texts or whole numbers. The engine's renderer writes
them beside its SQL, one for one, and a property test holds what they give equal to what DuckDB gives. Texts are `str`,
numbers exact fractions, days `date`; nothing is None and behaves as NULL does in SQL.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headwater.errors import InputRefused
from headwater.replay.patterns import portable
from headwater.values import Outcome, TextFormat, kind, luhn, mod_97_10, sha256
from headwater.values.canonical import NULL, SEPARATOR
from headwater.values.characters import trim

MOST_LEVELS = 200
MOST_PLACES = 38
MOST_PADDED = 100
MOST_CHARACTERS = 32 * 1024 * 1024

# Zs of Unicode: what the engine's own trim takes away.
OUTER_SPACES = " \xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
_LAST_DAY = datetime.date.max
_ABSENT, _TOO_LONG = range(1, 4), {Outcome.TOO_MANY_DECIMALS, Outcome.NUMBER_TOO_LARGE}
_CHECK_DIGITS = {"mod_97_10": mod_97_10, "luhn": luhn}


@dataclass(frozen=True, kw_only=True)
class Language:
    """What instructions depend on beside the record: how the source writes values, and the engine's letter cases.

    lower, upper    of letters beyond ASCII: the one that the engine puts in place of another
    """

    text_format: TextFormat
    lower: Mapping[str, str] = field(default_factory=dict)
    upper: Mapping[str, str] = field(default_factory=dict)


Record = Mapping[str, Any]
Value = Callable[[Record], Any]


def as_record(values: Record) -> Record:
    """Values of a contract's fields as instructions compute with them."""
    return {name: Fraction(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def built(program: Any, language: Language) -> Value:
    """What gives an instruction's value for a record (column or field → value); InputRefused for no instruction."""
    return _Builder(language).build(program, MOST_LEVELS)


class _Builder:
    def __init__(self, language: Language) -> None:
        self.language = language

    def build(self, program: Any, levels: int) -> Value:
        if not isinstance(program, list) or not program or not isinstance(program[0], str) or levels <= 0:
            raise _refused(program)
        make = _INSTRUCTIONS.get(program[0])
        if make is None:
            raise _refused(program)
        try:
            return make(self, program[1:], levels - 1)
        except (TypeError, ValueError, LookupError, RecursionError) as error:
            raise _refused(program) from error

    def each(self, programs: Sequence[Any], levels: int) -> list[Value]:
        return [self.build(program, levels) for program in programs]


def _refused(program: Any) -> InputRefused:
    """Told by its first parts: it may be nested deeper than can be printed."""
    parts = program if isinstance(program, list | tuple) else [program]
    shown = ", ".join("[…]" if isinstance(part, list | dict) else repr(part)[:50] for part in parts[:4])
    return InputRefused("this is no instruction", where="program", value=shown)


_Make = Callable[[_Builder, Sequence[Any], int], Value]
_INSTRUCTIONS: dict[str, _Make] = {}


def _instruction(name: str) -> Callable[[_Make], _Make]:
    def take(make: _Make) -> _Make:
        _INSTRUCTIONS[name] = make
        return make

    return take


def _strict(name: str, function: Callable[..., Any], *, parts: int | None = None) -> None:
    """An instruction over values all of which must be there; without one of them there is nothing."""

    def make(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
        if parts is not None and len(given) != parts:
            raise _refused([name, *given])
        inner = builder.each(given, levels)

        def value(record: Record) -> Any:
            values = [each(record) for each in inner]
            return None if any(each is None for each in values) else function(*values)

        return value

    _INSTRUCTIONS[name] = make


def _with(name: str, function: Callable[..., Any], *kinds: type) -> None:
    """An instruction over one text, with constants of these kinds behind it."""

    def make(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
        inner, constants = builder.build(given[0], levels), list(given[1:])
        if len(constants) != len(kinds) or any(type(c) is not k for c, k in zip(constants, kinds, strict=True)):
            raise _refused([name, *given])

        def value(record: Record) -> Any:
            text = inner(record)
            return None if text is None else function(text, *constants)

        return value

    _INSTRUCTIONS[name] = make


# What is there already.


@_instruction("column")
def _column(_builder: _Builder, given: Sequence[Any], _levels: int) -> Value:
    (name,) = given
    if not isinstance(name, str):
        raise _refused(given)
    return lambda record: record[name]


@_instruction("constant")
def _constant(_builder: _Builder, given: Sequence[Any], _levels: int) -> Value:
    """A text, a truth, or nothing."""
    (constant,) = given
    if constant is not None and not isinstance(constant, str | bool):
        raise _refused(given)
    return lambda _record: constant


@_instruction("exact")
def _exact(_builder: _Builder, given: Sequence[Any], _levels: int) -> Value:
    (digits,) = given
    if not re.fullmatch(r"[0-9]{1,40}(?:\.[0-9]{1,40})?", digits, re.ASCII):
        raise _refused(given)
    number = Fraction(digits)
    return lambda _record: number


@_instruction("day")
def _day(_builder: _Builder, given: Sequence[Any], _levels: int) -> Value:
    day = datetime.date.fromisoformat(given[0])
    return lambda _record: day


# Texts.


def _bounded(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise InputRefused("a text grows beyond bounds", where="program", valid=f"{MOST_CHARACTERS:,} characters")
    return text


def _part(text: str, start: int, length: int | None = None) -> str:
    """As `substr` counts: from 1, from the end where negative; places before the text count too."""
    begin = len(text) + start if start < 0 else start - 1
    end = len(text) if length is None else begin + length
    return text[max(begin, 0) : max(end, 0)]


def _split_part(text: str, separator: str, part: int) -> str:
    parts = text.split(separator) if separator else list(text)
    place = part - 1 if part > 0 else len(parts) + part
    return parts[place] if part and 0 <= place < len(parts) else ""


def _pad(text: str, length: int, fill: str) -> str:
    length = min(length, MOST_PADDED)
    missing = length - len(text)
    return (fill * missing)[:missing] + text if missing > 0 else text


def joined_text(parts: Iterable[str | None]) -> str:
    """As `record_text`, of texts that may hold any character: the engine joins them as they are."""
    return SEPARATOR.join(NULL if part is None else part for part in parts)


_strict("join", lambda *texts: _bounded("".join(texts)))
_strict("trim", lambda text: text.strip(OUTER_SPACES), parts=1)
_strict("length", lambda text: Fraction(len(text)), parts=1)
_with("substr", _part, int, int)
_with("from", _part, int)
_with("left", lambda text, length: text[:length], int)
_with("right", lambda text, length: text[max(len(text) - length, 0) :], int)
_with("replace", lambda text, old, new: _bounded(text.replace(old, new)), str, str)
_with("pad", _pad, int, str)
_with("split_part", _split_part, str, int)


def _case(name: str, table: Callable[[Language], Mapping[str, str]], ascii_case: Callable[[str], str]) -> None:
    def make(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
        inner, letters = builder.build(given[0], levels), table(builder.language)
        return lambda record: _in_case(inner(record), letters, ascii_case)

    _INSTRUCTIONS[name] = make


def _in_case(text: str | None, letters: Mapping[str, str], ascii_case: Callable[[str], str]) -> str | None:
    """Letter by letter, as the engine does; Python's own way knows letters that become two."""
    if text is None or text.isascii():
        return None if text is None else ascii_case(text)
    return "".join(ascii_case(sign) if sign.isascii() else letters.get(sign, sign) for sign in text)


_case("lower", lambda language: language.lower, str.lower)
_case("upper", lambda language: language.upper, str.upper)


@_instruction("find")
def _find(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    inner, (pattern, group) = builder.build(given[0], levels), given[1:]
    expression = re.compile(portable(pattern), re.ASCII)

    def value(record: Record) -> str | None:
        text = inner(record)
        if text is None or group > expression.groups:
            return None if text is None else ""
        match = expression.search(text)
        return str(match[group] or "") if match else ""

    return value


@_instruction("like")
def _like(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """`%` stands for any characters, `_` for one; `is_folded` compares in lower case."""
    inner, (pattern, is_folded) = builder.build(given[0], levels), given[1:]
    if not isinstance(pattern, str) or pattern.count("%") > 3:
        raise _refused(given)
    lower = builder.language.lower
    wanted = _in_case(pattern, lower, str.lower) if is_folded else pattern
    signs = {"%": "(?s:.*)", "_": "(?s:.)"}
    expression = re.compile("".join(signs.get(sign, re.escape(sign)) for sign in str(wanted)))

    def value(record: Record) -> bool | None:
        text = inner(record)
        if text is None:
            return None
        return expression.fullmatch(str(_in_case(text, lower, str.lower)) if is_folded else text) is not None

    return value


@_instruction("row_key")
def _key(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    parts = builder.each(given, levels)
    return lambda record: sha256(joined_text(part(record) for part in parts)).hex()[:24]


@_instruction("meaning")
def _meaning(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """What a folded text means by a table, else another text."""
    folded, words, otherwise = builder.build(given[0], levels), dict(given[1]), builder.build(given[2], levels)

    def value(record: Record) -> Any:
        text = folded(record)
        return words[text] if text in words else otherwise(record)

    return value


@_instruction("is_blank")
def _is_blank(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    inner = builder.build(given[0], levels)
    return lambda record: not trim(inner(record) or "")


# Texts read by the shared parser, and numbers written again.


def _read(builder: _Builder, given: Sequence[Any], levels: int) -> tuple[Value, Callable[[str | None], Any]]:
    """The text, and what reads it: `[text, precision, scale]` a number, `[text]` a day."""
    inner = builder.build(given[0], levels)
    reader = kind("date") if len(given) == 1 else kind("decimal", precision=given[1], scale=given[2])
    text_format = builder.language.text_format
    return inner, lambda text: reader.parse(text, text_format)


@_instruction("number")
def _number(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    inner, read = _read(builder, given, levels)

    def value(record: Record) -> Fraction | None:
        found = read(inner(record)).value
        return None if found is None else Fraction(found)

    return value


@_instruction("date")
def _date(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    inner, read = _read(builder, given, levels)
    return lambda record: read(inner(record)).value


@_instruction("absent")
def _absent(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """The text where it says that there is no value, else nothing."""
    inner, read = _read(builder, given, levels)

    def value(record: Record) -> str | None:
        text: str | None = inner(record)
        return text if read(text).outcome in _ABSENT else None

    return value


@_instruction("remarked")
def _remarked(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """The text, with a remark behind it where it is a number of more digits than are read."""
    inner, read = _read(builder, given[:3], levels)

    def value(record: Record) -> str | None:
        text: str | None = inner(record)
        return f"{text}{given[3]}" if read(text).outcome in _TOO_LONG else text

    return value


@_instruction("day_after")
def _day_after(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    inner, read = _read(builder, given, levels)

    def value(record: Record) -> str | None:
        text: str | None = inner(record)
        day = read(text).value
        if day is None:
            return text
        return "10000-01-01" if day == _LAST_DAY else (day + datetime.timedelta(days=1)).isoformat()

    return value


@_instruction("digits")
def _digits(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """A number with so many digits behind the decimal sign; a type without digits before it prints no zero there."""
    inner, (whole, scale, sign) = builder.build(given[0], levels), given[1:]
    if type(whole) is not int or sign not in (".", ","):
        raise _refused(given)
    scale = _places(scale)

    def value(record: Record) -> str | None:
        number = inner(record)
        if number is None:
            return None
        units = number * 10**scale
        if units.denominator != 1:
            raise InputRefused("a number has more decimals than its type", where="program", value=str(number))
        text = str(abs(units.numerator)).rjust(scale + (1 if whole else 0), "0")
        before, behind = text[: len(text) - scale], text[len(text) - scale :]
        return ("-" if units < 0 else "") + (f"{before}{sign}{behind}" if scale else before)

    return value


def _places(number: Any) -> int:
    """So many digits behind the point as a number can have."""
    if type(number) is not int or not 0 <= number <= MOST_PLACES:
        raise _refused(number)
    return number


def _half_up(number: Fraction, places: int) -> Fraction:
    """Rounded away from zero at the half."""
    places = _places(places)
    units = abs(number) * 10**places
    rounded = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(rounded if number >= 0 else -rounded, 10**places)


_with("among", lambda text, words: text in words, list)
_with("round", _half_up, int)
_strict("times", lambda a, b: a * b, parts=2)
_strict("plus", lambda a, b: a + b, parts=2)
_strict("minus", lambda a, b: a - b, parts=2)
_strict("negative", lambda a: -a, parts=1)
_strict("abs", abs, parts=1)
_strict("days", lambda first, last: Fraction((last - first).days), parts=2)


@_instruction("divide")
def _divide(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    dividend, divisor, places = builder.build(given[0], levels), builder.build(given[1], levels), _places(given[2])

    def value(record: Record) -> Fraction | None:
        a, b = dividend(record), divisor(record)
        return None if a is None or b is None or b == 0 else _half_up(a / b, places)

    return value


@_instruction("check_digits")
def _check_digits(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    function, inner = _CHECK_DIGITS[given[0]], builder.build(given[1], levels)

    def value(record: Record) -> int | None:
        text = inner(record)
        return None if text is None else function(text)

    return value


# Conditions and choices.


@_instruction("first")
def _first(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """The first that is there."""
    inner = builder.each(given, levels)
    return lambda record: next((found for each in inner if (found := each(record)) is not None), None)


@_instruction("unless")
def _unless(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """The first, or nothing where both are equal."""
    text, other = builder.each(given, levels)

    def value(record: Record) -> Any:
        found = text(record)
        return None if found is not None and found == other(record) else found

    return value


@_instruction("choose")
def _choose(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    """`[[condition, value], …], otherwise`."""
    branches = [(builder.build(when, levels), builder.build(then, levels)) for when, then in given[0]]
    otherwise = builder.build(given[1], levels)

    def value(record: Record) -> Any:
        for when, then in branches:
            if when(record) is True:
                return then(record)
        return otherwise(record)

    return value


def _joined(name: str, *, decisive: bool) -> None:
    """AND is decided by one False, OR by one True; short of that, one unknown makes it unknown."""

    def make(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
        inner = builder.each(given, levels)

        def value(record: Record) -> bool | None:
            found = {each(record) for each in inner}
            if decisive in found:
                return decisive
            return None if None in found else not decisive

        return value

    _INSTRUCTIONS[name] = make


_joined("and", decisive=False)
_joined("or", decisive=True)
_strict("not", lambda truth: not truth, parts=1)
_strict("=", lambda a, b: a == b, parts=2)
_strict("<>", lambda a, b: a != b, parts=2)
_strict("<", lambda a, b: a < b, parts=2)
_strict("<=", lambda a, b: a <= b, parts=2)
_strict(">", lambda a, b: a > b, parts=2)
_strict(">=", lambda a, b: a >= b, parts=2)


@_instruction("is_null")
def _is_null(builder: _Builder, given: Sequence[Any], levels: int) -> Value:
    (inner,) = builder.each(given, levels)
    return lambda record: inner(record) is None


NAMES = frozenset(_INSTRUCTIONS)
"""Every instruction there is."""
