"""What one unit of a factor comes to: masses of gases, and CO2e in each set asked for, exact until one rounding.

    mass    = round half up (converted_quantity × units × numerator / denominator / 10^10, 6 places)
    co2e_kg = published: round half up (converted_quantity × the factor's CO2e per unit, 6 places), in its own set
              derived:   round half up (Σ mass × potential, 6 places), in any set that has the potentials

`numerator / denominator` is 1 where the mass of a gas is published. Where its CO2e is, the mass is that divided by the
potential of the factor's own set: a fraction, so that nothing is rounded on the way. CO2e of a factor whose gases are
not all known stays in its own set: it is never converted, and the sets it is missing in are named. So does CO2e that
the gases do not explain: what is of no gas that is given would silently be lost in every other set. See `explains`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from headwater.accounting.calculation import half_up
from headwater.accounting.inventory.policy import Factor, stage_of
from headwater.accounting.timeline import DIGITS, FACTOR_SCALE, SPLIT
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

POTENTIAL_SCALE = 6
POTENTIAL_UNITS = 1_000_000
OUTSIDE = "outside_of_scopes"
METHANE = "CH4"
_LARGEST = 2**127 - 1
_TENTHS = 10**FACTOR_SCALE
ALWAYS_ALIKE, NEVER_ALIKE = Fraction(2, 10_000), Fraction(5, 1000)
"""Gases explain a published CO2e that they miss by less than the first of it, and none that they miss by more than the
second.

Between them the digits decide. The 1086 rows of the UK government's factors of 2020 that have gases miss it by one unit
of the fifth place, which is up to 0.015 % of it; converted from other units (eGRID's pounds), a figure has more digits
than its publisher gave it. Half of a unit of the third digit, the least that is published, is up to 0.5 %.
"""

_METHANE_FIELDS = ("ch4_kg_per_unit", "ch4_co2e_kg_per_unit")


@dataclass(frozen=True, kw_only=True)
class PerUnit:
    """Mass of a gas per unit: `units` × numerator / denominator, in units of 10^-10 kg."""

    units: int
    numerator: int = 1
    denominator: int = 1

    @property
    def ceiling(self) -> int:
        """At least the mass, as a whole number."""
        return -(-self.units * self.numerator // self.denominator)

    def mass(self, converted: int) -> int:
        """Of a converted quantity in units of 10^-6: the mass in units of 10^-6 kg, half up."""
        return half_up(converted * self.units * self.numerator, self.denominator * _TENTHS)


@dataclass(frozen=True, kw_only=True)
class SetFigure:
    """How CO2e comes about in one set. Potentials are in units of 10^-6."""

    gwp_set: str
    basis: str
    missing_sets: tuple[str, ...] = ()
    ch4: int = 0
    n2o: int = 0
    gas: int = 0


@dataclass(frozen=True, kw_only=True)
class FactorFigures:
    """A factor ready to be multiplied with; `methane` is the column its methane goes to."""

    factor: Factor
    co2e: int
    co2: PerUnit | None
    ch4: PerUnit | None
    n2o: PerUnit | None
    gas: PerUnit | None
    biogenic: PerUnit | None
    methane: str
    sets: tuple[SetFigure, ...]
    said: tuple[str, ...] = ()
    unexplained: str = ""
    """Where CO2e is missing in a set only because the gases do not explain it: what they come to."""
    no_origin: tuple[str, ...] = ()
    """Sets in which CO2e is missing only because nobody says where the methane comes from."""

    @property
    def largest(self) -> int:
        """At least every figure per unit, in units of 10^-10 kg: what the limit of a quantity is found by."""
        masses = [each for each in (self.co2, self.ch4, self.n2o, self.gas, self.biogenic) if each is not None]
        own = [self.co2e, *(mass.ceiling for mass in masses)]
        return max(*own, *(self._derived(each) for each in self.sets), *(_wide(mass) for mass in masses))

    def _derived(self, each: SetFigure) -> int:
        """CO2e per unit in a set, rounded up, with room for what the rounding of masses adds: far below 10^-9 of it."""
        if each.basis != "derived":
            return 0
        gases = ((self.ch4, each.ch4), (self.n2o, each.n2o), (self.gas, each.gas))
        total = (self.co2.ceiling if self.co2 else 0) * POTENTIAL_UNITS
        total += sum(mass.ceiling * potential for mass, potential in gases if mass is not None)
        rounded_up = -(-total // POTENTIAL_UNITS)
        return rounded_up + rounded_up // 10**9 + 1

    def masses(self, converted: int) -> dict[str, int | None]:
        """Masses of a converted quantity (units of 10^-6) by column, in units of 10^-6 kg."""
        found = {"co2_kg": self.co2, self.methane: self.ch4, "n2o_kg": self.n2o}
        found |= {"gas_kg": self.gas, "biogenic_co2_kg": self.biogenic}
        return {name: None if mass is None else mass.mass(converted) for name, mass in found.items()}

    def co2e_of(self, converted: int, each: SetFigure) -> int:
        """CO2e of a converted quantity in a set, in units of 10^-6 kg: the twin of the SQL."""
        if each.basis == "published":
            return half_up(converted * self.co2e, _TENTHS)
        masses = self.masses(converted)
        total = (masses["co2_kg"] or 0) * POTENTIAL_UNITS
        total += (masses[self.methane] or 0) * each.ch4 + (masses["n2o_kg"] or 0) * each.n2o
        return half_up(total + (masses["gas_kg"] or 0) * each.gas, POTENTIAL_UNITS)


def figures_of(
    factor: Factor,
    sets: Sequence[str],
    potentials: Mapping[str, Mapping[str, Decimal]],
    *,
    ch4_origin: str | None = None,
) -> FactorFigures:
    """What a factor gives in the sets asked for.

    potentials: by set and gas: CO2, CH4_fossil, CH4_non_fossil, N2O, SF6, HFC-134a …
    ch4_origin: what the document says of methane whose factor does not: fossil, non_fossil or None.
    """
    own = factor["gwp_set"]
    origin, said = _origin(factor, ch4_origin)
    co2 = _given(factor.get("co2_kg_per_unit"))
    ch4 = _mass(factor, "ch4", potentials.get(own, {}), _methane(origin, potentials.get(own, {})))
    n2o = _mass(factor, "n2o", potentials.get(own, {}), ("N2O",))
    gas = _given(factor.get("gas_kg_per_unit"))
    biogenic = _given(factor.get("biogenic_co2_kg_per_unit"))
    co2e = _units(factor["co2e_kg_per_unit"])
    if stage_of(factor) == OUTSIDE:
        biogenic, co2e = biogenic or PerUnit(units=co2e), 0
        co2 = ch4 = n2o = gas = None
    unexplained = ""
    if co2e == 0 and not any(mass and mass.units for mass in (co2, ch4, n2o, gas)):
        derivable = {name: SetFigure(gwp_set=name, basis="derived") for name in sets}  # nothing is nothing in any set
    else:
        masses = {"ch4": ch4, "n2o": n2o, "gas": gas}
        is_whole = gas is not None or not any(mass is None for mass in (co2, ch4, n2o))
        found = [_derived(name, potentials.get(name, {}), masses, factor, origin) for name in sets] if is_whole else []
        derivable = {each.gwp_set: each for each in found if each is not None}
        if derivable.keys() - {own} and not explains(factor, potentials):
            unexplained = _unexplained(factor, potentials, sorted(derivable.keys() - {own}))
            derivable = {}
    lost = [name for name in sets if name not in {own, *derivable}]
    return FactorFigures(
        factor=factor,
        co2e=co2e,
        co2=co2,
        ch4=ch4,
        n2o=n2o,
        gas=gas,
        biogenic=biogenic,
        methane=f"ch4_{origin}_kg" if origin else "ch4_kg",
        sets=_sets(own, sets, derivable, is_published=stage_of(factor) != OUTSIDE),
        said=said,
        unexplained=unexplained,
        no_origin=() if origin or not lost else _by_origin(factor, lost, potentials),
    )


def _by_origin(factor: Factor, sets: Sequence[str], potentials: Mapping[str, Mapping[str, Decimal]]) -> tuple[str, ...]:
    """Those of the sets in which the factor would have CO2e if its methane had an origin, whichever."""
    if not any(factor.get(name) for name in _METHANE_FIELDS) and factor.get("gas") != METHANE:
        return ()
    known = figures_of(factor, sets, potentials, ch4_origin="fossil")
    return tuple(each.gwp_set for each in known.sets if each.basis == "derived")


def explains(factor: Factor, potentials: Mapping[str, Mapping[str, Decimal]]) -> bool:
    """Whether the gases of a factor come to its CO2e by its own set, as nearly as digits can say.

    A figure stands for all that rounds to it: half a unit of its last place either way. A set with two potentials of
    methane may be meant by either, whatever the origin: AR5's 28 is in wide use for fossil methane too. Where the own
    set is not stated, any that explains it will do.
    """
    co2e = Fraction(factor["co2e_kg_per_unit"])
    return any(_misses(total, room, co2e) == 0 for total, room in _sums(factor, potentials))


def _misses(total: Fraction, room: Fraction, co2e: Fraction) -> Fraction:
    """By how much a sum misses the CO2e; 0 where it explains it."""
    gap = abs(total - co2e)
    return Fraction(0) if gap <= min(max(room, ALWAYS_ALIKE * co2e), NEVER_ALIKE * co2e) else gap


def _sums(factor: Factor, potentials: Mapping[str, Mapping[str, Decimal]]) -> Iterator[tuple[Fraction, Fraction]]:
    """What the gases may come to, with what the rounding of all figures may add up to."""
    own = factor["gwp_set"]
    for known in [potentials[own]] if own in potentials else potentials.values():
        for methane in {known[name] for name in _methane("", known) if name in known} or {Decimal(0)}:
            weights = {"ch4": methane, "n2o": known.get("N2O", Decimal(0))}
            parts = [(factor.get("co2_kg_per_unit"), Decimal(1))]
            further = methane if factor.get("gas") == METHANE else known.get(str(factor.get("gas")), Decimal(0))
            parts.append((factor.get("gas_kg_per_unit"), further))
            for gas, weight in weights.items():
                mass = factor.get(f"{gas}_kg_per_unit")
                parts.append((factor.get(f"{gas}_co2e_kg_per_unit"), Decimal(1)) if mass is None else (mass, weight))
            given = [(value, Fraction(weight)) for value, weight in parts if value is not None]
            room = _half(factor["co2e_kg_per_unit"]) + sum(_half(value) * weight for value, weight in given)
            yield sum((Fraction(value) * weight for value, weight in given), Fraction(0)), room


def _unexplained(factor: Factor, potentials: Mapping[str, Mapping[str, Decimal]], sets: Sequence[str]) -> str:
    co2e = Fraction(factor["co2e_kg_per_unit"])
    sums = sorted((_misses(total, room, co2e), total) for total, room in _sums(factor, potentials))
    own, named = factor["gwp_set"], ", ".join(sets)
    if not sums:
        return f"No set of potentials says what the gases come to in {own}: no CO2e is derived in {named}."
    return (
        f"The gases come to {_told(sums[0][1])} of {_told(co2e)} kg CO2e per {factor['unit']} in {own}: the rest is of"
        f" no gas that is given, and would be lost in {named}. No CO2e is derived there. Check the gases, or give them"
        " all."
    )


def _told(figure: Fraction) -> str:
    rounded = Decimal(half_up(figure.numerator * 10**6, figure.denominator)).scaleb(-6)
    return f"{rounded.normalize():f}"


def _half(value: Decimal) -> Fraction:
    """Half a unit of the last place that a figure has, zeros at its end apart; of whole numbers half of one."""
    exponent = value.normalize().as_tuple().exponent
    return Fraction(1, 2 * 10 ** max(0, -int(exponent)))


def _sets(
    own: str, sets: Sequence[str], derivable: Mapping[str, SetFigure], *, is_published: bool
) -> tuple[SetFigure, ...]:
    """One figure for each set that can be had, and the factor's own where one cannot."""
    found = {name: derivable[name] for name in sets if name in derivable}
    if is_published and own in sets:
        found[own] = SetFigure(gwp_set=own, basis="published")
    missing = tuple(name for name in sets if name not in found)
    if missing:
        found[own] = SetFigure(gwp_set=own, basis="published", missing_sets=missing)
    return tuple(found.values())


def _derived(
    name: str, potentials: Mapping[str, Decimal], masses: Mapping[str, PerUnit | None], factor: Factor, origin: str
) -> SetFigure | None:
    """The potentials of a set for the gases there are; None where one is missing or in doubt."""
    methane, further = _methane(origin, potentials), str(factor.get("gas"))
    wanted = {"ch4": methane, "n2o": ("N2O",), "gas": methane if further == METHANE else (further,)}
    found: dict[str, int] = {}
    for gas, names in wanted.items():
        mass = masses[gas]
        if mass is None or mass.units == 0:
            continue
        values = {potentials[each] for each in names if each in potentials}
        if len(values) != 1:
            return None
        found[gas] = _scaled(values.pop())
    if not potentials:
        return None
    return SetFigure(
        gwp_set=name, basis="derived", ch4=found.get("ch4", 0), n2o=found.get("n2o", 0), gas=found.get("gas", 0)
    )


def _origin(factor: Factor, declared: str | None) -> tuple[str, tuple[str, ...]]:
    """Where the methane comes from, empty where nobody says; and what is to be said about that."""
    stated = factor.get("ch4_origin")
    if stated in {"fossil", "non_fossil"}:
        return str(stated), ()
    named = (*_METHANE_FIELDS, *(["gas_kg_per_unit"] if factor.get("gas") == METHANE else []))
    has_methane = any(factor.get(name) for name in named)
    if declared is None or not has_methane:
        return "", ()
    return declared, (f"methane taken as {declared.replace('_', '-')} by the document",)


def _methane(origin: str, potentials: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The potentials that may apply: one where the origin is known, else both, which must be alike.

    A set that does not tell origins apart, as the IPCC's reports before AR5, has one for all methane.
    """
    names = (f"CH4_{origin}",) if origin else ("CH4_fossil", "CH4_non_fossil")
    return names if any(name in potentials for name in names) else (METHANE,)


def _mass(factor: Factor, gas: str, potentials: Mapping[str, Decimal], names: Sequence[str]) -> PerUnit | None:
    """The mass of a gas as published, or from its CO2e by the potential of the factor's own set."""
    given = factor.get(f"{gas}_kg_per_unit")
    if given is not None:
        return _given(given)
    co2e = factor.get(f"{gas}_co2e_kg_per_unit")
    if co2e is None:
        return None
    if co2e == 0:
        return PerUnit(units=0)
    values = {potentials[name] for name in names if name in potentials}
    if len(values) != 1:
        return None
    share = 1 / Fraction(values.pop())
    return PerUnit(units=_units(co2e), numerator=share.numerator, denominator=share.denominator)


def _given(value: Decimal | None) -> PerUnit | None:
    return None if value is None else PerUnit(units=_units(value))


def _units(value: Decimal) -> int:
    return int(value.scaleb(FACTOR_SCALE))


def _scaled(potential: Decimal) -> int:
    units = potential.scaleb(POTENTIAL_SCALE)
    if units != int(units):
        raise Misuse("a warming potential has too many places", value=potential, valid=f"{POTENTIAL_SCALE} places")
    return int(units)


def _wide(mass: PerUnit) -> int:
    """A figure per unit as large as leaves a mass from CO2e within 128 bits; 0 for one that needs no more than 64."""
    if (mass.numerator, mass.denominator) == (1, 1):
        return 0
    room = _LARGEST // 2 - mass.denominator * _TENTHS
    most = max(1, room // max(1, mass.units * mass.numerator))
    return -(-((10**DIGITS - 1) * _TENTHS) // most) if most < 10**DIGITS else 0


def split(units: int | None) -> tuple[int | None, int | None]:
    """High and low part, as `calculation_sql` multiplies."""
    return (None, None) if units is None else (units // SPLIT, units % SPLIT)
