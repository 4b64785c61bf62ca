"""The factor timeline: for each activity type, region, unit and day exactly one answer, worked out before any row is read.

Validities are split where any of them begins or ends. A piece holds one chosen factor, or says that two compete, or
that none is valid; so the join finds at most one piece a row, and gaps and overlaps are facts instead of accidents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.units import Unit, conversion, find_unit, spellings_by_dimension
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

FIRST_DAY = date(1, 1, 1)
LAST_DAY = date(9999, 12, 31)
"""Stands for "no end"; days from here on have no factor."""

GASES = ("co2e", "co2", "ch4", "n2o")
FIGURE_SCALE = 9
CONVERTED_SCALE = 8

TIMELINE_SCHEMA = pa.schema(
    [
        ("activity_type", pa.string()),
        ("region", pa.string()),
        ("unit", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("outcome", pa.uint8()),
        ("competing", pa.int32()),
        ("factor_id", pa.string()),
        ("method", pa.string()),
        ("gwp_set", pa.string()),
        ("scope", pa.int64()),
        ("category", pa.int64()),
        ("factor_unit", pa.string()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("quantity_limit", pa.decimal128(18, 6)),
        *((f"{gas}_kg_per_unit", pa.decimal128(18, 10)) for gas in GASES),
    ]
)


@dataclass(frozen=True, kw_only=True)
class FactorPolicy:
    """Which factor is taken where several are valid, declared beforehand. A tie is never broken silently.

    methods: used in this order; a method not listed is not used.
    sources: preferred in this order; sources not listed come after them, all alike.
    """

    methods: tuple[str, ...] = ("activity_based", "location_based", "market_based", "spend_based")
    sources: tuple[str, ...] = ()

    def rank(self, factor: Mapping[str, Any]) -> tuple[int, int] | None:
        """Lower goes first; None: not used."""
        if factor["method"] not in self.methods:
            return None
        source = factor["source"]
        place = self.sources.index(source) if source in self.sources else len(self.sources)
        return self.methods.index(factor["method"]), place


def factor_table(factors: pa.Table, policy: FactorPolicy) -> pa.Table:
    """Work out the timeline (`TIMELINE_SCHEMA`) from rows of the contract emission_factor.

    One row per activity type, region, spelling of an activity unit that converts to the factor's, and piece of time;
    pieces of one (activity type, region, unit) never overlap and cover every day. A pair of activity type and region
    whose factors are all unusable (unit unknown, method not used) keeps one row with unit NULL, so that the finding
    can say "unit" instead of "no factor".
    """
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    pairs: dict[tuple[str, str], bool] = {}
    for factor in factors.to_pylist():
        pair = (factor["activity_type"], factor["region"])
        unit = find_unit(factor["unit"])
        usable = unit is not None and policy.rank(factor) is not None
        pairs[pair] = pairs.get(pair, False) or usable
        if unit is not None and usable:
            _check(factor)
            groups.setdefault((*pair, unit.dimension), []).append(factor)
    rows: list[dict[str, Any]] = []
    for (activity_type, region, dimension), members in sorted(groups.items()):
        for piece in _pieces(members, policy):
            for spelling, unit in spellings_by_dimension()[dimension]:
                rows.append({"activity_type": activity_type, "region": region, "unit": spelling} | _row(piece, unit))
    for (activity_type, region), usable in sorted(pairs.items()):
        if not usable:
            rows.append({"activity_type": activity_type, "region": region, "outcome": CalculationOutcome.UNIT_MISMATCH})
    return pa.Table.from_pylist([{name: row.get(name) for name in TIMELINE_SCHEMA.names} for row in rows], schema=TIMELINE_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    valid_from: date
    valid_to: date
    best: Sequence[dict[str, Any]]


def _pieces(factors: Sequence[dict[str, Any]], policy: FactorPolicy) -> Iterable[_Piece]:
    """Split the whole of time at every beginning and end; neighbours with the same answer are joined again."""
    spans = [(factor, factor["valid_from"] or FIRST_DAY, factor["valid_to"] or LAST_DAY) for factor in factors]
    cuts = sorted({FIRST_DAY, LAST_DAY, *(start for _, start, _ in spans), *(end for _, _, end in spans)})
    joined: _Piece | None = None
    for start, end in zip(cuts, cuts[1:], strict=False):
        valid = [factor for factor, first, last in spans if first <= start and end <= last]
        ranks = [policy.rank(factor) for factor in valid]
        best = [factor for factor, rank in zip(valid, ranks, strict=True) if rank == min(r for r in ranks if r is not None)]
        if joined is not None and [id(each) for each in joined.best] == [id(each) for each in best]:
            joined = _Piece(valid_from=joined.valid_from, valid_to=end, best=best)
            continue
        if joined is not None:
            yield joined
        joined = _Piece(valid_from=start, valid_to=end, best=best)
    if joined is not None:
        yield joined


def _row(piece: _Piece, unit: Unit) -> dict[str, Any]:
    row: dict[str, Any] = {"valid_from": piece.valid_from, "valid_to": piece.valid_to, "competing": len(piece.best)}
    if not piece.best:
        return row | {"outcome": CalculationOutcome.OUTSIDE_VALIDITY}
    if len(piece.best) > 1:
        return row | {"outcome": CalculationOutcome.TWO_FACTORS}
    factor = piece.best[0]
    target = find_unit(factor["unit"])
    multiplier = None if target is None else conversion(unit, target)
    if multiplier is None:  # pieces are made of factors of the unit's own dimension
        raise Misuse("the unit does not convert", where=f"factor {factor['factor_id']}", value=factor["unit"])
    return row | {
        "outcome": CalculationOutcome.CALCULATED,
        **{name: factor[name] for name in ("factor_id", "method", "gwp_set", "scope", "category")},
        "factor_unit": factor["unit"],
        "numerator": multiplier.numerator,
        "denominator": multiplier.denominator,
        "quantity_limit": quantity_limit(multiplier, [factor[f"{gas}_kg_per_unit"] for gas in GASES]),
        **{f"{gas}_kg_per_unit": factor[f"{gas}_kg_per_unit"] for gas in GASES},
    }


def quantity_limit(multiplier: Fraction, per_unit: Sequence[Decimal | None]) -> Decimal:
    """The greatest quantity whose converted quantity fits decimal(20,8) and whose figures fit decimal(24,9).

    One comparison with it, before anything is multiplied, keeps every later step within its digits.
    """
    converted = 10**20 - 1
    for factor in per_unit:
        size = abs(int((factor or Decimal(0)).scaleb(10)))
        if size:
            converted = min(converted, (10**33 - 10**9) // size)
    # One less than the greatest: rounding the converted quantity may add one in its last place.
    limit = (converted - 1) * multiplier.denominator // (multiplier.numerator * 100)
    return Decimal(max(0, min(limit, 10**18 - 1))).scaleb(-6)


def _check(factor: Mapping[str, Any]) -> None:
    """The contract checks these too; a timeline made of anything else would be wrong without a word."""
    where = f"emission factor {factor['factor_id']}"
    if factor["co2e_kg_per_unit"] is None:
        raise Misuse("the factor has no co2e_kg_per_unit", where=where, valid="a number", remedy="Complete the factor.")
    first, last = factor["valid_from"], factor["valid_to"]
    if first is not None and last is not None and first >= last:
        raise Misuse(
            "the factor's validity ends before it begins",
            where=where,
            value=f"{first} to {last}",
            valid="valid_from before valid_to (the first day on which it no longer holds)",
            remedy="Correct the factor's dates.",
        )
