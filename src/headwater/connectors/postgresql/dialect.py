"""PostgreSQL's SQL."""

from __future__ import annotations

from headwater.connectors.sql import Dialect, Field
from headwater.connectors.sql.dialect import Unit


class PostgresDialect(Dialect):
    """Parameters are settings of the transaction.

    COPY takes no parameters, and without COPY the whole result would be held in memory. A setting is sent as a bound
    value of its own, and the planner knows it, so that indexes are used.
    """

    def placeholder(self, number: int) -> str:
        return f"current_setting('{setting(number)}')"

    def typed(self, field: Field, placeholder: str) -> str:
        collation = ' COLLATE "C"' if field.order.endswith('COLLATE "C"') else ""
        return f"CAST({placeholder} AS {field.cast}){collation}"

    def text(self, field: Field, expression: str) -> str:
        del field
        # A char(n) loses its padding by a cast, which its comparison does not mind.
        return f"CAST({expression} AS text)"

    def said(self, field: Field, text: str) -> str:
        if field.family == "zoned":
            return text.replace(" ", "T", 1).replace("+00", "Z")
        return super().said(field, text)

    def blank(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.family in {"zoned", "time", "date"}:
            return f"({name} IS NULL OR NOT isfinite({name}))"
        return f"{name} IS NULL"

    def may_be_blank(self, field: Field) -> bool:
        return field.column.nullable or field.family in {"zoned", "time", "date"}

    def window(self, field: Field, unit: Unit) -> str:
        # The session's time zone is UTC.
        return f"date_trunc('{unit}', {self.quoted(field.name)})"


def setting(number: int) -> str:
    """The setting that holds a parameter."""
    return f"headwater.p{number}"
