"""The factor timeline: one answer for each activity type, region, unit and day, worked out before any row is read.

Validities are split where any of them begins or ends. A piece holds one chosen factor, or says that two compete, or
that none is valid; so the join finds at most one piece a row, and gaps and overlaps are facts instead of accidents.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.units import SPELLINGS, Unit, conversion, find_unit, units_of
from headwater.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

FIRST_DAY = date(1, 1, 1)
LAST_DAY = date(9999, 12, 31)
"""Stands for "no end"; days from here on have no factor."""

GASES = ("co2e", "co2", "ch4", "n2o")
FIGURE_SCALE = 6
CONVERTED_SCALE = 6
DIGITS = 18
"""Of a converted quantity and of a figure in all: decimals of 18 digits are worked, printed and stored in 64 bits."""
FACTOR_SCALE = 10
NO_QUANTITY = Decimal(-1)
"""The limit where units lie too far apart for exact work in 64 bits (TWh and kBtu): every quantity is out of range."""
USE = "use"
"""The stage of what an activity itself emits. Supply chains and biogenic CO2 have factors beside it, never instead."""
SPLIT = 10**9
"""A factor stands as `high` × SPLIT + `low` in units of 10^-10, for exact products in 64 bits."""

_COLUMNS: list[tuple[str, pa.DataType]] = [
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
    *((f"{gas}_{part}", pa.int64()) for gas in GASES for part in ("high", "low")),
]
TIMELINE_SCHEMA = pa.schema(_COLUMNS)
_OF_UNIT = ("unit", "numerator", "denominator", "quantity_limit")
"""What the rows of one piece differ in."""


@dataclass(frozen=True, kw_only=True)
class FactorPolicy:
    """Which factor is taken where several are valid, declared beforehand. A tie is never broken silently.

    methods: used in this order; a method not listed is not used.
    sources: preferred in this order; sources not listed come after them, all alike.

    Of those preferred alike and of one source, a factor per the activity's own unit goes before those per another of
    its kind. Between sources the unit decides nothing.
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
    """The timeline (`TIMELINE_SCHEMA`) of rows of the contract emission_factor, those of the stage of use."""
    return timeline(factors.to_pylist(), policy)


def timeline(factors: Iterable[Mapping[str, Any]], policy: FactorPolicy) -> pa.Table:
    """The same from records.

    One row per activity type, region, unit that converts to the factor's (by its symbol), and piece of time; pieces of
    one (activity type, region, unit) never overlap and cover every day. Each pair of activity type and region has one
    row more, with unit NULL: it tells a unit that does not fit from a factor that is not there, also where no factor of
    the pair can be used (unit unknown, method not in the policy).
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    pairs: set[tuple[str, str]] = set()
    for factor in factors:
        if not is_of_use(factor):
            continue
        pair = (factor["activity_type"], factor["region"])
        unit = find_unit(factor["unit"])
        pairs.add(pair)
        if unit is not None and policy.rank(factor) is not None:
            _check(factor)
            groups.setdefault((*pair, unit.dimension), []).append(factor)
    # A piece's row is written out once and repeated by Arrow: it has some sixteen units.
    pieces: dict[str, list[Any]] = {name: [] for name in TIMELINE_SCHEMA.names if name not in _OF_UNIT}
    units: dict[str, list[Any]] = {name: [] for name in _OF_UNIT}
    counts: list[int] = []
    for (activity_type, region, dimension), members in sorted(groups.items()):
        here = {"activity_type": activity_type, "region": region}
        for whole in _pieces(members, policy):
            for piece, its_units in _for_units(whole, [unit for unit, _ in units_of(dimension)]):
                by_unit = _by_unit(piece, its_units)
                counts.append(_add(units, by_unit, len(its_units)))
                _add(pieces, {name: [value] for name, value in (here | _of_piece(piece)).items()}, 1)
    for activity_type, region in sorted(pairs):
        row = {"activity_type": activity_type, "region": region, "outcome": CalculationOutcome.UNIT_MISMATCH}
        counts.append(_add(units, {}, 1))
        _add(pieces, {name: [value] for name, value in row.items()}, 1)
    repeated = pa.table(
        {name: pa.array(column, TIMELINE_SCHEMA.field(name).type) for name, column in pieces.items()}
    ).take(np.repeat(np.arange(len(counts)), counts))
    differing = {name: pa.array(column, TIMELINE_SCHEMA.field(name).type) for name, column in units.items()}
    return pa.table(
        [differing[name] if name in differing else repeated[name] for name in TIMELINE_SCHEMA.names],
        schema=TIMELINE_SCHEMA,
    )


def is_of_use(factor: Mapping[str, Any]) -> bool:
    """Whether it is for what the activity itself emits, as a factor is that names no stage."""
    return (factor.get("stage") or USE) == USE


def _add(columns: Mapping[str, list[Any]], rows: Mapping[str, Sequence[Any]], count: int) -> int:
    for name, column in columns.items():
        column.extend(rows.get(name) or [None] * count)
    return count


@dataclass(frozen=True, kw_only=True)
class _Piece:
    valid_from: date
    valid_to: date
    best: Sequence[Mapping[str, Any]]


def _pieces(factors: Sequence[Mapping[str, Any]], policy: FactorPolicy) -> Iterable[_Piece]:
    """Split the whole of time at every beginning and end; neighbours with the same answer are joined again."""
    spans = [(factor, factor["valid_from"] or FIRST_DAY, factor["valid_to"] or LAST_DAY) for factor in factors]
    cuts = sorted({FIRST_DAY, LAST_DAY, *(start for _, start, _ in spans), *(end for _, _, end in spans)})
    joined: _Piece | None = None
    for start, end in pairwise(cuts):
        ranked = [(policy.rank(factor), factor) for factor, first, last in spans if first <= start and end <= last]
        first_rank = min((rank for rank, _ in ranked if rank is not None), default=None)
        best = [factor for rank, factor in ranked if rank == first_rank]
        if joined is not None and [id(each) for each in joined.best] == [id(each) for each in best]:
            joined = _Piece(valid_from=joined.valid_from, valid_to=end, best=best)
            continue
        if joined is not None:
            yield joined
        joined = _Piece(valid_from=start, valid_to=end, best=best)
    if joined is not None:
        yield joined


def _for_units(piece: _Piece, units: Sequence[Unit]) -> Iterable[tuple[_Piece, Sequence[Unit]]]:
    """A piece where factors of one source compete, apart for each unit that one is per: these alone compete there."""
    of_unit: dict[str, list[Mapping[str, Any]]] = {}
    for factor in piece.best if len(piece.best) > 1 and are_of_one_source(piece.best) else ():
        unit = find_unit(factor["unit"])
        of_unit.setdefault(unit.symbol if unit else "", []).append(factor)
    for unit in units:
        if unit.symbol in of_unit:
            yield replace(piece, best=of_unit[unit.symbol]), [unit]
    yield piece, [unit for unit in units if unit.symbol not in of_unit]


def are_of_one_source(factors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the activity's unit may decide between them: the unit of a bill never chooses the publisher."""
    return len({factor["source"] for factor in factors}) == 1


def _of_piece(piece: _Piece) -> dict[str, Any]:
    """What the rows of a piece have alike, whatever the activity's unit."""
    row: dict[str, Any] = {"valid_from": piece.valid_from, "valid_to": piece.valid_to, "competing": len(piece.best)}
    if not piece.best:
        return row | {"outcome": CalculationOutcome.OUTSIDE_VALIDITY}
    if len(piece.best) > 1:
        return row | {"outcome": CalculationOutcome.TWO_FACTORS}
    factor = piece.best[0]
    units = _units_of_the_last_place(factor)
    return row | {
        "outcome": CalculationOutcome.CALCULATED,
        **{name: factor[name] for name in ("factor_id", "method", "gwp_set", "scope", "category")},
        "factor_unit": factor["unit"],
        **{f"{gas}_kg_per_unit": factor[f"{gas}_kg_per_unit"] for gas in GASES},
        **{f"{gas}_high": None if value is None else value // SPLIT for gas, value in units.items()},
        **{f"{gas}_low": None if value is None else value % SPLIT for gas, value in units.items()},
    }


def _by_unit(piece: _Piece, units: Sequence[Unit]) -> dict[str, list[Any]]:
    """What differs by the activity's unit: its symbol, and with a factor the multiplier and what it leaves room for."""
    columns: dict[str, list[Any]] = {"unit": [unit.symbol for unit in units]}
    if len(piece.best) != 1:
        return columns
    factor = piece.best[0]
    largest = max(value or 0 for value in _units_of_the_last_place(factor).values())
    multipliers = _multipliers(tuple(unit.symbol for unit in units), factor["unit"])
    worked = [multiplier if fits(multiplier) else None for multiplier in multipliers]
    return columns | {
        "numerator": [1 if multiplier is None else multiplier.numerator for multiplier in worked],
        "denominator": [1 if multiplier is None else multiplier.denominator for multiplier in worked],
        "quantity_limit": [
            NO_QUANTITY if multiplier is None else quantity_limit(multiplier, largest) for multiplier in worked
        ],
    }


def fits(multiplier: Fraction) -> bool:
    """Whether quantities can be multiplied by it in 128 bits, numerator and denominator in 64.

    A quantity has 18 digits, and its limit keeps quantity × numerator below 10^18 × denominator.
    """
    numerator, denominator = multiplier.numerator, multiplier.denominator
    wide = 2 * 10 ** (DIGITS + 2) * min(numerator, denominator) + denominator < 2**127
    return wide and numerator < 2**63 and denominator < 2**62


def _units_of_the_last_place(factor: Mapping[str, Any]) -> dict[str, int | None]:
    """The factor's figures per unit in units of 10^-10, by gas."""
    given = {gas: factor[f"{gas}_kg_per_unit"] for gas in GASES}
    return {gas: None if value is None else int(value.scaleb(FACTOR_SCALE)) for gas, value in given.items()}


@functools.lru_cache(maxsize=1024)
def _multipliers(symbols: tuple[str, ...], target: str) -> tuple[Fraction, ...]:
    """From each of these units to the factor's; pieces are made of factors of the units' own dimension."""
    to = find_unit(target)
    found = []
    for symbol in symbols:
        unit = find_unit(symbol)
        multiplier = None if unit is None or to is None else conversion(unit, to)
        if multiplier is None:
            raise Misuse("the unit does not convert", where=f"emission factors in {target}", value=symbol)
        found.append(multiplier)
    return tuple(found)


def spelling_table() -> pa.Table:
    """Every spelling of every unit with the unit's symbol, as the timeline names units."""
    return pa.table({"spelling": list(SPELLINGS), "symbol": [unit.symbol for unit in SPELLINGS.values()]})


def quantity_limit(multiplier: Fraction, largest: int) -> Decimal:
    """The greatest quantity whose converted quantity and whose figures fit decimal(18,6).

    One comparison with it, before anything is multiplied, keeps every later step within 64 bits.
    largest: the greatest of the factor's figures per unit, in units of 10^-10.
    """
    converted = 10**DIGITS - 1
    if largest:
        converted = min(converted, (10**DIGITS - 1) * 10**FACTOR_SCALE // largest)
    # One less than the greatest: rounding the converted quantity may add one in its last place.
    units = (converted - 1) * multiplier.denominator // multiplier.numerator
    return Decimal(max(0, min(units, 10**DIGITS - 1))).scaleb(-6)


def _check(factor: Mapping[str, Any]) -> None:
    """The contract checks these too; a timeline made of anything else would be wrong without a word."""
    where = f"emission factor {factor['factor_id']}"
    if factor["co2e_kg_per_unit"] is None:
        raise Misuse("the factor has no co2e_kg_per_unit", where=where, valid="a number", remedy="Complete the factor.")
    below = [gas for gas in GASES if (factor[f"{gas}_kg_per_unit"] or 0) < 0]
    if below:
        raise Misuse(
            f"the factor's {below[0]}_kg_per_unit is negative",
            where=where,
            value=factor[f"{below[0]}_kg_per_unit"],
            valid="0 or more",
            remedy="Removals are not emissions: keep them apart.",
        )
    first, last = factor["valid_from"], factor["valid_to"]
    if first is not None and last is not None and first >= last:
        raise Misuse(
            "the factor's validity ends before it begins",
            where=where,
            value=f"{first} to {last}",
            valid="valid_from before valid_to (the first day on which it no longer holds)",
            remedy="Correct the factor's dates.",
        )
