"""What an expression can be while it is rendered: a text, an exact number, or a condition.

Each has its SQL, and beside it the same as an instruction (`headwater.replay.program`), which needs no engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Code = list[Any]

NOTHING: Code = ["constant", None]


@dataclass(frozen=True, kw_only=True)
class Text:
    """A VARCHAR expression. `growth` bounds how many times longer than its input a result can get."""

    sql: str
    code: Code
    growth: int = 1
    literal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Number:
    """An exact DECIMAL(whole + scale, scale) expression, NULL where an operand is blank or not a number.

    `absent` is the first operand that is blank or says "not reported", else NULL.
    `spelled` is the formula with the operands' texts in it, for the finding when it fails. `remarked` is what stands of
    it in the formula of another, with what is wrong with an operand; where it is None it is `spelled` itself.
    """

    sql: str
    code: Code
    whole: int
    scale: int
    absent: Text
    spelled: Text
    remarked: Text | None = None

    @property
    def operand(self) -> Text:
        """Its text within another formula."""
        return self.remarked or self.spelled

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
        written = ["digits", self.code, self.whole, self.scale, decimal_mark]
        return Text(
            sql=f"coalesce({digits}, {self.absent.sql}, {self.spelled.sql})",
            code=["first", written, self.absent.code, self.spelled.code],
        )


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A BOOLEAN expression; NULL is unknown."""

    sql: str
    code: Code


Fragment = Text | Number | Condition


def constant(text: str) -> Text:
    """A text that is the same for every record."""
    return Text(sql=quote_text(text), code=["constant", text])


def nothing() -> Text:
    """No text."""
    return Text(sql="CAST(NULL AS VARCHAR)", code=NOTHING)


def joined(*parts: Text | str) -> Text:
    """The texts one behind the other; nothing where one is missing."""
    texts = [constant(part) if isinstance(part, str) else part for part in parts]
    return Text(sql="(" + " || ".join(text.sql for text in texts) + ")", code=["join", *(text.code for text in texts)])


def first_of(*texts: Text) -> Text:
    """The first that is there."""
    return Text(
        sql=f"coalesce({', '.join(text.sql for text in texts)})", code=["first", *(text.code for text in texts)]
    )


def quote_text(value: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Quote a column name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
