"""Whole numbers of up to 18 digits, kept in 64 bits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.kinds.number import Number
from headwater.values.outcome import Parsed
from headwater.values.text_format import TextFormat

# 18 and not 19 digits, so that the length of a text tells whether it fits into a BIGINT.
_DIGITS = 18
_NUMBER = Number(precision=_DIGITS, scale=0)


@dataclass(frozen=True)
class Integer:
    """A whole number, written in any form of a number: 1000001.0 and 1e3 are whole, 1.5 has too many decimals."""

    duckdb_type: ClassVar[str] = "BIGINT"
    postgres_type: ClassVar[str] = "bigint"
    digits: ClassVar[int] = _DIGITS

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Read a whole number."""
        parsed = _NUMBER.parse(text, fmt)
        return Parsed(int(parsed.value), parsed.outcome) if isinstance(parsed.value, Decimal) else parsed

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`."""
        return _NUMBER.reading_sql(text, fmt)

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return _NUMBER.outcome_sql(reading)

    def value_sql(self, reading: str, fmt: TextFormat) -> str:
        """Twin of the value."""
        return f"CAST({_NUMBER.value_sql(reading, fmt)} AS BIGINT)"

    def canonical(self, value: object) -> str:
        """Digits, with a minus if negative."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise Misuse("not a whole number", value=value, valid="an int")
        return str(value)

    def canonical_sql(self, value: str) -> str:
        """Twin of `canonical`."""
        return f"CAST({value} AS VARCHAR)"

    def valid(self, fmt: TextFormat) -> str:
        """As a number without decimals."""
        return _NUMBER.valid(fmt)
