"""Which factor is taken: the written policy of an inventory document, and a reason for every factor that is not.

In this order, the first that tells two factors apart decides:

    type      the activity types that the document lists, first before later
    region    the regions that it lists; the activity's own region only, where it lists none
    time      a factor valid on the day before one of another year; of those the nearer, of two as near the earlier
    source    the sources that it lists, then all others alike
    method    activity-based before spend-based
    version   of one source's factors for the same thing the one published last, by year and version, per whatever unit
    unit      a factor per the activity's own unit before one per another of its kind

Factors that nothing of this tells apart compete, and the activity has no figure. A factor of another region, year,
source or kind of unit is never taken unless the document allows it; where it does, the line says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors.publications import Publication, identity, publication
from headwater.accounting.inventory.exchange import Exchange
from headwater.accounting.inventory.lines import STAGES
from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.units import Unit, find_unit
from headwater.accounting.units.refusal import bridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from headwater.accounting.currencies import Rates
    from headwater.accounting.inventory.document import Factors

USE = STAGES[0]
DIRECT = ("activity_based", "spend_based")
Factor = Mapping[str, Any]
"""A row of the contract emission_factor, as values."""
Rank = tuple[int, ...]
_DECIDES = (
    "an activity type that is listed before",
    "a region that is listed before",
    "a nearer time",
    "a source that is listed before",
    "a method that goes before",
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a factor is looked for."""

    activity_type: str
    region: str
    unit: str
    stage: str = USE
    methods: tuple[str, ...] = DIRECT
    scope: int | None = None
    """The only scope that a factor may have: what is of scope 2 by one method is so by the other, or counts twice."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A factor that was looked at. `reason` says why it was not taken; empty for the one that was."""

    factor: Factor
    reason: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen for one day: `factor` with its multiplier where the outcome is CALCULATED."""

    outcome: CalculationOutcome
    factor: Factor | None = None
    multiplier: Fraction | None = None
    substitutions: tuple[str, ...] = ()
    rivals: tuple[Factor, ...] = ()

    @property
    def same_as(self) -> tuple[object, ...]:
        """Choices alike in this are one piece of time."""
        rivals = tuple(factor["factor_id"] for factor in self.rivals)
        return self.outcome, self.factor and self.factor["factor_id"], self.multiplier, self.substitutions, rivals


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A choice and the days it holds for; `valid_to` is the day after the last."""

    valid_from: date
    valid_to: date
    choice: Choice


@dataclass(frozen=True, kw_only=True)
class _Fitting:
    """A factor that fits but for the time. `early` and `late` are the first and the last part of its rank."""

    factor: Factor
    early: Rank
    late: Rank
    is_other_unit: bool
    substitutions: tuple[str, ...]
    unit: Unit


@dataclass(kw_only=True)
class Policy:
    """The policy of a document over a set of factors."""

    factors: Sequence[Factor]
    rules: Factors
    rates: Rates | None = None
    _by_pair: dict[tuple[str, str], list[Factor]] = field(default_factory=dict)
    _by_type: dict[str, list[Factor]] = field(default_factory=dict)
    _uses: set[tuple[str, int]] = field(default_factory=set)
    _stages: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for factor in self.factors:
            self._by_pair.setdefault((factor["activity_type"], factor["region"]), []).append(factor)
            self._by_type.setdefault(factor["activity_type"], []).append(factor)
            self._stages.add((factor["activity_type"], stage_of(factor)))
            if stage_of(factor) == USE:
                self._uses.add((factor["activity_type"], factor["scope"]))
        self._exchange = Exchange(self.rates)

    def types(self, activity_type: str) -> tuple[str, ...]:
        """The factors' activity types for an activity's, in order."""
        return self.rules.types.get(activity_type, (activity_type,))

    def regions(self, region: str) -> tuple[str, ...]:
        """The factors' regions for an activity's, in order."""
        return self.rules.regions.get(region, (region,))

    def is_scope_2(self, activity_type: str, region: str) -> bool:
        """Whether factors for this activity are of scope 2, so that both of its methods apply.

        Those that may be taken say so. Only where there are none, and the library has no figure to lose, others do:
        instruments may cover the activity then, and what is missing is told for each method.
        """
        types = self.types(activity_type)
        near = [
            factor
            for name in types
            for each in self.regions(region)
            for factor in self._by_pair.get((name, each), ())
            if stage_of(factor) == USE and self._is_allowed(factor)
        ]
        return any(factor["scope"] == 2 for factor in near) if near else any((name, 2) in self._uses for name in types)

    def _is_allowed(self, factor: Factor) -> bool:
        """Whether its source may be used."""
        return not self.rules.only_listed or factor["source"] in self.rules.sources

    def has_stage(self, activity_type: str, stage: str) -> bool:
        """Whether any factor for this activity is of a stage."""
        return any((name, stage) in self._stages for name in self.types(activity_type))

    def pieces(self, wanted: Wanted, start: date, end: date) -> list[Piece]:
        """The choices for every day from `start` to before `end`, as few pieces as there are answers."""
        near, unit = self._near(wanted), find_unit(wanted.unit)
        fitting = [found for factor in near if isinstance(found := self._fit(factor, wanted, unit), _Fitting)]
        joined: list[Piece] = []
        for first, last in pairwise(self._cuts(fitting, unit, start, end)):
            choice = self._choose(near, fitting, unit, first)
            if joined and joined[-1].choice.same_as == choice.same_as:
                joined[-1] = Piece(valid_from=joined[-1].valid_from, valid_to=last, choice=joined[-1].choice)
            else:
                joined.append(Piece(valid_from=first, valid_to=last, choice=choice))
        return joined

    def choose(self, wanted: Wanted, day: date) -> Choice:
        """The choice for one day."""
        near, unit = self._near(wanted), find_unit(wanted.unit)
        fitting = [found for factor in near if isinstance(found := self._fit(factor, wanted, unit), _Fitting)]
        return self._choose(near, fitting, unit, day)

    def candidates(self, wanted: Wanted, day: date) -> list[Candidate]:
        """Every factor of the activity types looked for, the chosen one first, each other with its reason."""
        chosen, unit = self.choose(wanted, day), find_unit(wanted.unit)
        of_types = [factor for name in self.types(wanted.activity_type) for factor in self._by_type.get(name, ())]
        placed = [(factor, self._place(factor, wanted, unit, day)) for factor in of_types]
        best = next((place for factor, place in placed if factor is chosen.factor), "")
        latest = newest([factor for factor, place in placed if place == best])
        looked_at = [
            Candidate(
                factor=factor,
                reason=place if isinstance(place, str) else _outranked(factor, place, chosen, best, latest),
            )
            for factor, place in placed
        ]
        return sorted(looked_at, key=lambda each: bool(each.reason))

    def _place(self, factor: Factor, wanted: Wanted, unit: Unit | None, day: date) -> Rank | str:
        """The factor's place among all, lower first; or why it cannot be taken."""
        found = self._fit(factor, wanted, unit)
        if isinstance(found, str) or unit is None:
            return str(found)
        ranked = self._rank(found, unit, day)
        return ranked if isinstance(ranked, str) else ranked[0]

    def _near(self, wanted: Wanted) -> list[Factor]:
        """Factors of the types and regions that may be taken."""
        return [
            factor
            for name in self.types(wanted.activity_type)
            for region in self.regions(wanted.region)
            for factor in self._by_pair.get((name, region), ())
            if stage_of(factor) == wanted.stage and factor["method"] in wanted.methods
        ]

    def _fit(self, factor: Factor, wanted: Wanted, unit: Unit | None) -> _Fitting | str:
        """The factor's place but for the time; or why it cannot be taken at any time."""
        types, regions, sources = self.types(wanted.activity_type), self.regions(wanted.region), self.rules.sources
        if stage_of(factor) != wanted.stage:
            return f"it is for the stage {stage_of(factor)}"
        if factor["method"] not in wanted.methods:
            return f"it is {factor['method'].replace('_', '-')}"
        if wanted.scope not in {None, factor["scope"]}:
            return f"it is of scope {factor['scope']}; looked for is scope {wanted.scope}"
        if factor["region"] not in regions:
            return f"it is for region {factor['region']}; for {wanted.region} only {', '.join(regions)} may be taken"
        listed = factor["source"] in sources
        if not self._is_allowed(factor):
            return f"its source is not listed: {factor['source']}"
        if unit is None:
            return f"{wanted.unit} is no unit that says enough"
        to = find_unit(factor["unit"])
        if to is None:
            return f"it is per {factor['unit']}, which is no unit that says enough"
        if not self._exchange.may_convert(unit, to):
            return _unit_reason(unit, to)
        type_place, region_place = types.index(factor["activity_type"]), regions.index(factor["region"])
        said = [f"type {factor['activity_type']} for {types[0]}"] if type_place else []
        said += [f"region {factor['region']} for {wanted.region}"] if factor["region"] != wanted.region else []
        source_place = sources.index(factor["source"]) if listed else len(sources)
        return _Fitting(
            factor=factor,
            early=(type_place, region_place),
            late=(source_place, wanted.methods.index(factor["method"])),
            is_other_unit=to.symbol != unit.symbol,
            substitutions=tuple(said),
            unit=to,
        )

    def _rank(self, fitting: _Fitting, unit: Unit, day: date) -> tuple[Rank, Fraction] | str:
        """The factor's place on a day, lower first, with its multiplier; or why it cannot be taken on it."""
        distance = self._distance(fitting.factor, day)
        if isinstance(distance, str):
            return distance
        multiplier = self._exchange.multiplier(unit, fitting.unit, day)
        return multiplier if isinstance(multiplier, str) else ((*fitting.early, distance, *fitting.late), multiplier)

    def _distance(self, factor: Factor, day: date) -> int | str:
        """0 for a factor valid on the day; else twice the calendar years between, one more for a later one."""
        start, end = factor["valid_from"], factor["valid_to"]
        if start <= day < end:
            return 0
        said = f"it holds from {start} to before {end}, the day is {day}"
        allow, is_later = self.rules.years.allow, day < start
        if allow == "none" or (allow == "previous" and is_later):
            return f"{said}; {'no other' if allow == 'none' else 'no later'} year may stand in"
        years = max(1, start.year - day.year if is_later else day.year - _last_year(factor))
        if years > self.rules.years.most:
            return f"{said}, more than {self.rules.years.most} years apart"
        return 2 * years + int(is_later)

    def _choose(self, near: Sequence[Factor], fitting: Sequence[_Fitting], unit: Unit | None, day: date) -> Choice:
        if not near:
            return Choice(outcome=CalculationOutcome.NO_FACTOR)
        if not fitting or unit is None:
            return Choice(outcome=CalculationOutcome.UNIT_MISMATCH)
        ranked = [(*found, each) for each in fitting if not isinstance(found := self._rank(each, unit, day), str)]
        if not ranked:
            in_time = any(not isinstance(self._distance(each.factor, day), str) for each in fitting)
            outcome = CalculationOutcome.UNIT_MISMATCH if in_time else CalculationOutcome.OUTSIDE_VALIDITY
            return Choice(outcome=outcome)
        first = min(rank for rank, _, _ in ranked)
        alike = {id(each.factor): (multiplier, each) for rank, multiplier, each in ranked if rank == first}
        latest = [alike[id(factor)] for factor in newest([each.factor for _, each in alike.values()])]
        is_other = min(each.is_other_unit for _, each in latest)
        best = [found for found in latest if found[1].is_other_unit == is_other]
        if len(best) > 1:
            return Choice(outcome=CalculationOutcome.TWO_FACTORS, rivals=tuple(each.factor for _, each in best))
        multiplier, taken = best[0]
        said = list(taken.substitutions)
        if first[2]:
            said.append(f"{taken.factor['valid_from'].year} to {_last_year(taken.factor)} for {day.year}")
        said += self._exchange.said(unit, taken.unit, day)
        return Choice(
            outcome=CalculationOutcome.CALCULATED,
            factor=taken.factor,
            multiplier=multiplier,
            substitutions=tuple(said),
        )

    def _cuts(self, fitting: Iterable[_Fitting], unit: Unit | None, start: date, end: date) -> list[date]:
        """Days on which the answer may change."""
        days = {start, end}
        for each in fitting:
            days |= {each.factor["valid_from"], each.factor["valid_to"]}
            if unit is not None:
                days |= set(self._exchange.changes(unit, each.unit, start, end))
        if self.rules.years.allow != "none":
            days |= {date(year, 1, 1) for year in range(start.year, end.year + 1)}
        return sorted(day for day in days if start <= day <= end)


def _outranked(factor: Factor, place: Rank, chosen: Choice, best: Rank | str, latest: Sequence[Factor]) -> str:
    """Why a factor that could be taken was not; empty where it was. `latest`: told apart by units alone."""
    if factor is chosen.factor:
        return ""
    if chosen.factor is None or isinstance(best, str):
        if any(factor is rival for rival in chosen.rivals):
            others = ", ".join(rival["factor_id"] for rival in chosen.rivals if rival is not factor)
            return f"it competes with {others}: nothing in the policy tells them apart"
        return "others go before it, and those compete"
    taken = chosen.factor["factor_id"]
    differing = (words for mine, its, words in zip(place, best, _DECIDES, strict=True) if mine != its)
    decided = next(differing, None)
    if decided or any(factor is each for each in latest):
        return f"{taken} has {decided}" if decided else f"{taken} has the activity's own unit"
    same = [each for each in latest if _thing(each) == _thing(factor)]
    later = next((each for each in same if each is chosen.factor), same[0])
    return f"superseded: {later['factor_id']} is the later publication of the same"


def stage_of(factor: Factor) -> str:
    """The factor's stage; one that says none is of the use."""
    return factor.get("stage") or USE


def newest(factors: Sequence[Factor]) -> list[Factor]:
    """Of factors for the same thing from the same source those published last, whatever unit they are per."""
    latest: dict[tuple[str, ...], Publication] = {}
    for factor in factors:
        at = publication(factor)
        latest[_thing(factor)] = max(at, latest.get(_thing(factor), at))
    return [factor for factor in factors if publication(factor) == latest[_thing(factor)]]


def _thing(factor: Factor) -> tuple[str, ...]:
    """Its identity but for the unit: a publisher who goes over to another unit has not kept the old figure."""
    source, activity_type, region, _, stage, method = identity(factor)
    return source, activity_type, region, stage, method


def _last_year(factor: Factor) -> int:
    """Of the last day it holds for."""
    end: date = factor["valid_to"]
    return date.fromordinal(max(1, end.toordinal() - 1)).year


def _unit_reason(unit: Unit, to: Unit) -> str:
    leading = bridge(unit.dimension, to.dimension)
    said = f"it is per {to.symbol} ({to.dimension}), the activity is in {unit.symbol} ({unit.dimension})"
    return f"{said}; {leading[0].lower()}{leading[1:].rstrip('.')}" if leading else said
