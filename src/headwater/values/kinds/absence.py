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


def reading_sql(text: str, *, plain: str, words: Mapping[str, Outcome], otherwise: str) -> str:
    """SQL of a reading: the text itself where it has the plain ASCII form (regular expression `plain`), NULL where it is
    blank, a mark for an absent word, else the SQL `otherwise` over `trimmed`: a text in plain form, or a mark.

    An absent word that has the plain form, such as -9999, is kept out of the first branch. What comes after that branch
    costs plain texts nothing, so it need not be fast; but every pattern in it is compiled anew for each chunk, so there
    should be few.
    """
    matches = f"regexp_full_match({text}, {literal(plain)})"
    clashes = [word for word in words if re.fullmatch(plain, word)]
    if clashes:
        same_case = f"lower({text})" if plain.isascii() else f"({fold_sql(text)})"
        matches += f" AND NOT {is_one_of(same_case, clashes)}"

    def read(trimmed: str) -> str:
        branches = "".join(
            f" WHEN {is_one_of(fold_sql(trimmed), [word for word in words if words[word] is outcome])} THEN {mark(outcome)}"
            for outcome in sorted(set(words.values()))
        )
        return f"CASE WHEN {trimmed} = '' THEN NULL{branches} ELSE {otherwise} END"

    return (
        f"(CASE WHEN {matches} THEN {text} WHEN {text} IS NULL OR {text} = '' THEN NULL"
        f" ELSE {let('trimmed', trim_sql(text), read)} END)"
    )


def mark(outcome: Outcome) -> str:
    """SQL of a reading that is no value: U+0001, which begins no value, and the outcome's number."""
    return f"(chr(1) || '{outcome:d}')"


def outcome_of(reading: str) -> str:
    """SQL of the outcome of a reading."""
    return (
        f"(CASE WHEN {reading} IS NULL THEN {Outcome.BLANK:d} WHEN {reading} < ' ' THEN CAST(right({reading}, -1) AS UTINYINT)"
        f" ELSE {Outcome.VALUE:d} END)::UTINYINT"
    )


def is_value(reading: str) -> str:
    """SQL condition: the reading is a value. Marks come before every character that a value can begin with."""
    return f"{reading} >= ' '"
