"""The texts that a mapping's expressions read as numbers or dates: each read once, in columns beside the file's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.engine.fragments import Number, Text, quote_name, quote_text
from headwater.values.kinds import kind
from headwater.values.outcome import Outcome

if TYPE_CHECKING:
    from headwater.values.kinds import Kind
    from headwater.values.text_format import TextFormat

READING_PREFIX = "_read_"
"""Begins the names of these columns; no column of a file may begin so."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One text read by the shared parser. `reading`, `outcome` and `value` are the names of its columns."""

    reading: str
    outcome: str
    value: str
    reading_sql: str
    outcome_sql: str
    value_sql: str


class Readings:
    """Collects the readings of one mapping, under the locale of its source; the same text is read once."""

    def __init__(self, text_format: TextFormat) -> None:
        self.text_format = text_format
        self._found: dict[tuple[str, str], Reading] = {}

    def number(self, text: Text, precision: int = 18, scale: int = 6) -> Number:
        """The text as an exact number; NULL where it is absent or not a number of that size."""
        reading = self._read(text, f"decimal({precision},{scale})", kind("decimal", precision=precision, scale=scale))
        whole = precision - scale
        decimals = f"{scale} after it" if scale else "none after it"
        remark = f" [too many digits: at most {whole} before the decimal sign fit, and {decimals}]"
        too_long = f"BETWEEN {Outcome.TOO_MANY_DECIMALS:d} AND {Outcome.NUMBER_TOO_LARGE:d}"
        return Number(
            sql=quote_name(reading.value),
            code=["number", text.code, precision, scale],
            whole=whole,
            scale=scale,
            absent=Text(
                sql=f"CASE WHEN {quote_name(reading.outcome)} BETWEEN 1 AND 3 THEN {text.sql} END",
                code=["absent", text.code, precision, scale],
            ),
            spelled=text,
            remarked=Text(
                sql=f"({text.sql} || CASE WHEN {quote_name(reading.outcome)} {too_long}"
                f" THEN {quote_text(remark)} ELSE '' END)",
                code=["remarked", text.code, precision, scale, remark],
            ),
        )

    def day(self, text: Text) -> Reading:
        """The text as a DATE; outcome 0 where it is one."""
        return self._read(text, "date", kind("date"))

    def _read(self, text: Text, name: str, reader: Kind) -> Reading:
        found = self._found.get((text.sql, name))
        if found is None:
            number = len(self._found) + 1
            reading = f"{READING_PREFIX}{number}_text"
            found = Reading(
                reading=reading,
                outcome=f"{READING_PREFIX}{number}_outcome",
                value=f"{READING_PREFIX}{number}_value",
                reading_sql=f"({reader.reading_sql(text.sql, self.text_format)})",
                outcome_sql=f"({reader.outcome_sql(quote_name(reading))})",
                value_sql=f"({reader.value_sql(quote_name(reading), self.text_format)})",
            )
            self._found[text.sql, name] = found
        return found

    def relation(self, name: str) -> str:
        """The relation with the columns of the readings beside its own, still under its own name.

        A text made of an earlier reading's value is read one level above it.
        """
        levels: list[list[Reading]] = []
        for reading in self._found.values():
            if not levels or any(quote_name(other.value) in reading.reading_sql for other in levels[-1]):
                levels.append([])
            levels[-1].append(reading)
        sql = name
        for level in levels:
            readings = ", ".join(f"{each.reading_sql} AS {quote_name(each.reading)}" for each in level)
            outcomes = ", ".join(f"{each.outcome_sql} AS {quote_name(each.outcome)}" for each in level)
            values = ", ".join(f"{each.value_sql} AS {quote_name(each.value)}" for each in level)
            sql = f"(SELECT {name}.*, {readings} FROM {sql}) AS {name}"
            sql = f"(SELECT {name}.*, {outcomes}, {values} FROM {sql}) AS {name}"
        return sql
