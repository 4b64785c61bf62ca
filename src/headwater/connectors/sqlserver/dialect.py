"""Transact-SQL."""

from __future__ import annotations

from typing import Literal

from headwater.connectors.protocol import Unit
from headwater.connectors.sql import Dialect, Field
from headwater.connectors.sql.dialect import is_exact

# ISO 8601 for times, 17 digits for floating point, 4 decimals for money, hexadecimal for bytes.
_STYLES = {"time of day": 121, "date": 23, "datetime": 126, "float": 3, "real": 3, "money": 2, "bytes": 2}


class SqlServerDialect(Dialect):
    """Texts are compared as their column's collation does: so does the unique index, which is then of use."""

    quotes = ("[", "]")
    rows_compared = False

    def typed(self, field: Field, placeholder: str) -> str:
        if field.shape == "rowversion":
            return f"CONVERT(binary(8), CONVERT(bigint, {placeholder}))"
        if field.shape == "bytes":
            return f"CONVERT(varbinary(8000), {placeholder}, 2)"
        if field.family in {"time", "zoned"}:
            return f"CONVERT({field.cast}, {placeholder}, {127 if field.family == 'zoned' else 126})"
        return f"CONVERT({field.cast}, {placeholder})"

    def text(self, field: Field, expression: str) -> str:
        if field.shape == "rowversion":
            return f"CONVERT(varchar(20), CONVERT(bigint, {expression}))"
        return as_text(field.shape, expression)

    def said(self, field: Field, text: str) -> str:
        if field.family in {"time", "zoned"}:
            bare = text.removesuffix("Z")
            whole, _, rest = bare.partition(".")
            rest = rest.rstrip("0")
            return whole + (f".{rest}" if rest else "") + ("Z" if field.family == "zoned" else "")
        return text

    def window(self, field: Field, unit: Unit) -> str:
        name = self.quoted(field.name)
        if field.family == "zoned":
            name = f"SWITCHOFFSET({name}, '+00:00')"
        if unit == "month":
            return f"DATEFROMPARTS(YEAR({name}), MONTH({name}), 1)"
        day = f"CONVERT(date, {name})"
        # 1 January 1900 was a Monday.
        return f"DATEADD(day, -(DATEDIFF(day, '19000101', {name}) % 7), {day})" if unit == "week" else day

    def limited(self, select: str, rows: int) -> str:
        return select.replace("SELECT ", f"SELECT TOP ({int(rows)}) ", 1)

    def extreme(self, which: Literal["min", "max"], field: Field) -> str:
        if field.shape == "rowversion":  # neither is known of bytes
            return f"CONVERT(binary(8), {which}(CONVERT(bigint, {self.quoted(field.name)})))"
        return super().extreme(which, field)

    def count(self) -> str:
        return "COUNT_BIG(*)"

    def sum(self, field: Field) -> str | None:
        if not is_exact(field):
            return None
        # The sum of a column of int is an int, and one too large an error.
        scale = getattr(field.column.arrow, "scale", 0)
        return f"CONVERT(varchar(60), SUM(CONVERT(decimal(38, {scale}), {self.quoted(field.name)})))"


def as_text(shape: str, expression: str) -> str:
    """A value as the one text that loses nothing of it."""
    if shape == "datetimeoffset":
        moment = f"CONVERT(datetime2(7), SWITCHOFFSET({expression}, '+00:00'))"
        return f"CONVERT(varchar(33), {moment}, 126) + 'Z'"
    if shape in _STYLES:
        length = "max" if shape == "bytes" else "40"
        return f"CONVERT(varchar({length}), {expression}, {_STYLES[shape]})"
    return f"CONVERT(nvarchar(max), {expression})"
