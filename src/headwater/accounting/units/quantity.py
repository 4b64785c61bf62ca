"""Quantities that refuse: amounts with units whose unsafe sums, products and conversions fail in words.

    Quantity.of("100", "kWh_gross").times(Quantity.of("0.18293", "kgCO2e/kWh_gross")).to("tCO2e")

Amounts are fractions: nothing is rounded before `rounded`. What would be unsafe needs a further quantity that says how
it is meant: a density (`kg/l`), a ratio of calorific values (`kWh_net/kWh_gross`), a price index (`EUR_2024/EUR_2019`).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from headwater.accounting.units.conversion import rounded
from headwater.accounting.units.reading import UnitInDoubt, read_unit
from headwater.accounting.units.refusal import advice, akin
from headwater.accounting.units.registry import UNITS
from headwater.accounting.units.tables import conditions
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from headwater.accounting.units.tables import Condition
    from headwater.accounting.units.unit import Unit

# What a dimension is by definition, and how many of those one of its base unit is: 1 tkm = 1000 kg·km.
_MADE_OF: dict[str, tuple[dict[str, int], Fraction]] = {
    "freight": ({"mass": 1, "distance": 1}, Fraction(1000)),
    "passenger distance": ({"count of persons": 1, "distance": 1}, Fraction(1)),
    "volume": ({"distance": 3}, Fraction(1, 10**12)),
    "area": ({"distance": 2}, Fraction(1, 10**6)),
    "speed": ({"distance": 1, "duration": -1}, Fraction(1)),
}


@dataclass(frozen=True)
class Measure:
    """A unit, or units multiplied and divided: `kgCO2e/kWh_gross`. Each unit with its power, none with 0."""

    powers: tuple[tuple[str, int], ...]

    @classmethod
    def read(cls, text: str, *, source: str | None = None) -> Self:
        """From text: units, `/` or `per` between them, `·` or `*` for products. InputRefused: one is in doubt."""
        whole = read_unit(text, source=source)
        if not isinstance(whole, UnitInDoubt):
            return cls.of({whole.symbol: 1})
        above, *below = re.split(r"\s*/\s*|\s+per\s+", text.strip())
        found: Counter[str] = Counter()
        for sign, part in ((1, above), *((-1, part) for part in below)):
            for word in () if part == "1" else re.split(r"\s*[·*]\s*", part):
                found[_unit(word, text, source).symbol] += sign
        return cls.of(found)

    @classmethod
    def of(cls, powers: Mapping[str, int]) -> Self:
        """From symbols and their powers."""
        return cls(tuple(sorted(((symbol, power) for symbol, power in powers.items() if power), key=_above_first)))

    @property
    def dimensions(self) -> dict[str, int]:
        """The kinds of what it measures, as the units name them."""
        return _summed((UNITS[symbol].dimension, power) for symbol, power in self.powers)

    @property
    def kinds(self) -> dict[str, int]:
        """The kinds with those taken apart that are made of others: what must be alike for a conversion."""
        return _summed(
            (kind, power * each)
            for dimension, power in self.dimensions.items()
            for kind, each in _MADE_OF.get(dimension, ({dimension: 1}, None))[0].items()
        )

    @property
    def size(self) -> Fraction:
        """How many of the base units of its `kinds` one is."""
        size = Fraction(1)
        for symbol, power in self.powers:
            unit = UNITS[symbol]
            size *= (unit.size * _MADE_OF.get(unit.dimension, ({}, Fraction(1)))[1]) ** power
        return size

    def __str__(self) -> str:
        above = "·".join(symbol for symbol, power in self.powers for _ in range(power))
        below = "".join(f"/{symbol}" for symbol, power in self.powers for _ in range(-power))
        return f"{above or '1'}{below}"


@dataclass(frozen=True)
class Quantity:
    """An exact amount of a measure."""

    amount: Fraction
    measure: Measure

    @classmethod
    def of(cls, amount: str | int | Decimal | Fraction, unit: str, *, source: str | None = None) -> Self:
        """From a number written in decimals; floats are refused, as they hold another number than they show."""
        if isinstance(amount, float):
            raise Misuse("a float is not exact", value=amount, valid="text, a decimal, a whole number or a fraction")
        return cls(Fraction(amount), Measure.read(unit, source=source))

    def to(self, unit: str) -> Self:
        """The same quantity in another unit of its kind. Misuse: it is of another kind."""
        target = Measure.read(unit)
        self._same_kind(target, f"{self.measure} cannot be converted to {target}")
        return type(self)(self.amount * self.measure.size / target.size, target)

    def plus(self, other: Quantity) -> Self:
        """The sum, in this quantity's unit."""
        self._same_kind(other.measure, f"{self.measure} and {other.measure} cannot be added")
        return type(self)(self.amount + other.amount * other.measure.size / self.measure.size, self.measure)

    def minus(self, other: Quantity) -> Self:
        """The difference, in this quantity's unit."""
        return self.plus(type(self)(-other.amount, other.measure))

    def times(self, other: Quantity) -> Self:
        """The product. Misuse: what should cancel is of two kinds that only look alike, as gross and net energy."""
        for one, power in self.measure.dimensions.items():
            for two, against in other.measure.dimensions.items():
                if one != two and power * against < 0 and akin(one, two):
                    _refuse(f"{self.measure} times {other.measure} leaves {one} against {two}", one, two)
        return self._product(other)

    def over(self, other: Quantity) -> Self:
        """The quotient."""
        if not other.amount:
            raise Misuse(f"a division by 0 {other.measure}", valid="a divisor other than 0")
        inverse = Measure.of({symbol: -power for symbol, power in other.measure.powers})
        return self.times(type(self)(1 / other.amount, inverse))

    def rounded(self, scale: int) -> Decimal:
        """The amount at `scale` places, half up."""
        return rounded(self.amount, scale)

    def restated(self, unit: str, *, by: str) -> Self:
        """A gas volume at another temperature and pressure. by: `ideal_gas`, the one method there is, said aloud."""
        if by != "ideal_gas":
            raise Misuse("unknown method of restating a gas volume", value=by, valid="ideal_gas")
        target = Measure.read(unit)
        here, there = (_condition(measure) for measure in (self.measure, target))
        moles = here.pressure * here.litres / here.temperature
        per_base = there.pressure * there.litres / there.temperature
        return type(self)(self.amount * self.measure.size * moles / per_base / target.size, target)

    def _product(self, other: Quantity) -> Self:
        """Units of one kind cancel, and what their sizes differ by goes into the amount."""
        powers: Counter[str] = Counter(dict(self.measure.powers))
        amount = self.amount * other.amount
        for symbol, power in other.measure.powers:
            unit = UNITS[symbol]
            same = next((each for each in powers if powers[each] and UNITS[each].dimension == unit.dimension), symbol)
            powers[same] += power
            amount *= (unit.size / UNITS[same].size) ** power
        return type(self)(amount, Measure.of(powers))

    def _same_kind(self, other: Measure, what: str) -> None:
        if self.measure.kinds == other.kinds:
            return
        here, there = self.measure.dimensions, other.dimensions
        left = {kind: power for kind, power in here.items() if there.get(kind) != power}
        right = {kind: power for kind, power in there.items() if here.get(kind) != power}
        pairs = [(one, two) for one in left for two in right]
        one, two = next((pair for pair in pairs if akin(*pair)), pairs[0] if pairs else (_names(left), _names(right)))
        _refuse(f"{what}: {_names(here)} and {_names(there)}", one, two)

    def __str__(self) -> str:
        return f"{self.amount} {self.measure}"


def _refuse(what: str, one: str, two: str) -> None:
    raise Misuse(what, valid="quantities of one kind", remedy=advice(one, two))


def _unit(word: str, text: str, source: str | None) -> Unit:
    unit = read_unit(word, source=source)
    if isinstance(unit, UnitInDoubt):
        where = None if word == text else f"unit {text}"
        raise InputRefused(unit.message, where=where, value=word, valid=unit.valid, remedy=unit.repair)
    return unit


def _condition(measure: Measure) -> Condition:
    """Of a gas volume alone."""
    known = conditions()
    (kind, power), *others = [*measure.dimensions.items()] or [("a number", 1)]
    if others or power != 1 or kind not in known:
        raise Misuse(
            f"{measure} is no gas volume at a known temperature and pressure",
            value=_names(measure.dimensions),
            valid=", ".join(known),
            remedy="Say at which temperature and pressure the volume was metered, as in Nm3, Sm3, scf_60F.",
        )
    return known[kind]


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for kind, power in pairs:
        found[kind] += power
    return {kind: power for kind, power in sorted(found.items()) if power}


def _names(dimensions: Mapping[str, int]) -> str:
    above = [kind for kind, power in dimensions.items() for _ in range(power)]
    below = [kind for kind, power in dimensions.items() for _ in range(-power)]
    return " × ".join(above or ["a number"]) + "".join(f" per {kind}" for kind in below)


def _above_first(entry: tuple[str, int]) -> tuple[bool, str]:
    return entry[1] < 0, entry[0]
