"""DuckDB's SQL."""

from __future__ import annotations

from headwater.connectors.sql import Field
from headwater.connectors.sql.dialect import EndlessTimes


class DuckdbDialect(EndlessTimes):
    """Ranges of composite keys are written out."""

    rows_compared = False  # its planner refuses a range of them: "Invalid type for BETWEEN"

    def typed(self, field: Field, placeholder: str) -> str:
        if field.family == "zoned":
            return f"CAST(CAST({placeholder} AS VARCHAR) AS TIMESTAMPTZ)"
        return f"CAST(CAST({placeholder} AS VARCHAR) AS {field.cast})"

    def sum(self, field: Field) -> str | None:
        # Comes as text, for Arrow has no whole numbers of 128 bits.
        if field.cast == "HUGEINT":
            return self.text_of_sum(f"sum({self.quoted(field.name)})")
        return super().sum(field)
