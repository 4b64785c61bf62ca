"""The steps that every kind shares: a plain text is read at once, a blank or absent one is told apart from the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headwater.values.characters import fold, fold_sql, trim_sql
from headwater.values.outcome import Outcome
from headwater.values.sql_text import is_one_of, let, literal


def absence(trimmed: str, words: Mapping[str, Outcome]) -> Outcome | None:
    """BLANK, or the outcome of an absent word, or None where there is something to read."""
    if not trimmed:
        return Outcome.BLANK
    return words.get(fold(trimmed))


def reading_sql(
    text: str,
    *,
    plain: str,
    words: Mapping[str, Outcome],
    otherwise: str,
    rearranged: tuple[str, str] | None = None,
) -> str:
    """SQL of a reading: the text itself where it has the plain form (regular expression `plain`), NULL where it is
    blank, a mark for an absent word, else the SQL `otherwise` over `trimmed`: a text in plain form, or a mark.
    `rearranged` is a second common form (regular expression) with the SQL over `text` that puts it in plain form.

    An absent word that has one of these forms, such as -9999, is kept out of their branches. What comes after them
    costs plain texts nothing, so it need not be fast; but every pattern in it is compiled anew for each chunk, so there
    should be few.
    """
    branches = f" WHEN {_matches(text, plain, words)} THEN {text} WHEN {text} IS NULL OR {text} = '' THEN NULL"
    if rearranged:
        pattern, reading = rearranged
        branches += f" WHEN {_matches(text, pattern, words)} THEN {reading}"

    def word(folded: str) -> str:
        named = "".join(
            f" WHEN {is_one_of(folded, [word for word in words if words[word] is outcome])} THEN {mark(outcome)}"
            for outcome in sorted(set(words.values()))
        )
        return f"CASE {named} ELSE {otherwise} END"

    def read(trimmed: str) -> str:
        rest = let("word", fold_sql(trimmed), word) if words else otherwise
        return f"CASE WHEN {trimmed} = '' THEN NULL ELSE {rest} END"

    return f"(CASE{branches} ELSE {let('trimmed', trim_sql(text), read)} END)"


def _matches(text: str, pattern: str, words: Mapping[str, Outcome]) -> str:
    matches = f"regexp_full_match({text}, {literal(pattern)})"
    clashes = [word for word in words if re.fullmatch(pattern, word)]
    if not clashes:
        return matches
    same_case = f"lower({text})" if pattern.isascii() else f"({fold_sql(text)})"
    return f"{matches} AND NOT {is_one_of(same_case, clashes)}"


def mark(outcome: Outcome) -> str:
    """SQL of a reading that is no value: U+0001, which begins no value, and the outcome's number."""
    return f"(chr(1) || '{outcome:d}')"


def outcome_of(reading: str) -> str:
    """SQL of the outcome of a reading."""
    return (
        f"(CASE WHEN {reading} IS NULL THEN {Outcome.BLANK:d}"
        f" WHEN {reading} < ' ' THEN CAST(right({reading}, -1) AS UTINYINT) ELSE {Outcome.VALUE:d} END)::UTINYINT"
    )


def is_value(reading: str) -> str:
    """SQL condition: the reading is a value. Marks come before every character that a value can begin with."""
    return f"{reading} >= ' '"
