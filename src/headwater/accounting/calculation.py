"""Quantity × unit conversion × factor, exact to the last digit, for one activity: the twin of `calculation_sql`.

    converted_quantity = round half up (quantity × numerator / denominator, 6 places)    decimal(18,6)
    co2e_kg            = round half up (converted_quantity × co2e_kg_per_unit, 6 places)  decimal(18,6)
    co2_kg, ch4_kg, n2o_kg likewise, where the factor gives the gas.

The factor is the one valid on the activity's first day (`period_start`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.timeline import CONVERTED_SCALE, FIGURE_SCALE, GASES
from headwater.accounting.units import SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

FORMULA = "quantity_times_factor"
FORMULA_VERSION = "2"
"""Both are part of every chunk's fingerprint: raise the version when the same input gives another figure."""


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """One activity calculated; the fields are `CALCULATION_COLUMNS`, with the numbers that led to them."""

    outcome: CalculationOutcome
    quantity: Decimal | None = None
    unit: str | None = None
    factor_id: str | None = None
    method: str | None = None
    gwp_set: str | None = None
    scope: int | None = None
    category: int | None = None
    factor_unit: str | None = None
    converted_quantity: Decimal | None = None
    per_unit: tuple[Decimal | None, ...] = ()
    figures: tuple[Decimal | None, ...] = (None,) * len(GASES)

    def formula(self) -> str:
        """The figure with its numbers, as a person would write it."""
        if self.outcome is not CalculationOutcome.CALCULATED:
            return f"not calculated: {self.outcome.name.lower().replace('_', ' ')}"
        counted, converted = (
            f"{_short(self.quantity)} {self.unit}",
            f"{_short(self.converted_quantity)} {self.factor_unit}",
        )
        first = f"{counted} = {converted}; " if counted != converted else ""
        return (
            f"{first}{converted} × {_short(self.per_unit[0])} kg CO2e/{self.factor_unit} "
            f"= {_short(self.figures[0])} kg CO2e ({self.gwp_set})"
        )


def calculate(
    activity: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]], *, pair_known: bool | None = None
) -> Calculation:
    """The twin of `calculation_sql` for one activity.

    activity: activity_type, region, unit, period_start, quantity.
    pieces: rows of the timeline, at least those of the activity's type and region.
    pair_known: whether any factor has this type and region; found in `pieces` when not given.
    """
    wanted = (activity["activity_type"], activity["region"])
    own = [piece for piece in pieces if (piece["activity_type"], piece["region"]) == wanted]
    day: date | None = activity["period_start"]
    unit = SPELLINGS.get(activity["unit"])
    found = [
        piece
        for piece in own
        if unit is not None
        and piece["unit"] == unit.symbol
        and day is not None
        and piece["valid_from"] <= day < piece["valid_to"]
    ]
    if not found:
        known = bool(own) if pair_known is None else pair_known
        return Calculation(outcome=CalculationOutcome.UNIT_MISMATCH if known else CalculationOutcome.NO_FACTOR)
    return apply_piece(found[0], activity["quantity"], activity["unit"])


def apply_piece(piece: Mapping[str, Any], quantity: Decimal | None, unit: str) -> Calculation:
    """Calculate one quantity with one row of the timeline."""
    if piece["outcome"] != CalculationOutcome.CALCULATED:
        return Calculation(outcome=CalculationOutcome(piece["outcome"]))
    names = {name: piece[name] for name in ("factor_id", "method", "gwp_set", "scope", "category", "factor_unit")}
    if quantity is None or not 0 <= quantity <= piece["quantity_limit"]:
        return Calculation(outcome=CalculationOutcome.OUT_OF_RANGE, quantity=quantity, unit=unit, **names)
    units = int(quantity.scaleb(6))
    converted = half_up(units * 10 ** (CONVERTED_SCALE - 6) * piece["numerator"], piece["denominator"])
    per_unit = tuple(piece[f"{gas}_kg_per_unit"] for gas in GASES)
    return Calculation(
        outcome=CalculationOutcome.CALCULATED,
        quantity=quantity,
        unit=unit,
        **names,
        converted_quantity=_decimal(converted, CONVERTED_SCALE),
        per_unit=per_unit,
        figures=tuple(None if factor is None else _figure(converted, factor) for factor in per_unit),
    )


def half_up(dividend: int, divisor: int) -> int:
    """Divide and round half away from zero, in whole numbers; the divisor is positive."""
    rounded = (2 * abs(dividend) + divisor) // (2 * divisor)
    return rounded if dividend >= 0 else -rounded


def _figure(converted: int, factor: Decimal) -> Decimal:
    """6 places × 10 places, kept at 6."""
    return _decimal(
        half_up(converted * int(factor.scaleb(10)), 10 ** (CONVERTED_SCALE + 10 - FIGURE_SCALE)), FIGURE_SCALE
    )


def _decimal(units: int, scale: int) -> Decimal:
    """A decimal from its digits, free of the context's precision."""
    digits = tuple(int(digit) for digit in str(abs(units)))
    return Decimal((int(units < 0), digits, -scale))


def _short(number: Decimal | None) -> str:
    """Without trailing zeros, never with an exponent."""
    if number is None:
        return "?"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
