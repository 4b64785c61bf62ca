"""The steps that every kind shares: a plain text is read at once, a blank or absent one is told apart from the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headwater.values.characters import fold, fold_sql, literal, trim_sql
from headwater.values.outcome import Outcome


def absence(trimmed: str, words: Mapping[str, Outcome]) -> Outcome | None:
    """BLANK, or the outcome of an absent word, or None where there is something to read."""
    if not trimmed:
        return Outcome.BLANK
    return words.get(fold(trimmed))


def outcome_sql(text: str, *, plain: str, plain_outcome: str, words: Mapping[str, Outcome], otherwise: str) -> str:
    """SQL of an outcome: first the plain ASCII form (regular expression `plain`, giving the SQL `plain_outcome`),
    then blank and absent words, then the SQL `otherwise`.

    An absent word that has the plain form, such as -9999, is kept out of the first branch.
    """
    matches = f"regexp_full_match({text}, {literal(plain)})"
    clashes = sorted(word for word in words if re.fullmatch(plain, word))
    if clashes:
        folded = f"lower({text})" if plain.isascii() else fold_sql(text)
        matches += f" AND {folded} NOT IN ({_list(clashes)})"
    # A branch for each word: DuckDB makes a hash join of IN with five or more, which reads every row (1.5 µs each).
    folded = fold_sql(trim_sql(text))
    branches = "".join(f" WHEN {folded} = {literal(word)} THEN {outcome:d}" for word, outcome in sorted(words.items()))
    return (
        f"(CASE WHEN {matches} THEN {plain_outcome} WHEN {text} IS NULL OR {text} = '' OR {trim_sql(text)} = '' THEN 1"
        f"{branches} ELSE {otherwise} END)::UTINYINT"
    )


def _list(words: list[str]) -> str:
    return ", ".join(map(literal, words))
