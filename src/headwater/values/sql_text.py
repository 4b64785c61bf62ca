"""Building blocks of SQL text: literals, names for what is needed more than once, membership."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def let(name: str, expr: str, body: Callable[[str], str]) -> str:
    """SQL of `body`, in which `name` stands for the value of `expr`, computed once.

    SQL has no names inside an expression; a lambda over a list of one is the nearest. It costs about 0.05 µs a row,
    so it belongs into branches that plain texts do not reach.
    """
    return f"list_transform([{expr}], lambda {name}: {body(name)})[1]"


def is_one_of(expr: str, words: Iterable[str]) -> str:
    """SQL of membership. DuckDB makes a join of IN with five words or more, which reads every row (1.5 µs each),
    also those of branches not taken.
    """
    return "(" + " OR ".join(f"{expr} = {literal(word)}" for word in sorted(words)) + ")"
