"""What may be passed on. A factor goes into an export only where somebody has found that it may; a report names all
licences that its factors rest on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORBIDDEN = "its licence does not let it be passed on"
UNCHECKED = "nobody has said whether it may be passed on"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A factor that an export does not carry, and why."""

    factor_id: str
    source: str
    licence: str | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Licence:
    """What so many factors of a source rest on. `redistributable` is None where nobody has said."""

    source: str
    licence: str | None
    redistributable: bool | None
    factors: int


@dataclass(frozen=True, kw_only=True)
class RestsOn:
    """A source and its licence, with how many factors and instruments of it so many lines or figures rest on.

    licence          None where it is not stated
    redistributable  whether its figures may be passed on; None where nobody has said
    factors          factors and instruments of it that are used
    lines            lines or figures that rest on these
    """

    source: str
    licence: str | None
    redistributable: bool | None
    factors: int
    lines: int


def gate(factors: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[LeftOut]]:
    """The factors that may be passed on, and those that are left out, each in their order."""
    passed, left_out = [], []
    for factor in factors:
        if factor["redistributable"]:
            passed.append(factor)
            continue
        why = UNCHECKED if factor["redistributable"] is None else FORBIDDEN
        left_out.append(
            LeftOut(factor_id=factor["factor_id"], source=factor["source"], licence=factor["licence"], why=why)
        )
    return passed, left_out


def rests_on(used: Iterable[tuple[Mapping[str, Any], int]]) -> list[RestsOn]:
    """What lines rest on, of factors or instruments with how many lines each; what bears most of them first."""
    found: dict[tuple[str, str | None, bool | None], list[int]] = {}
    for row, lines in used:
        found.setdefault((row["source"] or "", row["licence"], row.get("redistributable")), []).append(lines)
    order = sorted(found, key=lambda each: (-sum(found[each]), each[0], each[1] or ""))
    return [
        RestsOn(source=source, licence=licence, redistributable=allowed, factors=len(lines), lines=sum(lines))
        for source, licence, allowed in order
        for lines in [found[source, licence, allowed]]
    ]


def licences_of(factors: Iterable[Mapping[str, Any]]) -> list[Licence]:
    """The licences that a set of factors rests on, by source."""
    counts = Counter((each["source"], each["licence"], each["redistributable"]) for each in factors)
    order = sorted(counts, key=lambda each: (each[0], each[1] or "", str(each[2])))
    return [
        Licence(source=source, licence=licence, redistributable=allowed, factors=counts[source, licence, allowed])
        for source, licence, allowed in order
    ]
