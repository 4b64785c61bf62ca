"""The kinds of values: for each, one parser in Python and its twin as DuckDB SQL."""

from __future__ import annotations

from typing import Protocol

from headwater.errors import Misuse
from headwater.values.kinds.boolean import Boolean
from headwater.values.kinds.code import Code
from headwater.values.kinds.date import Date
from headwater.values.kinds.integer import Integer
from headwater.values.kinds.number import Number
from headwater.values.kinds.text import Text
from headwater.values.kinds.timestamp import Timestamp
from headwater.values.outcome import Parsed
from headwater.values.text_format import TextFormat

TYPE_NAMES = ("text", "code", "decimal", "integer", "date", "timestamp", "boolean")


class Kind(Protocol):
    """What a field's values are. An SQL argument is a column's name, or an expression free of effects."""

    @property
    def duckdb_type(self) -> str:
        """Type of `value_sql` in DuckDB."""

    @property
    def postgres_type(self) -> str:
        """Type of the column in PostgreSQL."""

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Read one text; None is blank. Never raises for any text."""

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """SQL twin of `parse`, all but the last step: VARCHAR, NULL for a blank text, else either a text that a cast
        takes as it is, or a mark for what is no value. Give the result a column: outcome and value both read it.
        """

    def outcome_sql(self, reading: str) -> str:
        """SQL of the outcome over a column of `reading_sql`: UTINYINT, never NULL, never an error."""

    def value_sql(self, reading: str, fmt: TextFormat) -> str:
        """SQL of the value over a column of `reading_sql`: `duckdb_type`, NULL unless the outcome is 0."""

    def canonical(self, value: object) -> str:
        """The one text of a value, for hashing; Misuse for a value that this kind cannot hold."""

    def canonical_sql(self, value: str) -> str:
        """SQL twin of `canonical` over `duckdb_type`; NULL for NULL."""

    def valid(self, fmt: TextFormat) -> str:
        """What a text may look like, as a sentence for the person who has to mend one."""


def kind(type_name: str, *, precision: int = 18, scale: int = 6) -> Kind:
    """The kind with this name (one of TYPE_NAMES). `precision` and `scale` matter to "decimal" only."""
    match type_name:
        case "text":
            return Text()
        case "code":
            return Code()
        case "decimal":
            return Number(precision=precision, scale=scale)
        case "integer":
            return Integer()
        case "date":
            return Date()
        case "timestamp":
            return Timestamp()
        case "boolean":
            return Boolean()
    raise Misuse("unknown type", value=type_name, valid=", ".join(TYPE_NAMES))


__all__ = [
    "TYPE_NAMES",
    "Boolean",
    "Code",
    "Date",
    "Integer",
    "Kind",
    "Number",
    "Text",
    "Timestamp",
    "kind",
]
