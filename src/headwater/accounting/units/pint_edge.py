"""The edge to pint: quantities handed to whoever computes with pint, and taken from there.

Inside Headwater nothing is computed with pint: it works with floats unless told otherwise, its `ton` is a short ton,
its `kt` a knot and its `barrel` no barrel of oil. Taken from pint, such a name is refused like any word in doubt.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from headwater.accounting.units.quantity import Measure, Quantity
from headwater.accounting.units.reading import UnitInDoubt, read_unit
from headwater.accounting.units.registry import UNITS
from headwater.errors import InputRefused

if TYPE_CHECKING:
    import pint

    from headwater.accounting.units.unit import Unit


@cache
def pint_registry() -> pint.UnitRegistry[Any]:
    """A pint registry that knows our units only, each dimension (gross and net energy, …) a dimension of its own.

    Money of a year is added as `to_pint` meets it: there are more of them than of all others.
    """
    import pint  # noqa: PLC0415 - takes a tenth of a second, and few need it

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(None, non_int_type=Fraction)
    for unit in UNITS.values():
        if not unit.dimension.startswith("money"):
            _define(registry, unit)
    return registry


def to_pint(quantity: Quantity) -> pint.Quantity[Any]:
    """In `pint_registry`, the amount a fraction."""
    registry = pint_registry()
    made: pint.Quantity[Any] = registry.Quantity(quantity.amount)
    for symbol, power in quantity.measure.powers:
        if symbol not in registry:
            _define(registry, UNITS[symbol])
        made = made * registry.Quantity(Fraction(1), symbol) ** power
    return made


def _define(registry: pint.UnitRegistry[Any], unit: Unit) -> None:
    base = "base_" + "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in unit.dimension)
    if base not in registry:
        registry.define(f"{base} = [{base}]")
    registry.define(f"{unit.symbol} = {unit.size.numerator} / {unit.size.denominator} * {base}")


def from_pint(quantity: pint.Quantity[Any]) -> Quantity:
    """Of any pint registry, by the names of its units; a float counts as the shortest decimal that reads back to it.

    InputRefused: a name is in doubt (`ton`, `gallon`, `therm`), or no unit of ours.
    """
    powers: dict[str, int] = {}
    for name, power in quantity.unit_items():
        unit = read_unit(name) if name in UNITS else read_unit(name.replace("_", " "))
        if isinstance(unit, UnitInDoubt):
            raise InputRefused(unit.message, where="pint", value=name, valid=unit.valid, remedy=unit.repair)
        exponent = Fraction(str(power))
        if exponent.denominator != 1:
            raise InputRefused("a unit to a broken power", where="pint", value=f"{name} ** {power}")
        powers[unit.symbol] = powers.get(unit.symbol, 0) + exponent.numerator
    magnitude = quantity.magnitude
    exactly = Fraction(Decimal(repr(magnitude))) if isinstance(magnitude, float) else Fraction(magnitude)
    return Quantity(exactly, Measure.of(powers))
