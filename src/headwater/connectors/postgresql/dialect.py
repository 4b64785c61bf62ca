"""PostgreSQL's SQL."""

from __future__ import annotations

from headwater.connectors.protocol import Unit
from headwater.connectors.sql import Field
from headwater.connectors.sql.dialect import EndlessTimes


class PostgresDialect(EndlessTimes):
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

    def window(self, field: Field, unit: Unit) -> str:
        # The session's time zone is UTC.
        return f"date_trunc('{unit}', {self.quoted(field.name)})"

    def sum(self, field: Field) -> str | None:
        name, kind = self.quoted(field.name), field.made_of or field.cast.partition("(")[0]
        if kind == "numeric":  # what is less itself not zero is NaN or endless
            return f"CAST(coalesce(sum({name}) FILTER (WHERE {name} - {name} = 0), 0) AS text)"
        if kind == "money":
            return f"CAST(sum(CAST({name} AS numeric)) AS text)"
        if kind in {"int2", "int4", "int8"}:  # a domain's; the others are exact as they come
            return f"CAST(sum({name}) AS text)"
        return super().sum(field)


def setting(number: int) -> str:
    """The setting that holds a parameter."""
    return f"headwater.p{number}"
