"""Why one total is not the other: causes replaced one after another in a fixed order, each with what it moved.

    total after cause k = all of B for the causes up to k, all of A for those after it
    move of cause k     = total after cause k - total after cause k-1

So the moves add up to the difference whatever the two sides are, with no rest and nothing interpreted twice. Another
order would give other parts and the same sum; this one is fixed so that two comparisons can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headwater.errors import Misuse

if TYPE_CHECKING:
    from headwater.accounting.factors import RestsOn

CAUSES = ("boundary", "input", "mapping", "method", "factor", "gwp_set")
MEANING: Mapping[str, str] = {
    "boundary": "which sites are counted, and how much of them",
    "input": "records: new, gone, corrected, of another period",
    "mapping": "how the same records are read",
    "method": "methods and the policy by which a factor is chosen",
    "factor": "factors and energy instruments",
    "gwp_set": "the set of warming potentials",
}
STEPS = len(CAUSES) + 1
"""Totals there are: that of A, and one after each cause."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a cause moved.

    co2e_kg  kg CO2e, negative where it is less
    note     what is to be known about it
    """

    cause: str
    co2e_kg: Decimal
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Mover:
    """What moved together: an activity type or one activity.

    scope  None outside the scopes, or where there are several
    a_kg   kg CO2e of the first side; `b_kg` of the second
    moves  cause → kg CO2e that it moved
    """

    name: str
    scope: int | None
    a_kg: Decimal
    b_kg: Decimal
    moves: Mapping[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two sides.

    what        an inventory or a run
    co2e_kg     its total, kg CO2e
    gwp_set     set of warming potentials behind that; None where there are several
    activities  how many are in it
    """

    name: str
    what: str
    co2e_kg: Decimal
    gwp_set: str | None
    activities: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides, and what leads from the one to the other."""

    a: Side
    b: Side
    moves: tuple[Move, ...]
    by_type: tuple[Mover, ...]
    by_activity: tuple[Mover, ...]
    moved_activities: int
    notes: tuple[str, ...] = ()
    licences: tuple[RestsOn, ...] = ()
    """Of the factors and instruments behind both sides."""

    @property
    def difference(self) -> Decimal:
        """How much more B is than A."""
        return self.b.co2e_kg - self.a.co2e_kg

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "difference_kg": self.difference}


def told_left_out(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> str:
    """What a step leaves out or takes in because it exists in one set only: that is no reduction, and no growth.

    before, after: kg CO2e by the set in which they exist, and which are not in the total.
    """
    none = Decimal(0)
    said = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, none), after.get(name, none)
        if now > was:
            said.append(f"left out, not reduced: {tonnes_only(now - was, name)}")
        elif now < was:
            said.append(f"no longer left out, not grown: {tonnes_only(was - now, name)}")
    return "; ".join(said)


def tonnes_only(kg: Decimal, gwp_set: str) -> str:
    """Figures that a total lacks."""
    return f"{(kg.scaleb(-3)).normalize():f} t CO2e that exist by {gwp_set} only"


def moves(totals: Sequence[Decimal], notes: Mapping[str, str]) -> tuple[Move, ...]:
    """What each cause moved, from the total of A and the totals after each cause."""
    if len(totals) != STEPS:
        raise Misuse("a comparison has a total before and after each cause", value=len(totals), valid=str(STEPS))
    return tuple(
        Move(cause=cause, co2e_kg=after - before, note=notes.get(cause, ""))
        for cause, (before, after) in zip(CAUSES, pairwise(totals), strict=True)
    )
