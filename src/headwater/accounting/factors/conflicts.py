"""Where publishers disagree: factors of two sources for one activity, region, stage, method and time.

Figures are compared per the same unit, after exact conversion; kinds of units that do not convert, such as gross and
net energy, are not compared. In conflict is what differs by more than a tenth of the smaller figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors.publications import SUPERSEDED, statuses
from headwater.accounting.timeline import USE
from headwater.accounting.units import conversion, find_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Two factors that cannot both be right for the days on which both hold.

    difference: how much larger the larger is than the smaller, as a share of the smaller; None where that is 0.
    co2e: both figures in kg per `unit`, the unit of `one`; exact.
    """

    one: Mapping[str, Any]
    other: Mapping[str, Any]
    unit: str
    co2e: tuple[Fraction, Fraction]
    difference: Fraction | None

    @property
    def why(self) -> str:
        """What may explain it without either being wrong."""
        sets = {self.one["gwp_set"], self.other["gwp_set"]}
        years = {self.one["publication_year"], self.other["publication_year"]}
        said = []
        if len(sets) > 1:
            said.append(f"by different sets of warming potentials ({', '.join(sorted(sets))})")
        if len(years) > 1:
            said.append(f"published in different years ({', '.join(map(str, sorted(years)))})")
        return "; ".join(said)


def conflicts(factors: Sequence[Mapping[str, Any]], *, tolerance: Fraction = TOLERANCE) -> list[Conflict]:
    """Every pair in conflict, the largest difference first. Superseded factors are left out.

    The factors of a pair stand in the order of their ids, whatever the order of `factors`.
    """
    groups: dict[tuple[str, ...], list[tuple[Mapping[str, Any], Fraction]]] = {}
    for factor, status in zip(factors, statuses(factors), strict=True):
        unit = find_unit(factor["unit"])
        if status == SUPERSEDED or unit is None:
            continue
        key = (
            factor["activity_type"],
            factor["region"],
            factor.get("stage") or USE,
            factor["method"],
            unit.dimension,
            factor.get("gas") or "",
        )
        groups.setdefault(key, []).append((factor, Fraction(factor["co2e_kg_per_unit"]) / unit.size))
    found = [each for members in groups.values() for each in _of_group(members, tolerance)]
    return sorted(found, key=_order)


def _of_group(members: list[tuple[Mapping[str, Any], Fraction]], tolerance: Fraction) -> Iterator[Conflict]:
    """Figures come per the dimension's base unit."""
    members.sort(key=lambda each: each[0]["factor_id"])
    for (one, first), (other, second) in combinations(members, 2):
        if one["source"] == other["source"] or not _overlap(one, other):
            continue
        small, large = sorted((first, second))
        if large - small > tolerance * small:
            yield Conflict(
                one=one,
                other=other,
                unit=one["unit"],
                co2e=(Fraction(one["co2e_kg_per_unit"]), Fraction(other["co2e_kg_per_unit"]) * _per(one, other)),
                difference=(large - small) / small if small else None,
            )


def _per(one: Mapping[str, Any], other: Mapping[str, Any]) -> Fraction:
    """By which the other's figure becomes one per unit of the first."""
    own, others = find_unit(one["unit"]), find_unit(other["unit"])
    factor = None if own is None or others is None else conversion(own, others)
    if factor is None:
        raise AssertionError("factors of a group have units of one kind")
    return factor


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    starts = [each["valid_from"] for each in (one, other) if each["valid_from"] is not None]
    ends = [each["valid_to"] for each in (one, other) if each["valid_to"] is not None]
    return not starts or not ends or max(starts) < min(ends)


def _order(conflict: Conflict) -> tuple[bool, Fraction, str, str]:
    size = conflict.difference
    return size is not None, -(size or Fraction(0)), conflict.one["factor_id"], conflict.other["factor_id"]
