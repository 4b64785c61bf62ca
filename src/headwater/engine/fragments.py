"""What an expression can be while it is rendered: a text, an exact number, or a condition, each with its SQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Text:
    """A VARCHAR expression. `growth` bounds how many times longer than its input a result can get."""

    sql: str
    growth: int = 1
    literal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Number:
    """An exact DECIMAL(whole + scale, scale) expression, NULL where an operand is blank or not a number.

    `absent` is a VARCHAR expression: the first operand that is blank or says "not reported", else NULL.
    `spelled` is a VARCHAR expression: the formula with the operands' texts in it, for the finding when it fails.
    """

    sql: str
    whole: int
    scale: int
    absent: str
    spelled: str

    @property
    def width(self) -> int:
        """Digits in all, before and after the point."""
        return self.whole + self.scale

    def as_text(self, decimal_mark: str) -> Text:
        """Write the number as the source's locale does; what cannot be computed comes out as its formula.

        The formula is no number, so the field's own check quarantines the row and shows it: a failed computation
        never looks like a blank.
        """
        digits = f"CAST({self.sql} AS VARCHAR)"
        if decimal_mark != ".":
            digits = f"replace({digits}, '.', {quote_text(decimal_mark)})"
        return Text(sql=f"coalesce({digits}, {self.absent}, {self.spelled})")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A BOOLEAN expression; NULL is unknown."""

    sql: str


Fragment = Text | Number | Condition


def quote_text(value: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Quote a column name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
