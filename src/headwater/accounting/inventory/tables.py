"""What the lines are joined with, worked out before any activity is multiplied: demands, pieces of time, factors, sets.

A demand is a kind of activity: activity type, region, unit. Activities by the million have demands by the thousand, so
the policy is asked for each demand once, and the answers are joined.

    demands   activity_type, region, unit → demand_no
    pieces    demand_no, days, stage, method → outcome, factor_no, multiplier, limit
    factors   factor_no → what stands on a line, figures per unit in whole numbers
    sets      factor_no → gwp_set, basis, potentials
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.accounting.inventory.figures import OUTSIDE, FactorFigures, figures_of, split
from headwater.accounting.inventory.lines import SCOPE_2_METHODS, TIERS, UPSTREAM
from headwater.accounting.inventory.policy import DIRECT, USE, Choice, Policy, Wanted
from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.timeline import NO_QUANTITY, fits, quantity_limit
from headwater.accounting.units import find_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.accounting.inventory.document import Inventory

LOCATION, MARKET = SCOPE_2_METHODS
ANY_METHOD = (*DIRECT, *SCOPE_2_METHODS)
GRID_SAID = "grid average: no instrument, residual mix or market-based factor"
_GASES = ("co2e", "co2", "ch4", "n2o", "gas", "biogenic")
_OF_CO2E = ("ch4", "n2o")
"""Gases whose mass may come from their CO2e, and then needs more than 64 bits."""


def _schema(columns: Iterable[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema(list(columns))


DEMANDS = _schema(
    [("demand_no", pa.int32()), ("activity_type", pa.string()), ("region", pa.string()), ("unit", pa.string())]
)
PIECES = _schema(
    [
        ("piece_no", pa.int32()),
        ("demand_no", pa.int32()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("stage", pa.string()),
        ("method", pa.string()),
        ("tier", pa.string()),
        ("outcome", pa.uint8()),
        ("factor_no", pa.int32()),
        ("numerator", pa.int64()),
        ("denominator", pa.int64()),
        ("is_narrow", pa.bool_()),
        ("quantity_limit", pa.decimal128(18, 6)),
        ("substitutions", pa.string()),
        ("scope", pa.int64()),
        ("category", pa.int64()),
    ]
)
FACTORS = _schema(
    [
        ("factor_no", pa.int32()),
        ("factor_id", pa.string()),
        ("instrument_id", pa.string()),
        ("renewable", pa.bool_()),
        ("factor_source", pa.string()),
        ("factor_unit", pa.string()),
        ("gas", pa.string()),
        ("methane", pa.string()),
        ("factor_uncertainty_percent", pa.decimal128(9, 4)),
        ("factor_pedigree", pa.string()),
        ("factor_row_hash", pa.string()),
        *((f"{gas}_{part}", pa.int64()) for gas in _GASES for part in ("high", "low")),
        *((f"{gas}_{part}", pa.int64()) for gas in _OF_CO2E for part in ("units", "numerator", "denominator")),
    ]
)
SETS = _schema(
    [
        ("factor_no", pa.int32()),
        ("gwp_set", pa.string()),
        ("basis", pa.string()),
        ("missing_sets", pa.string()),
        ("ch4_potential", pa.int64()),
        ("n2o_potential", pa.int64()),
        ("gas_potential", pa.int64()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class PlacedPiece:
    """A piece of time of one demand and one slot, with what was looked for: `Policy.candidates` explains it."""

    wanted: Wanted
    valid_from: date
    valid_to: date
    method: str | None
    tier: str | None
    choice: Choice
    is_needed: bool


@dataclass(kw_only=True)
class Tables:
    """Filled demand by demand; `as_arrow` gives what SQL joins."""

    document: Inventory
    policy: Policy
    potentials: Mapping[str, Mapping[str, Decimal]]
    uncounted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    factors: list[FactorFigures] = field(default_factory=list)
    pieces: list[PlacedPiece] = field(default_factory=list)
    _demands: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _piece_demands: list[int] = field(default_factory=list)
    _known: dict[int, int] = field(default_factory=dict)

    def add_demands(self, demands: Iterable[tuple[str, str, str]]) -> None:
        """Work out the pieces of kinds of activities: activity type, region, unit."""
        for activity_type, region, unit in demands:
            number = self._demands.setdefault((activity_type, region, unit), len(self._demands))
            for piece in self._of_demand(activity_type, region, unit):
                self._add(number, piece)

    def add_remainder(self, activity_type: str, region: str) -> int:
        """Work out what covers kWh that no instrument does; the piece's demand number."""
        number = len(self._demands)
        self._demands[activity_type, region, f"remainder {number}"] = number
        for piece in self._market(Wanted(activity_type=activity_type, region=region, unit="kWh")):
            self._add(number, piece)
        return number

    def add_instrument(self, instrument: Mapping[str, Any], said: tuple[str, ...] = ()) -> int:
        """An instrument as a piece of its own, per kWh; the piece's demand number. `said` are its substitutions."""
        number = len(self._demands)
        name = f"instrument {number}"
        self._demands[name, instrument["market"], "kWh"] = number
        period, factor = self.document.period, as_factor(instrument)
        called = f"{instrument['kind']} {instrument['instrument_id']}"
        wanted = Wanted(activity_type=called, region=instrument["market"], unit="kWh", methods=(MARKET,))
        done = CalculationOutcome.CALCULATED
        choice = Choice(outcome=done, factor=factor, multiplier=Fraction(1), substitutions=said)
        self._add(
            number,
            PlacedPiece(
                wanted=wanted,
                valid_from=period.start,
                valid_to=period.end,
                method=MARKET,
                tier=instrument["kind"],
                choice=choice,
                is_needed=True,
            ),
        )
        return number

    def scope_of(self, piece: PlacedPiece) -> tuple[int | None, int | None]:
        """Scope and category of a piece's figures: as the document says for the activity type, else as the factor does.

        Upstream is scope 3, and category 3 where nobody says another.
        """
        factor, stage = piece.choice.factor, piece.wanted.stage
        if factor is None or stage == OUTSIDE:
            return None, None
        stated = self.document.categories.get(piece.wanted.activity_type)
        if stated is not None:
            return 3, stated
        return (3, factor["category"] or 3) if stage in UPSTREAM else (factor["scope"], factor["category"])

    def is_covered(self, activity_type: str, region: str, unit: str) -> bool:
        """Whether instruments may cover such activities: then their market-based figure is made of parts."""
        instruments, known = self.document.instruments, find_unit(unit)
        return (
            instruments.use
            and MARKET in self.document.methods
            and activity_type in instruments.types
            and known is not None
            and known.dimension == "energy"
            and self._has_both(activity_type, region)
        )

    def _has_both(self, activity_type: str, region: str) -> bool:
        """Whether both methods apply. What the document counts in scope 3 has one figure, by the grid's average."""
        return self.policy.is_scope_2(activity_type, region) and activity_type not in self.document.categories

    def pieces_of(self, activity_type: str, region: str, unit: str) -> list[PlacedPiece]:
        """The pieces of a kind of activity that was added."""
        return self.pieces_numbered(self._demands.get((activity_type, region, unit), -1))

    def pieces_numbered(self, demand_no: int) -> list[PlacedPiece]:
        """The pieces of a demand by its number."""
        return [piece for piece, number in zip(self.pieces, self._piece_demands, strict=True) if number == demand_no]

    def add_factor(self, factor: Mapping[str, Any]) -> int:
        """The number of a factor, or of an instrument as one; the same each time."""
        if id(factor) not in self._known:
            declared = self.document.ch4_origin.default
            figures = figures_of(
                factor,
                self.document.gwp_sets,
                self.potentials,
                ch4_origin=None if declared == "none" else declared,
            )
            self._known[id(factor)] = len(self.factors)
            self.factors.append(figures)
        return self._known[id(factor)]

    def _of_demand(self, activity_type: str, region: str, unit: str) -> Iterable[PlacedPiece]:
        """Every slot of a kind of activity: its use by each method, upstream, outside the scopes."""
        wanted = Wanted(activity_type=activity_type, region=region, unit=unit)
        is_scope_2, has_both = self.policy.is_scope_2(activity_type, region), self._has_both(activity_type, region)
        used: list[PlacedPiece] = []
        if not is_scope_2:
            used += self._slot(wanted)
        elif LOCATION in self.document.methods or not has_both:
            scope = 2 if has_both else None
            used += self._slot(_with(wanted, methods=(LOCATION,), scope=scope), method=LOCATION)
        if has_both and MARKET in self.document.methods and not self.is_covered(activity_type, region, unit):
            used += self._market(wanted)
        yield from used
        if self.document.factors.upstream:
            for stage in UPSTREAM if is_scope_2 else UPSTREAM[:1]:
                yield from self._slot(_with(wanted, stage=stage, methods=ANY_METHOD), is_needed=False)
        if self.policy.has_stage(activity_type, OUTSIDE):
            for span in self._without_biogenic(used):
                yield from self._slot(_with(wanted, stage=OUTSIDE, methods=ANY_METHOD), is_needed=False, span=span)

    def _without_biogenic(self, used: Iterable[PlacedPiece]) -> Iterable[tuple[date, date]]:
        """The days whose factors of use do not give biogenic CO2 themselves: then one for it stands beside them."""
        start = self.document.period.start
        for first, last in sorted(
            (each.valid_from, each.valid_to)
            for each in used
            if each.choice.factor and each.choice.factor.get("biogenic_co2_kg_per_unit")
        ):
            if start < first:
                yield start, first
            start = max(start, last)
        if start < self.document.period.end:
            yield start, self.document.period.end

    def _slot(
        self, wanted: Wanted, *, method: str | None = None, tier: str | None = None, is_needed: bool = True,
        span: tuple[date, date] | None = None,
    ) -> list[PlacedPiece]:  # fmt: skip
        start, end = span or (self.document.period.start, self.document.period.end)
        return [
            PlacedPiece(
                wanted=wanted, valid_from=piece.valid_from, valid_to=piece.valid_to, method=method, tier=tier,
                choice=piece.choice, is_needed=is_needed,
            )
            for piece in self.policy.pieces(wanted, start, end)
        ]  # fmt: skip

    def _market(self, wanted: Wanted) -> Iterable[PlacedPiece]:
        """Market-based factors of the library; where there is none, the grid's average if the document allows it."""
        for piece in self._slot(_with(wanted, methods=(MARKET,), scope=2), method=MARKET, tier=TIERS[4]):
            known = {CalculationOutcome.CALCULATED, CalculationOutcome.TWO_FACTORS}
            if piece.choice.outcome in known or not self.document.instruments.grid_average:
                yield piece
                continue
            span = (piece.valid_from, piece.valid_to)
            grid = _with(wanted, methods=(LOCATION,), scope=2)
            yield from self._slot(grid, method=MARKET, tier=TIERS[5], span=span)

    def _add(self, demand: int, piece: PlacedPiece) -> None:
        self.pieces.append(piece)
        self._piece_demands.append(demand)

    def as_arrow(self) -> dict[str, pa.Table]:
        """The four tables by name."""
        pieces = [self._piece_row(number) for number in range(len(self.pieces))]
        demands = [
            {"demand_no": number, "activity_type": kind, "region": region, "unit": unit}
            for (kind, region, unit), number in self._demands.items()
        ]
        sets = [
            {
                "factor_no": number,
                "gwp_set": each.gwp_set,
                "basis": each.basis,
                "missing_sets": ";".join(each.missing_sets) or None,
                "ch4_potential": each.ch4,
                "n2o_potential": each.n2o,
                "gas_potential": each.gas,
            }
            for number, figures in enumerate(self.factors)
            for each in figures.sets
        ]
        factors = [_factor_row(number, figures) for number, figures in enumerate(self.factors)]
        made = {"demands": (demands, DEMANDS), "pieces": (pieces, PIECES)}
        made |= {"factors": (factors, FACTORS), "sets": (sets, SETS)}
        return {f"inventory_{name}": _table(rows, schema) for name, (rows, schema) in made.items()}

    def _piece_row(self, number: int) -> dict[str, Any]:
        piece = self.pieces[number]
        choice = piece.choice
        row: dict[str, Any] = {
            "piece_no": number,
            "demand_no": self._piece_demands[number],
            "valid_from": piece.valid_from,
            "valid_to": piece.valid_to,
            "stage": piece.wanted.stage,
            "method": piece.method,
            "tier": piece.tier,
            "outcome": choice.outcome,
        }
        if choice.factor is None or choice.multiplier is None:
            return row
        factor_no = self.add_factor(choice.factor)
        figures, multiplier = self.factors[factor_no], choice.multiplier
        limit = limit_of(multiplier, figures)
        is_fit = limit != NO_QUANTITY
        scope, category = self.scope_of(piece)
        return row | {
            "scope": scope,
            "category": category,
            "method": piece.method or choice.factor["method"],
            "factor_no": factor_no,
            "numerator": multiplier.numerator if is_fit else 1,
            "denominator": multiplier.denominator if is_fit else 1,
            "is_narrow": is_fit and is_narrow(limit, multiplier.numerator, multiplier.denominator),
            "quantity_limit": limit,
            "substitutions": "; ".join(said_of(piece, figures)) or None,
        }


def limit_of(multiplier: Fraction, figures: FactorFigures) -> Decimal:
    """The greatest quantity whose figures fit; NO_QUANTITY where the units lie too far apart."""
    return quantity_limit(multiplier, figures.largest) if fits(multiplier) else NO_QUANTITY


def said_of(piece: PlacedPiece, figures: FactorFigures) -> tuple[str, ...]:
    """Everything that was taken in place of what was looked for."""
    grid = (GRID_SAID,) if piece.tier == TIERS[5] else ()
    return (*grid, *piece.choice.substitutions, *figures.said)


def is_narrow(limit: Decimal, numerator: int, denominator: int) -> bool:
    """Whether quantities up to the limit are converted within 64 bits."""
    largest = 2**63 - 1
    units = int(max(limit, Decimal(0)).scaleb(6))
    return units * 2 * numerator + denominator <= largest and denominator <= largest // 2


def as_factor(instrument: Mapping[str, Any]) -> dict[str, Any]:
    """An instrument in the form of a factor per kWh of scope 2."""
    masses = {f"{gas}_kg_per_unit": instrument[f"{gas}_kg_per_kwh"] for gas in ("co2e", "co2", "ch4", "n2o")}
    same = {name: instrument[name] for name in ("instrument_id", "renewable", "gwp_set", "source", "row_hash")}
    return masses | same | {"unit": "kWh", "scope": 2, "category": None, "method": MARKET, "factor_id": None}


def _with(wanted: Wanted, *, methods: tuple[str, ...], stage: str = USE, scope: int | None = None) -> Wanted:
    return replace(wanted, methods=methods, stage=stage, scope=scope)


def _factor_row(number: int, figures: FactorFigures) -> dict[str, Any]:
    factor = figures.factor
    row: dict[str, Any] = {
        "factor_no": number,
        "factor_id": factor["factor_id"],
        "instrument_id": factor.get("instrument_id"),
        "renewable": factor.get("renewable"),
        "factor_source": factor["source"],
        "factor_unit": factor["unit"],
        "gas": factor.get("gas") if figures.gas else None,
        "methane": figures.methane,
        "factor_uncertainty_percent": factor.get("uncertainty_percent"),
        "factor_pedigree": factor.get("pedigree"),
        "factor_row_hash": factor.get("row_hash"),
    }
    row["co2e_high"], row["co2e_low"] = split(figures.co2e)
    for gas in _GASES[1:]:
        mass = getattr(figures, gas)
        is_plain = mass is None or (mass.numerator, mass.denominator) == (1, 1)
        row[f"{gas}_high"], row[f"{gas}_low"] = split(mass.units if mass is not None and is_plain else None)
        if not is_plain:
            row |= {f"{gas}_{name}": getattr(mass, name) for name in ("units", "numerator", "denominator")}
    return row


def _table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.table(
        {name: pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names},
        schema=schema,
    )
