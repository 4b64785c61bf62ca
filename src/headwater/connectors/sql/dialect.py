"""How a database quotes, binds and compares: the plain SQL that most agree on, to be overridden where one does not."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from headwater.connectors.protocol import Unit
from headwater.connectors.sql.tables import Field


class Dialect:
    """The SQL of one kind of database."""

    quotes = ('"', '"')
    """What stands before and after an identifier; the latter is doubled within."""
    times_are_texts = False
    """Whether times are whatever texts somebody wrote, and are compared as such."""
    rows_compared = True
    """Whether (a, b) >= (x, y) is known, and uses an index."""

    def quoted(self, name: str) -> str:
        """An identifier, whatever it holds."""
        before, after = self.quotes
        return before + name.replace(after, after * 2) + after

    def placeholder(self, number: int) -> str:
        """Where the value of a parameter goes; the first is number 1."""
        del number
        return "?"

    def typed(self, field: Field, placeholder: str) -> str:
        """A parameter as a value of the field's type, compared as `field.order` is."""
        return f"CAST({placeholder} AS {field.cast})"

    def value(self, field: Field, text: str) -> object:
        """What is bound for a bound's text."""
        del field
        return text

    def text(self, field: Field, expression: str) -> str:
        """The exact text of a value of the field's type, of which `typed` makes the value again."""
        del field
        return f"CAST({expression} AS VARCHAR)"

    def said(self, field: Field, text: str) -> str:
        """A text of the server's as locators and cursors have it: ISO 8601 for times."""
        if field.family in {"time", "zoned"}:
            return text.replace(" ", "T", 1)
        return text

    def blank(self, field: Field) -> str:
        """The condition of a value that stands outside every range: null, or endless."""
        return f"{self.quoted(field.name)} IS NULL"

    def may_be_blank(self, field: Field) -> bool:
        """Whether `blank` can be true of a row."""
        return field.column.nullable

    def window(self, field: Field, unit: Unit) -> str:
        """An expression that is the same for all times of one month, week or day."""
        return f"date_trunc('{unit}', {self.quoted(field.name)})"

    def each(self, number: str, size: int) -> str:
        """The condition of every so many rows, the first included, of rows numbered from 1."""
        return f"({number} - 1) % {int(size)} = 0"

    def limited(self, select: str, rows: int) -> str:
        """A statement of the first rows only."""
        return f"{select} LIMIT {int(rows)}"

    def extreme(self, which: Literal["min", "max"], field: Field) -> str:
        """The lowest or highest value of a cursor."""
        return f"{which}({self.quoted(field.name)})"

    def count(self) -> str:
        """How many rows, as a number of 64 bits."""
        return "count(*)"

    def sum(self, field: Field) -> str | None:
        """The exact sum of a column's numbers, as text; None where it holds none, or the database sums them as floating
        point. Null where the column holds what cannot be summed exactly.
        """
        return self.text_of_sum(f"sum({self.quoted(field.name)})") if is_exact(field) else None

    def text_of_sum(self, total: str) -> str:
        """A sum as the text of all its digits."""
        return f"CAST({total} AS VARCHAR)"


def is_exact(field: Field) -> bool:
    """Whether the column comes as whole numbers or decimals."""
    return pa.types.is_integer(field.column.arrow) or pa.types.is_decimal(field.column.arrow)


class EndlessTimes(Dialect):
    """Times may have no end, and then stand outside every range; a moment is said in UTC."""

    def said(self, field: Field, text: str) -> str:
        text = super().said(field, text)
        return text.replace("+00", "Z") if field.family == "zoned" else text

    def blank(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.family in {"zoned", "time", "date"}:
            return f"({name} IS NULL OR NOT isfinite({name}))"
        return f"{name} IS NULL"

    def may_be_blank(self, field: Field) -> bool:
        return field.column.nullable or field.family in {"zoned", "time", "date"}
