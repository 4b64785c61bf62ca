"""Every unit, every way of writing it, and the words that are no unit because they say too little."""

from __future__ import annotations

import difflib
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from headwater.accounting.units.families import fuel_energy, gases, money
from headwater.accounting.units.spelling import folded, undoubted
from headwater.accounting.units.tables import conditions, doubtful, unit_rows
from headwater.accounting.units.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from headwater.accounting.units.tables import Row


def _build() -> dict[str, Unit]:
    listed = unit_rows()
    rows: tuple[Row, ...] = (*listed, *fuel_energy(listed), *gases(), *money())
    spelled = undoubted(((row.symbol, row.exact, row.free) for row in rows), doubtful())
    return {
        row.symbol: Unit(
            symbol=row.symbol,
            dimension=row.dimension,
            size=row.size,
            spellings=spelled[row.symbol],
            source=row.source,
        )
        for row in rows
    }


UNITS: Mapping[str, Unit] = _build()
"""Every unit by its symbol."""

SPELLINGS: Mapping[str, Unit] = {text: unit for unit in UNITS.values() for text in (unit.symbol, *unit.spellings)}
"""Every spelling of every unit. Case counts where it tells mega from milli."""

CANDIDATES: Mapping[str, tuple[str, ...]] = {word: doubt.candidates for word, doubt in doubtful().items()}
"""Words, lower case, that are no unit because they say too little: what they may mean."""


def find_unit(text: str) -> Unit | None:
    """The unit a text spells, or None. Never guesses: "Mwh" is a known spelling, "mwh" (milli? mega?) is not."""
    return SPELLINGS.get(text.strip())


@cache
def candidates(text: str) -> tuple[str, ...]:
    """Symbols that a text which is no unit may have been meant to be, likeliest first; empty when none is near."""
    word = text.strip()
    known = CANDIDATES.get(word.lower())
    if known is not None:
        return known
    alike = _by_fold().get(folded(word))
    if alike is not None:
        return alike
    near = difflib.get_close_matches(word, _worded(), n=6, cutoff=0.75)
    return tuple(dict.fromkeys(_worded()[spelling] for spelling in near))


@cache
def _by_fold() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for spelling, unit in SPELLINGS.items():
        found.setdefault(folded(spelling), set()).add(unit.symbol)
    return {text: tuple(sorted(symbols)) for text, symbols in found.items()}


@cache
def _worded() -> dict[str, str]:
    """What a misspelt word is compared with: what stands in the table, not what is made of it by rule."""
    return {text: row.symbol for row in unit_rows() for text in (row.symbol, *row.exact, *row.free) if len(text) > 2}


def conversion(source: Unit, target: Unit) -> Fraction | None:
    """How many `target` one `source` is, exactly; None across dimensions."""
    if source.dimension != target.dimension:
        return None
    return source.size / target.size


@cache
def registry_text() -> str:
    """Every spelling with its unit, dimension and size, every doubtful word and every condition of gas, one a line."""
    lines = sorted(f"{text}\t{unit.symbol}\t{unit.dimension}\t{unit.size}" for text, unit in SPELLINGS.items())
    lines += sorted(f"{word}\t{'|'.join(symbols)}" for word, symbols in CANDIDATES.items())
    lines += sorted(f"{kind}\t{at.temperature}\t{at.pressure}\t{at.litres}" for kind, at in conditions().items())
    return "\n".join(lines)


@cache
def registry_hash() -> bytes:
    """SHA-256 of the registry's text. Part of each chunk's fingerprint: whatever changes in the tables changes it."""
    return hashlib.sha256(registry_text().encode()).digest()


@cache
def units_of(dimension: str) -> tuple[tuple[Unit, tuple[str, ...]], ...]:
    """The units of a dimension, each with every text that spells it."""
    return tuple((unit, (unit.symbol, *unit.spellings)) for unit in UNITS.values() if unit.dimension == dimension)
