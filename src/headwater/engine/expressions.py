"""The sandbox for expressions that users write: parse, limit, check against an allow-list, render as DuckDB SQL.

An expression sees the columns of one row and nothing else. What is rendered is built from our own templates, never
printed back from the parsed tree, so that a construct nobody thought of has no way through.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from headwater.engine.fragments import Code, Condition, Number, Text
from headwater.engine.readings import Readings
from headwater.engine.rendering import Renderer
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot.tokenizer_core import Token

MAXIMUM_LENGTH = 2_000
MAXIMUM_TOKENS = 400
MAXIMUM_NESTING = 12
"""Parentheses and CASE together: far beyond what a person reads, far below where the parser's recursion ends."""

MAXIMUM_DEPTH = 40
"""Levels of the parsed tree: rendering takes a few calls each."""

REMEDY = "Use columns of the file, literals and the operations listed in docs/reference/expressions.md."


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """DuckDB SQL over quoted column names, the same as an instruction, and the columns it reads in the order they are
    first named.

    The SQL also reads the columns of the `readings` given along; `relation_with` puts them beside the file's.
    """

    sql: str
    columns: tuple[str, ...]
    code: Code


def render_value(text: str, columns: Sequence[str], readings: Readings, *, where: str) -> Rendered:
    """Render an expression that gives a text (VARCHAR); a number is written as the source's locale writes numbers.

    Texts that are read as numbers or dates are added to `readings`.

    Raises `Misuse` with `where` when the expression leaves the sandbox, names a column that is not among `columns`,
    or is a condition.
    """
    tree = parse(text, where=where)
    renderer = Renderer(columns, readings, where=where, source=text)
    result = renderer.render(tree)
    if isinstance(result, Condition):
        raise Misuse(
            "the expression is a condition, not a value",
            where=where,
            value=text,
            valid="an expression that gives a text or a number",
            remedy="Choose between values with CASE WHEN … THEN … ELSE … END.",
        )
    if isinstance(result, Number):
        result = result.as_text(readings.text_format.decimal)
    if not isinstance(result, Text):
        raise Misuse("the expression gives no text", where=where, value=text, remedy=REMEDY)
    return Rendered(sql=result.sql, columns=tuple(renderer.used), code=result.code)


def render_condition(text: str, columns: Sequence[str], readings: Readings, *, where: str) -> Rendered:
    """Render an expression that is true, false or unknown (BOOLEAN). Raises `Misuse` as `render_value` does."""
    tree = parse(text, where=where)
    renderer = Renderer(columns, readings, where=where, source=text)
    result = renderer.render(tree)
    if not isinstance(result, Condition):
        raise Misuse(
            "the expression is a value, not a condition",
            where=where,
            value=text,
            valid="a comparison, IN, LIKE, BETWEEN, IS NULL, or these joined by AND, OR, NOT",
            remedy="Compare the value with something.",
        )
    return Rendered(sql=result.sql, columns=tuple(renderer.used), code=result.code)


def columns_in(text: str, *, where: str) -> tuple[str, ...]:
    """The columns an expression speaks of, whether or not they are there."""
    return tuple(dict.fromkeys(column.name for column in parse(text, where=where).find_all(exp.Column)))


def parse(text: str, *, where: str) -> exp.Expr:
    """Parse one expression under the limits. The tree is not yet checked: only `Renderer` decides what is allowed."""
    _refuse_characters(text, where)
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
    except SqlglotError as error:
        raise Misuse(
            "the expression cannot be read", where=where, value=text, valid=_plain(error), remedy=REMEDY
        ) from None
    _refuse_tokens(tokens, text, where)
    try:
        trees = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        raise Misuse(
            "the expression cannot be read", where=where, value=text, valid=_plain(error), remedy=REMEDY
        ) from None
    except RecursionError:
        raise Misuse(
            "the expression is nested too deeply", where=where, value=text, remedy="Make it simpler."
        ) from None
    if len(trees) != 1 or trees[0] is None:
        raise Misuse("the expression must be exactly one expression", where=where, value=text, remedy=REMEDY)
    tree = trees[0]
    if not isinstance(tree, exp.Expr):
        raise Misuse("the expression cannot be read", where=where, value=text, remedy=REMEDY)
    if _depth(tree) > MAXIMUM_DEPTH:
        raise Misuse("the expression is nested too deeply", where=where, value=text, remedy="Make it simpler.")
    return tree


def _depth(tree: exp.Expr) -> int:
    """Levels of the tree, found without recursion; a chain of ||, AND or OR is one level however long."""
    deepest = 0
    waiting: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        for child in node.iter_expressions():
            chained = type(child) is type(node) and isinstance(node, (exp.DPipe, exp.And, exp.Or))
            waiting.append((child, level if chained else level + 1))
    return deepest


def _refuse_characters(text: str, where: str) -> None:
    """Control, format (zero-width, bidirectional) and surrogate characters can make a text read as what it is not."""
    if not text.strip():
        raise Misuse("the expression is empty", where=where, remedy=REMEDY)
    if len(text) > MAXIMUM_LENGTH:
        raise Misuse(
            f"the expression has {len(text):,} characters",
            where=where,
            value=text,
            valid=f"at most {MAXIMUM_LENGTH:,} characters",
            remedy="Make it simpler, or use a table of values.",
        )
    for position, character in enumerate(text):
        if character not in "\n\r\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
            raise Misuse(
                f"the expression holds the invisible character U+{ord(character):04X} at position {position + 1}",
                where=where,
                value=text.encode("ascii", "backslashreplace").decode(),
                valid="visible characters, spaces and line breaks",
                remedy="Remove the character.",
            )


def _refuse_tokens(tokens: Sequence[Token], text: str, where: str) -> None:
    if len(tokens) > MAXIMUM_TOKENS:
        raise Misuse(
            f"the expression has {len(tokens):,} words and signs",
            where=where,
            value=text,
            valid=f"at most {MAXIMUM_TOKENS}",
            remedy="Make it simpler, or use a table of values.",
        )
    nesting = 0
    for token in tokens:
        if token.comments:
            raise Misuse(
                "the expression holds a comment",
                where=where,
                value=text,
                remedy="Put the explanation into the mapping's description.",
            )
        if token.token_type == TokenType.SEMICOLON:
            raise Misuse(
                "the expression holds a semicolon", where=where, value=text, valid="one expression", remedy=REMEDY
            )
        if token.token_type in {TokenType.L_PAREN, TokenType.CASE}:
            nesting += 1
        elif token.token_type in {TokenType.R_PAREN, TokenType.END}:
            nesting -= 1
        if nesting > MAXIMUM_NESTING:
            raise Misuse(
                "the expression is nested too deeply",
                where=where,
                value=text,
                valid=f"at most {MAXIMUM_NESTING} levels of parentheses and CASE",
                remedy="Make it simpler.",
            )


def _plain(error: SqlglotError) -> str:
    """The parser's words without the terminal colours it puts around the place."""
    first = str(error).splitlines()[0] if str(error) else "one SQL expression"
    return "one SQL expression; the parser says: " + re.sub(r"\x1b\[[0-9;]*m", "", first)
