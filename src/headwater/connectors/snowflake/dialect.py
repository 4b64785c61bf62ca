"""Snowflake's SQL."""

from __future__ import annotations

import re

from headwater.connectors.protocol import Unit
from headwater.connectors.sql import Dialect, Field

_PARTS = re.compile(r"(?P<second>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(?P<rest>\d+))?")


class SnowflakeDialect(Dialect):
    """Moments are compared as what they are, whatever offset each carries, and said in UTC."""

    rows_compared = False  # rows are known to be equal or not; that one is less than another is nowhere documented

    def typed(self, field: Field, placeholder: str) -> str:
        if field.shape == "bytes":
            return f"TO_BINARY({placeholder}, 'HEX')"
        bound = f"CAST({placeholder} AS {field.cast})"
        return f"COLLATE({bound}, 'utf8')" if field.shape == "collated" else bound

    def text(self, field: Field, expression: str) -> str:
        return as_text(field.shape, expression)

    def said(self, field: Field, text: str) -> str:
        if field.family in {"time", "zoned"} and (found := _PARTS.match(text)):
            rest = (found["rest"] or "").rstrip("0")
            zone = "Z" if field.family == "zoned" else ""
            return found["second"].replace(" ", "T") + (f".{rest}" if rest else "") + zone
        return text

    def window(self, field: Field, unit: Unit) -> str:
        name = self.quoted(field.name)
        return f"DATE_TRUNC('{unit}', {in_utc(name) if field.family == 'zoned' else name})"

    def sum(self, field: Field) -> str | None:
        if field.shape != "number":
            return None
        scale = getattr(field.column.arrow, "scale", 0)
        return self.text_of_sum(f"sum(CAST({self.quoted(field.name)} AS NUMBER(38, {scale})))")


def in_utc(expression: str) -> str:
    """A moment with the offset of UTC."""
    return f"CONVERT_TIMEZONE('UTC', {expression})"


def as_text(shape: str, expression: str) -> str:
    """A value as text; the session says how: ISO 8601 to the nanosecond, bytes in hexadecimal."""
    if shape == "zoned":
        return f"CAST({in_utc(expression)} AS VARCHAR)"
    if shape == "bytes":
        return f"HEX_ENCODE({expression})"
    if shape == "json":
        return f"TO_JSON({expression})"
    if shape == "geography":
        return f"ST_ASWKT({expression})"
    if shape == "vector":
        return f"TO_JSON(CAST({expression} AS ARRAY))"
    return f"CAST({expression} AS VARCHAR)"
