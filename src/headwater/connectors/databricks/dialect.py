"""The SQL of Databricks."""

from __future__ import annotations

from headwater.connectors.sql import Dialect, Field


class DatabricksDialect(Dialect):
    """The session's time zone is UTC, so that a moment's text, month, week and day are those of UTC."""

    quotes = ("`", "`")
    rows_compared = False

    def placeholder(self, number: int) -> str:
        return f":p{number}"  # the Statement Execution API knows no other parameters than named ones

    def typed(self, field: Field, placeholder: str) -> str:
        if field.shape == "bytes":
            return f"unhex({placeholder})"
        if field.shape == "collated":
            return f"CAST({placeholder} AS STRING) COLLATE UTF8_BINARY"
        return f"CAST({placeholder} AS {field.cast})"

    def text(self, field: Field, expression: str) -> str:
        return as_text(field.shape, expression)

    def said(self, field: Field, text: str) -> str:
        if field.family not in {"time", "zoned"}:
            return text
        whole, _, rest = text.replace(" ", "T", 1).partition(".")
        rest = rest.rstrip("0")
        return whole + (f".{rest}" if rest else "") + ("Z" if field.family == "zoned" else "")

    def sum(self, field: Field) -> str | None:
        if field.family != "integer":
            return super().sum(field)
        # A sum of whole numbers has 64 bits, and goes beyond them without a word where ANSI mode is off.
        return self.text_of_sum(f"sum(CAST({self.quoted(field.name)} AS DECIMAL(38, 0)))")


def as_text(shape: str, expression: str) -> str:
    """A value as text: JSON for what has parts, in which no part is left out; hexadecimal for bytes."""
    if shape == "json":
        return f"to_json({expression}, map('ignoreNullFields', 'false'))"
    return f"hex({expression})" if shape == "bytes" else f"CAST({expression} AS STRING)"
