"""SQL over field names, for row rules and migrations: read once, run by a database on columns or by Python on a record.

Allowed: field names, text, numbers, `DATE '2024-01-31'`, TRUE, FALSE, NULL, AND, OR, NOT, = <> < <= > >=,
IS [NOT] NULL, IN (literals), BETWEEN, + - *, date - date (days), abs, coalesce, mod_97_10(text), luhn(text). No
division (law 5), no clock: the same record must give the same verdict at every replay. NULL behaves as in SQL, in both
twins. Arithmetic is exact: an operation that could need more than 38 digits is refused when the contract is compiled.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from headwater.errors import Misuse
from headwater.values import OWN_FORMAT, kind, luhn, luhn_sql, mod_97_10, mod_97_10_sql

if TYPE_CHECKING:
    from headwater.contracts.document import Document, FieldSpec

Row = Mapping[str, Any]

WIDEST = 38
# DuckDB computes on 64 bits, and fails at run time, when both sides are this narrow; wider ones get 128 bits.
WIDEST_IN_64_BITS = 18
INTEGER_DIGITS = 19
DAYS_DIGITS = 7

CHECK_DIGITS: Mapping[str, tuple[Callable[[str], int | None], Callable[[str], str], int]] = {
    "mod_97_10": (mod_97_10, mod_97_10_sql, 2),
    "luhn": (luhn, luhn_sql, 1),
}
"""Functions that no database knows: in Python, as DuckDB SQL over a column, and the digits of their results."""

_ARITHMETIC_CODES = {"+": "plus", "-": "minus", "*": "times"}
_EXACT = Context(prec=4 * WIDEST)
_DATE = kind("date")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A part of an expression: its SQL, its Python, its type. `code` says it in the words of `replay.program`."""

    sql: str
    value: Callable[[Row], Any]
    code: list[Any]
    family: str  # text, number, date, timestamp, boolean, null
    precision: int = 0
    scale: int = 0
    whole: bool = False  # a number DuckDB holds as an integer, not as a DECIMAL
    fields: frozenset[str] = frozenset()  # those it reads; filled in for the whole condition


def compile_expression(text: str, fields: Mapping[str, FieldSpec], family: str = "boolean") -> Term:
    """The expression `text` over `fields`; Misuse naming what is not allowed, not there, or not of the family."""
    try:
        tree = sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise Misuse("this is not an SQL expression", where="expression", value=text) from error
    try:
        term = _term(tree, fields)
        _expect(term, family)
    except Misuse as error:
        raise Misuse(error.what, where=f"expression {text!r}", value=error.value, valid=error.valid) from error
    return replace(term, fields=frozenset(column.name for column in tree.find_all(exp.Column)))


def evaluate(term: Term, row: Row) -> Any:
    """The term's value for a record of Python values, exactly; None where SQL says NULL."""
    with localcontext(_EXACT):
        return term.value(row)


def condition_holds(document: Document, text: str, row: Row) -> bool | None:
    """Whether the condition `text` over the fields of a contract holds for a record; None where it is unknown."""
    verdict: bool | None = evaluate(_condition(document, text), row)
    return verdict


@lru_cache(maxsize=1024)
def _condition(document: Document, text: str) -> Term:
    return compile_expression(text, document.by_name)


def _term(node: exp.Expr, fields: Mapping[str, FieldSpec]) -> Term:
    build = _BUILDERS.get(type(node))
    if build is None:
        raise Misuse("not allowed in an expression", value=node.sql("duckdb"), valid=str(__doc__).split("\n\n")[1])
    return build(node, fields)


def _expect(term: Term, family: str) -> None:
    if term.family not in (family, "null"):
        raise Misuse(f"this is {term.family}", value=term.sql, valid=f"a {family} expression")


def _column(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    name = node.name
    if name not in fields or node.table:
        raise Misuse("no such field", value=node.sql("duckdb"), valid=", ".join(fields))
    field = fields[name]
    term = Term(sql=f'"{name}"', value=operator.itemgetter(name), code=["column", name], family=field.type)
    if field.type == "decimal":
        return replace(term, family="number", precision=field.precision or 0, scale=field.scale or 0)
    if field.type == "integer":
        return replace(term, family="number", precision=INTEGER_DIGITS, whole=True)
    return replace(term, family="text") if field.type == "code" else term


def _literal(node: Any, _fields: Mapping[str, FieldSpec]) -> Term:
    text = node.this
    if node.is_string:
        sql = exp.Literal.string(text).sql("duckdb")
        return Term(sql=sql, value=lambda _row: text, code=["constant", text], family="text")
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text):
        raise Misuse("not a plain number", value=text, valid="digits with at most one point")
    whole, _, fraction = text.partition(".")
    number = Decimal(text)
    digits = len(whole) + len(fraction)  # as DuckDB counts them: 0.05 is DECIMAL(3,2)
    return Term(
        sql=text,
        value=lambda _row: number,
        code=["exact", text],
        family="number",
        precision=digits,
        scale=len(fraction),
        whole=not fraction,
    )


def _cast(node: Any, _fields: Mapping[str, FieldSpec]) -> Term:
    """Only `DATE '…'`, which the parser reads as a cast."""
    parsed = _DATE.parse(node.this.name if node.this.is_string else None, OWN_FORMAT)
    if node.to.sql() != "DATE" or not isinstance(parsed.value, datetime.date):
        raise Misuse("not a date", value=node.sql("duckdb"), valid="DATE 'YYYY-MM-DD'")
    day = parsed.value
    code = ["day", day.isoformat()]
    return Term(sql=f"DATE '{day.isoformat()}'", value=lambda _row: day, code=code, family="date")


def _boolean(node: Any, _fields: Mapping[str, FieldSpec]) -> Term:
    truth = bool(node.this)
    return Term(sql=str(truth).upper(), value=lambda _row: truth, code=["constant", truth], family="boolean")


def _null(_node: Any, _fields: Mapping[str, FieldSpec]) -> Term:
    return Term(sql="NULL", value=lambda _row: None, code=["constant", None], family="null")


def _paren(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    inner = _term(node.this, fields)
    return replace(inner, sql=f"({inner.sql})")


def _not(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    inner = _term(node.this, fields)
    _expect(inner, "boolean")

    def value(row: Row) -> bool | None:
        truth = inner.value(row)
        return None if truth is None else not truth

    return Term(sql=f"(NOT {inner.sql})", value=value, code=["not", inner.code], family="boolean")


def _connective(word: str, *, decisive: bool) -> Callable[[Any, Mapping[str, FieldSpec]], Term]:
    """AND is decided by one False, OR by one True; short of that, one NULL makes it NULL."""

    def build(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
        left, right = _term(node.left, fields), _term(node.right, fields)
        _expect(left, "boolean")
        _expect(right, "boolean")

        def value(row: Row) -> bool | None:
            verdicts = (left.value(row), right.value(row))
            if decisive in verdicts:
                return decisive
            return None if None in verdicts else not decisive

        code = [word.lower(), left.code, right.code]
        return Term(sql=f"({left.sql} {word} {right.sql})", value=value, code=code, family="boolean")

    return build


def _strict(function: Callable[..., Any], *terms: Term) -> Callable[[Row], Any]:
    """`function` of the terms' values, None if one of them is."""

    def value(row: Row) -> Any:
        values = [term.value(row) for term in terms]
        return None if any(item is None for item in values) else function(*values)

    return value


def _compare(left: Term, right: Term, word: str, function: Callable[[Any, Any], bool]) -> Term:
    if "null" in (left.family, right.family):
        raise Misuse("a comparison with NULL is never true", value="NULL", valid="IS NULL")
    _expect(right, left.family)
    if left.family in ("text", "boolean") and word not in ("=", "<>"):
        raise Misuse(f"{left.family} has no order here", value=left.sql, valid="= <> IN")
    if left.family == "number":
        _digits_needed(max(left.precision - left.scale, right.precision - right.scale) + max(left.scale, right.scale))
        if left.whole != right.whole:
            left, right = _decimal(left), _decimal(right)
    return Term(
        sql=f"({left.sql} {word} {right.sql})",
        value=_strict(function, left, right),
        code=[word, left.code, right.code],
        family="boolean",
    )


def _comparison(word: str, function: Callable[[Any, Any], bool]) -> Callable[[Any, Mapping[str, FieldSpec]], Term]:
    def build(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
        return _compare(_term(node.left, fields), _term(node.right, fields), word, function)

    return build


def _between(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    low = exp.GTE(this=node.this, expression=node.args["low"])
    high = exp.LTE(this=node.this, expression=node.args["high"])
    return _term(exp.And(this=low, expression=high), fields)


def _in(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    choices = node.expressions
    if not choices or not all(isinstance(choice, exp.Literal) for choice in choices):
        raise Misuse("IN takes a list of literals", value=node.sql("duckdb"), valid="IN ('a', 'b')")
    tree: exp.Expr = exp.EQ(this=node.this, expression=choices[0])
    for choice in choices[1:]:
        tree = exp.Or(this=tree, expression=exp.EQ(this=node.this, expression=choice))
    return _term(tree, fields)


def _is(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    if not isinstance(node.expression, exp.Null):
        raise Misuse("IS takes NULL only", value=node.sql("duckdb"), valid="IS NULL, IS NOT NULL")
    inner = _term(node.this, fields)
    code = ["is_null", inner.code]
    return Term(sql=f"({inner.sql} IS NULL)", value=lambda row: inner.value(row) is None, code=code, family="boolean")


def _digits_needed(digits: int) -> None:
    if digits > WIDEST:
        raise Misuse(f"could need {digits} digits", valid=f"at most {WIDEST} digits")


def _decimal(term: Term) -> Term:
    """The same number held as DECIMAL."""
    _expect(term, "number")
    if not term.whole:
        return term
    return replace(term, sql=f"CAST({term.sql} AS DECIMAL({term.precision},0))", whole=False)


def _wide(term: Term) -> Term:
    """The same number held in 128 bits."""
    precision = WIDEST_IN_64_BITS + 1
    return replace(term, sql=f"CAST({term.sql} AS DECIMAL({precision},{term.scale}))", precision=precision)


def _arithmetic(word: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Mapping[str, FieldSpec]], Term]:
    def build(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
        left, right = _term(node.left, fields), _term(node.right, fields)
        if word == "-" and left.family == right.family == "date":
            days = _strict(lambda a, b: (a - b).days, left, right)
            return Term(
                sql=f"({left.sql} - {right.sql})",
                value=days,
                code=["days", right.code, left.code],
                family="number",
                precision=DAYS_DIGITS,
                whole=True,
            )
        left, right = _decimal(left), _decimal(right)
        if max(left.precision, right.precision) <= WIDEST_IN_64_BITS < _result(word, left, right)[0]:
            left = _wide(left)
        precision, scale = _result(word, left, right)
        _digits_needed(precision)
        value = _strict(function, left, right)
        sql = f"({left.sql} {word} {right.sql})"
        code = [_ARITHMETIC_CODES[word], left.code, right.code]
        return Term(sql=sql, value=value, code=code, family="number", precision=precision, scale=scale)

    return build


def _result(word: str, left: Term, right: Term) -> tuple[int, int]:
    """Precision and scale that hold every result, by DuckDB's own rule."""
    if word == "*":
        return left.precision + right.precision, left.scale + right.scale
    scale = max(left.scale, right.scale)
    return max(left.precision - left.scale, right.precision - right.scale) + scale + 1, scale


def _negate(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    inner = _decimal(_term(node.this, fields))
    return replace(inner, sql=f"(- {inner.sql})", value=_strict(operator.neg, inner), code=["negative", inner.code])


def _abs(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    inner = _decimal(_term(node.this, fields))
    return replace(inner, sql=f"abs({inner.sql})", value=_strict(abs, inner), code=["abs", inner.code])


def _coalesce(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    terms = [_term(item, fields) for item in (node.this, *node.expressions)]
    for term in terms[1:]:
        _expect(term, terms[0].family)
    if terms[0].family == "number":
        terms = [_decimal(term) for term in terms]
    scale = max(term.scale for term in terms)
    precision = max(term.precision - term.scale for term in terms) + scale
    _digits_needed(precision)

    def value(row: Row) -> Any:
        return next((found for term in terms if (found := term.value(row)) is not None), None)

    sql = f"coalesce({', '.join(term.sql for term in terms)})"
    code = ["first", *(term.code for term in terms)]
    return Term(sql=sql, value=value, code=code, family=terms[0].family, precision=precision, scale=scale)


def _function(node: Any, fields: Mapping[str, FieldSpec]) -> Term:
    if node.name not in CHECK_DIGITS or len(node.expressions) != 1:
        raise Misuse(
            "no such function", value=node.sql("duckdb"), valid=", ".join(f"{name}(text)" for name in CHECK_DIGITS)
        )
    function, sql, digits = CHECK_DIGITS[node.name]
    inner = _term(node.expressions[0], fields)
    _expect(inner, "text")
    return Term(
        sql=sql(inner.sql),
        value=_strict(function, inner),
        code=["check_digits", node.name, inner.code],
        family="number",
        precision=digits,
        whole=True,
    )


_BUILDERS: Mapping[type, Callable[[Any, Mapping[str, FieldSpec]], Term]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Cast: _cast,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Not: _not,
    exp.And: _connective("AND", decisive=False),
    exp.Or: _connective("OR", decisive=True),
    exp.EQ: _comparison("=", operator.eq),
    exp.NEQ: _comparison("<>", operator.ne),
    exp.LT: _comparison("<", operator.lt),
    exp.LTE: _comparison("<=", operator.le),
    exp.GT: _comparison(">", operator.gt),
    exp.GTE: _comparison(">=", operator.ge),
    exp.Is: _is,
    exp.In: _in,
    exp.Between: _between,
    exp.Add: _arithmetic("+", operator.add),
    exp.Sub: _arithmetic("-", operator.sub),
    exp.Mul: _arithmetic("*", operator.mul),
    exp.Neg: _negate,
    exp.Abs: _abs,
    exp.Coalesce: _coalesce,
    exp.Anonymous: _function,
}
