"""A text read as a unit, or a finding that names what it may mean.

Who may settle a word in doubt, in this order:

1. the mapping, by its own words (`values: {ton: short_ton}` in a mapping document);
2. the source, where the caller names one whose habits are known (`epa`, `us_bill`, `metric`, `sap` …);
3. the registry's spellings. A word in doubt is none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.accounting.in_doubt import InDoubt
from headwater.accounting.units.registry import SPELLINGS, candidates, find_unit
from headwater.accounting.units.tables import doubtful, source_words
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.accounting.units.unit import Unit

RULE_ID = "unit.in_doubt"


@dataclass(frozen=True, kw_only=True)
class UnitInDoubt(InDoubt):
    """A finding: a text that is no unit, or may be several. `candidates` are symbols, likeliest first."""

    rule_id: str = RULE_ID


def read_unit(text: str, *, source: str | None = None, words: Mapping[str, str] | None = None) -> Unit | UnitInDoubt:
    """Read a text as a unit, or say why it is none.

    words: a mapping's own words, each with a unit; case and outer spaces do not count.
    """
    word = text.strip()
    settled = {key.strip().lower(): meaning for key, meaning in (words or {}).items()}.get(word.lower())
    if settled is not None:
        return _meant(settled, f"the mapping's word {word}")
    if source is not None:
        own = words_of(source)
        anyhow = {key.lower(): symbol for key, symbol in own.items()}
        meaning = own.get(word) or (None if find_unit(word) else anyhow.get(word.lower()))
        if meaning is not None:
            return _meant(meaning, f"source {source}, word {word}")
    return find_unit(word) or _in_doubt(word)


def words_of(source: str) -> Mapping[str, str]:
    """What a source's words mean, by the words as it writes them: symbols of units, ready for a mapping's `values`."""
    known = source_words()
    if source not in known:
        raise Misuse(
            "no words are known of this source",
            where="units",
            value=source,
            valid=", ".join(sorted(known)),
            remedy="Take one of these, or give the words in the mapping's `values`.",
        )
    return known[source]


def _in_doubt(word: str) -> UnitInDoubt:
    near = candidates(word)
    doubt = doubtful().get(word.lower())
    message = f"{word or 'A blank'} is no unit that says enough"
    return UnitInDoubt(
        text=word,
        candidates=near,
        message=f"{message}: {doubt.why}{'' if doubt.why.endswith('?') else '.'}" if doubt else f"{message}.",
        valid=f"It may mean {', '.join(near)}." if near else "A unit of the registry.",
        repair="Write the unit meant, or say in the mapping what the source's word means"
        + (f", as in values: {{{word}: {near[0]}}}." if near else "."),
    )


def _meant(text: str, where: str) -> Unit:
    unit = SPELLINGS.get(text)
    if unit is None:
        raise Misuse(
            "the word is to mean something that is no unit",
            where=where,
            value=text,
            valid=", ".join(candidates(text)) or "the symbol of a unit",
            remedy="Correct the word's meaning.",
        )
    return unit
