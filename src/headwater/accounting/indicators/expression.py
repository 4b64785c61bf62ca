"""Expressions that users write over indicators: parsed under the sandbox's limits, checked by an allow-list, worked
out exactly on quantities.

Allowed: names of indicators, numbers, `quantity(5, 'tCO2e_AR6')`, + - * /, parentheses, abs, least, greatest; in
conditions = <> < <= > >=, AND, OR, NOT, available(name). A part that is not available makes the whole not available;
so does a division by zero. There is no way to put a number in the place of what is missing, other than a condition
that says so.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from sqlglot import exp

from headwater.accounting.indicators.value import Value, unavailable
from headwater.accounting.units import Measure, Quantity
from headwater.engine.expressions import parse
from headwater.errors import Misuse

Values = Mapping[str, Value]
NUMBER = Measure.of({})
WHERE = "expression"
_PLAIN = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
ALLOWED = "names of indicators, numbers, quantity(5, 't'), + - * /, abs, least, greatest, available(name), conditions"


NUMERIC, CONDITION = "number", "condition"


class Unavailable(Exception):
    """Raised inside this module only: the reasons why a part cannot be had."""


def names_in(text: str, *, condition: bool = False) -> tuple[str, ...]:
    """The indicators an expression speaks of. Misuse: it holds what is not allowed, or is not what is wanted."""
    tree = parse(text, where=WHERE)
    found = _kind(tree)
    if found != (CONDITION if condition else NUMERIC):
        wanted = "a condition" if condition else "a number"
        raise Misuse(f"this is no {wanted.removeprefix('a ')}", where=WHERE, value=text, valid=wanted)
    return tuple(dict.fromkeys(column.name for column in tree.find_all(exp.Column)))


def worth(text: str, values: Values) -> Value:
    """What an expression comes to."""
    tree = parse(text, where=WHERE)
    try:
        return Value(quantity=_number(tree, values))
    except Unavailable as missing:
        return Value(why=missing.args)


def holds(text: str, values: Values) -> bool | tuple[str, ...]:
    """Whether a condition holds, or why that cannot be said."""
    tree = parse(text, where=WHERE)
    try:
        return _truth(tree, values)
    except Unavailable as missing:
        return missing.args


def divided(dividend: Quantity, divisor: Quantity, *, name: str) -> Value:
    """The quotient, exact; not available where the divisor is 0."""
    if not divisor.amount:
        return Value(why=(f"{name} is 0, by which nothing is divided",))
    return Value(quantity=dividend.over(divisor))


def _kind(node: exp.Expr) -> str:
    """Whether it is a number or a condition, all the way down: what no evaluation would take is refused here."""
    if isinstance(node, exp.Column) and not node.table:
        return NUMERIC
    if isinstance(node, exp.Literal):
        _literal(node, {})
        return NUMERIC
    if isinstance(node, exp.Paren):
        return _kind(node.this)
    if isinstance(node, exp.Anonymous):
        return _called(node)
    below = _OPERANDS.get(type(node))
    if below is None:
        _refuse(node)
    operand, result = below  # type: ignore[misc]
    for child in node.iter_expressions():
        if _kind(child) != operand:
            _refuse(node)
    return result


def _called(node: exp.Anonymous) -> str:
    name = node.name.lower()
    if name == "quantity":
        _quantity(node)
        return NUMERIC
    if name != "available" or len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Column):
        _refuse(node)
    return CONDITION


def _refuse(node: exp.Expr) -> None:
    raise Misuse("not allowed in an expression over indicators", where=WHERE, value=node.sql("duckdb"), valid=ALLOWED)


def _number(node: exp.Expr, values: Values) -> Quantity:
    if isinstance(node, exp.Anonymous) and node.name.lower() == "quantity":
        return _quantity(node)
    work = _NUMBERS.get(type(node))
    if work is None:
        _refuse(node)
    return work(node, values)  # type: ignore[misc]


def _truth(node: exp.Expr, values: Values) -> bool:
    if isinstance(node, exp.Anonymous) and node.name.lower() == "available":
        if len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Column):
            _refuse(node)
        return values[node.expressions[0].name].quantity is not None
    work = _CONDITIONS.get(type(node))
    if work is None:
        raise Misuse("this is a number, not a condition", where=WHERE, value=node.sql("duckdb"))
    return work(node, values)


def _column(node: Any, values: Values) -> Quantity:
    value = values[node.name]
    if value.quantity is None:
        raise Unavailable(*unavailable([(node.name, value)]))
    return value.quantity


def _literal(node: Any, _values: Values) -> Quantity:
    if node.is_string or not _PLAIN.fullmatch(node.this):
        raise Misuse("not a plain number", where=WHERE, value=node.this, valid="digits with at most one point")
    return Quantity(Fraction(node.this), NUMBER)


def _quantity(node: Any) -> Quantity:
    if len(node.expressions) != 2 or not all(isinstance(each, exp.Literal) for each in node.expressions):
        _refuse(node)
    amount, unit = node.expressions
    return Quantity(_literal(amount, {}).amount, Measure.read(unit.name))


def _division(node: Any, values: Values) -> Quantity:
    dividend, divisor = _number(node.left, values), _number(node.right, values)
    found = divided(dividend, divisor, name=node.right.sql("duckdb"))
    if found.quantity is None:
        raise Unavailable(*found.why)
    return found.quantity


def _chosen(choose: Callable[..., Quantity]) -> Callable[[Any, Values], Quantity]:
    def work(node: Any, values: Values) -> Quantity:
        found = [_number(each, values) for each in (node.this, *node.expressions)]
        alike = [each.to(str(found[0].measure)) for each in found]
        return choose(alike, key=lambda each: each.amount)

    return work


def _compared(compare: Callable[[Fraction, Fraction], bool]) -> Callable[[Any, Values], bool]:
    def work(node: Any, values: Values) -> bool:
        left, right = _number(node.left, values), _number(node.right, values)
        return compare(left.minus(right).amount, Fraction(0))

    return work


_NUMBERS: Mapping[type, Callable[[Any, Values], Quantity]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Paren: lambda node, values: _number(node.this, values),
    exp.Neg: lambda node, values: Quantity(-(found := _number(node.this, values)).amount, found.measure),
    exp.Abs: lambda node, values: Quantity(abs((found := _number(node.this, values)).amount), found.measure),
    exp.Add: lambda node, values: _number(node.left, values).plus(_number(node.right, values)),
    exp.Sub: lambda node, values: _number(node.left, values).minus(_number(node.right, values)),
    exp.Mul: lambda node, values: _number(node.left, values).times(_number(node.right, values)),
    exp.Div: _division,
    exp.Least: _chosen(min),
    exp.Greatest: _chosen(max),
}
_CONDITIONS: Mapping[type, Callable[[Any, Values], bool]] = {
    exp.Paren: lambda node, values: _truth(node.this, values),
    exp.Not: lambda node, values: not _truth(node.this, values),
    exp.And: lambda node, values: _truth(node.left, values) and _truth(node.right, values),
    exp.Or: lambda node, values: _truth(node.left, values) or _truth(node.right, values),
    exp.EQ: _compared(operator.eq),
    exp.NEQ: _compared(operator.ne),
    exp.LT: _compared(operator.lt),
    exp.LTE: _compared(operator.le),
    exp.GT: _compared(operator.gt),
    exp.GTE: _compared(operator.ge),
}
_OPERANDS: Mapping[type, tuple[str, str]] = {
    **dict.fromkeys(
        (exp.Neg, exp.Abs, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Least, exp.Greatest), (NUMERIC, NUMERIC)
    ),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), (NUMERIC, CONDITION)),
    **dict.fromkeys((exp.And, exp.Or, exp.Not), (CONDITION, CONDITION)),
}
"""What an operation is made of, and what it is."""
