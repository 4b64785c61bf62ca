"""Every way of writing a unit that is read as it: a closed list, so that SQL joins it and nothing is guessed.

Words are taken in any usual case and spacing (`KWH`, `kilowatt-hours`, `Short Ton`). Symbols are taken as they stand:
case tells mega from milli. A way of writing that is doubtful, or that two units would share, is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_JOINTS = (" ", "-", "_", "")


def word_forms(word: str) -> tuple[str, ...]:
    """A word or words in every usual case and spacing, as it stands first."""
    parts = word.replace("-", " ").split(" ")
    cases = (
        parts,
        [part.lower() for part in parts],
        [part.upper() for part in parts],
        [part.capitalize() for part in parts],
        [parts[0].capitalize(), *(part.lower() for part in parts[1:])],
    )
    joints = _JOINTS if len(parts) > 1 else (" ",)
    return tuple(dict.fromkeys([word, *(joint.join(case) for case in cases for joint in joints)]))


def folded(text: str) -> str:
    """Without case, spaces and hyphens: to find what a text that is no spelling may have been meant to be."""
    return "".join(character for character in text.casefold() if character not in " -_.·\u00a0\u202f")


def undoubted(
    written: Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]], doubtful: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """By symbol, its spellings: those given, and every form of its words that no other unit has and nobody doubts.

    written: symbol, exact spellings, words.
    """
    rows = list(written)
    given = {text for symbol, exact, words in rows for text in (symbol, *exact, *words)}
    forms = {symbol: [form for word in words for form in word_forms(word)] for symbol, _, words in rows}
    claimed = Counter(form for each in forms.values() for form in dict.fromkeys(each))
    spelled: dict[str, tuple[str, ...]] = {}
    for symbol, exact, words in rows:
        read = (form for form in forms[symbol] if form not in given and claimed[form] == 1)
        sure = (form for form in (*words, *read) if form.lower() not in doubtful)
        spelled[symbol] = tuple(text for text in dict.fromkeys((*exact, *sure)) if text != symbol)
    return spelled
