"""Quantity × unit conversion × factor, exact to the last digit: as SQL over a chunk, and as its Python twin.

    converted_quantity = round half up (quantity × numerator / denominator, 8 places)   decimal(20,8)
    co2e_kg            = round half up (converted_quantity × co2e_kg_per_unit, 9 places)  decimal(24,9)
    co2_kg, ch4_kg, n2o_kg likewise, where the factor gives the gas.

The factor is the one valid on the activity's first day (`period_start`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.outcome import CalculationOutcome
from headwater.accounting.timeline import CONVERTED_SCALE, FIGURE_SCALE, GASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

FORMULA = "quantity_times_factor"
FORMULA_VERSION = "1"
"""Both are part of every chunk's fingerprint: raise the version when the same input gives another figure."""

CALCULATION_COLUMNS = (
    "calculation_outcome",
    "factor_id",
    "method",
    "gwp_set",
    "scope",
    "category",
    "factor_unit",
    "converted_quantity",
    *(f"{gas}_kg" for gas in GASES),
)
"""What `calculation_sql` adds to the relation, in this order."""


def calculation_sql(relation: str, timeline: str = "factor_timeline") -> str:
    """A SELECT of every column of `relation` (alias `activity`) and `CALCULATION_COLUMNS`.

    relation: SQL name with activity_type, region, unit (VARCHAR), period_start (DATE), quantity DECIMAL(18,6).
    timeline: SQL name of the table made by `factor_table`.
    Gives exactly one row for each row of `relation`, whatever is in it, and does not fail on any quantity.
    """
    figures = ",\n  ".join(
        f"CASE WHEN calculation_outcome = 0 THEN CAST(converted_quantity * {gas}_kg_per_unit AS DECIMAL(24,{FIGURE_SCALE})) END AS {gas}_kg"
        for gas in GASES
    )
    per_unit = ", ".join(f"{gas}_kg_per_unit" for gas in GASES)
    return f"""
SELECT * EXCLUDE ({per_unit}),
  {figures}
FROM (
  SELECT * EXCLUDE (numerator, denominator),
    CASE WHEN calculation_outcome = 0 THEN {_converted("quantity")} END AS converted_quantity
  FROM (
    SELECT activity.*,
      CAST(CASE
        WHEN factor.outcome IS NULL THEN CASE WHEN known.region IS NULL THEN 1 ELSE 3 END
        WHEN factor.outcome > 0 THEN factor.outcome
        WHEN activity.quantity BETWEEN 0 AND factor.quantity_limit THEN 0
        ELSE 5 END AS UTINYINT) AS calculation_outcome,
      factor.factor_id, factor.method, factor.gwp_set, factor.scope, factor.category, factor.factor_unit,
      factor.numerator, factor.denominator, {", ".join(f"factor.{gas}_kg_per_unit" for gas in GASES)}
    FROM {relation} AS activity
    LEFT JOIN {timeline} AS factor
      ON factor.activity_type = activity.activity_type AND factor.region = activity.region AND factor.unit = activity.unit
      AND factor.valid_from <= activity.period_start AND activity.period_start < factor.valid_to
    LEFT JOIN (SELECT DISTINCT activity_type, region FROM {timeline}) AS known
      ON known.activity_type = activity.activity_type AND known.region = activity.region
  )
)"""  # noqa: S608  (names given by the pipeline, never by a user)


def _converted(quantity: str) -> str:
    """In whole numbers: the quantity has 6 places, the result 8, and adding half before dividing rounds half up.

    At most 10^18 × 10^16 × 2 × 10^2, far below the 1.7 × 10^38 of a HUGEINT.
    """
    units = f"CAST(CAST({quantity} AS DECIMAL(25,6)) * CAST('1000000' AS DECIMAL(7,0)) AS HUGEINT)"
    places = 10 ** (CONVERTED_SCALE - 6)
    rounded = f"({units} * CAST({2 * places} AS HUGEINT) * numerator + denominator) // (CAST(2 AS HUGEINT) * denominator)"
    return f"CAST(CAST({rounded} AS DECIMAL(20,0)) * CAST('0.00000001' AS DECIMAL(8,8)) AS DECIMAL(20,{CONVERTED_SCALE}))"


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
        return (
            f"{_short(self.quantity)} {self.unit} = {_short(self.converted_quantity)} {self.factor_unit}; "
            f"{_short(self.converted_quantity)} {self.factor_unit} × {_short(self.per_unit[0])} kg CO2e/{self.factor_unit} "
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
    found = [
        piece
        for piece in own
        if piece["unit"] == activity["unit"] and day is not None and piece["unit"] is not None and piece["valid_from"] <= day < piece["valid_to"]
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
    """8 places × 10 places, kept at 9."""
    return _decimal(half_up(converted * int(factor.scaleb(10)), 10 ** (CONVERTED_SCALE + 10 - FIGURE_SCALE)), FIGURE_SCALE)


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
