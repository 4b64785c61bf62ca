"""Free text of one or more lines: trimmed, otherwise kept as it came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import CONTROL_CLASS, SURROGATE_CLASS, trim
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import literal
from headwater.values.text_format import TextFormat, absent_words

# Printable ASCII without a space at either end: such a text is its own value.
_PLAIN = "[!-~](?:[ -~]*[!-~])?"
_CONTROL = re.compile(f"[{CONTROL_CLASS}{SURROGATE_CLASS}]")


@dataclass(frozen=True)
class Text:
    """Free text. Line breaks stay as they are, CRLF too: the text is evidence, and pages show both alike."""

    duckdb_type: ClassVar[str] = "VARCHAR"
    postgres_type: ClassVar[str] = 'text COLLATE "C"'

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Trim; refuse control characters."""
        trimmed = trim(text or "")
        absent = absence(trimmed, absent_words(fmt, with_defaults=False))
        if absent is not None:
            return Parsed(None, absent)
        if _CONTROL.search(trimmed):
            return Parsed(None, Outcome.CONTROL_CHARACTER)
        return Parsed(trimmed, Outcome.VALUE)

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`: the trimmed text, or a mark."""
        is_refused = f"regexp_matches(trimmed, {literal(f'[{CONTROL_CLASS}]')})"
        return reading_sql(
            text,
            plain=_PLAIN,
            words=absent_words(fmt, with_defaults=False),
            otherwise=f"CASE WHEN {is_refused} THEN {mark(Outcome.CONTROL_CHARACTER)} ELSE trimmed END",
        )

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return outcome_of(reading)

    def value_sql(self, reading: str, fmt: TextFormat) -> str:  # noqa: ARG002  the protocol's signature
        """Twin of the value."""
        return f"CASE WHEN {is_value(reading)} THEN {reading} END"

    def canonical(self, value: object) -> str:
        """The text itself."""
        if not isinstance(value, str):
            raise Misuse("not a text", value=value, valid="a string")
        return value

    def canonical_sql(self, value: str) -> str:
        """The text itself."""
        return value

    def valid(self, fmt: TextFormat) -> str:  # noqa: ARG002  the protocol's signature
        """No format changes what a text is."""
        return "Any text without control characters; line breaks and tabs may stand inside."
