"""Findings from what was noticed while lines were made: each kind of thing once, with how many and how much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.countries import codes_meant
from headwater.accounting.inventory.findings import (
    BEGINS_BEFORE,
    GRID_AVERAGE,
    NO_BIOGENIC,
    NO_FIGURE,
    NO_ORIGIN,
    NO_SHARE,
    NO_UPSTREAM,
    NOT_IN_TOTAL,
    OTHER_SETS,
    OUTSIDE_BOUNDARY,
    REPORTED_CATEGORY,
    REPORTED_SCOPE,
    RESIDUAL_MIX_MISSING,
    STRADDLES,
    SUBSTITUTION,
    UNCOUNTED,
    UNEXPLAINED,
    Finding,
)
from headwater.accounting.inventory.lines import TIERS, UPSTREAM
from headwater.accounting.inventory.tables import GRID_SAID, LOCATION, MARKET, said_of
from headwater.accounting.outcome import CalculationOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headwater.accounting.inventory.document import Inventory
    from headwater.accounting.inventory.tables import PlacedPiece, Tables

SHOWN = 5
"""Candidates named in a message; the rest are counted. `headwater inventory choices` shows all."""
_COUNTED = {
    OUTSIDE_BOUNDARY: "activities of other sites, or of none, are not counted: the boundary lists its sites.",
    NO_SHARE: "activities are not counted: their site has no share in the document. Give it one under boundary.shares.",
    STRADDLES: "activities begin in the period and end after it. All of each is counted; split them if it matters.",
    REPORTED_CATEGORY: "activities come with reported CO2e of scope 3 and no category: they count in scope 3, and in"
    " none of its categories. Give reported_category.",
    REPORTED_SCOPE: "activities come with reported CO2e and no scope, and are not counted. Give reported_scope.",
}


@dataclass(kw_only=True)
class Noticed:
    """Filled batch by batch."""

    counts: Counter[str] = field(default_factory=Counter)
    pieces: dict[tuple[int, bool], tuple[int, Decimal]] = field(default_factory=dict)
    early: list[tuple[str, str, str, int, Decimal, Decimal | None]] = field(default_factory=list)
    """Begun before the period and reaching into it: activity type, region, unit, how many, how much, CO2e reported."""

    def add_pieces(self, rows: Iterable[tuple[int, bool, int, Decimal]]) -> None:
        """How many activities, and how much of them, met a piece: number, whether with a figure, count, quantity."""
        for piece_no, is_figure, count, quantity in rows:
            before = self.pieces.get((piece_no, is_figure), (0, Decimal(0)))
            self.pieces[piece_no, is_figure] = before[0] + count, before[1] + quantity

    def add_early(self, rows: Iterable[tuple[str, str, str, int, Decimal, Decimal | None]]) -> None:
        """Activities that begin before the period, by kind; findings alike are joined."""
        self.early += rows


@dataclass(frozen=True, kw_only=True)
class SetSum:
    """What stands in one set and is missing in others. `is_own`: the designated total lacks it for its set alone."""

    gwp_set: str
    missing_sets: str
    method: str
    is_own: bool
    lines: int
    co2e_kg: Decimal


def findings_of(noticed: Noticed, tables: Tables, other_sets: Sequence[SetSum]) -> list[Finding]:
    """What is missing first, then what stood in, then what is told."""
    found = [
        *_missing(noticed, tables),
        *_early(noticed, tables.document),
        *_other_sets(other_sets, tables.document),
        *_unexplained(noticed, tables),
        *_uncounted(noticed, tables),
        *_substituted(noticed, tables),
        *(
            Finding(rule_id=rule, subject="boundary", activities=noticed.counts[rule], message=words)
            for rule, words in _COUNTED.items()
            if noticed.counts[rule]
        ),
    ]
    return _joined(found)


def _missing(noticed: Noticed, tables: Tables) -> Iterator[Finding]:
    without = _without_figure(noticed, tables)
    for (number, is_figure), (count, quantity) in sorted(noticed.pieces.items()):
        piece = tables.pieces[number]
        if is_figure or (not piece.is_needed and piece.choice.outcome == CalculationOutcome.CALCULATED):
            continue
        wanted = piece.wanted
        if not piece.is_needed and count <= without[_demand(piece)]:
            continue
        is_market = piece.tier == TIERS[4]
        beside = NO_UPSTREAM if wanted.stage in UPSTREAM else NO_BIOGENIC
        rule = RESIDUAL_MIX_MISSING if is_market else NO_FIGURE if piece.is_needed else beside
        yield Finding(
            rule_id=rule,
            subject=f"{wanted.activity_type} in {wanted.region}, {wanted.unit}",
            method=piece.method,
            stage=wanted.stage,
            activities=count,
            quantity=quantity,
            unit=wanted.unit,
            message=explanation(piece, tables),
        )


def _without_figure(noticed: Noticed, tables: Tables) -> Counter[tuple[str, str, str]]:
    """By kind of activity how many have no figure of their own: that nothing stands beside it goes without saying."""
    other = MARKET if LOCATION in tables.document.methods else LOCATION
    found: Counter[tuple[str, str, str]] = Counter()
    for (number, is_figure), (count, _) in noticed.pieces.items():
        piece = tables.pieces[number]
        if piece.is_needed and not is_figure and piece.method != other:
            found[_demand(piece)] += count
    return found


def _demand(piece: PlacedPiece) -> tuple[str, str, str]:
    wanted = piece.wanted
    return wanted.activity_type, wanted.region, wanted.unit


def _early(noticed: Noticed, document: Inventory) -> Iterator[Finding]:
    start = document.period.start
    for activity_type, region, unit, count, quantity, reported in noticed.early:
        yield Finding(
            rule_id=BEGINS_BEFORE,
            subject=f"{activity_type} in {region}, {unit}",
            activities=count,
            quantity=quantity,
            unit=unit,
            co2e_kg=reported,
            message=f"These activities begin before {start} and end after it. They belong to the period in which they"
            f" begin, and nothing of them is counted here. Split their bills at {start} if part of them should be.",
        )


def explanation(piece: PlacedPiece, tables: Tables) -> str:
    """Why a piece of time has no factor, with the nearest candidates and what to do."""
    wanted, choice = piece.wanted, piece.choice
    if choice.outcome == CalculationOutcome.CALCULATED:
        return (
            "The figure would not fit 12 digits before the point. Check quantity and unit: a factor of 1000 or a"
            " million is often the wrong unit."
        )
    by = " or ".join(method.replace("_", "-") for method in wanted.methods)
    looked_for = f"{wanted.activity_type} in {wanted.region} per {wanted.unit}, {by}"
    looked_for += "" if wanted.stage == "use" else f", stage {wanted.stage}"
    start, end = piece.valid_from, piece.valid_to
    said = f"No factor for {looked_for}, from {start} to before {end}."
    if choice.outcome == CalculationOutcome.TWO_FACTORS:
        names = ", ".join(factor["factor_id"] for factor in choice.rivals[:SHOWN])
        return (
            f"{len(choice.rivals)} factors for {looked_for} are preferred alike: {names}. List their sources in order."
        )
    if piece.tier == TIERS[4]:
        said = f"Residual mix missing. {said} Grid averages are not allowed by instruments.grid_average."
    candidates = [each for each in tables.policy.candidates(wanted, start) if each.reason]
    same_stage = [each for each in candidates if (each.factor.get("stage") or "use") == wanted.stage] or candidates
    regions = {each.factor["region"] for each in same_stage}
    meant = " or ".join(code for code in codes_meant(wanted.region) if code in regions)
    by_code = f" If {wanted.region} is {meant}, say so in the mapping of the region." if meant else ""
    named = "; ".join(f"{each.factor['factor_id']}: {each.reason}" for each in same_stage[:SHOWN])
    rest = f" ({SHOWN} of {len(same_stage)} shown)" if len(same_stage) > SHOWN else ""
    if not named:
        types = ", ".join(tables.policy.types(wanted.activity_type))
        return f"{said} No factor has the activity type {types}. Import one, or list others under factors.types."
    return f"{said} Looked at: {named}{rest}.{by_code}"


def _substituted(noticed: Noticed, tables: Tables) -> Iterator[Finding]:
    for (number, is_figure), (count, quantity) in sorted(noticed.pieces.items()):
        piece = tables.pieces[number]
        if not is_figure or piece.choice.factor is None:
            continue
        for words in said_of(piece, tables.factors[tables.add_factor(piece.choice.factor)]):
            yield Finding(
                rule_id=GRID_AVERAGE if words == GRID_SAID else SUBSTITUTION,
                subject=f"{piece.wanted.activity_type} in {piece.wanted.region}, {piece.wanted.unit}",
                method=piece.method,
                stage=piece.wanted.stage,
                activities=count,
                quantity=quantity,
                unit=piece.wanted.unit,
                message=f"Residual mix missing: {words} stands in." if words == GRID_SAID else f"Taken: {words}.",
            )


def _unexplained(noticed: Noticed, tables: Tables) -> Iterator[Finding]:
    """Factors and instruments whose gases are no reason for their CO2e, or whose methane has no origin."""
    for (number, is_figure), (count, quantity) in sorted(noticed.pieces.items()):
        piece = tables.pieces[number]
        if not is_figure or piece.choice.factor is None:
            continue
        figures = tables.factors[tables.add_factor(piece.choice.factor)]
        sets = ", ".join(figures.no_origin)
        no_origin = (
            f"Nobody says where the methane comes from, and {sets} has a potential for fossil methane and another: no"
            " CO2e is derived there. Give ch4_origin with the factor, or declare ch4_origin.default in the document."
        )
        for rule, message in ((UNEXPLAINED, figures.unexplained), (NO_ORIGIN, no_origin if sets else "")):
            if message:
                yield Finding(
                    rule_id=rule,
                    subject=str(figures.factor["factor_id"] or figures.factor.get("instrument_id")),
                    method=piece.method,
                    stage=piece.wanted.stage,
                    activities=count,
                    quantity=quantity,
                    unit=piece.wanted.unit,
                    message=message,
                )


def _uncounted(noticed: Noticed, tables: Tables) -> Iterator[Finding]:
    """Blends whose CO2e was derived in a set that lacks some of their parts."""
    for (number, is_figure), (count, quantity) in sorted(noticed.pieces.items()):
        piece = tables.pieces[number]
        if not is_figure or piece.choice.factor is None:
            continue
        figures = tables.factors[tables.add_factor(piece.choice.factor)]
        gas = str(figures.factor.get("gas"))
        for each in figures.sets:
            parts = tables.uncounted.get((each.gwp_set, gas), "") if each.gas else ""
            if parts:
                named = ", ".join(parts.split(";"))
                yield Finding(
                    rule_id=UNCOUNTED,
                    subject=f"{gas} in {each.gwp_set}",
                    method=piece.method,
                    stage=piece.wanted.stage,
                    activities=count,
                    quantity=quantity,
                    unit=piece.wanted.unit,
                    message=f"{each.gwp_set} has no potential for {named}: these parts of {gas} count nothing there."
                    " Ask for a set that has them, or import one of your own.",
                )


def _other_sets(sums: Sequence[SetSum], document: Inventory) -> Iterator[Finding]:
    for each in sums:
        sets, is_lost = ", ".join(each.missing_sets.split(";")), each.is_own and not document.accept_other_sets
        kept = "They are counted in their totals, as the document accepts." if document.accept_other_sets else (
            "They are in none of their totals, unless the document says accept_other_sets. A factor with its gases, or"
            " one of that set, would mend it."
        )  # fmt: skip
        lost = f" So the inventory's own total, by {document.designated_set}, lacks them." if is_lost else ""
        yield Finding(
            rule_id=NOT_IN_TOTAL if is_lost else OTHER_SETS,
            subject=f"{each.gwp_set}, not in {sets}",
            method=each.method,
            activities=each.lines,
            co2e_kg=each.co2e_kg,
            message=f"These figures exist by {each.gwp_set} only; CO2e is never converted to {sets}. {kept}{lost}",
        )


def _joined(findings: Iterable[Finding]) -> list[Finding]:
    """Findings alike in everything but their numbers, as one."""
    joined: dict[tuple[Any, ...], Finding] = {}
    for each in findings:
        key = (each.rule_id, each.subject, each.method, each.stage, each.message, each.unit)
        before = joined.get(key)
        joined[key] = each if before is None else Finding(
            rule_id=each.rule_id, subject=each.subject, message=each.message, method=each.method, stage=each.stage,
            activities=before.activities + each.activities,
            quantity=_sum(before.quantity, each.quantity), unit=each.unit, co2e_kg=_sum(before.co2e_kg, each.co2e_kg),
        )  # fmt: skip
    return list(joined.values())


def _sum(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    return two if one is None else one if two is None else one + two
