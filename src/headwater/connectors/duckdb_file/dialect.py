"""DuckDB's SQL."""

from __future__ import annotations

from headwater.connectors.sql import Dialect, Field


class DuckdbDialect(Dialect):
    """Times with an endless value stand outside every range."""

    rows_compared = False  # its planner refuses a range of them: "Invalid type for BETWEEN"

    def typed(self, field: Field, placeholder: str) -> str:
        if field.family == "zoned":
            return f"CAST(CAST({placeholder} AS VARCHAR) AS TIMESTAMPTZ)"
        return f"CAST(CAST({placeholder} AS VARCHAR) AS {field.cast})"

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
