"""Days of the calendar, without a time."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import fold, fold_sql, trim
from headwater.values.kinds import calendar_forms as calendar
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import let, literal
from headwater.values.text_format import TextFormat, absent_words

FIRST_YEAR = 1000

_PLAIN = "[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]"
_MIDNIGHT = "(?:[t ] ?(?:00:00(?::00(?:[.,]0+)?)?(?: ?(?:z|[+-]00:?00))?|12:00(?::00)? ?am))?"
_TIME = "[t ] ?[0-9]{1,2}:[0-9]{2}[0-9:.,apmzutcg +-]*"


@dataclass(frozen=True)
class Date:
    """A day from the year 1000 on: year 24 is a slip, and DuckDB would take it."""

    duckdb_type: ClassVar[str] = "DATE"
    postgres_type: ClassVar[str] = "date"

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Read a day; midnight may stand behind it, another time may not."""
        trimmed = trim(text or "")
        absent = absence(trimmed, absent_words(fmt, with_defaults=True))
        if absent is not None:
            return Parsed(None, absent)
        folded = fold(trimmed)
        allowed = calendar.forms(fmt.date_order)
        found = calendar.year_month_day(folded, allowed, _MIDNIGHT)
        if found is None:
            return Parsed(None, _why_not(folded, calendar.any_form(allowed)))
        try:
            day = datetime.date(*found)
        except ValueError:
            return Parsed(None, Outcome.NO_SUCH_DATE)
        return Parsed(day, Outcome.VALUE) if day.year >= FIRST_YEAR else Parsed(None, Outcome.NO_SUCH_DATE)

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`: year, month and day as a cast reads them, perhaps no day of the calendar, or a mark."""
        allowed = calendar.forms(fmt.date_order)
        check = (
            f"CASE WHEN iso IS NOT NULL THEN CASE WHEN iso < '1' THEN {mark(Outcome.NO_SUCH_DATE)} ELSE iso END"
            f" WHEN regexp_full_match(folded, {literal(calendar.any_form(allowed) + _TIME)})"
            f" THEN {mark(Outcome.TIME_IN_DATE)}"
            f" WHEN regexp_full_match(folded, {literal(calendar.AMBIGUOUS + f'(?:{_TIME})?')})"
            f" THEN {mark(Outcome.AMBIGUOUS_DATE)} ELSE {mark(Outcome.NOT_A_DATE)} END"
        )
        iso = calendar.iso_sql("folded", allowed, _MIDNIGHT)
        otherwise = let("folded", fold_sql("trimmed"), lambda _: let("iso", iso, lambda _: check))
        words = absent_words(fmt, with_defaults=True)
        rearranged = calendar.padded(fmt.date_order, text)
        return reading_sql(text, plain=_PLAIN, words=words, otherwise=otherwise, rearranged=rearranged)

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return (
            f"(CASE WHEN {reading} IS NULL OR {reading} < ' ' THEN {outcome_of(reading)}"
            f" WHEN TRY_CAST({reading} AS DATE) IS NULL THEN {Outcome.NO_SUCH_DATE:d} ELSE 0 END)::UTINYINT"
        )

    def value_sql(self, reading: str, fmt: TextFormat) -> str:  # noqa: ARG002  the protocol's signature
        """Twin of the value."""
        return f"CASE WHEN {is_value(reading)} THEN TRY_CAST({reading} AS DATE) END"

    def canonical(self, value: object) -> str:
        """ISO 8601: 2024-03-31."""
        if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
            raise Misuse("not a date", value=value, valid="a datetime.date")
        return value.isoformat()

    def canonical_sql(self, value: str) -> str:
        """Twin of `canonical`."""
        return f"CAST({value} AS VARCHAR)"

    def valid(self, fmt: TextFormat) -> str:
        """ISO, names of months, and the declared order."""
        declared = {None: "", "YMD": ", 20240331", "DMY": ", 31/03/2024", "MDY": ", 03/31/2024"}[fmt.date_order]
        return f"A day from the year {FIRST_YEAR} on: 2024-03-31{declared} or 31 March 2024."


def _why_not(folded: str, any_form: str) -> Outcome:
    if re.fullmatch(any_form + _TIME, folded):
        return Outcome.TIME_IN_DATE
    if re.fullmatch(f"{calendar.AMBIGUOUS}(?:{_TIME})?", folded):
        return Outcome.AMBIGUOUS_DATE
    return Outcome.NOT_A_DATE
