"""Days of the calendar, without a time."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import fold, fold_sql, literal, trim, trim_sql
from headwater.values.kinds import calendar_forms as calendar
from headwater.values.kinds.absence import absence, outcome_sql
from headwater.values.outcome import Outcome, Parsed
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

    def outcome_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of the outcome."""
        folded = fold_sql(trim_sql(text))
        allowed = calendar.forms(fmt.date_order)
        iso = calendar.iso_sql(folded, allowed, _MIDNIGHT)
        check = (
            f"CASE WHEN {iso} IS NOT NULL"
            f" THEN CASE WHEN {iso} < '1' OR TRY_CAST({iso} AS DATE) IS NULL THEN {Outcome.NO_SUCH_DATE:d} ELSE 0 END"
            f" WHEN regexp_full_match({folded}, {literal(calendar.any_form(allowed) + _TIME)})"
            f" THEN {Outcome.TIME_IN_DATE:d}"
            f" WHEN regexp_full_match({folded}, {literal(calendar.AMBIGUOUS + f'(?:{_TIME})?')})"
            f" THEN {Outcome.AMBIGUOUS_DATE:d} ELSE {Outcome.NOT_A_DATE:d} END"
        )
        plain_outcome = f"CASE WHEN TRY_CAST({text} AS DATE) IS NULL THEN {Outcome.NO_SUCH_DATE:d} ELSE 0 END"
        words = absent_words(fmt, with_defaults=True)
        return outcome_sql(text, plain=_PLAIN, plain_outcome=plain_outcome, words=words, otherwise=check)

    def value_sql(self, text: str, outcome: str, fmt: TextFormat) -> str:
        """Twin of the value."""
        iso = calendar.iso_sql(fold_sql(trim_sql(text)), calendar.forms(fmt.date_order), _MIDNIGHT)
        return (
            f"CASE WHEN {outcome} <> 0 THEN NULL WHEN regexp_full_match({text}, {literal(_PLAIN)})"
            f" THEN CAST({text} AS DATE) ELSE CAST({iso} AS DATE) END"
        )

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
