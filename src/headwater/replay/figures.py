"""From an activity and the pinned factors to its figure: choice, conversion, multiplication, each exact.

    converted_quantity = round half up (quantity × numerator / denominator, 6 places)
    co2e_kg            = round half up (converted_quantity × co2e_kg_per_unit, 6 places)
    co2_kg, ch4_kg, n2o_kg likewise, where the factor gives the gas

The factor is the one for the activity's type and region that is valid on its first day, in a unit of the same
dimension, first by the order of methods, then by that of sources; of those left, where all are of one source, one per
the activity's own unit. Where two are preferred alike there is no figure.
This is written anew, beside the engine's SQL; property tests hold both equal.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

PLACES = 6
FACTOR_PLACES = 10
GASES = ("co2e", "co2", "ch4", "n2o")
_LARGEST = 10**18 - 1
_FIRST_DAY, _LAST_DAY = date(1, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class Unit:
    """What a spelling stands for."""

    symbol: str
    dimension: str
    size: Fraction


class Units:
    """Every spelling of every unit, as the text of the registry has them: spelling, symbol, dimension, size."""

    def __init__(self, text: str) -> None:
        self.digest = hashlib.sha256(text.encode()).digest()
        rows = (line.split("\t") for line in text.split("\n"))
        self._units = {row[0]: Unit(row[1], row[2], Fraction(row[3])) for row in rows if _is_unit(row)}

    def find(self, spelling: str) -> Unit | None:
        """The unit that a text spells, exactly."""
        return self._units.get(spelling)


def _is_unit(row: Sequence[str]) -> bool:
    """The registry's text also tells conditions of gas: dimension, temperature, pressure, litres."""
    return len(row) == 4 and not row[1].replace("/", "").replace(".", "").isdigit()


def factor_rows(text: str) -> list[dict[str, str | None]]:
    """Factors as they were pinned: a text each, None where there is none."""
    return [
        {name: value or None for name, value in row.items() if name is not None}
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The figure of one activity; without one, `why` says what is missing, as the calculation's findings do."""

    why: str | None = None
    values: Mapping[str, Any] | None = None


class Factors:
    """The pinned factors, by activity type and region, with the policy by which one is taken."""

    def __init__(
        self,
        rows: Iterable[Mapping[str, str | None]],
        units: Units,
        *,
        methods: Sequence[str],
        sources: Sequence[str],
    ) -> None:
        self._units = units
        self._methods = list(methods)
        self._sources = list(sources)
        self._pairs: dict[tuple[str | None, str | None], list[Mapping[str, str | None]]] = {}
        for row in rows:
            if (row.get("stage") or "use") == "use":
                self._pairs.setdefault((row["activity_type"], row["region"]), []).append(row)

    def figure(self, activity: Mapping[str, Any]) -> Figure:
        """Calculate one activity: activity_id, activity_type, region, unit, period_start, quantity."""
        pair = self._pairs.get((activity["activity_type"], activity["region"]))
        if not pair:
            return Figure(why="no_factor")
        unit, day = self._units.find(activity["unit"]), activity["period_start"]
        fitting = [factor for factor in pair if self._rank(factor) and unit and self._fits(factor, unit)]
        if unit is None or not fitting or day is None or day >= _LAST_DAY:
            return Figure(why="unit_mismatch")
        valid = [factor for factor in fitting if _from(factor) <= day < _to(factor)]
        if not valid:
            return Figure(why="outside_validity")
        best = min(self._rank(factor) or () for factor in valid)
        alike = [factor for factor in valid if self._rank(factor) == best]
        own = [factor for factor in alike if self._units.find(str(factor["unit"]).strip()) == unit]
        chosen = own if own and len({factor["source"] for factor in alike}) == 1 else alike
        if len(chosen) > 1:
            return Figure(why="two_factors")
        return self._multiplied(chosen[0], unit, activity)

    def _rank(self, factor: Mapping[str, str | None]) -> tuple[int, int] | None:
        if factor["method"] not in self._methods:
            return None
        source = factor["source"]
        place = self._sources.index(source) if source in self._sources else len(self._sources)
        return self._methods.index(factor["method"]), place

    def _fits(self, factor: Mapping[str, str | None], unit: Unit) -> bool:
        found = self._units.find(str(factor["unit"]).strip())
        return found is not None and found.dimension == unit.dimension

    def _multiplied(self, factor: Mapping[str, str | None], unit: Unit, activity: Mapping[str, Any]) -> Figure:
        to = self._units.find(str(factor["unit"]).strip())
        per_unit = {gas: _decimal(factor[f"{gas}_kg_per_unit"]) for gas in GASES}
        multiplier = unit.size / (to.size if to else unit.size)
        quantity = activity["quantity"]
        largest = max(int((value or Decimal(0)).scaleb(FACTOR_PLACES)) for value in per_unit.values())
        if quantity is None or not 0 <= quantity <= _limit(multiplier, largest):
            return Figure(why="out_of_range")
        converted = half_up(Fraction(quantity) * multiplier, PLACES)
        figures = {gas: None if value is None else converted * Fraction(value) for gas, value in per_unit.items()}
        return Figure(
            values={
                **{name: factor[name] for name in ("factor_id", "method", "gwp_set")},
                "activity_id": activity["activity_id"],
                "scope": int(str(factor["scope"])),
                "category": None if factor["category"] is None else int(factor["category"]),
                "factor_unit": factor["unit"],
                "converted_quantity": as_decimal(converted, PLACES),
                **{
                    f"{gas}_kg": None if figure is None else as_decimal(half_up(figure, PLACES), PLACES)
                    for gas, figure in figures.items()
                },
            }
        )


def half_up(number: Fraction, places: int) -> Fraction:
    """Rounded away from zero at the half."""
    units = abs(number) * 10**places
    rounded = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(rounded if number >= 0 else -rounded, 10**places)


def as_decimal(number: Fraction, places: int) -> Decimal:
    """A number of so many places as a decimal, free of the context's precision."""
    units = number * 10**places
    if units.denominator != 1:
        raise ValueError(f"{number} has more than {places} places")
    digits = tuple(int(digit) for digit in str(abs(units.numerator)))
    return Decimal((int(units < 0), digits, -places))


def _limit(multiplier: Fraction, largest: int) -> Decimal:
    """The greatest quantity for which every step stays within 64 bits; below zero where none does."""
    numerator, denominator = multiplier.numerator, multiplier.denominator
    is_wide = 2 * 10**20 * min(numerator, denominator) + denominator < 2**127
    if not (is_wide and numerator < 2**63 and denominator < 2**62):
        return Decimal(-1)
    converted = min(_LARGEST, _LARGEST * 10**FACTOR_PLACES // largest) if largest else _LARGEST
    units = (converted - 1) * denominator // numerator
    return Decimal(max(0, min(units, _LARGEST))).scaleb(-PLACES)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _from(factor: Mapping[str, str | None]) -> date:
    text = factor["valid_from"]
    return _FIRST_DAY if text is None else date.fromisoformat(text)


def _to(factor: Mapping[str, str | None]) -> date:
    text = factor["valid_to"]
    return _LAST_DAY if text is None else date.fromisoformat(text)
