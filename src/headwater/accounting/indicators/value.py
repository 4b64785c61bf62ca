"""What an indicator comes to: a quantity, or not available and why; with all it was made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headwater.accounting.units import Quantity
from headwater.errors import HeadwaterError, Misuse

if TYPE_CHECKING:
    from decimal import Decimal

Key = tuple[object, ...]
PERCENT = "%"
_CO2E = re.compile(r"CO2e(_\w+)?$")
_BARE_CO2E = re.compile(r"CO2e(?![_\w])")


@dataclass(frozen=True, kw_only=True)
class Input:
    """Rows that a value rests on: of which source, under which condition, how many, and the source's SHA-256."""

    source: str
    condition: str | None
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Value:
    """`quantity` is absent where the value is not available; `why` then says so in sentences.

    inputs    the rows it rests on, where it is taken from rows
    parts     the indicators it is made of, by name, with their values
    notes     what was decided on the way and is no fault
    """

    quantity: Quantity | None = None
    why: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    parts: tuple[tuple[str, Value], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rests_on(self) -> tuple[Input, ...]:
        """Every input at the bottom of it, each once."""
        below = (each for _, part in self.parts for each in part.rests_on)
        return tuple(dict.fromkeys([*self.inputs, *below]))

    @property
    def told(self) -> tuple[str, ...]:
        """Every note on the way, each once."""
        below = (each for _, part in self.parts for each in part.told)
        return tuple(dict.fromkeys([*self.notes, *below]))

    def shown(self, unit: str | None, places: int) -> tuple[Decimal, str]:
        """The figure in a unit, rounded once, half up. Misuse: it is of another kind. Only where available."""
        if self.quantity is None:
            raise Misuse("a value that is not available has no figure")
        if unit is None:
            return self.quantity.rounded(places), str(self.quantity.measure)
        if unit == PERCENT:
            share = self.quantity.to("1")
            return Quantity(share.amount * 100, share.measure).rounded(places), PERCENT
        target = in_the_set_of(unit, self.quantity)
        return self.quantity.to(target).rounded(places), target


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values by what tells them apart: a key has a value for each of `dimensions`."""

    dimensions: tuple[str, ...]
    values: Mapping[Key, Value]

    def at(self, dimensions: Sequence[str], key: Key) -> Value | None:
        """The value for a key of more dimensions; of those it does not know, the whole."""
        known = dict(zip(dimensions, key, strict=True))
        found = self.values.get(tuple(known[name] for name in self.dimensions))
        lost = [name for name in dimensions if name not in self.dimensions]
        if found is None or not lost or found.quantity is None:
            return found
        return replace(found, notes=(*found.notes, f"the whole is taken, as it is not known by {' and '.join(lost)}"))


def combine(parts: Mapping[str, Series], make: Callable[[Mapping[str, Value]], Value]) -> Series:
    """A series made of others key by key; what one of them lacks is not available. Unsafe arithmetic is told."""
    if not parts:
        return Series(dimensions=(), values={(): guarded(make, {})})
    dimensions = max((part.dimensions for part in parts.values()), key=len)
    for name, part in parts.items():
        if not set(part.dimensions) <= set(dimensions):
            raise Misuse(
                f"{name} is known by {', '.join(part.dimensions)}, the others by {', '.join(dimensions)}",
                where="indicators",
                valid="parts that are told apart by the same",
                remedy="Ask by less.",
            )
    keys = dict.fromkeys(
        key for part in parts.values() if len(part.dimensions) == len(dimensions) for key in part.values
    )
    values = {}
    for key in keys:
        found = {
            name: part.at(dimensions, key) or Value(why=(f"there is no {name} {label(dimensions, key)}".rstrip(),))
            for name, part in parts.items()
        }
        made = guarded(make, found)
        values[key] = replace(made, parts=tuple(found.items()))
    return Series(dimensions=dimensions, values=values)


def guarded(make: Callable[[Mapping[str, Value]], Value], found: Mapping[str, Value]) -> Value:
    """What is made of values, or why not, where units refuse."""
    try:
        return make(found)
    except HeadwaterError as refused:
        return Value(why=(" ".join(part for part in (f"{refused.what}.", refused.remedy) if part),))


def unavailable(values: Iterable[tuple[str, Value]]) -> tuple[str, ...]:
    """Why, of those that are not available, each under its name."""
    return tuple(
        reason if reason.startswith(("there is no ", f"{name}: ")) else f"{name}: {reason}"
        for name, value in values
        if value.quantity is None
        for reason in value.why
    )


def label(dimensions: Sequence[str], key: Key) -> str:
    """A key as people say it."""
    pairs = zip(dimensions, key, strict=True)
    return "for " + ", ".join(f"{name} {'none' if part is None else part}" for name, part in pairs) if key else ""


def in_the_set_of(unit: str, quantity: Quantity) -> str:
    """A unit whose bare CO2e is taken in the set of warming potentials that the quantity is in."""
    for symbol, _ in quantity.measure.powers:
        found = _CO2E.search(symbol)
        if found and found[1]:
            return _BARE_CO2E.sub(f"CO2e{found[1]}", unit)
    return unit
