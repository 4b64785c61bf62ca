"""The SQL of MySQL 8 and MariaDB 10.3 and later."""

from __future__ import annotations

from headwater.connectors.protocol import Unit
from headwater.connectors.sql import Dialect, Field
from headwater.connectors.sql.dialect import is_exact


class MysqlDialect(Dialect):
    """Texts are compared as their column's collation does: so does the unique index, which is then of use."""

    quotes = ("`", "`")
    rows_compared = False  # known, but no index is used for a range of rows

    def quoted(self, name: str) -> str:
        # The driver fills parameters in by `%`.
        return super().quoted(name).replace("%", "%%")

    def placeholder(self, number: int) -> str:
        del number
        return "%s"

    def typed(self, field: Field, placeholder: str) -> str:
        if field.cast == "bytes":
            return f"UNHEX({placeholder})"
        return f"CAST({placeholder} AS {field.cast})" if field.cast else placeholder

    def value(self, field: Field, text: str) -> object:
        if field.family in {"time", "zoned"}:
            return text.removesuffix("Z").replace("T", " ", 1)
        return int(text) if field.family == "integer" else text

    def text(self, field: Field, expression: str) -> str:
        if field.cast == "bytes":
            return f"HEX({expression})"
        if field.shape in {"bit", "year"}:
            return f"CAST({expression} AS UNSIGNED)"
        return f"CAST({expression} AS DOUBLE)" if field.shape == "float" else expression

    def said(self, field: Field, text: str) -> str:
        if field.family in {"time", "zoned"}:
            whole, _, rest = text.replace(" ", "T", 1).partition(".")
            rest = rest.rstrip("0")
            return whole + (f".{rest}" if rest else "") + ("Z" if field.family == "zoned" else "")
        return text

    def each(self, number: str, size: int) -> str:
        return super().each(number, size).replace("%", "%%")

    def window(self, field: Field, unit: Unit) -> str:
        name = self.quoted(field.name)
        if unit == "month":
            return f"EXTRACT(YEAR_MONTH FROM {name})"
        # The day of the week of a zero date is not known; such rows share a window.
        return f"DATE_SUB(DATE({name}), INTERVAL WEEKDAY({name}) DAY)" if unit == "week" else f"DATE({name})"

    def sum(self, field: Field) -> str | None:
        if not is_exact(field):
            return None
        # Of bits and years the number is selected; of all others the column itself.
        return f"SUM({field.select})"
