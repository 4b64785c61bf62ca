"""The functions that expressions may call, one builder each, and the exact operations that are ours.

Each builder gets the call's arguments and gives a fragment; what the engine would do inexactly or without bound
(division, padding, replacing) is written out here once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.documents.counted import counted
from headwater.engine.fragments import Fragment, Number, Text, first_of, joined, quote_name, quote_text
from headwater.values.canonical import record_text_sql, sha256_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headwater.engine.rendering import Renderer

ARITHMETIC: dict[type[exp.Expr], str] = {exp.Mul: "*", exp.Add: "+", exp.Sub: "-"}
ARITHMETIC_CODES = {"*": "times", "+": "plus", "-": "minus"}

ROW_KEY_DIGITS = 24
"""Hexadecimal digits of `row_key`: 96 bits, so that among 10⁹ records two alike by chance are a matter of 10⁻¹¹."""

DAYS_WHOLE = 7
"""Digits of a number of days between two dates of the years 1 to 9999."""


@dataclass(frozen=True)
class Call:
    """One function call: the renderer that meets it, and its arguments (None where left out)."""

    renderer: Renderer
    arguments: Sequence[exp.Expr | None]

    def count(self, name: str, lowest: int, highest: int) -> None:
        """Refuse a wrong number of arguments."""
        given = len([each for each in self.arguments if each is not None])
        if not lowest <= given <= highest:
            valid = counted(lowest, "argument") if lowest == highest else f"{lowest} to {highest} arguments"
            self.renderer.refuse(f"{name} has {counted(given, 'argument')}", valid=valid)

    def node(self, position: int) -> exp.Expr:
        """An argument that must be there."""
        node = self.arguments[position] if position < len(self.arguments) else None
        if node is None:
            self.renderer.refuse("a function lacks an argument")
        return node

    def has(self, position: int) -> bool:
        """Whether an argument was given."""
        return position < len(self.arguments) and self.arguments[position] is not None

    def text(self, position: int) -> Text:
        """An argument as text."""
        return self.renderer.text(self.node(position))

    def integer(self, position: int, what: str, lowest: int, highest: int) -> int:
        """A literal whole number."""
        return self.renderer.literal_integer(self.node(position), what, lowest, highest)

    def literal(self, position: int, what: str) -> str:
        """A literal text."""
        return self.renderer.literal_text(self.node(position), what)


def _same_length(name: str) -> Callable[[Call], Fragment]:
    def build(call: Call) -> Fragment:
        text = call.text(0)
        return Text(sql=f"{name}({text.sql})", code=[name, text.code], growth=text.growth)

    return build


def _substring(call: Call) -> Fragment:
    text = call.text(0)
    start = call.integer(1, "the start of substr", -10_000, 10_000)
    if not call.has(2):
        return Text(sql=f"substr({text.sql}, {start})", code=["from", text.code, start], growth=text.growth)
    length = call.integer(2, "the length of substr", 0, 10_000)
    code = ["substr", text.code, start, length]
    return Text(sql=f"substr({text.sql}, {start}, {length})", code=code, growth=text.growth)


def _left(call: Call) -> Fragment:
    text = call.text(0)
    length = call.integer(1, "the length of left", 0, 10_000)
    return Text(sql=f"left({text.sql}, {length})", code=["left", text.code, length], growth=text.growth)


def _right(call: Call) -> Fragment:
    text = call.text(0)
    length = call.integer(1, "the length of right", 0, 10_000)
    return Text(sql=f"right({text.sql}, {length})", code=["right", text.code, length], growth=text.growth)


def _replace(call: Call) -> Fragment:
    text = call.text(0)
    old = call.literal(1, "what replace looks for")
    new = call.literal(2, "what replace puts in") if call.has(2) else ""
    if not old:
        call.renderer.refuse("replace looks for an empty text", valid="at least one character")
    grows = -(-max(1, len(new.encode())) // len(old.encode()))
    sql = f"replace({text.sql}, {quote_text(old)}, {quote_text(new)})"
    return call.renderer.bounded(Text(sql=sql, code=["replace", text.code, old, new], growth=text.growth * grows))


def _pad(call: Call) -> Fragment:
    text = call.text(0)
    length = call.integer(1, "the length of lpad", 1, 100)
    fill = call.literal(2, "the filling of lpad")
    if not fill:
        call.renderer.refuse("lpad fills with an empty text", valid="at least one character")
    # DuckDB's lpad cuts what is longer; cutting an identifier would make two of them one.
    padded = f"lpad({text.sql}, {length}, {quote_text(fill)})"
    sql = f"(CASE WHEN length({text.sql}) < {length} THEN {padded} ELSE {text.sql} END)"
    return Text(sql=sql, code=["pad", text.code, length, fill], growth=text.growth)


def _split_part(call: Call) -> Fragment:
    separator = call.literal(1, "the separator of split_part")
    part = call.integer(2, "the part of split_part", -1_000, 1_000)
    text = call.text(0)
    sql = f"split_part({text.sql}, {quote_text(separator)}, {part})"
    return Text(sql=sql, code=["split_part", text.code, separator, part], growth=text.growth)


def _regexp_extract(call: Call) -> Fragment:
    pattern = call.literal(1, "the pattern of regexp_extract")
    group = call.integer(2, "the group of regexp_extract", 0, 9) if call.has(2) else 0
    if len(pattern) > 200:
        call.renderer.refuse("the pattern of regexp_extract is too long", valid="at most 200 characters")
    text = call.text(0)
    sql = f"regexp_extract({text.sql}, {quote_text(pattern)}, {group})"
    return Text(sql=sql, code=["find", text.code, pattern, group], growth=text.growth)


def _coalesce(call: Call) -> Fragment:
    texts = [call.renderer.text(node) for node in call.arguments if node is not None]
    return replace(first_of(*texts), growth=max(each.growth for each in texts))


def _nullif(call: Call) -> Fragment:
    text, other = call.text(0), call.text(1)
    return Text(sql=f"nullif({text.sql}, {other.sql})", code=["unless", text.code, other.code], growth=text.growth)


def _length(call: Call) -> Fragment:
    text = call.text(0)
    return Number(
        sql=f"CAST(length({text.sql}) AS DECIMAL(10,0))",
        code=["length", text.code],
        whole=10,
        scale=0,
        absent=text,
        spelled=joined("length of ", text),
    )


TEXT_FUNCTIONS: dict[type[exp.Expr], tuple[tuple[str, ...], Callable[[Call], Fragment]]] = {
    exp.Lower: (("this",), _same_length("lower")),
    exp.Upper: (("this",), _same_length("upper")),
    exp.Trim: (("this",), _same_length("trim")),
    exp.Substring: (("this", "start", "length"), _substring),
    exp.Left: (("this", "expression"), _left),
    exp.Right: (("this", "expression"), _right),
    exp.Replace: (("this", "expression", "replacement"), _replace),
    exp.Pad: (("this", "expression", "fill_pattern", "is_left"), _pad),
    exp.SplitPart: (("this", "delimiter", "part_index"), _split_part),
    exp.RegexpExtract: (("this", "expression", "group"), _regexp_extract),
    exp.Coalesce: (("this", "expressions"), _coalesce),
    exp.Nullif: (("this", "expression"), _nullif),
    exp.Length: (("this",), _length),
}
"""sqlglot's class → the arguments it may have, and the builder."""


def _number(call: Call) -> Fragment:
    call.count("number", 1, 3)
    text = call.text(0)
    if not call.has(1):
        return call.renderer.readings.number(text)
    precision = call.integer(1, "the precision of number", 1, 38)
    scale = call.integer(2, "the scale of number", 0, precision) if call.has(2) else 0
    return call.renderer.readings.number(text, precision, scale)


def _round(call: Call) -> Fragment:
    call.count("round", 2, 2)
    number = call.renderer.number(call.node(0))
    places = call.integer(1, "the places of round", 0, number.scale)
    whole = number.whole + 1
    call.renderer.widths(whole, places)
    return Number(
        sql=f"CAST({number.sql} AS DECIMAL({whole + places},{places}))",
        code=["round", number.code, places],
        whole=whole,
        scale=places,
        absent=number.absent,
        spelled=joined("round(", number.operand, ")"),
    )


def _divide(call: Call) -> Fragment:
    """Exact division, rounded half up (away from zero) at the declared places, in whole numbers throughout."""
    call.count("divide", 3, 3)
    a, b = call.renderer.number(call.node(0)), call.renderer.number(call.node(1))
    places = call.integer(2, "the places of divide", 0, 18)
    shift = b.scale + places - a.scale
    # ×2 for the rounding takes one more digit on either side; the unscaling itself takes the scale once more.
    call.renderer.widths(max(a.width + max(0, shift), b.width + max(0, -shift), a.width, b.width), 1)
    call.renderer.widths(a.width + a.scale, 0)
    call.renderer.widths(b.width + b.scale, 0)
    whole = a.whole + b.scale + 1
    call.renderer.widths(whole, places)
    dividend, divisor = _unscaled(a, max(0, shift)), _unscaled(b, max(0, -shift))
    quotient = f"((2 * abs({dividend}) + abs({divisor})) // (2 * abs({divisor})))"
    sign = f"(CASE WHEN ({a.sql} < 0) = ({b.sql} < 0) THEN 1 ELSE -1 END)"
    exact = f"CAST({quotient} * {sign} AS DECIMAL({whole + places},0))"
    unit = f"CAST('{_power(-places)}' AS DECIMAL({places + 1},{places}))"
    return Number(
        sql=f"(CASE WHEN {b.sql} <> 0 THEN CAST({exact} * {unit} AS DECIMAL({whole + places},{places})) END)",
        code=["divide", a.code, b.code, places],
        whole=whole,
        scale=places,
        absent=first_of(a.absent, b.absent),
        spelled=joined(a.operand, " / ", b.operand),
    )


def _unscaled(number: Number, shift: int) -> str:
    """The number × 10^(scale + shift) as a HUGEINT."""
    wide = f"CAST({number.sql} AS DECIMAL({number.width + number.scale},{number.scale}))"
    raised = f"CAST({wide} * CAST('{_power(number.scale)}' AS DECIMAL({number.scale + 1},0)) AS HUGEINT)"
    return f"({raised} * CAST('{_power(shift)}' AS HUGEINT))"


def _power(exponent: int) -> str:
    """10^exponent in digits."""
    return "1" + "0" * exponent if exponent >= 0 else "0." + "0" * (-exponent - 1) + "1"


def _days(call: Call) -> Fragment:
    """Days from one date to another, the last not counted."""
    call.count("days", 2, 2)
    texts = [call.text(0), call.text(1)]
    first, last = (call.renderer.readings.day(text) for text in texts)
    absent = [
        Text(
            sql=f"CASE WHEN {quote_name(day.outcome)} BETWEEN 1 AND 3 THEN {text.sql} END",
            code=["absent", text.code],
        )
        for day, text in zip((first, last), texts, strict=True)
    ]
    return Number(
        sql=f"CAST({quote_name(last.value)} - {quote_name(first.value)} AS DECIMAL({DAYS_WHOLE},0))",
        code=["days", *(["date", text.code] for text in texts)],
        whole=DAYS_WHOLE,
        scale=0,
        absent=first_of(*absent),
        spelled=joined("days from ", texts[0], " to ", texts[1]),
    )


def _day_after(call: Call) -> Fragment:
    """The next day in ISO form; what is no date passes unchanged, so that the field's own check names it."""
    call.count("day_after", 1, 1)
    text = call.text(0)
    day = call.renderer.readings.day(text)
    next_day = f"CAST({quote_name(day.value)} + 1 AS VARCHAR)"
    sql = f"(CASE WHEN {quote_name(day.outcome)} = 0 THEN {next_day} ELSE {text.sql} END)"
    return Text(sql=sql, code=["day_after", text.code], growth=text.growth)


def _row_key(call: Call) -> Fragment:
    """A short key made of any number of parts: equal only where every part is equal."""
    call.count("row_key", 1, 40)
    parts = [call.renderer.text(node) for node in call.arguments if node is not None]
    text = record_text_sql([part.sql for part in parts])
    sql = f"left(lower(hex({sha256_sql(text)})), {ROW_KEY_DIGITS})"
    return Text(sql=sql, code=["row_key", *(part.code for part in parts)])


NAMED: dict[str, Callable[[Call], Fragment]] = {
    "number": _number,
    "round": _round,
    "divide": _divide,
    "days": _days,
    "day_after": _day_after,
    "row_key": _row_key,
}
"""Operations of our own, by the name they are called."""
