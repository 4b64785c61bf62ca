"""True or false, by the words of the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import fold, fold_sql, trim
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import is_one_of
from headwater.values.text_format import TextFormat, absent_words, spellings


@dataclass(frozen=True)
class Boolean:
    """A boolean. Only the declared words count; nothing is true for being there."""

    duckdb_type: ClassVar[str] = "BOOLEAN"
    postgres_type: ClassVar[str] = "boolean"

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Look the word up."""
        trimmed = trim(text or "")
        absent = absence(trimmed, absent_words(fmt, with_defaults=True))
        if absent is not None:
            return Parsed(None, absent)
        folded = fold(trimmed)
        if folded in spellings(fmt.true_words):
            return Parsed(value=True, outcome=Outcome.VALUE)
        if folded in spellings(fmt.false_words):
            return Parsed(value=False, outcome=Outcome.VALUE)
        return Parsed(None, Outcome.NOT_A_BOOLEAN)

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`: the word, or a mark."""
        words = spellings(fmt.true_words) | spellings(fmt.false_words)
        known = is_one_of(fold_sql("trimmed"), words)
        return reading_sql(
            text,
            plain="|".join(map(re.escape, sorted(words))),
            words=absent_words(fmt, with_defaults=True),
            otherwise=f"CASE WHEN {known} THEN {fold_sql('trimmed')} ELSE {mark(Outcome.NOT_A_BOOLEAN)} END",
        )

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return outcome_of(reading)

    def value_sql(self, reading: str, fmt: TextFormat) -> str:
        """Twin of the value."""
        return f"CASE WHEN {is_value(reading)} THEN {is_one_of(reading, spellings(fmt.true_words))} END"

    def canonical(self, value: object) -> str:
        """`true` or `false`."""
        if not isinstance(value, bool):
            raise Misuse("not a boolean", value=value, valid="True or False")
        return "true" if value else "false"

    def canonical_sql(self, value: str) -> str:
        """Twin of `canonical`."""
        return f"CAST({value} AS VARCHAR)"

    def valid(self, fmt: TextFormat) -> str:
        """The declared words."""
        return f"True: {', '.join(fmt.true_words)}. False: {', '.join(fmt.false_words)}. Any case."
