"""SQLite's SQL. A value has a type, a column only prefers one; a bound's text says which: 7, 7.5, 'text' or X'00ff'."""

from __future__ import annotations

import re

from headwater.connectors.protocol import Unit
from headwater.connectors.sql import Dialect, Field
from headwater.errors import Misuse

_NUMBERS = re.compile(r"INT|^\s*(NUMERIC|DECIMAL|NUMBER)\b", re.IGNORECASE)
_WINDOWS: dict[Unit, str] = {"month": "'start of month'", "week": "'weekday 0', '-6 days'", "day": "'start of day'"}


class SqliteDialect(Dialect):
    """Bounds are written as SQLite's `quote` writes them; texts of times without the quotes."""

    times_are_texts = True

    def typed(self, field: Field, placeholder: str) -> str:
        del field
        return placeholder

    def value(self, field: Field, text: str) -> object:
        if text.startswith("'") and text.endswith("'"):
            return text[1:-1].replace("''", "'")
        if text.startswith("X'") and text.endswith("'"):
            return bytes.fromhex(text[2:-1])
        if field.family in {"time", "zoned", "date"} and not _is_number(text):
            return text
        if not _is_number(text):
            raise Misuse("this is no bound of a chunk", where=field.name, value=text, valid="what a plan gave")
        return int(text) if text.lstrip("-").isdigit() else float(text)

    def text(self, field: Field, expression: str) -> str:
        del field
        # 17 digits tell any double from all others.
        return f"CASE typeof({expression}) WHEN 'real' THEN printf('%!.17g', {expression}) ELSE quote({expression}) END"

    def said(self, field: Field, text: str) -> str:
        if field.family in {"time", "zoned", "date"} and text.startswith("'"):
            return text[1:-1].replace("''", "'")
        return text

    def window(self, field: Field, unit: Unit) -> str:
        # Of the day as it is written: texts are ordered so, and `date` would take one with an offset to UTC's day.
        return f"date(substr({self.quoted(field.name)}, 1, 10), {_WINDOWS[unit]})"

    def sum(self, field: Field) -> str | None:
        if not _NUMBERS.search(field.cast):
            return None
        # Whatever is declared, a fraction is kept as floating point, which is not summed exactly.
        name = self.quoted(field.name)
        others = f"count(CASE WHEN typeof({name}) NOT IN ('integer', 'null') THEN 1 END)"
        return f"CASE WHEN {others} = 0 THEN CAST(sum({name}) AS TEXT) END"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
