"""Which factor an inventory takes: the policy of its document worked again, over the factors of an exported file.

In this order, the first that tells two factors apart decides: activity type, region, time, source, method, of
one source's factors for the same thing the later publication, and the activity's own unit. Factors that nothing of this
tells apart compete, and there is no figure. Written anew from these words; tests hold it equal to the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from headwater.replay.figures import Unit, Units

Factor = Mapping[str, str | None]
USE = "use"
CALCULATED, NONE, COMPETING = "calculated", "none", "two_factors"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a factor is looked for."""

    activity_type: str
    region: str
    unit: str
    methods: tuple[str, ...]
    stage: str = USE
    scope: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen: a factor with its multiplier, or none, or several that compete."""

    outcome: str
    factor: Factor | None = None
    multiplier: Fraction = Fraction(1)
    substitutions: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fit:
    factor: Factor
    early: tuple[int, ...]
    late: tuple[int, ...]
    is_other_unit: bool
    said: tuple[str, ...]
    unit: Unit


class Policy:
    """The policy of one document over its factors."""

    def __init__(self, factors: Iterable[Factor], units: Units, rules: Mapping[str, Any]) -> None:
        self._units = units
        self._rules = rules
        self._by_type: dict[str, list[Factor]] = {}
        for factor in factors:
            self._by_type.setdefault(str(factor["activity_type"]), []).append(factor)

    def types(self, activity_type: str) -> list[str]:
        """The factors' activity types for an activity's, in order."""
        return list(self._rules["types"].get(activity_type, [activity_type]))

    def regions(self, region: str) -> list[str]:
        """The factors' regions for an activity's, in order."""
        return list(self._rules["regions"].get(region, [region]))

    def is_scope_2(self, activity_type: str, region: str) -> bool:
        """Whether both methods of scope 2 apply: factors that may be taken say so; where there are none, others do."""
        used = [
            factor
            for name in self.types(activity_type)
            for factor in self._by_type.get(name, ())
            if stage_of(factor) == USE
        ]
        regions, sources = self.regions(region), self._rules["sources"]
        near = [
            factor
            for factor in used
            if factor["region"] in regions and (not self._rules["only_listed"] or factor["source"] in sources)
        ]
        return any(factor["scope"] == "2" for factor in near or used)

    def pieces(self, wanted: Wanted, start: date, end: date) -> list[tuple[date, date, Choice]]:
        """The choices from `start` to before `end`, split wherever the answer may change."""
        fits = self._fits(wanted)
        days = {start, end}
        for fit in fits:
            days |= {_day(fit.factor["valid_from"]), _day(fit.factor["valid_to"])}
        if self._rules["years"]["allow"] != "none":
            days |= {date(year, 1, 1) for year in range(start.year, end.year + 1)}
        cuts = sorted(day for day in days if start <= day <= end)
        return [(first, last, self._choose(fits, wanted, first)) for first, last in pairwise(cuts)]

    def _fits(self, wanted: Wanted) -> list[_Fit]:
        unit = self._units.find(wanted.unit.strip())
        types, regions = self.types(wanted.activity_type), self.regions(wanted.region)
        sources, found = list(self._rules["sources"]), []
        for type_place, name in enumerate(types):
            for factor in self._by_type.get(name, ()):
                to = self._units.find(str(factor["unit"]).strip())
                listed = factor["source"] in sources
                if (
                    factor["region"] not in regions
                    or stage_of(factor) != wanted.stage
                    or factor["method"] not in wanted.methods
                    or wanted.scope not in {None, factor["scope"]}
                    or (self._rules["only_listed"] and not listed)
                    or unit is None or to is None or unit.dimension != to.dimension
                ):  # fmt: skip
                    continue
                said = [f"type {name} for {types[0]}"] if type_place else []
                said += [f"region {factor['region']} for {wanted.region}"] if factor["region"] != wanted.region else []
                place = sources.index(factor["source"]) if listed else len(sources)
                late = (place, wanted.methods.index(str(factor["method"])))
                region_place = regions.index(str(factor["region"]))
                is_other = to.symbol != unit.symbol
                found.append(_Fit(factor, (type_place, region_place), late, is_other, tuple(said), to))
        return found

    def _choose(self, fits: Sequence[_Fit], wanted: Wanted, day: date) -> Choice:
        unit = self._units.find(wanted.unit.strip())
        ranked = [
            ((*fit.early, distance, *fit.late), fit)
            for fit in fits
            if (distance := self._distance(fit.factor, day)) is not None
        ]
        if not ranked or unit is None:
            return Choice(outcome=NONE)
        first = min(rank for rank, _ in ranked)
        latest = _newest([fit for rank, fit in ranked if rank == first])
        best = [fit for fit in latest if fit.is_other_unit == min(each.is_other_unit for each in latest)]
        if len(best) > 1:
            return Choice(outcome=COMPETING)
        (taken,) = best
        said = list(taken.said)
        if first[2]:
            said.append(f"{_day(taken.factor['valid_from']).year} to {_last_year(taken.factor)} for {day.year}")
        return Choice(
            outcome=CALCULATED,
            factor=taken.factor,
            multiplier=unit.size / taken.unit.size,
            substitutions=tuple(said),
        )

    def _distance(self, factor: Factor, day: date) -> int | None:
        """0 for a factor valid on the day; else twice the years between, one more for a later one; None: too far."""
        start, end = _day(factor["valid_from"]), _day(factor["valid_to"])
        if start <= day < end:
            return 0
        allow, is_later = self._rules["years"]["allow"], day < start
        if allow == "none" or (allow == "previous" and is_later):
            return None
        years = max(1, start.year - day.year if is_later else day.year - _last_year(factor))
        return None if years > self._rules["years"]["most"] else 2 * years + int(is_later)


def stage_of(factor: Factor) -> str:
    """The factor's stage; one that says none is of the use."""
    return factor.get("stage") or USE


def _newest(fits: Sequence[_Fit]) -> list[_Fit]:
    """Of each source's factors for a thing, per whatever unit, those of the latest publication."""
    latest: dict[tuple[object, ...], list[_Fit]] = {}
    for fit in fits:
        same = tuple(fit.factor[name] for name in ("source", "activity_type", "region", "method"))
        latest.setdefault((*same, stage_of(fit.factor)), []).append(fit)
    kept = []
    for group in latest.values():
        last = max(_published(fit.factor) for fit in group)
        kept += [fit for fit in group if _published(fit.factor) == last]
    return kept


def _published(factor: Factor) -> tuple[int, tuple[tuple[int, int, str], ...]]:
    """Year and version; numbers in a version count as numbers, and after words."""
    parts = re.findall(r"\d+|[^\d.\s]+", factor.get("source_version") or "")
    numbers = tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)
    return int(str(factor["publication_year"])), numbers


def _day(text: str | None) -> date:
    return date.fromisoformat(str(text))


def _last_year(factor: Factor) -> int:
    return date.fromordinal(max(1, _day(factor["valid_to"]).toordinal() - 1)).year
