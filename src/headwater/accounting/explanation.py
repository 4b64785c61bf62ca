"""Why an activity has no figure, in words: what was looked for, the nearest candidates, and what to do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.accounting.countries import codes_meant
from headwater.accounting.outcome import RULE_IDS, CalculationOutcome
from headwater.accounting.timeline import FIRST_DAY, LAST_DAY, FactorPolicy, are_of_one_source, is_of_use
from headwater.accounting.units import UnitInDoubt, candidates, find_unit, read_unit
from headwater.accounting.units.refusal import bridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    import pyarrow as pa

SHOWN = 5
"""Candidates named; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One finding at the calculation. The activity itself is loaded; it is calculated when the factor comes."""

    rule_id: str
    field: str
    value: str
    message: str
    valid: str
    repair: str


class FactorCatalogue:
    """The rows of emission_factor from which a timeline was made, ready to be searched for candidates."""

    def __init__(self, factors: pa.Table, policy: FactorPolicy) -> None:
        self._policy = policy
        self._by_pair: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._regions: dict[str, set[str]] = {}
        for factor in filter(is_of_use, factors.to_pylist()):
            self._by_pair.setdefault((factor["activity_type"], factor["region"]), []).append(factor)
            self._regions.setdefault(factor["activity_type"], set()).add(factor["region"])

    def explain(self, outcome: CalculationOutcome, activity: Mapping[str, Any]) -> Explanation:
        """Explain one activity (activity_type, region, unit, period_start, quantity) that has no figure."""
        say = {
            CalculationOutcome.NO_FACTOR: self._no_factor,
            CalculationOutcome.TWO_FACTORS: self._two_factors,
            CalculationOutcome.UNIT_MISMATCH: self._unit_mismatch,
            CalculationOutcome.OUTSIDE_VALIDITY: self._outside_validity,
            CalculationOutcome.OUT_OF_RANGE: self._out_of_range,
        }[outcome]
        field, value, message, valid, repair = say(activity)
        return Explanation(
            rule_id=RULE_IDS[outcome], field=field, value=value, message=message, valid=valid, repair=repair
        )

    def _no_factor(self, activity: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        activity_type, region = activity["activity_type"], activity["region"]
        regions = sorted(self._regions.get(activity_type, ()))
        if regions:
            meant = " or ".join(code for code in codes_meant(region) if code in regions)
            by_code = f"If {region} is {meant}, say so in the mapping of the region. " if meant else ""
            return (
                "region",
                region,
                f"No emission factor for {activity_type} in region {region}.",
                f"Regions with a factor for {activity_type}: {_some(regions)}.",
                (
                    f"{by_code}Import a factor for the region, or correct it."
                    " Another region's factor is never taken unasked."
                ),
            )
        near = difflib.get_close_matches(activity_type, sorted(self._regions), n=SHOWN, cutoff=0.5)
        known = (
            f"Nearest activity types with factors: {_some(near)}."
            if near
            else f"{len(self._regions)} activity types have factors."
        )
        return (
            "activity_type",
            activity_type,
            f"No emission factor for activity type {activity_type}.",
            known,
            "Import a factor for it, or map it to an activity type that has one.",
        )

    def _unit_mismatch(self, activity: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        text = activity["unit"]
        factors = self._by_pair.get((activity["activity_type"], activity["region"]), [])
        here = f"{activity['activity_type']} in {activity['region']}"
        per = f"Factors for {here} are per {_some(dict.fromkeys(f['unit'] for f in factors))}."
        unit = read_unit(text)
        if isinstance(unit, UnitInDoubt):
            return "unit", text, unit.message, f"{unit.valid} {per}", unit.repair
        matching = [
            factor for factor in factors if (other := find_unit(factor["unit"])) and other.dimension == unit.dimension
        ]
        if matching:
            return (
                "activity_type",
                activity["activity_type"],
                f"The factors for {here} are by methods the run does not use.",
                (
                    f"Methods used: {_some(self._policy.methods)}; methods of the factors:"
                    f" {_some(dict.fromkeys(f['method'] for f in matching))}."
                ),
                "Add the method to the factor policy, or import a factor of a method in use.",
            )
        unknown = [factor for factor in factors if find_unit(factor["unit"]) is None]
        if unknown and len(unknown) == len(factors):
            return (
                "unit",
                text,
                f"Factor {unknown[0]['factor_id']} is per {unknown[0]['unit']}, which is no unit that says enough.",
                f"It may mean {_some(candidates(unknown[0]['unit']) or ('a unit of the registry',))}.",
                "Correct the factor's unit.",
            )
        return (
            "unit",
            text,
            f"{text} ({unit.dimension}) cannot be converted to the factor's unit.",
            per,
            self._unit_repair(unit.dimension, factors),
        )

    @staticmethod
    def _unit_repair(dimension: str, factors: Sequence[Mapping[str, Any]]) -> str:
        dimensions = {unit.dimension for factor in factors if (unit := find_unit(factor["unit"])) is not None}
        if dimension == "energy" and any(name.startswith("energy by") for name in dimensions):
            return (
                "Say whether the energy is by gross or net calorific value (kWh_gross, kWh_net): for gas they are about"
                " 10 % apart. Gas bills are usually gross."
            )
        if any(name.startswith("energy by") for name in {dimension, *dimensions}):
            return "Give the quantity on the factor's calorific basis, or import a factor on the activity's."
        bridges = (bridge(dimension, other) for other in sorted(dimensions))
        if (leading := next((each for each in bridges if each), None)) is not None:
            return f"{leading} Or import a factor per unit of the activity's kind."
        return "Give the quantity in a unit of the factor's kind, or import a factor per unit of the activity's kind."

    def _outside_validity(self, activity: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        day: date = activity["period_start"]
        spans = sorted(
            (factor["valid_from"] or FIRST_DAY, factor["valid_to"] or LAST_DAY, factor["factor_id"])
            for factor in self._same_dimension(activity)
        )
        nearest = sorted(spans, key=lambda span: min(abs((span[0] - day).days), abs((span[1] - day).days)))
        shown = [f"{factor_id} ({_day(start)} to {_day(end)})" for start, end, factor_id in nearest]
        return (
            "period_start",
            day.isoformat(),
            f"No factor for {activity['activity_type']} in {activity['region']} is valid on {day.isoformat()}.",
            f"Nearest: {_some(shown)}; the end is the first day on which it no longer holds.",
            "Import the factor of that time. An expired factor is never taken unasked.",
        )

    def _two_factors(self, activity: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        day: date = activity["period_start"]
        valid = [
            (self._policy.rank(factor), factor)
            for factor in self._same_dimension(activity)
            if (factor["valid_from"] or FIRST_DAY) <= day < (factor["valid_to"] or LAST_DAY)
        ]
        first = min((rank for rank, _ in valid if rank is not None), default=None)
        alike = [factor for rank, factor in valid if rank == first]
        own = find_unit(activity["unit"])
        decides = are_of_one_source(alike)
        best = [factor for factor in alike if decides and find_unit(factor["unit"]) == own] or alike
        names = [f"{factor['factor_id']} ({factor['source']}, {factor['method']})" for factor in best]
        units = list(dict.fromkeys(factor["unit"] for factor in best))
        by_unit = f", or give the quantity in the unit of one: {_some(units)}" if decides and len(units) > 1 else ""
        return (
            "activity_type",
            activity["activity_type"],
            (
                f"{len(names)} factors for {activity['activity_type']} in {activity['region']} are valid on"
                f" {day.isoformat()}, equally preferred."
            ),
            f"Exactly one of {_some(names)}.",
            f"End the validity of all but one, or prefer a source or method in the factor policy{by_unit}.",
        )

    def _out_of_range(self, activity: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        quantity: Decimal | None = activity["quantity"]
        return (
            "quantity",
            "" if quantity is None else f"{quantity:f}",
            (
                "The figure would not fit: the converted quantity has more than 12 digits before the point,"
                " or the emission more than 15."
            ),
            "A quantity from 0 on whose emission is below 10^15 kg CO2e.",
            "Check quantity and unit: a factor of 1000 or a million is often the wrong unit.",
        )

    def _same_dimension(self, activity: Mapping[str, Any]) -> list[dict[str, Any]]:
        unit = find_unit(activity["unit"])
        return [
            factor
            for factor in self._by_pair.get((activity["activity_type"], activity["region"]), [])
            if unit is not None
            and (other := find_unit(factor["unit"])) is not None
            and other.dimension == unit.dimension
            and self._policy.rank(factor) is not None
        ]


def _some(names: Iterable[str]) -> str:
    """The first few, and how many there are."""
    found = list(names)
    if not found:
        return "none"
    shown = ", ".join(found[:SHOWN])
    return shown if len(found) <= SHOWN else f"{shown} ({SHOWN} of {len(found)} shown)"


def _day(day: date) -> str:
    if day == FIRST_DAY:
        return "the beginning"
    return "no end" if day == LAST_DAY else day.isoformat()
