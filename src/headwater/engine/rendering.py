"""The allow-list: one method for each construct an expression may use; everything else is refused by name.

Texts stay texts. Arithmetic reads its operands by the shared parser under the source's locale and is exact: every step
declares its digits, and a formula that could need more than 38 is refused before it runs.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from sqlglot import exp

from headwater.engine.fragments import (
    NOTHING,
    Code,
    Condition,
    Fragment,
    Number,
    Text,
    constant,
    first_of,
    joined,
    nothing,
    quote_name,
    quote_text,
)
from headwater.engine.operations import ARITHMETIC, ARITHMETIC_CODES, NAMED, TEXT_FUNCTIONS, Call
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headwater.engine.readings import Readings

MAXIMUM_GROWTH = 64
"""How many times its input a text may grow by nested replacements."""

MAXIMUM_WILDCARDS = 3
"""`%` signs in a LIKE pattern: matching time grows as a power of their number."""

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}

_PARSER_FLAGS = ("safe", "coalesce", "is_string", "null_if_pos_overflow")
"""Marks that the parser itself puts on nodes, whatever the user wrote."""

_PLAIN_NUMBER = re.compile(r"\d{1,30}(\.\d{1,18})?")


class Renderer:
    """Walks one parsed expression. `used` collects the columns it reads."""

    def __init__(self, columns: Sequence[str], readings: Readings, *, where: str, source: str) -> None:
        self.columns = frozenset(columns)
        self.readings = readings
        self.where = where
        self.source = source
        self.used: dict[str, None] = {}

    def render(self, node: exp.Expr) -> Fragment:
        """Render a node, or raise `Misuse` that names what is not allowed."""
        if isinstance(node, exp.Paren):
            self._only(node, "this")
            return self.render(node.this)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            return self._literal(node)
        if isinstance(node, exp.Null):
            return nothing()
        if isinstance(node, exp.Case):
            return self._case(node)
        if isinstance(node, (exp.DPipe, exp.Concat)):
            return self._concat(node)
        if isinstance(node, (exp.Neg, *ARITHMETIC)):
            return self._arithmetic(node)
        if isinstance(
            node, (exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Like, exp.ILike, exp.Between, *_COMPARISONS)
        ):
            return self._condition(node)
        return self._call(node)

    # what is refused

    def refuse(self, what: str, *, valid: str | None = None, remedy: str | None = None) -> NoReturn:
        """Raise `Misuse` about this expression."""
        raise Misuse(what, where=self.where, value=self.source, valid=valid, remedy=remedy)

    def _only(self, node: exp.Expr, *names: str) -> None:
        """Refuse any part of a construct that its method does not read (window, DISTINCT, a hidden query, …)."""
        known = {*names, *_PARSER_FLAGS}
        extra = [name for name, value in node.args.items() if value not in (None, [], False) and name not in known]
        if extra:
            self.refuse(f"{_title(node)} is not allowed with {', '.join(extra)} in an expression")

    # leaves

    def _column(self, node: exp.Column) -> Text:
        self._only(node, "this")
        if not isinstance(node.this, exp.Identifier):
            self.refuse(f"{_title(node.this)} is not allowed in an expression")
        name = node.this.name
        if name not in self.columns:
            near = difflib.get_close_matches(name, sorted(self.columns), n=3, cutoff=0.5)
            shown = near or sorted(self.columns)[:12]
            spelled = "" if name.isascii() else f" (written {name!a})"
            self.refuse(
                f"there is no column {name!r}{spelled} in the file",
                valid=("perhaps " if near else "") + ", ".join(repr(each) for each in shown),
                remedy='Write the column as the header does; put it in "double quotes" if it holds spaces or signs.',
            )
        self.used.setdefault(name)
        return Text(sql=quote_name(name), code=["column", name])

    def _literal(self, node: exp.Literal) -> Fragment:
        self._only(node, "this")
        if node.is_string:
            return replace(constant(node.name), literal=node.name)
        if not _PLAIN_NUMBER.fullmatch(node.name):
            self.refuse(
                f"the number {node.name[:60]} is not allowed",
                valid="digits with at most one point: at most 30 before it and 18 after it",
            )
        whole, _, fraction = node.name.partition(".")
        whole = whole.lstrip("0")
        width = max(1, len(whole) + len(fraction))
        return Number(
            sql=f"CAST('{node.name}' AS DECIMAL({width},{len(fraction)}))",
            code=["exact", node.name],
            whole=width - len(fraction),
            scale=len(fraction),
            absent=nothing(),
            spelled=constant(node.name),
        )

    # texts

    def text(self, node: exp.Expr) -> Text:
        """Render a node that must give a text; a number is written as the locale writes it."""
        fragment = self.render(node)
        if isinstance(fragment, Number):
            return fragment.as_text(self.readings.text_format.decimal)
        if isinstance(fragment, Condition):
            self.refuse("a condition stands where a text is needed", remedy="Use CASE WHEN … THEN … ELSE … END.")
        return fragment

    def number(self, node: exp.Expr) -> Number:
        """Render a node that must give a number; a text is read by the shared parser as decimal(18,6)."""
        return self._as_number(self.render(node))

    def _as_number(self, fragment: Fragment) -> Number:
        if isinstance(fragment, Text):
            if fragment.literal is not None:
                self.refuse(f"the text {fragment.literal!r} stands where a number is needed")
            return self.readings.number(fragment)
        if isinstance(fragment, Condition):
            self.refuse("a condition stands where a number is needed", remedy="Use CASE WHEN … THEN … ELSE … END.")
        return fragment

    def condition(self, node: exp.Expr) -> Condition:
        """Render a node that must be a condition."""
        fragment = self.render(node)
        if not isinstance(fragment, Condition):
            self.refuse("a value stands where a condition is needed", remedy="Compare the value with something.")
        return fragment

    def _concat(self, node: exp.Expr) -> Text:
        if isinstance(node, exp.DPipe):
            self._only(node, "this", "expression")
            parts = [self.text(part) for part in node.flatten()]
        else:
            self._only(node, "expressions")
            parts = [self.text(part) for part in node.expressions]
        return self.bounded(replace(joined(*parts), growth=sum(part.growth for part in parts)))

    def bounded(self, text: Text) -> Text:
        """The text, refused where it may grow beyond bounds."""
        if text.growth > MAXIMUM_GROWTH:
            self.refuse(f"the result may be more than {MAXIMUM_GROWTH} times as long as what goes in")
        return text

    def _case(self, node: exp.Case) -> Fragment:
        self._only(node, "this", "ifs", "default")
        conditions: list[Condition] = []
        results: list[exp.Expr] = []
        for branch in node.args["ifs"]:
            if node.this is not None:
                conditions.append(self._compare("=", node.this, branch.this))
            else:
                conditions.append(self.condition(branch.this))
            results.append(branch.args["true"])
        default = node.args.get("default")
        results.append(default if default is not None else exp.Null())
        fragments = [self.render(result) for result in results]
        if all(
            isinstance(each, Number) or isinstance(result, exp.Null)
            for each, result in zip(fragments, results, strict=True)
        ):
            return self._case_of_numbers(conditions, fragments)
        texts = [self.text(result) for result in results]
        return self.bounded(replace(_case(conditions, texts), growth=max(each.growth for each in texts)))

    def _case_of_numbers(self, conditions: list[Condition], fragments: list[Fragment]) -> Number:
        numbers = [each for each in fragments if isinstance(each, Number)]
        if not numbers:
            self.refuse("every branch of the CASE is NULL")
        whole, scale = max(each.whole for each in numbers), max(each.scale for each in numbers)
        self.widths(whole, scale)
        return Number(
            sql=_case_sql(
                conditions,
                [
                    f"CAST({each.sql if isinstance(each, Number) else 'NULL'} AS DECIMAL({whole + scale},{scale}))"
                    for each in fragments
                ],
            ),
            code=_case_code(conditions, [each.code if isinstance(each, Number) else NOTHING for each in fragments]),
            whole=whole,
            scale=scale,
            absent=_case(conditions, [each.absent if isinstance(each, Number) else nothing() for each in fragments]),
            spelled=_case(conditions, [each.spelled if isinstance(each, Number) else nothing() for each in fragments]),
            remarked=_case(conditions, [each.operand if isinstance(each, Number) else nothing() for each in fragments]),
        )

    # numbers

    def widths(self, whole: int, scale: int) -> None:
        """Refuse a step whose result could need more than 38 digits."""
        if whole + scale > 38:
            self.refuse(
                f"the exact result could need {whole} digits before and {scale} after the point",
                valid="38 digits in all",
                remedy="Declare narrower operands, as in number(distance, 9, 2), or round in between: round(x, 6).",
            )

    def _arithmetic(self, node: exp.Expr) -> Number:
        if isinstance(node, exp.Neg):
            self._only(node, "this")
            one = self.number(node.this)
            return Number(
                sql=f"(-{one.sql})",
                code=["negative", one.code],
                whole=one.whole,
                scale=one.scale,
                absent=one.absent,
                spelled=joined("-", one.operand),
            )
        self._only(node, "this", "expression")
        a, b = self.number(node.this), self.number(node.expression)
        sign = ARITHMETIC[type(node)]
        if sign == "*":
            whole, scale = a.whole + b.whole, a.scale + b.scale
        else:
            whole, scale = max(a.whole, b.whole) + 1, max(a.scale, b.scale)
        self.widths(whole, scale)
        width = whole + scale
        # DuckDB keeps a product of two DECIMAL(≤18) in 18 digits and fails the statement on overflow: widen first.
        left = f"CAST({a.sql} AS DECIMAL({width},{a.scale if sign == '*' else scale}))"
        return Number(
            sql=f"CAST(({left} {sign} {b.sql}) AS DECIMAL({width},{scale}))",
            code=[ARITHMETIC_CODES[sign], a.code, b.code],
            whole=whole,
            scale=scale,
            absent=first_of(a.absent, b.absent),
            spelled=joined(a.operand, f" {sign} ", b.operand)
            if sign == "*"
            else joined("(", a.operand, f" {sign} ", b.operand, ")"),
        )

    # conditions

    def _condition(self, node: exp.Expr) -> Condition:
        if isinstance(node, (exp.And, exp.Or)):
            self._only(node, "this", "expression")
            return _any_or_all("and" if isinstance(node, exp.And) else "or", map(self.condition, node.flatten()))
        if isinstance(node, exp.Not):
            self._only(node, "this")
            inner = self.condition(node.this)
            return Condition(sql=f"(NOT {inner.sql})", code=["not", inner.code])
        if isinstance(node, exp.Is):
            self._only(node, "this", "expression")
            if not isinstance(node.expression, exp.Null):
                self.refuse("IS is allowed with NULL only", remedy="Write x IS NULL, or x IS NOT NULL.")
            text = self.text(node.this)
            return Condition(sql=f"({text.sql} IS NULL)", code=["is_null", text.code])
        if isinstance(node, exp.In):
            self._only(node, "this", "expressions")
            return _any_or_all("or", (self._compare("=", node.this, each) for each in node.expressions))
        if isinstance(node, exp.Between):
            self._only(node, "this", "low", "high")
            ends = ((">=", "low"), ("<=", "high"))
            return _any_or_all("and", (self._compare(sign, node.this, node.args[end]) for sign, end in ends))
        if isinstance(node, (exp.Like, exp.ILike)):
            return self._like(node)
        self._only(node, "this", "expression")
        return self._compare(_COMPARISONS[type(node)], node.this, node.expression)

    def _like(self, node: exp.Like | exp.ILike) -> Condition:
        self._only(node, "this", "expression")
        pattern = self.literal_text(node.expression, "the pattern of LIKE")
        if pattern.count("%") > MAXIMUM_WILDCARDS:
            self.refuse(
                f"the LIKE pattern {pattern!r} has too many wildcards", valid=f"at most {MAXIMUM_WILDCARDS} % signs"
            )
        is_folded = isinstance(node, exp.ILike)
        text = self.text(node.this)
        return Condition(
            sql=f"({text.sql} {'ILIKE' if is_folded else 'LIKE'} {quote_text(pattern)})",
            code=["like", text.code, pattern, is_folded],
        )

    def _compare(self, sign: str, left: exp.Expr, right: exp.Expr) -> Condition:
        """Compare as numbers where either side is one ('9' < '10'), else as texts."""
        a, b = self.render(left), self.render(right)
        if isinstance(a, Condition) or isinstance(b, Condition):
            self.refuse("a condition is compared with something", remedy="Join conditions by AND, OR, NOT.")
        if not (isinstance(a, Text) and isinstance(b, Text)):
            a, b = self._as_number(a), self._as_number(b)
        return Condition(sql=f"({a.sql} {sign} {b.sql})", code=[sign, a.code, b.code])

    # functions

    def _call(self, node: exp.Expr) -> Fragment:
        builder = TEXT_FUNCTIONS.get(type(node))
        if builder is not None:
            names, build = builder
            self._only(node, *names)
            arguments: list[exp.Expr | None] = []
            for name in names:
                argument = node.args.get(name)
                arguments.extend(argument if isinstance(argument, list) else [argument])
            return build(Call(self, arguments))
        if isinstance(node, exp.Anonymous) and node.name.lower() in NAMED:
            self._only(node, "this", "expressions")
            return NAMED[node.name.lower()](Call(self, node.expressions))
        if isinstance(node, exp.Round):
            self._only(node, "this", "decimals")
            return NAMED["round"](Call(self, [node.this, node.args.get("decimals")]))
        remedy = "Use the operations listed in docs/reference/expressions.md."
        if isinstance(node, (exp.Div, exp.IntDiv)):
            remedy = "Write divide(a, b, places): division is exact only with declared places."
        return self.refuse(f"{_title(node)} is not allowed in an expression", remedy=remedy)

    def literal_text(self, node: exp.Expr | None, what: str) -> str:
        """The value of a literal text argument."""
        if not isinstance(node, exp.Literal) or not node.is_string:
            self.refuse(f"{what} must be a text in 'single quotes'")
        return str(node.name)

    def literal_integer(self, node: exp.Expr | None, what: str, lowest: int, highest: int) -> int:
        """The value of a literal whole-number argument within bounds."""
        negative = isinstance(node, exp.Neg)
        inner = node.this if isinstance(node, exp.Neg) else node
        if not isinstance(inner, exp.Literal) or inner.is_string or not re.fullmatch(r"\d{1,6}", inner.name):
            self.refuse(f"{what} must be a whole number written out", valid=f"{lowest} to {highest}")
        value = -int(inner.name) if negative else int(inner.name)
        if not lowest <= value <= highest:
            self.refuse(f"{what} is {value}", valid=f"{lowest} to {highest}")
        return value


def _title(node: object) -> str:
    """How a construct is called in a message: the function's or operation's own name."""
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name}"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}"
    return f"the construct {type(node).__name__}"


def _any_or_all(word: str, conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return Condition(
        sql="(" + f" {word.upper()} ".join(part.sql for part in parts) + ")",
        code=[word, *(part.code for part in parts)],
    )


def _case(conditions: list[Condition], texts: list[Text]) -> Text:
    """The last text stands for all other cases."""
    return Text(
        sql=_case_sql(conditions, [text.sql for text in texts]),
        code=_case_code(conditions, [text.code for text in texts]),
    )


def _case_sql(conditions: list[Condition], results: list[str]) -> str:
    branches = " ".join(f"WHEN {when.sql} THEN {then}" for when, then in zip(conditions, results, strict=False))
    return f"(CASE {branches} ELSE {results[-1]} END)"


def _case_code(conditions: list[Condition], results: list[Code]) -> Code:
    branches = [[when.code, then] for when, then in zip(conditions, results, strict=False)]
    return ["choose", branches, results[-1]]
